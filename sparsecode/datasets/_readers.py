"""One function for each kind of image file; each returns a list of (name, array of one image)."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.io
from PIL import Image, ImageOps, UnidentifiedImageError

from ._image import split_stack

MATLAB_NAMES = ("IMAGES", "IMAGESr")  # whitened and raw, as Olshausen and Field distribute them
_NUMPY_NAMES = ("images", "IMAGES")
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_file(path):
    """Read the images of a file by its suffix; anything but NumPy and MATLAB goes to Pillow."""
    readers = {".npy": _read_numpy, ".npz": _read_numpy, ".mat": _read_matlab}
    reader = readers.get(path.suffix.lower(), _read_picture)
    try:
        return reader(path)
    except _Refused as error:
        raise ValueError(str(error)) from error.__cause__
    except Exception as error:
        # Decoders meet damaged files with exceptions of every kind, SyntaxError included.
        if isinstance(error, OSError) and error.errno is not None:
            raise cannot_read(path, error) from error
        detail = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"{path} is damaged or is not what its name says ({detail or type(error).__name__}). "
            "Replace it or leave it out."
        ) from error


def cannot_read(path, error):
    """Word an error of the operating system."""
    return type(error)(
        f"{path} cannot be read: {error.strerror}. Check its name and its permissions."
    )


class _Refused(Exception):
    """A file that could be read but is refused; told apart from the errors of a decoder."""


def _read_picture(path):
    too_large = (
        f"{path} has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels. "
        "Cut or shrink it first."
    )
    with warnings.catch_warnings():
        # Half the size that Pillow refuses is only large, which is fine here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(path) as picture:
                n_frames = getattr(picture, "n_frames", 1)
                # MPO is a photograph with a preview of itself.
                if n_frames > 1 and picture.format != "MPO":
                    raise _Refused(
                        f"{path} holds {n_frames} pictures. Save each in its own file, or all of "
                        "them as an .npy stack."
                    )
                return [(str(path), _pixels(picture))]
        except UnidentifiedImageError as error:
            raise _Refused(
                f"{path} is not an image that Pillow can read. Give image files, a folder of "
                "them, or an .npy, .npz or .mat file."
            ) from error
        except Image.DecompressionBombError as error:
            raise _Refused(too_large) from error


def _pixels(picture):
    """Return the pixels, upright, as grey or RGB, 8-bit where Pillow has no more."""
    widened = picture.format in ("PNG", "PPM")  # 16 bits, read as 32
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):
        return np.asarray(picture)
    if picture.mode in ("I", "F"):
        pixels = np.asarray(picture)
        return pixels.astype(np.uint16) if widened else pixels
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture).convert("RGB")
    elif picture.mode not in ("1", "L", "RGB"):
        picture = picture.convert("RGB")
    return np.asarray(picture)


def _read_numpy(path):
    # Opened here, because numpy.load leaves a damaged archive open.
    with open(path, "rb") as file:
        try:
            content = np.load(file, allow_pickle=False)
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise _Refused(
                f"{path} holds Python objects or is not a NumPy file; such files are never "
                "loaded. Save a numeric array with numpy.save."
            ) from error
        if isinstance(content, np.ndarray):
            return _name_images(str(path), content)
        names = [name for name in _NUMPY_NAMES if name in content.files] or content.files
        if not names:
            raise _Refused(f"{path} holds no array. Save a stack of images with numpy.savez.")
        return [
            named
            for name in names
            for named in _name_images(f"{path}, array {name},", content[name])
        ]


def _read_matlab(path):
    with open(path, "rb") as file:
        head = file.read(520)
    is_hdf5 = _HDF5_SIGNATURE in (head[:8], head[512:])
    stack = _load_hdf5(path) if is_hdf5 else _load_matlab_5(path)
    if stack.ndim not in (2, 3):
        raise _Refused(
            f"{path} has IMAGES of shape {stack.shape}; expected (rows, columns, n_images). "
            "Reshape it in MATLAB."
        )
    images = [stack] if stack.ndim == 2 else np.moveaxis(stack, 2, 0)
    return _name_stack(str(path), list(images))


def _load_matlab_5(path):
    held = [name for name, _, _ in scipy.io.whosmat(path)]
    name = _matlab_name(path, held)
    return np.asarray(scipy.io.loadmat(path, variable_names=[name])[name])


def _load_hdf5(path):
    try:
        import h5py
    except ImportError as error:
        raise _Refused(
            f"{path} is a MATLAB 7.3 file, which needs h5py. Run `pip install "
            "sparsecode[matlab]`, or save it in MATLAB with the option -v7."
        ) from error
    with h5py.File(path, "r") as file:
        held = [name for name in file if isinstance(file[name], h5py.Dataset)]
        # MATLAB counts the first axis fastest, HDF5 the last: the axes arrive reversed.
        return np.asarray(file[_matlab_name(path, held)][()]).T


def _matlab_name(path, held):
    for name in MATLAB_NAMES:
        if name in held:
            return name
    raise _Refused(
        f"{path} holds no array IMAGES; it holds {', '.join(sorted(held)) or 'no array'}. "
        "Save the images in MATLAB as IMAGES, of shape (rows, columns, n_images)."
    )


def _name_images(name, array):
    try:
        images = split_stack(array, name)
    except ValueError as error:
        raise _Refused(str(error)) from None
    return _name_stack(name, images)


def _name_stack(name, images):
    if len(images) == 1:
        return [(name, images[0])]
    name = name.rstrip(",")
    return [(f"{name}, image {i} of {len(images)},", image) for i, image in enumerate(images, 1)]
