"""How arrays, and a dictionary, are kept in a file: safetensors or npz, never pickle."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import safetensors.numpy
from safetensors import safe_open

from sparsecode import constraints
from sparsecode._files import write_atomically

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


def save(path, atoms, offset, constraint):
    """Write the parts of a dictionary to `path`, in the format its suffix names."""
    arrays = {"atoms": atoms}
    if offset is not None:
        arrays["offset"] = offset
    header = {"version": "1", "constraint": json.dumps(describe(constraint))}
    write_arrays(path, arrays, header, format=_FORMAT)


def load(path):
    """Read the parts (atoms, offset, constraint) that `save` wrote to `path`."""

    def build(arrays, header):
        return arrays["atoms"], arrays.get("offset"), rebuild(json.loads(header["constraint"]))

    return read_arrays(path, build, format=_FORMAT, wrong_contents=not_a_dictionary)


def write_arrays(path, arrays, header, *, format):
    """Write arrays by name and a header of strings to `path`, whole or not at all."""
    write = _by_suffix(path, _write_safetensors, _write_npz)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with write_atomically(path) as temporary:
        write(temporary, arrays, {"format": format, **header})


def read_arrays(path, build, *, format, wrong_contents):
    """Return ``build(arrays, header)`` of what `write_arrays` wrote in this format.

    `wrong_contents` words the error about a file that is something else.
    """
    read = _by_suffix(path, _read_safetensors, _read_npz)
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file. Give the path of a file that was saved.")
    try:
        arrays, header = read(path)
        if header["format"] != format:
            raise KeyError(header["format"])
        return build(arrays, header)
    except Exception as error:  # A damaged or hostile file can make a reader raise anything.
        raise wrong_contents(path, error) from error


def not_a_dictionary(path, error):
    """The error for a file whose contents are not a saved dictionary."""
    return ValueError(
        f"{path} is not a saved dictionary ({type(error).__name__}: {error}). "
        "Give a file that Dictionary.save wrote."
    )


def _by_suffix(path, safetensors_choice, npz_choice):
    suffix = pathlib.Path(path).suffix
    if suffix == ".safetensors":
        return safetensors_choice
    if suffix == ".npz":
        return npz_choice
    raise ValueError(
        f"{path} has the suffix {suffix!r}; expected '.safetensors' or '.npz'. "
        "Choose a path that ends with one of them."
    )


def describe(constraint):
    """Return a constraint as names that JSON can hold."""
    if type(constraint) not in _CONSTRAINTS.values():
        raise TypeError(
            f"{constraint!r} cannot be saved; expected one of {', '.join(_CONSTRAINTS)}. "
            "Save Dictionary(dictionary.atoms, dictionary.offset) instead."
        )
    description = {"name": type(constraint).__name__}
    if isinstance(constraint, constraints.NonNegative):
        description["norm"] = describe(constraint.norm)
    return description


def rebuild(description):
    """Return the constraint that `describe` described."""
    norm = description.get("norm")
    arguments = {} if norm is None else {"norm": rebuild(norm)}
    return _CONSTRAINTS[description["name"]](**arguments)


def _write_safetensors(path, arrays, header):
    # One key: several are written in a random order, and equal files should be equal.
    safetensors.numpy.save_file(arrays, path, metadata={"sparsecode": json.dumps(header)})


def _read_safetensors(path):
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, json.loads(file.metadata()["sparsecode"])


def _write_npz(path, arrays, header):
    np.savez(path, header=np.array(json.dumps(header)), **arrays)


def _read_npz(path):
    # Opened here, because NumPy leaves a damaged file open.
    with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, json.loads(str(arrays.pop("header")))
