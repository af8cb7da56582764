"""Image files that lie about their size, lead elsewhere, or would start a program."""

import io
import os
import struct
import tracemalloc
import zipfile
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image, ImageOps

from sparsecode.datasets import load_images


def refuse(path, words, **options):
    with pytest.raises(ValueError, match=words) as caught:
        load_images(path, **options)
    assert str(path) in str(caught.value)


def png(width, height):
    """A file of a few bytes that says that it has so many pixels."""

    def chunk(name, data):
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    header = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed)


def edited(kind, place, width_and_height):
    """A picture of 8 x 8 pixels of which the header says otherwise."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, kind)
    data = bytearray(buffer.getvalue())
    place = data.index(place) + len(place)
    data[place : place + len(width_and_height)] = width_and_height
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", png(12_000, 12_000)),
        ("a.jpg", edited("JPEG", b"\xff\xc0\x00\x0b\x08", struct.pack(">2H", 12_000, 12_000))),
        ("a.gif", edited("GIF", b"GIF87a", struct.pack("<2H", 12_000, 12_000))),
    ],
)
def test_claimed_pixels_are_limited(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    refuse(tmp_path / name, r"12000 x 12000 pixels, .* Raise max_bytes if you trust the file")


def test_a_few_bytes_may_claim_less(tmp_path):
    """17 million pixels would take as long to decode from them as from a large file."""
    path = tmp_path / "a.png"
    path.write_bytes(png(5000, 5000))
    refuse(path, "5000 x 5000 pixels, .* expected at most 134217728")
    path.write_bytes(png(5000, 5000) + bytes(10_000))
    refuse(path, "is damaged")


def test_the_limit_of_pictures_can_be_moved(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    assert load_images(tmp_path / "a.png", max_bytes=4800)[0].shape == (20, 30)
    refuse(tmp_path / "a.png", "expected at most 4799", max_bytes=4799)
    with pytest.raises(ValueError, match="max_bytes is 0"):
        load_images(tmp_path / "a.png", max_bytes=0)


def test_lengths_of_parts_are_limited_by_the_file(tmp_path):
    """Pillow asks for as many bytes as a part of a JPEG 2000 file says that it has."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG2000")
    data = bytearray(buffer.getvalue())
    place = data.index(b"jp2h") - 4
    data[place : place + 4] = struct.pack(">I", 2**31 - 1)
    (tmp_path / "a.jp2").write_bytes(data)
    tracemalloc.start()
    try:
        refuse(tmp_path / "a.jp2", "is damaged")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_postscript_is_not_run(tmp_path, monkeypatch):
    """Pillow would start another program to draw it."""
    monkeypatch.setattr("subprocess.check_call", lambda *args, **kwargs: pytest.fail("started"))
    monkeypatch.setattr("subprocess.Popen", lambda *args, **kwargs: pytest.fail("started"))
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    for name in ("a.png", "a.eps", "a.jpg"):
        (tmp_path / name).write_bytes(content)
        refuse(tmp_path / name, "not an image that Pillow can read")


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("grayscale", [True, False])
def test_every_orientation(tmp_path, orientation, mode, grayscale):
    """As Pillow turns whole pictures."""
    shape = (5, 7) if mode == "L" else (5, 7, 3)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as stored:
        turned = np.asarray(ImageOps.exif_transpose(stored)) / 255
    if grayscale and mode == "RGB":
        turned = turned @ [0.299, 0.587, 0.114]
    elif not grayscale and mode == "L":
        turned = np.dstack([turned] * 3)
    (image,) = load_images(tmp_path / "a.png", grayscale=grayscale)
    assert image.flags.c_contiguous
    np.testing.assert_allclose(image, turned, rtol=1e-14)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16", "F", "CMYK"])
def test_large_pictures_are_read_by_rows(tmp_path, mode):
    """The same as a picture of a few rows, whatever the mode: blocks do not show."""
    size = (3000, 400)
    values = np.arange(np.prod(size), dtype=np.int64).reshape(size[::-1]) * 31 % 251
    picture = Image.fromarray(values.astype(np.uint8))
    if mode in ("I", "I;16", "F"):
        kind = {"I": np.int32, "I;16": np.uint16, "F": np.float32}[mode]
        picture = Image.fromarray(values.astype(kind))
    elif mode != "L":
        picture = picture.convert(mode)
    picture.save(tmp_path / "a.tif")
    (image,) = load_images(tmp_path / "a.tif", grayscale=False)
    for top in (0, 170, 390):
        picture.crop((0, top, 3000, top + 10)).save(tmp_path / "b.tif")
        (rows,) = load_images(tmp_path / "b.tif", grayscale=False)
        np.testing.assert_array_equal(image[top : top + 10], rows)


class TestHDF5:
    @staticmethod
    def refuse(path, write, words):
        with h5py.File(path, "w") as file:
            write(file)
        refuse(path, words)

    def test_values_in_another_file(self, tmp_path):
        secret = tmp_path / "secret"
        secret.write_bytes(bytes(range(64)))
        self.refuse(
            tmp_path / "a.mat",
            lambda f: f.create_dataset("IMAGES", (8, 8), "u1", external=[(str(secret), 0, 64)]),
            "IMAGES as kept in other files; .* other files are never read",
        )

    def test_a_virtual_dataset(self, tmp_path):
        with h5py.File(tmp_path / "other.h5", "w") as file:
            file["x"] = np.ones((8, 8))
        layout = h5py.VirtualLayout((8, 8), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (8, 8))
        self.refuse(
            tmp_path / "a.mat",
            lambda f: f.create_virtual_dataset("IMAGES", layout),
            "IMAGES as kept in other files",
        )

    @pytest.mark.parametrize(
        "link", [h5py.ExternalLink("other.h5", "x"), h5py.SoftLink("/x"), h5py.SoftLink("/none")]
    )
    def test_links(self, tmp_path, link):
        with h5py.File(tmp_path / "other.h5", "w") as file:
            file["x"] = np.ones((8, 8))

        def write(file):
            file["x"] = np.ones((8, 8))
            file["IMAGES"] = link

        self.refuse(tmp_path / "a.mat", write, "IMAGES as a link; expected an array in the file")

    def test_links_under_other_names_are_not_followed(self, tmp_path):
        os.mkfifo(tmp_path / "pipe") if hasattr(os, "mkfifo") else None
        with h5py.File(tmp_path / "a.mat", "w") as file:
            file["IMAGES"] = np.eye(4)
            file["other"] = h5py.ExternalLink(str(tmp_path / "pipe"), "x")
        assert len(load_images(tmp_path / "a.mat")) == 1

    def test_an_array_that_was_never_written(self, tmp_path):
        self.refuse(
            tmp_path / "a.mat",
            lambda f: f.create_dataset("IMAGES", (9000, 9000), "f8", chunks=(100, 100)),
            r"bytes that would unpack to 648000000; .* Raise max_bytes",
        )

    def test_chunks_that_are_larger_than_the_array(self, tmp_path):
        self.refuse(
            tmp_path / "a.mat",
            lambda f: f.create_dataset(
                "IMAGES", (4, 4), "f8", chunks=(9000, 9000), maxshape=(None, None)
            ),
            "would unpack to 648000000",
        )

    @pytest.mark.parametrize("kind", [h5py.string_dtype(), h5py.ref_dtype])
    def test_other_types(self, tmp_path, kind):
        self.refuse(
            tmp_path / "a.mat",
            lambda f: f.create_dataset("IMAGES", (4, 4), kind),
            "IMAGES of type object; expected numbers",
        )

    def test_a_group(self, tmp_path):
        self.refuse(tmp_path / "a.mat", lambda f: f.create_group("IMAGES"), "holds no array IMAGES")


class TestMatlab5:
    @pytest.mark.parametrize("compressed", [False, True])
    @pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "i8", "f4", "f8"])
    def test_every_type(self, tmp_path, rng, compressed, dtype):
        stack = rng.integers(0, 100, (4, 5, 3)).astype(dtype)
        others = {"first": np.arange(7), "text": "abc", "cell": np.array([1, "a"], object)}
        scipy.io.savemat(tmp_path / "a.mat", {**others, "IMAGES": stack}, do_compression=compressed)
        images = load_images(tmp_path / "a.mat")
        scale = {"u1": 255, "u2": 65535}.get(dtype, 1)
        np.testing.assert_array_equal(np.stack(images, axis=2), stack / scale)

    @pytest.mark.parametrize("order", "<>")
    def test_doubles_that_are_stored_in_bytes_are_not_bytes(self, tmp_path, order):
        """MATLAB stores whole numbers in as few bytes as they need, whatever type they have."""
        (tmp_path / "a.mat").write_bytes(mat5(order, kind=6, stored=2, data=bytes(range(6))))
        (image,) = load_images(tmp_path / "a.mat")
        np.testing.assert_array_equal(image, np.arange(6.0).reshape(2, 3, order="F"))

    @pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "i2", "u2", "u1"])
    @pytest.mark.parametrize("order", "<>")
    def test_the_oldest_kind(self, tmp_path, rng, dtype, order):
        image = rng.integers(0, 100, (4, 3)).astype(f"{order}{dtype}")
        content = {"a": np.eye(2), "IMAGES": image, "b": "text"}
        scipy.io.savemat(tmp_path / "a.mat", content, format="4")
        scale = {"u1": 255, "u2": 65535}.get(dtype, 1)
        np.testing.assert_array_equal(load_images(tmp_path / "a.mat")[0], image / scale)

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("x", np.eye(2), "holds no array IMAGES; it holds x"),
            ("IMAGES", np.eye(2) * 1j, "complex numbers"),
            ("IMAGES", "text", "not an array of numbers"),
        ],
    )
    def test_the_oldest_kind_refused(self, tmp_path, name, value, words):
        path = tmp_path / "a.mat"
        scipy.io.savemat(path, {name: value}, format="4")
        refuse(path, words)
        data = path.read_bytes()
        for damaged in (data[:-1], data[:15], data[:4] + b"\xff\xff\xff\x7f" + data[8:]):
            path.write_bytes(damaged)
            refuse(path, "is damaged")

    def test_bombs(self, tmp_path):
        path = tmp_path / "a.mat"
        scipy.io.savemat(path, {"IMAGES": np.zeros((3000, 3000))}, do_compression=True)
        assert path.stat().st_size < 2**17
        refuse(path, r"would unpack to 720000\d\d; expected at most 67108864")
        assert load_images(path, max_bytes=10**8)[0].shape == (3000, 3000)

    def test_whole_numbers_are_limited_as_floats(self, tmp_path):
        data = bytes(8200 * 8200)
        packed = mat5("<", shape=(8200, 8200), data=data, compressed=True)
        (tmp_path / "a.mat").write_bytes(packed)
        refuse(tmp_path / "a.mat", "would unpack to 537920000, as floats", max_bytes=2**28)
        with h5py.File(tmp_path / "a.mat", "w") as file:
            stack = np.zeros((8200, 8200), np.uint8)
            file.create_dataset("IMAGES", data=stack, chunks=(820, 820), compression="gzip")
        refuse(tmp_path / "a.mat", "would unpack to 537920000, as floats", max_bytes=2**28)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"shape": (2, 4)}, "is damaged"),
            ({"shape": (-2, -3)}, "is damaged"),
            ({"shape": (2**31 - 1, 2**31 - 1)}, "is damaged"),
            ({"kind": 4}, "is not an array of numbers"),
            ({"kind": 5}, "is not an array of numbers"),
            ({"kind": 6, "flags": 8}, "complex numbers; expected real numbers"),
            ({"stored": 99}, "is damaged"),
            ({"name": b"images"}, "holds no array IMAGES; it holds images"),
            ({"data": b""}, "is damaged"),
        ],
    )
    @pytest.mark.parametrize("compressed", [False, True])
    def test_headers_that_lie(self, tmp_path, changes, words, compressed):
        (tmp_path / "a.mat").write_bytes(mat5("<", **changes, compressed=compressed))
        refuse(tmp_path / "a.mat", words)

    def test_more_than_there_is(self, tmp_path):
        whole = mat5("<", compressed=True)
        for data in (whole[:-5], whole[:140], mat5("<")[:-3], whole[:132] + b"\xff" * 40):
            (tmp_path / "a.mat").write_bytes(data)
            refuse(tmp_path / "a.mat", "is damaged")


def mat5(order, *, kind=9, flags=0, stored=2, shape=(2, 3), name=b"IMAGES", data=bytes(6),
         compressed=False):  # fmt: skip
    """A file of version 5, element by element."""

    def element(kind, content):
        return struct.pack(f"{order}2I", kind, len(content)) + content + bytes(-len(content) % 8)

    array = element(6, struct.pack(f"{order}2I", kind | flags << 8, 0))
    array += element(5, struct.pack(f"{order}{len(shape)}i", *shape))
    array += element(1, name) + element(stored, data)
    array = element(14, array)
    if compressed:
        packed = zlib.compress(array)
        array = struct.pack(f"{order}2I", 15, len(packed)) + packed
    version = struct.pack(f"{order}H", 256) + (b"IM" if order == "<" else b"MI")
    return b"MATLAB 5.0 MAT-file".ljust(124) + version + array


class TestNumpy:
    def test_bombs(self, tmp_path):
        """Also under the name of a single array, as the contents are looked at."""
        for name in ("a.npz", "a.npy"):
            with open(tmp_path / name, "wb") as file:
                np.savez_compressed(file, images=np.zeros((3000, 3000)))
            refuse(tmp_path / name, r"would unpack to 720\d+; .* Raise max_bytes")
            assert len(load_images(tmp_path / name, max_bytes=10**8)) == 1

    def test_headers_that_lie(self, tmp_path):
        np.save(tmp_path / "a.npy", np.eye(40))
        data = (tmp_path / "a.npy").read_bytes()
        (tmp_path / "a.npy").write_bytes(data.replace(b"(40, 40)", b"(9999,4)"))
        refuse(tmp_path / "a.npy", "is damaged")

    def test_members_that_are_no_arrays(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("readme.txt", b"hello")
        refuse(tmp_path / "a.npz", "is damaged")


@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.npz", "a.mat"])
def test_links_to_devices_and_pipes(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    refuse(tmp_path / name, "is a device or a pipe")


@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.npz", "a.mat"])
def test_too_little_memory_is_not_called_a_damaged_file(tmp_path, monkeypatch, name):
    def fail(*args, **kwargs):
        raise MemoryError

    (tmp_path / name).write_bytes(b"")
    for module in ("_readers", "_pictures", "_matlab"):
        monkeypatch.setattr(f"sparsecode.datasets.{module}.open_regular", fail)
    with pytest.raises(MemoryError, match="needs more memory than is available"):
        load_images(tmp_path / name)
