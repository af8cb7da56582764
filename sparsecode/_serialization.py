"""Files of a dictionary: safetensors or npz, never pickle."""

from __future__ import annotations

import json

from sparsecode import constraints
from sparsecode._array_files import ended, parsed, part, read_arrays, write_arrays
from sparsecode._messages import shown
from sparsecode._reading.refusal import Refused

_FORMAT = "sparsecode.Dictionary"
_CONSTRAINTS = {
    cls.__name__: cls
    for cls in (
        constraints.Free,
        constraints.UnitNorm,
        constraints.UnitBall,
        constraints.NonNegative,
    )
}


def save(path, atoms, offset, constraint, **notes):
    """Write the parts of a dictionary to `path`, in the format of its suffix.

    `notes` are objects of JSON that go with it.
    """
    arrays = {"atoms": atoms}
    if offset is not None:
        arrays["offset"] = offset
    header = {"version": "1", "constraint": json.dumps(describe(constraint))}
    header |= {name: json.dumps(note) for name, note in notes.items()}
    write_arrays(path, arrays, header, format=_FORMAT)


def load(path, max_bytes=None):
    """Read the parts (atoms, offset, constraint) that `save` wrote to `path`."""
    return read_arrays(
        path, _flat_parts, format=_FORMAT, wrong_contents=not_a_dictionary, max_bytes=max_bytes
    )


def load_with(path, build, wrong_contents, max_bytes=None):
    """Return ``build(parts, header)`` of what `save` wrote, where `header` holds its notes."""
    return read_arrays(
        path,
        lambda arrays, header: build(_parts(arrays, header), header),
        format=_FORMAT,
        wrong_contents=wrong_contents,
        max_bytes=max_bytes,
    )


def _flat_parts(arrays, header):
    if "sizes" in header:
        raise Refused(
            "its atoms have channels and a support. It is a file of a ConvolutionalDictionary, "
            "which sparsecode.convolutional.ConvolutionalDictionary.load reads."
        )
    return _parts(arrays, header)


def _parts(arrays, header):
    constraint = rebuild(parsed(part(header, "constraint")))
    return part(arrays, "atoms"), arrays.get("offset"), constraint


def not_a_dictionary(path, reason):
    """The error for a file whose contents are not a saved dictionary."""
    return ValueError(
        f"{path} is not a saved dictionary: {ended(reason)} Give a file that Dictionary.save wrote."
    )


def describe(constraint):
    """Return a constraint as names that JSON can hold."""
    if type(constraint) not in _CONSTRAINTS.values():
        raise TypeError(
            f"{shown(constraint)} cannot be saved; expected one of {', '.join(_CONSTRAINTS)}. "
            "Save Dictionary(dictionary.atoms, dictionary.offset) instead."
        )
    description = {"name": type(constraint).__name__}
    if isinstance(constraint, constraints.NonNegative):
        description["norm"] = describe(constraint.norm)
    return description


def rebuild(description):
    """Return the constraint that `describe` described."""
    name = description.get("name") if isinstance(description, dict) else None
    if not isinstance(name, str) or name not in _CONSTRAINTS:
        raise Refused(f"its constraint is {str(name)[:80]!r}; expected {' or '.join(_CONSTRAINTS)}")
    if set(description) - {"name", "norm"} or ("norm" in description and name != "NonNegative"):
        raise Refused(f"its constraint {name} has unknown settings")
    norm = description.get("norm")
    return _CONSTRAINTS[name](**({} if norm is None else {"norm": rebuild(norm)}))
