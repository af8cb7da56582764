import numpy as np
import pytest
from scipy import sparse

from sparsecode._row_blocks import compress, dense_rows, is_on_disk, stack_csr


@pytest.fixture
def matrix(rng):
    return rng.standard_normal((7, 5)) * (rng.uniform(size=(7, 5)) < 0.4)


def test_dense_rows_of_any_container(matrix):
    for given in (matrix, np.asfortranarray(matrix), sparse.csr_array(matrix)):
        block = dense_rows(given, slice(2, 5), np.float32)
        assert block.flags.c_contiguous and block.dtype == np.float32
        np.testing.assert_array_equal(block, matrix[2:5].astype(np.float32))


def test_blocks_make_a_csr_array(matrix):
    matrix[3] = 0
    blocks = [compress(matrix[i : i + 2]) for i in range(0, 7, 2)]
    stacked = stack_csr(blocks, 5)
    stacked.check_format(full_check=True)
    np.testing.assert_array_equal(stacked.toarray(), matrix)
    assert stacked.indices.dtype == stacked.indptr.dtype == np.int32


def test_full_and_empty_blocks():
    for dense in (np.ones((2, 3)), np.zeros((2, 3))):
        np.testing.assert_array_equal(stack_csr([compress(dense)], 3).toarray(), dense)


def test_a_part_of_a_view_of_a_memory_map_is_on_disk(tmp_path):
    np.save(tmp_path / "X.npy", np.ones((40, 3)))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    # As scikit-learn's checks return it.
    plain = np.asarray(mapped)
    assert all(is_on_disk(X) for X in (mapped, mapped[3:9], plain, plain[3:9], plain[3:9][:, 1:]))
    assert not is_on_disk(plain[[3, 4]])
    assert not is_on_disk(np.ones((4, 3))[1:])
