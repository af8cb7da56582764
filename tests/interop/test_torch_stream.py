"""Instructions of torch's files: what is admitted gives its value, and nothing is ever run."""

import collections
import contextlib
import os
import pickle

import numpy as np
import pytest
from torch_files import integer, integers, name, program, state_dict, storage, tensor, text

from sparsecode.interop._torch_stream import Name, Storage, StreamError, Tensor, follow

FLOATS = storage("Float", "0", 6)
GOOD = tensor(FLOATS, 0, (2, 3), (3, 1))
# Module and function of what a pickle should never reach.
FORBIDDEN = [
    ("os", "system"),
    ("posix", "system"),
    ("nt", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("__builtin__", "eval"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch._utils", "_rebuild_tensor_v2 os"),
    ("torch._utils _rebuild_tensor_v2", ""),
    ("torch", "_utils._rebuild_tensor_v2"),
    ("torch.jit", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("torch._utils", "_rebuild_wrapper_subclass"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy", "load"),
    ("collections", "OrderedDict.fromkeys"),
    ("functools", "partial"),
    ("operator", "attrgetter"),
    ("codecs", "decode"),
    ("sparsecode.interop._torch_stream", "Tensor"),
    ("torch.nn.modules.linear", "Linear"),
]


class Bomb:
    """Makes a folder when a pickle of it is run."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        255,
        65535,
        -1,
        2**31,
        -(2**70),
        1.5,
        "atoms",
        "é" * 300,
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        [],
        [1],
        [1, [2, "x"]],
        {},
        {"a": 1},
        {"a": {"b": [1.5]}, "c": None, 3: "d"},
        collections.OrderedDict(a=1, b=(2, 3)),
    ],
    ids=str,
)
def test_plain_containers_come_back(value, protocol):
    found = follow(pickle.dumps(value, protocol=protocol))
    assert found == value
    assert type(found) is (dict if isinstance(value, dict) else type(value))


def test_containers_that_hold_themselves_end():
    loop = [1]
    loop.append(loop)
    found = follow(pickle.dumps(loop, protocol=2))
    assert found[1] is found


def test_tensors_are_described():
    found = follow(state_dict({"W": GOOD, "b": tensor(storage("Half", "1", 3), 1, (2,), (1,))}))
    assert found["W"] == Tensor(Storage("torch FloatStorage", "0", 6), 0, (2, 3), (3, 1))
    assert found["b"].start == 1 and found["b"].storage.kind == "torch HalfStorage"


def test_parameters_are_their_tensors():
    hooks = name("collections", "OrderedDict") + b")R"
    body = name("torch._utils", "_rebuild_parameter") + b"(" + GOOD + b"\x89" + hooks + b"tR"
    assert follow(program(body)) == follow(program(GOOD))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "wrap",
    [
        lambda bomb: bomb,
        lambda bomb: [bomb],
        lambda bomb: {"encoder.weight": bomb},
        lambda bomb: {"a": [({"b": bomb},)]},
        lambda bomb: collections.OrderedDict(a=bomb),
    ],
    ids=["itself", "list", "dict", "nested", "ordered"],
)
def test_python_objects_are_refused_and_not_run(tmp_path, wrap, protocol):
    data = pickle.dumps(wrap(Bomb(tmp_path / "boom")), protocol=protocol)
    with pytest.raises(StreamError):
        follow(data)
    assert not (tmp_path / "boom").exists()
    pickle.loads(data)
    assert (tmp_path / "boom").exists(), "the pickle was harmless, so the test proves nothing"


@pytest.mark.parametrize(("module", "attribute"), FORBIDDEN)
@pytest.mark.parametrize("way", ["GLOBAL", "STACK_GLOBAL", "in a list", "as a key"])
def test_other_names_are_refused(module, attribute, way):
    reference = name(module, attribute)
    if way == "STACK_GLOBAL":
        reference = text(module) + text(attribute) + b"\x93"
    if way == "in a list":
        reference = b"](" + reference + b"e"
    if way == "as a key":
        reference = b"}" + reference + integer(1) + b"s"
    with pytest.raises(StreamError, match="it names"):
        follow(program(reference))


@pytest.mark.parametrize("reference", ["os system", "builtins eval"])
def test_names_put_together_from_memory_are_refused(reference):
    module, attribute = reference.split()
    # Remembered, recalled in another order, and joined.
    body = text(attribute) + b"q\x00" + b"0" + text(module) + b"q\x01" + b"0" + b"h\x01h\x00\x93"
    with pytest.raises(StreamError, match="POP"):
        follow(program(body))
    body = b"(" + text(attribute) + b"q\x00" + text(module) + b"q\x01" + b"l" + b"h\x01h\x00\x93"
    with pytest.raises(StreamError, match="LIST"):
        follow(program(body))
    body = text(attribute) + b"q\x00" + text(module) + b"q\x01" + b"h\x01h\x00\x93"
    with pytest.raises(StreamError, match="it names"):
        follow(program(body))


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("INST", b"(ios\nsystem\n"),
        ("OBJ", b"(" + name("collections", "OrderedDict") + b"o"),
        ("NEWOBJ", name("collections", "OrderedDict") + b")\x81"),
        ("NEWOBJ_EX", name("collections", "OrderedDict") + b")}\x92"),
        ("EXT1", b"\x82\x01"),
        ("EXT4", b"\x84\x01\x00\x00\x00"),
        ("PERSID", b"Pstorage\n"),
        ("INT", b"I12\n"),
        ("UNICODE", b"Vos\n"),
        ("STRING", b"S'os'\n"),
        ("BINBYTES", b"B\x01\x00\x00\x00a"),
        ("BYTEARRAY8", b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a"),
        ("NEXT_BUFFER", b"\x97"),
        ("DUP", b"]2"),
        ("PUT", b"]p0\n"),
        ("GET", b"]q\x00g0\n"),
        ("FROZENSET", b"(\x91"),
        ("EMPTY_SET", b"\x8f"),
        ("LONG4", b"\x8b\x01\x00\x00\x00\x01"),
    ],
)
def test_other_instructions_are_refused(code, body):
    with pytest.raises(StreamError, match=f"instruction {code} at byte"):
        follow(program(body))


ORDERED = name("collections", "OrderedDict")
REBUILD = name("torch._utils", "_rebuild_tensor_v2")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"t",
        b"(",
        b"s",
        b"]s",
        b"]a",
        b"(a",
        b"h\x07",
        b"j\xff\xff\xff\xff",
        b"q\x00",
        b"(q\x00",
        b"R",
        b")R",
        b"])R",
        ORDERED + b"]R",
        ORDERED + integers([1]) + b"R",
        ORDERED + b"b",
        ORDERED + b")R]b",
        b"]}b",
        FLOATS[:-2] + b"Q",
        text("storage") + b"Q",
        integers([1, 2]) + b"Q",
        b"(" + text("module") + FLOATS[12:-2] + b"tQ",
        storage("Float", "0", -1),
        storage("ComplexFloat", "0", 4),
        storage("Bool", "0", 4),
        b"("
        + text("storage")
        + text("FloatStorage")
        + text("0")
        + text("cpu")
        + integer(1)
        + b"tQ",
        b"(" + text("storage") + ORDERED + text("0") + text("cpu") + integer(1) + b"tQ",
        REBUILD + b")R",
        tensor(text("0"), 0, (2,), (1,)),
        tensor(GOOD, 0, (2,), (1,)),
        tensor(FLOATS, -1, (2,), (1,)),
        tensor(FLOATS, 0, (-2, -3), (3, 1)),
        tensor(FLOATS, 0, (2, 3), (-3, 1)),
        tensor(FLOATS, 0, (2, 3), (1,)),
        tensor(FLOATS, 0, (2**62,), (1,)),
        tensor(FLOATS, 2**90, (2,), (1,)),
        REBUILD + b"(" + FLOATS + b"\x88" + integers([2]) + integers([1]) + b"\x89)tR",
        REBUILD + b"(" + FLOATS + integer(0) + b"]" + integers([1]) + b"\x89)tR",
        REBUILD + b"(" + FLOATS + integer(0) + b"(\x88t" + integers([1]) + b"\x89)tR",
        b"}" + integers([1]) + integer(1) + b"s",
        b"}(" + text("a") + b"u",
        b"}" + GOOD + integer(1) + b"s",
        integer(1) + integer(2),
    ],
)
def test_nonsense_is_refused(body):
    with pytest.raises(ValueError):
        follow(program(body))


def test_a_nested_key_takes_no_time_to_hash():
    """A tuple of two of a tuple of two, forty times: its hash would take 2**40 steps."""
    body = b")" + b"".join(b"q\x00h\x00\x86" for _ in range(40))
    with pytest.raises(StreamError, match="a tuple as a key"):
        follow(program(b"}" + body + integer(1) + b"s"))
    # Nor are such values compared or printed.
    with pytest.raises(StreamError, match="an object that is not a storage"):
        follow(program(body + b"Q"))
    with pytest.raises(StreamError, match="do not fit"):
        follow(program(ORDERED + body + b"R"))


def test_a_storage_alone_is_only_described():
    assert follow(program(FLOATS)) == Storage("torch FloatStorage", "0", 6)
    assert follow(program(ORDERED)) == Name("collections OrderedDict")


def test_cut_off_anywhere(rng):
    data = state_dict({"W": GOOD, "b": tensor(storage("Double", "1", 3), 0, (3,), (1,))})
    for length in range(len(data)):
        with pytest.raises(ValueError):
            follow(data[:length])


def test_flipped_bits_never_crash(rng):
    data = state_dict({"W": GOOD, "b": tensor(storage("Double", "1", 3), 0, (3,), (1,))})
    for _ in range(2000):
        damaged = bytearray(data)
        for position in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[position] ^= 1 << rng.integers(8)
        with contextlib.suppress(ValueError):
            follow(bytes(damaged))


def test_random_instructions_never_crash(rng):
    codes = np.frombuffer(b"\x80]}()NKJX.qhcRbstuae\x85\x86\x87\x88\x89\x94\x93Q", np.uint8)
    for _ in range(3000):
        with contextlib.suppress(ValueError):
            follow(bytes(rng.choice(codes, rng.integers(1, 40))))
