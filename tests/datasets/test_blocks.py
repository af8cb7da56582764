"""Blocks of rows from arrays and files of every format."""

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import sparse

from sparsecode import DictionaryLearning
from sparsecode.datasets import iter_blocks

X = np.random.default_rng(0).standard_normal((25, 3))


def npy(path, rows):
    np.save(path / "rows.npy", rows)
    return path / "rows.npy"


def safetensors(path, rows):
    save_file({"rows": rows}, path / "rows.safetensors")
    return path / "rows.safetensors"


def zarr(path, rows):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    zarr.save_array(path / "rows.zarr", rows)
    return path / "rows.zarr"


def hdf5(path, rows):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(path / "rows.h5", "w") as file:
        file["rows"] = rows
    return path / "rows.h5"


def parquet(path, rows):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(dict(zip("abc", rows.T, strict=True))), path / "rows.parquet", 7)
    return path / "rows.parquet"


def feather(path, rows):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import feather

    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    feather.write_feather(pa.table({"vector": vectors}), path / "rows.feather")
    return path / "rows.feather"


WRITERS = [npy, safetensors, zarr, hdf5, parquet, feather]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int16])
def test_files_give_the_rows_that_were_written(tmp_path, write, dtype):
    rows = (8 * X).astype(dtype)
    blocks = list(iter_blocks(write(tmp_path, rows), rows=10))
    assert [len(block) for block in blocks] == [10, 10, 5]
    assert np.array_equal(np.concatenate(blocks), rows)
    kept = {np.float32: np.float32, np.float16: np.float32}
    assert {block.dtype for block in blocks} == {np.dtype(kept.get(dtype, np.float64))}


def test_bfloat16_is_read_as_float32(tmp_path):
    bits = (X.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    header = b'{"rows":{"dtype":"BF16","shape":[25,3],"data_offsets":[0,150]}}'
    path = tmp_path / "rows.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bits.tobytes())
    (block,) = iter_blocks(path)
    assert block.dtype == np.float32 and np.abs(block - X).max() <= 2**-7 * np.abs(X).max()
    assert np.array_equal(block.view(np.uint32) >> 16, bits)


def test_sources_follow_each_other_in_blocks_of_one_size(tmp_path):
    files = [npy(tmp_path, X), X[:4], sparse.csr_array(X[4:9]).toarray(), X[:0]]
    blocks = list(iter_blocks(files, rows=8))
    assert [len(block) for block in blocks] == [8, 8, 8, 8, 2]
    assert np.array_equal(np.concatenate(blocks), np.vstack([X, X[:9]]))


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for number, part in enumerate([X[:9], X[9:]]):
        np.save(tmp_path / f"{number}.npy", part)
    assert np.array_equal(np.concatenate(list(iter_blocks(tmp_path))), X)


def test_columns_and_keys_are_chosen(tmp_path):
    (block,) = iter_blocks(parquet(tmp_path, X), columns=["c", "a"])
    assert np.array_equal(block, X[:, [2, 0]])
    (block,) = iter_blocks(X, columns=[1])
    assert np.array_equal(block, X[:, [1]])
    save_file({"rows": X, "others": X[:2]}, tmp_path / "two.safetensors")
    (block,) = iter_blocks(tmp_path / "two.safetensors", key="others")
    assert np.array_equal(block, X[:2])


def test_rows_of_a_block_are_shuffled_and_none_is_lost():
    blocks = list(iter_blocks(X, rows=10, shuffle=True, random_state=0))
    again = list(iter_blocks(X, rows=10, shuffle=True, random_state=0))
    for start, block, same in zip(range(0, 25, 10), blocks, again, strict=True):
        assert np.array_equal(block, same)
        part = X[start : start + 10]
        assert not np.array_equal(block, part)
        assert np.array_equal(block[np.argsort(block[:, 0])], part[np.argsort(part[:, 0])])


def test_sparse_rows_stay_sparse():
    blocks = list(iter_blocks([sparse.csr_array(X), sparse.csr_array(X)], rows=30))
    assert [type(block) for block in blocks] == [sparse.csr_array] * 2
    assert np.array_equal(blocks[0].toarray(), np.vstack([X, X[:5]]))


def test_blocks_are_learned_from(tmp_path):
    model = DictionaryLearning(4, alpha=0.1, batch_size=5, random_state=0)
    from_file = model.fit(iter_blocks(npy(tmp_path, X), rows=10)).components_
    in_memory = model.fit(iter([X[:10], X[10:20], X[20:]])).components_
    assert np.array_equal(from_file, in_memory)


def test_an_error_of_reading_reaches_the_reader(tmp_path):
    def fail():
        raise OSError("disk")

    class Broken:
        shape, dtype = (10, 3), np.dtype(float)

        def __getitem__(self, rows):
            return X[rows] if rows.start < 4 else fail()

    blocks = iter_blocks(Broken(), rows=4)
    assert len(next(blocks)) == 4
    with pytest.raises(OSError, match="disk"):
        next(blocks)


def test_a_bar_shows_the_rows(capsys):
    list(iter_blocks(X, rows=10, progress=True))
    said = capsys.readouterr()
    assert "25/25" in said.err and said.out == ""


@pytest.mark.parametrize(
    ("source", "error", "match"),
    [
        ([], ValueError, "empty list"),
        ("nowhere.npy", FileNotFoundError, "nowhere.npy does not exist"),
        (np.ones(3), ValueError, r"of shape \(3,\)"),
        (np.ones((2, 2), object), TypeError, "dtype object"),
        ([np.ones((2, 3)), np.ones((2, 4))], ValueError, "source 1 has 4 features"),
        (3, TypeError, "a path"),
    ],
)
def test_wrong_sources_are_refused(source, error, match):
    with pytest.raises(error, match=match):
        list(iter_blocks(source))


def test_wrong_files_are_refused_by_name(tmp_path):
    (tmp_path / "rows.txt").write_text("1 2 3")
    with pytest.raises(ValueError, match=r"rows.txt is a file that ends in '.txt'; expected .*npy"):
        iter_blocks(tmp_path / "rows.txt")
    (tmp_path / "rows.npy").write_text("1 2 3")
    with pytest.raises(ValueError, match=r"rows\.npy"):
        iter_blocks(tmp_path / "rows.npy")
    with pytest.raises(ValueError, match=r"columns is a list with 'z', which .* does not have"):
        iter_blocks(parquet(tmp_path, X), columns=["z"])
    save_file({"rows": X, "others": X[:2]}, tmp_path / "two.safetensors")
    with pytest.raises(ValueError, match="'others', 'rows'"):
        iter_blocks(tmp_path / "two.safetensors")


def test_the_extra_of_a_format_is_named(tmp_path, monkeypatch):
    path = hdf5(tmp_path, X)
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"sparsecode\[matlab\]"):
        iter_blocks(path)
