"""Files of named arrays and a header of texts: safetensors or npz, never pickle."""

from __future__ import annotations

import errno
import json
import pathlib

import numpy as np

from sparsecode._atomic_files import write_atomically
from sparsecode._reading.archive import open_archive, read_npz_member, read_npz_members
from sparsecode._reading.refusal import Refused, TooLarge
from sparsecode._reading.regular import check_max_bytes
from sparsecode._reading.tensors import ANYTHING, read_tensors
from sparsecode._tensor_files import write_tensors


def write_arrays(path, arrays, header, *, format):
    """Write arrays by name and a header of strings to `path`, whole or not at all."""
    write = _by_suffix(path, _write_safetensors, _write_npz)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with write_atomically(path) as temporary:
        write(temporary, arrays, {"format": format, **header})


def read_arrays(path, build, *, format, wrong_contents, max_bytes=None):
    """Return ``build(arrays, header)`` of what `write_arrays` wrote in this format.

    `wrong_contents` makes the error about wrong contents, from a path and a reason.
    """
    read = _by_suffix(path, _read_safetensors, _read_npz)
    check_max_bytes(max_bytes)
    path = pathlib.Path(path)
    arrays, header = _read(read, path, wrong_contents, max_bytes)
    try:
        if part(header, "format") != format:
            raise Refused(f"its format is {str(header['format'])[:80]!r}")
        return build(arrays, header)
    except (ValueError, TypeError) as error:
        # Errors of the checks of constructors are kept.
        raise wrong_contents(path, str(error)) from error
    except (KeyError, IndexError, AttributeError, ArithmeticError) as error:
        raise wrong_contents(path, "its parts do not fit each other") from error


def _read(read, path, wrong_contents, max_bytes):
    try:
        return read(path, max_bytes)
    except TooLarge:
        raise
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such file. Give the path of a file that was saved."
        ) from None
    except MemoryError as error:
        raise MemoryError(
            f"{path} needs more memory than is available. Free some memory."
        ) from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):
            # A damaged archive makes the zip library look for places that no file has.
            raise wrong_contents(path, "it is damaged") from error
        raise type(error)(
            f"{path} cannot be read: {error.strerror}. Check its name and its permissions."
        ) from error
    except Refused as error:
        raise wrong_contents(path, str(error)) from error
    except Exception as error:  # A damaged or hostile file can make a reader raise anything.
        raise wrong_contents(path, "it is damaged") from error


def part(mapping, name):
    """Return the entry of a name in a file; refuse a file without it."""
    if name not in mapping:
        raise Refused(f"it holds nothing named {name.removesuffix('.npy')!r}")
    return mapping[name]


def parsed(text, kind=dict):
    """Return the value of a JSON text, which must be of this type."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise Refused("its header is not JSON") from None
    if not isinstance(value, kind):
        raise Refused(f"its header holds {str(value)[:80]!r} where an object is expected")
    return value


def ended(reason):
    """Return a reason with exactly one full stop at its end."""
    return f"{reason.rstrip('.')}."


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


def _write_safetensors(path, arrays, header):
    # One key: several are written in a random order, and equal files should be equal.
    write_tensors(path, arrays, {"sparsecode": json.dumps(header)})


def _read_safetensors(path, max_bytes):
    arrays, metadata = read_tensors(path, ANYTHING)
    return arrays, parsed(part(metadata, "sparsecode"))


def _write_npz(path, arrays, header):
    np.savez(path, header=np.array(json.dumps(header)), **arrays)


def _read_npz(path, max_bytes):
    with open_archive(path, max_bytes) as (archive, members):
        header = read_npz_member(path, archive, part(members, "header.npy"), "U")
        del members["header.npy"]
        arrays = read_npz_members(path, archive, members, "fiub", max_bytes)
    return arrays, parsed(str(header))
