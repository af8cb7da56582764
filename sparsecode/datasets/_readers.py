"""Image files by their kind; each reader gives pairs of a name and an array of one image."""

from __future__ import annotations

import numpy as np

from sparsecode._extras import MissingExtra, require
from sparsecode._reading.archive import open_archive, read_npz_members
from sparsecode._reading.npy import read_npy
from sparsecode._reading.refusal import Refused, Unknown
from sparsecode._reading.regular import open_regular, size_of

from ._image import split_stack
from ._matlab import read_matlab
from ._raw import raw_advice, read_raw

PICTURE_SUFFIXES = (
    ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif",
    ".tiff", ".webp",
)  # fmt: skip
ARRAY_SUFFIXES = (".npy", ".npz", ".mat")
_NUMPY_NAMES = ("images", "IMAGES")
# Types of the arrays that are read. Whether an array is an image is checked later.
_KINDS = "fiubcUS"


def read_file(path, *, grayscale, dtype, max_bytes, raw=None):
    """Read the images of a file by its suffix; anything but NumPy and MATLAB goes to Pillow.

    Where a layout `raw` is given, files of other suffixes are raw numbers. Pictures are images of
    floats; arrays are as they are in the file.
    """
    suffix = path.suffix.lower()
    reader = _READERS.get(suffix)
    try:
        if reader is not None:
            return reader(path, max_bytes)
        if raw is not None and suffix not in PICTURE_SUFFIXES:
            return read_raw(path, raw)
        image = _read_picture(path, grayscale=grayscale, dtype=dtype, max_bytes=max_bytes)
        return [(str(path), image)]
    except MissingExtra:
        raise
    except Unknown as error:
        advice = "" if suffix in PICTURE_SUFFIXES else f" {raw_advice(path.stat().st_size)}"
        raise ValueError(f"{error}{advice}") from error.__cause__
    except Refused as error:
        raise ValueError(str(error)) from error.__cause__
    except MemoryError as error:
        raise MemoryError(f"{path} needs more memory than is available. Cut it first.") from error
    except Exception as error:
        # Decoders raise exceptions of every kind for damaged files, SyntaxError included.
        if isinstance(error, OSError) and error.errno is not None:
            raise cannot_read(path, error) from error
        worded = isinstance(error, OSError | ValueError | SyntaxError)
        detail = " ".join(str(error).split()).rstrip(".") if worded else ""
        raise ValueError(
            f"{path} is damaged or is not what its name says{f' ({detail})' if detail else ''}. "
            "Replace it or leave it out."
        ) from error


def _read_picture(path, **options):
    require("images", f"{path}, a picture,")
    from ._pictures import read_picture

    return read_picture(path, **options)


def cannot_read(path, error):
    """Word an error of the operating system."""
    return type(error)(
        f"{path} cannot be read: {error.strerror}. Check its name and its permissions."
    )


def _read_numpy(path, max_bytes):
    with open_regular(path) as file:
        magic = file.read(6)
        if magic == b"\x93NUMPY":
            file.seek(0)
            return _name_images(str(path), _numbers(path, file, size_of(file)))
    if magic[:2] != b"PK":
        raise _pickled(path)
    with open_archive(path, max_bytes) as (archive, members):
        held = {name.removesuffix(".npy"): info for name, info in members.items()}
        names = [name for name in _NUMPY_NAMES if name in held] or list(held)
        if not names:
            raise Refused(f"{path} holds no array. Save a stack of images with numpy.savez.")
        held = {name: held[name] for name in names}
        arrays = read_npz_members(path, archive, held, _KINDS, max_bytes)
        return [
            named
            for name, array in arrays.items()
            for named in _name_images(f"{path}, array {name[:80]},", array)
        ]


def _numbers(path, file, size):
    try:
        return read_npy(str(path), file, size, _KINDS)
    except Refused as error:
        if "of type object" in str(error):
            raise _pickled(path) from error
        raise


def _pickled(path):
    return Refused(
        f"{path} holds Python objects or is not a NumPy file; such files are never "
        "loaded. Save a numeric array with numpy.save."
    )


def _read_matlab(path, max_bytes):
    stack = read_matlab(path, max_bytes)
    if stack.ndim not in (2, 3):
        raise Refused(
            f"{path} has IMAGES of shape {stack.shape}; expected (rows, columns, n_images). "
            "Reshape it in MATLAB."
        )
    images = [stack] if stack.ndim == 2 else np.moveaxis(stack, 2, 0)
    return _name_stack(str(path), list(images))


def _name_images(name, array):
    try:
        images = split_stack(array, name)
    except ValueError as error:
        raise Refused(str(error)) from None
    return _name_stack(name, images)


def _name_stack(name, images):
    if len(images) == 1:
        return [(name, images[0])]
    name = name.rstrip(",")
    return [(f"{name}, image {i} of {len(images)},", image) for i, image in enumerate(images, 1)]


_READERS = {".npy": _read_numpy, ".npz": _read_numpy, ".mat": _read_matlab}
