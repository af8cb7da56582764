"""Interpreter of the pickle instructions of a torch file, for tensors and plain containers.

A pickle is a program for a stack machine, and Python's unpickler calls any function that it names.
This interpreter cannot import or call anything. Names stay names; only the four functions that
rebuild tensors, ordered dicts and devices are imitated here. Every other instruction or name is
refused.
"""

from __future__ import annotations

import dataclasses
import pickletools
from typing import Any

KINDS = {
    "torch DoubleStorage": "<f8",
    "torch FloatStorage": "<f4",
    "torch HalfStorage": "<f2",
    "torch BFloat16Storage": "bfloat16",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "<i1",
    "torch ByteStorage": "<u1",
}
_ORDERED_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
# Names that settings beside the tensors may contain: dtypes, and the device of training.
_TYPES = {f"torch {name}" for name in ("float64", "float32", "float16", "bfloat16")}
_DEVICE = "torch device"
_NAMES = {_ORDERED_DICT, _TENSOR, _PARAMETER, _DEVICE, *KINDS, *_TYPES}
_MARK = object()


class StreamError(ValueError):
    """The instructions are not those of tensors in plain containers."""


@dataclasses.dataclass(frozen=True)
class Name:
    """A class or function that is only named."""

    name: str


@dataclasses.dataclass(frozen=True)
class Storage:
    """Storage of numbers elsewhere in the file: their dtype, their member and their count."""

    kind: str
    key: str
    length: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """View of a storage; offset, shape and strides count entries."""

    storage: Storage
    start: int
    shape: tuple[Any, ...]
    strides: tuple[Any, ...]


def follow(data):
    """Return the value that a stream of instructions builds.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    value : dict, list, tuple, str, int, float, bool, None, Tensor, Storage or Name
        Containers may be nested, also in cycles.

    Raises
    ------
    StreamError
        At the first instruction, name or argument that is not admitted.
    """
    machine = _Machine()
    for code, argument, position in pickletools.genops(data):
        step = _STEPS.get(code.name)
        if step is None:
            raise StreamError(f"it has the instruction {code.name} at byte {position}")
        step(machine, argument)
    value = machine.pop()
    if machine.stack:
        raise StreamError(f"it leaves {len(machine.stack)} values beside its result")
    return value


class _Machine:
    """The stack and the memo; each instruction checks the types of what it takes."""

    def __init__(self):
        self.stack = []
        self.memo = {}

    def push(self, value):
        self.stack.append(value)

    def pop(self, kind=object):
        if not self.stack or self.stack[-1] is _MARK:
            raise StreamError("it reads a value where there is none")
        value = self.stack.pop()
        if kind is not object and type(value) is not kind:
            raise StreamError(
                f"it has a {type(value).__name__} where a {kind.__name__} is expected"
            )
        return value

    def top(self, kind):
        value = self.pop(kind)
        self.stack.append(value)
        return value

    def pop_to_mark(self):
        for i in range(len(self.stack) - 1, -1, -1):
            if self.stack[i] is _MARK:
                values = self.stack[i + 1 :]
                del self.stack[i:]
                return values
        raise StreamError("it needs a mark that was never set")

    def pop_many(self, count):
        return tuple(reversed([self.pop() for _ in range(count)]))

    def name(self, name):
        if name not in _NAMES:
            raise StreamError(f"it names {name[:100].replace(' ', '.')!r}")
        self.push(Name(name))

    def stack_global(self, _):
        name = self.pop(str)
        self.name(f"{self.pop(str)} {name}")

    def put(self, index):
        if not self.stack or self.stack[-1] is _MARK:
            raise StreamError("it stores a value where there is none")
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def get(self, index):
        if index not in self.memo:
            raise StreamError(f"it reads the stored value {index}, which was never stored")
        self.push(self.memo[index])

    def append(self, _):
        value = self.pop()
        self.top(list).append(value)

    def append_all(self, _):
        values = self.pop_to_mark()
        self.top(list).extend(values)

    def set_item(self, _):
        value, key = self.pop(), self.pop()
        self.set_items_of([key, value])

    def set_items(self, _):
        self.set_items_of(self.pop_to_mark())

    def set_items_of(self, values):
        if len(values) % 2:
            raise StreamError("it has a key without a value")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Nested tuples as keys could take forever to hash.
            if type(key) not in (str, int):
                raise StreamError(f"it has a {type(key).__name__} as a key")
            self.top(dict)[key] = value

    def storage(self, _):
        words = self.pop(tuple)
        if len(words) != 5 or type(words[0]) is not str or words[0] != "storage":
            raise StreamError("it refers to an object that is not a storage")
        _, kind, key, _, length = words
        if type(kind) is not Name or kind.name not in KINDS:
            raise StreamError("it refers to a storage of unknown type")
        if type(key) is not str or not _is_size(length):
            raise StreamError("it refers to a storage without a name or length")
        self.push(Storage(kind.name, key, length))

    def call(self, _):
        arguments, function = self.pop(tuple), self.pop(Name)
        self.push(_call(function.name, arguments))

    def build(self, _):
        # An ordered dict of parameters carries versions as attributes; they say nothing here.
        self.pop(dict)
        self.top(dict)


def _call(name, arguments):
    """Return the result of one of the four admitted functions."""
    if name == _ORDERED_DICT and arguments == ():
        return {}
    if name == _DEVICE and 1 <= len(arguments) <= 2 and type(arguments[0]) is str:
        return arguments[0]
    if name == _PARAMETER and len(arguments) == 3 and type(arguments[0]) is Tensor:
        return arguments[0]
    if name == _TENSOR and len(arguments) in (6, 7):
        storage, start, shape, strides = arguments[:4]
        if type(storage) is Storage and _is_size(start) and _are_sizes(shape, strides):
            return Tensor(storage, start, shape, strides)
    raise StreamError(f"it calls {name.replace(' ', '.')} with arguments that do not fit")


def _are_sizes(shape, strides):
    if type(shape) is not tuple or type(strides) is not tuple or len(shape) != len(strides):
        return False
    return all(map(_is_size, shape + strides))


def _is_size(value):
    return type(value) is int and 0 <= value < 2**60


def _push_new(make):
    return lambda machine, argument: machine.push(make())


def _push_argument(machine, argument):
    machine.push(argument)


_STEPS = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "STOP": lambda machine, argument: None,
    "MARK": lambda machine, argument: machine.push(_MARK),
    "NONE": _push_new(lambda: None),
    "NEWTRUE": _push_new(lambda: True),
    "NEWFALSE": _push_new(lambda: False),
    "EMPTY_TUPLE": _push_new(tuple),
    "EMPTY_LIST": _push_new(list),
    "EMPTY_DICT": _push_new(dict),
    "TUPLE": lambda machine, argument: machine.push(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, argument: machine.push(machine.pop_many(1)),
    "TUPLE2": lambda machine, argument: machine.push(machine.pop_many(2)),
    "TUPLE3": lambda machine, argument: machine.push(machine.pop_many(3)),
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.stack_global,
    "BINPERSID": _Machine.storage,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.append_all,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
} | dict.fromkeys(
    ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    _push_argument,
)
