"""Images from files: pictures, folders, NumPy stacks and MATLAB files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._messages import shown
from .._reading.regular import check_max_bytes
from .._validation import check_dtype, check_flag
from .._values import check_instance, check_list
from ._image import (
    check_finite,
    check_image_size,
    check_not_constant,
    check_pair,
    check_pixels,
)
from ._pixels import to_float_image
from ._raw import check_layout
from ._readers import ARRAY_SUFFIXES, PICTURE_SUFFIXES, cannot_read, read_file


def load_images(
    paths: str | os.PathLike[str] | Iterable[Any],
    *,
    grayscale: bool = True,
    min_size: int | tuple[int, int] = 1,
    allow_constant: bool = True,
    dtype: DTypeLike = np.float64,
    max_bytes: int | None = None,
    raw_shape: int | tuple[int, int] | None = None,
    raw_dtype: DTypeLike = "<f4",
) -> list[np.ndarray]:
    """Load images as float arrays.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Each is one of

        * an image file: BMP, GIF, JPEG, JPEG 2000, PNG, PNM, TIFF or WebP;
        * a folder: its pictures, known by their suffix, sorted by name, sub-folders ignored. Where
          there are none, its ``.npy``, ``.npz`` and ``.mat`` files. Where `raw_shape` is given, its
          files of raw numbers;
        * an ``.npy`` or ``.npz`` file with one image, (height, width) or (height, width, 3), or
          a stack of images along the first axis. From an archive, the array ``images`` or
          ``IMAGES`` is read, or every array if there is neither. Pickles are refused;
        * a MATLAB ``.mat`` file with an array ``IMAGES`` (or ``IMAGESr``) of shape (rows, columns,
          n_images), grey. Files of version 7.3 need h5py: ``pip install sparsecode[matlab]``;
        * where `raw_shape` is given, a file of any other suffix with raw numbers and no header: one
          image or several, one after the other, each row by row.
    grayscale : bool, default=True
        Whether to return grey images. A colour image becomes its luma, 0.299 R + 0.587 G + 0.114 B
        (Rec. ITU-R BT.601) of the stored values. If False, return colour images; a grey image is
        repeated in three channels.
    min_size : int or (int, int), default=1
        Smallest height and width of an image, in pixels, such as the size of a patch.
    allow_constant : bool, default=True
        Whether an image may be constant. Set it to False if the images will be whitened: an image
        without contrast is then an error.
    dtype : numpy.float64 or numpy.float32
        dtype of the images.
    max_bytes : int or None, default=None
        Limit of the memory that a file may need, as a small file can claim any amount. A picture
        needs eight bytes a pixel, a compressed file the unpacked size of its arrays. None is 512
        MiB for a picture (128 MiB for a file of a few bytes). For arrays it is 64 MiB, or 20 times
        the size of the file if that is more.
    raw_shape : int, (int, int) or None, default=None
        Height and width of the images in files of raw numbers, in pixels.
    raw_dtype : NumPy dtype, default="<f4"
        Type of their numbers: "<f4" are little-endian floats of 4 bytes, ">f4" big-endian ones,
        ">u2" big-endian 16-bit integers, as in the data set of van Hateren.

    Returns
    -------
    images : list of arrays (height, width) or (height, width, 3)
        8-bit and 16-bit unsigned values are divided by 255 and 65535, into [0, 1]; other values
        are kept. Pictures are turned upright by their EXIF data. Transparent parts are blended with
        white.

    Raises
    ------
    FileNotFoundError, OSError
        If a path does not exist or cannot be read.
    ValueError
        If a file is not an image or is damaged, a folder holds no image, a MATLAB file does not
        hold the array or keeps it in another file, a file needs more than `max_bytes`, or an image
        holds NaN or infinity, has the wrong number of dimensions, or
        fails `min_size` or `allow_constant`, or the bytes of a file of raw numbers do not fit
        `raw_shape` and `raw_dtype`. The message names the file.

    Notes
    -----
    Pillow reads colour pictures of 16 bits a channel with 8 bits.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from sparsecode.datasets import load_images
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "stack.npy"
    >>> np.save(path, np.random.default_rng(0).random((10, 64, 48)))
    >>> images = load_images(path)
    >>> len(images), images[0].shape
    (10, (64, 48))
    """
    min_size = check_pair(min_size, "min_size")
    dtype = check_dtype(dtype)
    grayscale = check_flag(grayscale, "grayscale")
    max_bytes = check_max_bytes(max_bytes)
    allow_constant = check_flag(allow_constant, "allow_constant")
    raw = check_layout(raw_shape, raw_dtype)
    images = []
    for path in _find_files(paths, raw):
        found = read_file(path, grayscale=grayscale, dtype=dtype, max_bytes=max_bytes, raw=raw)
        for name, pixels in found:
            check_pixels(pixels, name)
            check_image_size(pixels, min_size, name, "min_size")
            image = pixels
            # Pictures read by Pillow are images already.
            if pixels.dtype != dtype or not _has_channels(pixels, grayscale):
                image = to_float_image(pixels, grayscale=grayscale, dtype=dtype)
            check_finite(image, pixels, name)
            if not allow_constant:
                check_not_constant(image, name)
            images.append(np.ascontiguousarray(image))
    return images


def _has_channels(pixels, grayscale):
    return pixels.ndim == (2 if grayscale else 3)


def _find_files(paths, raw):
    """Return every file that `paths` stand for."""
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    files = []
    paths = check_list(paths, "paths", "a path, or a list of paths", "Give the files or a folder.")
    for path in paths:
        check_instance(
            path, "an entry of paths", (str, os.PathLike), "a path", "Give the name of a file."
        )
        if not os.fspath(path):
            raise ValueError("A path of an image is empty. Give an image file or a folder.")
        path = Path(path)
        try:
            files += _images_in(path, raw) if path.is_dir() else [_existing(path)]
        except OSError as error:
            if error.strerror is None:  # already worded
                raise
            raise cannot_read(path, error) from error
    if not files:
        raise ValueError("There are no images to load: paths is an empty list. Give some.")
    return files


def _images_in(folder, raw):
    """Files of a folder: of raw numbers if a layout is given, else its pictures, else its arrays.

    A folder of photographs may hold arrays of other things.
    """
    # macOS leaves "._name.jpg" files, which are no images, on other file systems.
    files = [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and path.is_file()
    ]
    kinds = {
        "raw": [path for path in files if raw is not None and _may_be_raw(path, raw)],
        "pictures": [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES],
        "arrays": [path for path in files if path.suffix.lower() in ARRAY_SUFFIXES],
    }
    found = next((paths for paths in kinds.values() if paths), None)
    if found is None:
        names = ", ".join((*PICTURE_SUFFIXES, *ARRAY_SUFFIXES))
        holds = f"it holds {shown([path.name for path in files[:3]])}" if files else "it is empty"
        raise ValueError(
            f"The folder {folder} holds no image file ({names}); {holds}. Give a folder of images, "
            "the files themselves, or the layout of files of raw numbers."
        )
    return found


def _may_be_raw(path, raw):
    known = (*PICTURE_SUFFIXES, *ARRAY_SUFFIXES)
    return path.suffix.lower() not in known and raw.fits(path.stat().st_size)


def _existing(path):
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Check the spelling of the path.")
    if not path.is_file():
        raise ValueError(f"{path} is a device or a pipe. Give an image file or a folder.")
    return path
