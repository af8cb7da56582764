"""Initial atoms of every class: their numbers, where they come from, and what is refused."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode.constraints import NonNegative, UnitBall
from sparsecode.initialization import class_balanced_dictionary, initial_dictionary

RNG = np.random.default_rng(0)
# Samples of each class lie in their own three features.
X = np.zeros((30, 6))
X[:10, :3], X[10:, 3:] = RNG.standard_normal((10, 3)), RNG.standard_normal((20, 3))
Y = np.array(["a"] * 10 + ["b"] * 20)


@pytest.mark.parametrize("init", ["samples", "svd", "k-means++"])
def test_atoms_come_from_their_class(init):
    dictionary, labels = class_balanced_dictionary(init, X, Y, 3, random_state=0)
    assert labels.tolist() == ["a"] * 3 + ["b"] * 3
    np.testing.assert_allclose(np.linalg.norm(dictionary.atoms, axis=1), 1)
    assert not dictionary.atoms[:3, 3:].any() and not dictionary.atoms[3:, :3].any()


def test_a_share_is_in_proportion():
    labels = class_balanced_dictionary("samples", X, Y, 0.3, random_state=0).labels
    assert labels.tolist() == ["a"] * 3 + ["b"] * 6
    assert len(class_balanced_dictionary("samples", X, Y, 1e-9, random_state=0).labels) == 2
    # A share of 1.0 takes every sample, and not one atom.
    assert len(class_balanced_dictionary("samples", X, Y, 1.0, random_state=0).labels) == 30


def test_each_class_is_as_if_alone():
    dictionary, _ = class_balanced_dictionary("svd", X, Y, 2)
    for part, rows in ((dictionary.atoms[:2], Y == "a"), (dictionary.atoms[2:], Y == "b")):
        np.testing.assert_array_equal(part, initial_dictionary("svd", X[rows], 2).atoms)


def test_order_of_samples_and_formats_do_not_matter():
    order = RNG.permutation(30)
    one = class_balanced_dictionary("svd", X, Y, 2)
    two = class_balanced_dictionary("svd", sparse.csr_array(X[order]), Y[order], 2)
    np.testing.assert_allclose(one.dictionary.atoms, two.dictionary.atoms, atol=1e-10)
    single = class_balanced_dictionary("samples", X.astype(np.float32), Y, 2, random_state=0)
    assert single.dictionary.dtype == np.float32


def test_the_constraint_holds():
    constraint = NonNegative(UnitBall())
    dictionary, _ = class_balanced_dictionary("svd", X, Y, 2, constraint=constraint)
    assert dictionary.constraint == constraint and (dictionary.atoms >= 0).all()


@pytest.mark.parametrize(
    "changes, words",
    [
        (
            {"atoms_per_class": 11},
            r"atoms_per_class is 11 but class 'a' has 10 samples.* at most 10",
        ),
        ({"atoms_per_class": 1.5}, r"atoms_per_class, a share of the samples, .*1\.5"),
        ({"atoms_per_class": 0}, "atoms_per_class"),
        ({"atoms_per_class": True}, "atoms_per_class"),
        ({"init": "random"}, r"init is 'random'; expected one of 'samples', 'svd', 'k-means\+\+'"),
        ({"y": Y[:5]}, r"\by\b"),
        ({"y": RNG.standard_normal(30)}, r"\by\b"),
        ({"y": np.array([1, "a", None] * 10, dtype=object)}, "^y has labels of several types"),
        ({"X": X[:, 0]}, r"\bX\b"),
    ],
)
def test_what_is_refused(changes, words):
    arguments = {"init": "samples", "X": X, "y": Y, "atoms_per_class": 2} | changes
    with pytest.raises((ValueError, TypeError), match=words):
        class_balanced_dictionary(**arguments)
