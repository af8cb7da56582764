"""Loading images: every kind of file, and one clear line for every bad one."""

import errno
import os
import pickle
import sys
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image

from sparsecode.datasets import load_images

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def bytes_image(rng, *shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def save(array, path, **options):
    Image.fromarray(array).save(path, **options)
    return path


def save_mat73(path, **arrays):
    """Write what MATLAB 7.3 does: HDF5 behind a header of 512 bytes, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array).T
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


class TestPictures:
    def test_grey(self, tmp_path, rng):
        pixels = bytes_image(rng, 5, 7)
        (image,) = load_images(save(pixels, tmp_path / "a.png"))
        assert image.dtype == np.float64
        np.testing.assert_allclose(image, pixels / 255)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_colour(self, tmp_path, rng, dtype):
        pixels = bytes_image(rng, 5, 7, 3)
        path = str(save(pixels, tmp_path / "a.png"))
        (grey,) = load_images([path], dtype=dtype)
        (colour,) = load_images([path], grayscale=False, dtype=dtype)
        assert grey.dtype == colour.dtype == dtype
        np.testing.assert_allclose(colour, pixels / 255, rtol=1e-6)
        np.testing.assert_allclose(grey, pixels @ LUMA / 255, rtol=1e-5)

    def test_grey_is_repeated_where_colour_is_asked(self, tmp_path, rng):
        pixels = bytes_image(rng, 5, 7)
        (image,) = load_images(save(pixels, tmp_path / "a.png"), grayscale=False)
        np.testing.assert_allclose(image, np.dstack([pixels / 255] * 3))

    @pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
    def test_16_bits(self, tmp_path, rng, suffix):
        pixels = rng.integers(0, 65536, (5, 7), dtype=np.uint16)
        pixels[0, 0] = 65535
        (image,) = load_images(save(pixels, tmp_path / f"a.{suffix}"))
        np.testing.assert_allclose(image, pixels / 65535)

    def test_floats_are_kept(self, tmp_path, rng):
        pixels = rng.normal(size=(5, 7)).astype(np.float32)
        (image,) = load_images(save(pixels, tmp_path / "a.tif"))
        np.testing.assert_array_equal(image, pixels)

    def test_one_bit(self, tmp_path):
        (image,) = load_images(save(np.eye(6, dtype=bool), tmp_path / "a.png"))
        np.testing.assert_array_equal(image, np.eye(6))

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_transparency_is_laid_on_white(self, tmp_path, mode):
        picture = Image.new(mode, (4, 2), (0,) * (len(mode) - 1) + (255,))
        picture.putpixel((3, 1), (0,) * len(mode))
        picture.save(tmp_path / "a.png")
        (image,) = load_images(tmp_path / "a.png")
        expected = np.zeros((2, 4))
        expected[1, 3] = 1
        np.testing.assert_allclose(image, expected)

    @pytest.mark.parametrize("transparency", [None, b"\x00"])
    def test_palette(self, tmp_path, transparency):
        picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3), mode="P")
        colours = np.arange(18, dtype=np.uint8).reshape(6, 3) * 10
        picture.putpalette(colours.tobytes())
        options = {} if transparency is None else {"transparency": transparency}
        picture.save(tmp_path / "a.png", **options)
        (image,) = load_images(tmp_path / "a.png", grayscale=False)
        expected = colours.reshape(2, 3, 3) / 255
        if transparency:
            expected[0, 0] = 1
        np.testing.assert_allclose(image, expected)

    def test_cmyk(self, tmp_path):
        Image.new("CMYK", (4, 3), (0, 255, 255, 0)).save(tmp_path / "a.tif")
        (image,) = load_images(tmp_path / "a.tif", grayscale=False)
        np.testing.assert_allclose(image, np.broadcast_to([1.0, 0, 0], (3, 4, 3)), atol=0.02)

    def test_turned_upright(self, tmp_path, rng):
        pixels = bytes_image(rng, 5, 7)
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned a quarter clockwise
        (image,) = load_images(save(pixels, tmp_path / "a.png", exif=exif))
        np.testing.assert_allclose(image, np.rot90(pixels, -1) / 255)

    def test_large_pictures_are_no_warning_and_huge_ones_an_error(self, tmp_path, monkeypatch):
        path = save(np.eye(8, dtype=np.uint8), tmp_path / "a.png")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
        assert len(load_images(path)) == 1
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
        with pytest.raises(ValueError, match=r"has more than 40 pixels. Cut or shrink"):
            load_images(path)


class TestFolders:
    def test_sorted_images_only(self, tmp_path, rng):
        for name in ("b.png", "a.PNG", "c.jpeg"):
            save(bytes_image(rng, 3, ord(name[0]) - 90), tmp_path / name)
        for name in ("notes.txt", "._a.jpg", "x.npy"):
            (tmp_path / name).write_text("not an image")
        (tmp_path / "sub.png").mkdir()
        images = load_images(tmp_path)
        assert [image.shape[1] for image in images] == [7, 8, 9]

    def test_with_other_paths(self, tmp_path, rng):
        (tmp_path / "sub").mkdir()
        save(bytes_image(rng, 3, 4), tmp_path / "sub" / "a.png")
        save(bytes_image(rng, 3, 5), tmp_path / "b.png")
        images = load_images(path for path in (tmp_path / "b.png", tmp_path / "sub"))
        assert [image.shape[1] for image in images] == [5, 4]


class TestNumpy:
    @pytest.mark.parametrize(
        ("shape", "n_images", "one"),
        [
            ((5, 6), 1, (5, 6)),
            ((4, 5, 6), 4, (5, 6)),
            ((5, 6, 3), 1, (5, 6)),
            ((4, 5, 6, 3), 4, (5, 6)),
        ],
    )
    def test_shapes(self, tmp_path, rng, shape, n_images, one):
        stack = rng.normal(size=shape)
        np.save(tmp_path / "a.npy", stack)
        images = load_images(tmp_path / "a.npy")
        assert len(images) == n_images
        assert images[0].shape == one
        expected = stack @ LUMA if shape[-1] == 3 else stack
        np.testing.assert_allclose(np.stack(images), expected.reshape(n_images, *one))

    def test_bytes_are_scaled_and_other_integers_are_not(self, tmp_path):
        np.savez(tmp_path / "a.npz", a=np.full((2, 2), 51, np.uint8), b=np.full((2, 2), 51))
        a, b = load_images(tmp_path / "a.npz")
        assert a[0, 0] == pytest.approx(0.2)
        assert b[0, 0] == 51

    def test_an_archive_with_images_and_labels(self, tmp_path):
        np.savez(tmp_path / "a.npz", labels=np.arange(4), images=np.zeros((4, 2, 2)))
        assert len(load_images(tmp_path / "a.npz")) == 4


@pytest.mark.parametrize("writer", [scipy.io.savemat, save_mat73])
class TestMatlab:
    @staticmethod
    def write(writer, path, **arrays):
        writer(path, arrays) if writer is scipy.io.savemat else writer(path, **arrays)
        return path

    def test_images_are_along_the_last_axis(self, writer, tmp_path, rng):
        stack = rng.normal(size=(5, 7, 3))
        images = load_images(self.write(writer, tmp_path / "a.mat", IMAGES=stack, other=1.0))
        assert len(images) == 3
        for i, image in enumerate(images):
            np.testing.assert_array_equal(image, stack[:, :, i])
            assert image.flags.c_contiguous

    @pytest.mark.parametrize("name", ["IMAGES", "IMAGESr"])
    def test_one_image_and_raw_images(self, writer, name, tmp_path, rng):
        image = bytes_image(rng, 5, 7)
        (loaded,) = load_images(self.write(writer, tmp_path / "a.mat", **{name: image}))
        np.testing.assert_allclose(loaded, image / 255)

    @pytest.mark.parametrize(
        ("arrays", "words"),
        [
            ({"b": np.eye(3), "a": np.eye(3)}, "holds no array IMAGES; it holds a, b. Save"),
            ({"IMAGES": np.zeros((2, 2, 2, 2))}, r"IMAGES of shape \(2, 2, 2, 2\)"),
            ({"IMAGES": np.full((4, 4, 2), np.nan)}, r"a.mat, image 1 of 2, holds NaN"),
            ({"IMAGES": np.eye(4) * 1j}, "expected real numbers"),
        ],
    )
    def test_refuses(self, writer, tmp_path, arrays, words):
        path = self.write(writer, tmp_path / "a.mat", **arrays)
        refuse(path, ValueError, words)


def test_matlab_73_without_h5py(tmp_path, monkeypatch):
    path = save_mat73(tmp_path / "a.mat", IMAGES=np.eye(4))
    monkeypatch.setitem(sys.modules, "h5py", None)
    refuse(path, ValueError, r"pip install \"sparsecode\[matlab\]\"")


def refuse(paths, kind, words, named="a.", **options):
    """One line, of the right kind, that names the file."""
    with pytest.raises(kind, match=words) as caught:
        load_images(paths, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert named in message
    assert type(caught.value) in (ValueError, OSError, FileNotFoundError, PermissionError)


def truncate(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


class TestBadFiles:
    def test_missing(self, tmp_path):
        refuse(tmp_path / "a.png", FileNotFoundError, "does not exist. Check the spelling")

    @pytest.mark.parametrize("name", ["a.png", "a.txt", "a"])
    @pytest.mark.parametrize("content", [b"", b"no image\n" * 99])
    def test_no_image(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        refuse(tmp_path / name, ValueError, "not an image that Pillow can read", named=name)

    @pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.mat"])
    @pytest.mark.parametrize("content", [b"", b"no image\n" * 99])
    def test_no_array(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        refuse(tmp_path / name, ValueError, "is damaged|is not a NumPy file")

    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.bmp", "a.gif", "a.webp"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
    def test_truncated_picture(self, tmp_path, rng, name, share):
        path = truncate(save(bytes_image(rng, 64, 64), tmp_path / name), share)
        refuse(path, ValueError, "is damaged|not an image that Pillow")

    @pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.mat"])
    def test_truncated_array(self, tmp_path, rng, name):
        path, stack = tmp_path / name, rng.random((4, 16, 16))
        if name == "a.mat":
            scipy.io.savemat(path, {"IMAGES": stack})
        else:
            (np.save if name == "a.npy" else np.savez)(path, stack)
        refuse(truncate(path), ValueError, "is damaged")

    def test_truncated_matlab_73(self, tmp_path, rng):
        path = save_mat73(tmp_path / "a.mat", IMAGES=rng.random((16, 16, 4)))
        refuse(truncate(path), ValueError, "is damaged")

    def test_pickle(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
        refuse(tmp_path / "a.npy", ValueError, "holds Python objects .* never loaded")
        (tmp_path / "b.npy").write_bytes(pickle.dumps([1]))
        refuse(tmp_path / "b.npy", ValueError, "never loaded", named="b.npy")

    def test_empty_archive(self, tmp_path):
        zipfile.ZipFile(tmp_path / "a.npz", "w").close()
        refuse(tmp_path / "a.npz", ValueError, "holds no array")

    def test_several_pictures(self, tmp_path, rng):
        frames = [Image.fromarray(bytes_image(rng, 4, 4)) for _ in range(3)]
        frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
        refuse(tmp_path / "a.tif", ValueError, "holds 3 pictures. Save each in its own file")

    def test_folders(self, tmp_path):
        folder = tmp_path / "a.folder"
        folder.mkdir()
        refuse(folder, ValueError, "holds no image file")
        (folder / "notes.txt").write_text("no image")
        refuse(folder, ValueError, "holds no image file")
        (folder / "b.png").write_text("no image")
        refuse(folder, ValueError, "not an image", named="b.png")

    def test_no_paths(self, tmp_path):
        refuse([], ValueError, "paths is an empty list", named="")
        refuse("", ValueError, "path of an image is empty", named="")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
    def test_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "a.png")
        refuse(tmp_path / "a.png", ValueError, "is a device or a pipe")

    @pytest.mark.parametrize("name", ["a.png", "a.npy", "a.mat"])
    def test_no_permission(self, tmp_path, monkeypatch, name):
        def fail(*args, **kwargs):
            raise PermissionError(errno.EACCES, "Permission denied")

        (tmp_path / name).write_bytes(b"")
        monkeypatch.setattr("builtins.open", fail)
        refuse(tmp_path / name, PermissionError, "cannot be read: Permission denied. Check")


class TestBadImages:
    @pytest.mark.parametrize(
        ("array", "words"),
        [
            (np.full((4, 4), np.nan), "a.npy holds NaN or infinity in 16 of 16 values"),
            (np.array([[0, 1], [2, np.inf]]), "a.npy holds NaN or infinity in 1 of 4"),
            (np.stack([np.eye(4), np.full((4, 4), np.nan)]), "a.npy, image 2 of 2, holds NaN"),
            (np.zeros((0, 4, 4)), "a.npy is an empty stack"),
            (np.zeros((2, 0, 4)), "no pixels"),
            (np.zeros(4), r"a.npy has shape \(4,\)"),
            (np.zeros((2, 2, 4, 4)), r"a.npy has shape \(2, 2, 4, 4\)"),
            (np.eye(4) * 1j, "a.npy has dtype complex128"),
            (np.full((2, 2), "a"), "a.npy has dtype <U1"),
        ],
    )
    def test_arrays(self, tmp_path, array, words):
        np.save(tmp_path / "a.npy", array)
        refuse(tmp_path / "a.npy", ValueError, words)

    def test_array_of_an_archive(self, tmp_path):
        np.savez(tmp_path / "a.npz", faces=np.eye(3), labels=np.zeros(3))
        refuse(tmp_path / "a.npz", ValueError, "a.npz, array labels, has shape")

    def test_float_picture_with_nan(self, tmp_path):
        save(np.full((4, 4), np.nan, dtype=np.float32), tmp_path / "a.tif")
        refuse(tmp_path / "a.tif", ValueError, "holds NaN")

    def test_smaller_than_a_patch(self, tmp_path, rng):
        path = save(bytes_image(rng, 12, 11), tmp_path / "a.png")
        refuse(path, ValueError, "12 x 11 pixels, smaller than a patch of 12 x 12", min_size=12)
        assert len(load_images(path, min_size=(12, 11))) == 1

    @pytest.mark.parametrize("colour", [(), (3,)])
    def test_constant_matters_only_where_it_is_whitened(self, tmp_path, colour):
        path = save(np.full((9, 11, *colour), 77, dtype=np.uint8), tmp_path / "a.png")
        assert len(load_images(path)) == 1
        refuse(path, ValueError, "a.png is constant: every pixel is 0.30", allow_constant=False)


class TestRawNumbers:
    @pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", ">u2", "u1"])
    def test_any_type_and_number_of_images(self, tmp_path, rng, dtype):
        stack = rng.integers(0, 250, (3, 4, 6)).astype(dtype)
        path = tmp_path / "stack.raw"
        path.write_bytes(stack.tobytes())
        images = load_images(path, raw_shape=(4, 6), raw_dtype=dtype)
        most = {">u2": 65535, "u1": 255}.get(dtype, 1)
        np.testing.assert_allclose(np.stack(images), stack.astype(float) / most)
        (image,) = load_images(path, raw_shape=(12, 6), raw_dtype=dtype)
        np.testing.assert_array_equal(image, np.concatenate(images))

    def test_pictures_and_arrays_are_still_read_as_such(self, tmp_path, rng):
        picture, array, numbers = (tmp_path / name for name in ("a.png", "b.npy", "c.dat"))
        save(bytes_image(rng, 5, 7), picture)
        np.save(array, rng.random((8, 9)))
        numbers.write_bytes(rng.random((4, 6)).astype("<f4").tobytes())
        (tmp_path / "notes.txt").write_text("not an image")
        images = load_images([picture, array, numbers], raw_shape=(4, 6))
        assert [image.shape for image in images] == [(5, 7), (8, 9), (4, 6)]
        (image,) = load_images(tmp_path, raw_shape=(4, 6))
        assert image.shape == (4, 6)

    def test_sizes_that_do_not_fit(self, tmp_path):
        (tmp_path / "a.raw").write_bytes(bytes(100))
        with pytest.raises(ValueError, match=r"a.raw has 100 bytes; expected a multiple of 96"):
            load_images(tmp_path / "a.raw", raw_shape=(4, 6))
        (tmp_path / "a.raw").write_bytes(b"")
        with pytest.raises(ValueError, match=r"a.raw has 0 bytes"):
            load_images(tmp_path / "a.raw", raw_shape=(4, 6))

    @pytest.mark.parametrize(("right", "wrong"), [(">f4", "<f4"), ("<f8", ">f8")])
    def test_the_wrong_byte_order_is_told(self, tmp_path, rng, right, wrong):
        path = tmp_path / "a.raw"
        path.write_bytes(rng.standard_normal((16, 16)).astype(right).tobytes())
        load_images(path, raw_shape=16, raw_dtype=right)
        with pytest.raises(ValueError, match=f"other byte order. Give the type '{right}'"):
            load_images(path, raw_shape=16, raw_dtype=wrong)

    @pytest.mark.parametrize(
        ("size", "words"),
        [
            (10 * 512 * 512 * 4, "10 images of 512 x 512 numbers of 4 bytes"),
            (300 * 300 * 4, "one image of 300 x 300 numbers of 4 bytes"),
            (1001, "--shape 512x512 --dtype '>f4'"),
        ],
    )
    def test_a_file_that_may_be_raw_is_told_how(self, tmp_path, size, words):
        path = tmp_path / "a.raw"
        path.write_bytes(bytes(size))
        with pytest.raises(ValueError, match="is not an image that Pillow can read") as caught:
            load_images(path)
        assert words in str(caught.value)

    @pytest.mark.parametrize("dtype", ["text", object, "U4", ">f3"])
    def test_types_that_are_no_numbers(self, tmp_path, dtype):
        with pytest.raises(ValueError, match="raw_dtype is "):
            load_images(tmp_path, raw_shape=4, raw_dtype=dtype)


def test_a_folder_of_arrays(tmp_path, rng):
    stack = rng.random((3, 4, 6))
    np.save(tmp_path / "b.npy", stack)
    np.savez(tmp_path / "a.npz", images=stack[:1])
    scipy.io.savemat(tmp_path / "c.mat", {"IMAGES": stack[0]})
    images = load_images(tmp_path)
    np.testing.assert_array_equal(np.stack(images), stack[[0, 0, 1, 2, 0]])
