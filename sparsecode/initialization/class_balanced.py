"""Initial dictionaries with atoms of every class, in equal numbers or in proportion."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from sparsecode._messages import shown, wrong
from sparsecode._plain import plain
from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import (
    check_integer,
    check_number,
    check_random_state,
    check_rows,
    naming,
)
from sparsecode._values import check_option, sorted_labels
from sparsecode.constraints import Constraint
from sparsecode.dictionary import Dictionary
from sparsecode.initialization.dictionary import initial_dictionary

# Initial dictionaries that are made of samples; others know nothing of a class.
OF_SAMPLES = ("samples", "svd", "k-means++")


class ClassAtoms(NamedTuple):
    """Atoms of all classes, and the class of each.

    Attributes
    ----------
    dictionary : Dictionary
    labels : ndarray of shape (n_components,)
    """

    dictionary: Dictionary
    labels: np.ndarray


def class_balanced_dictionary(
    init: Literal["samples", "svd", "k-means++"],
    X: MatrixLike,
    y: ArrayLike,
    atoms_per_class: int | float,
    *,
    constraint: Constraint | None = None,
    random_state: RandomState = None,
) -> ClassAtoms:
    """Make an initial dictionary whose atoms come from the samples of each class.

    The atoms of a class are those of `initial_dictionary` on its samples alone. They are in the
    order of the sorted labels, so that atoms of one class are neighbours.

    Parameters
    ----------
    init : {"samples", "svd", "k-means++"}
        Atoms of each class, see `initial_dictionary`. Where its samples have too few directions,
        Gaussian atoms follow, as they do there.
    X : array-like or CSR matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        Labels of the samples: numbers or strings.
    atoms_per_class : int or float
        Number of atoms of each class; or a share of its samples, above 0 and at most 1.0, so that
        numbers of atoms are in proportion to those of samples. A share is rounded, and at least
        one atom.
    constraint : Constraint or None, default=None
        Constraint of the atoms; None is `UnitNorm()`.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    atoms : ClassAtoms
        Named tuple ``(dictionary, labels)``: the `Dictionary`, and the label of each atom, shape
        (n_components,).

    Raises
    ------
    ValueError
        If a class has fewer samples than atoms.

    References
    ----------
    Z. Jiang, Z. Lin and L. S. Davis, "Label consistent K-SVD: learning a discriminative dictionary
    for recognition", 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.initialization import class_balanced_dictionary
    >>> X = np.random.default_rng(0).standard_normal((8, 3))
    >>> y = ["a", "b", "b", "b", "a", "b", "b", "b"]
    >>> dictionary, labels = class_balanced_dictionary("samples", X, y, 2, random_state=0)
    >>> labels.tolist()
    ['a', 'a', 'b', 'b']
    >>> class_balanced_dictionary("svd", X, y, 0.5).labels.tolist()
    ['a', 'b', 'b', 'b']
    """
    check_option(init, "init", OF_SAMPLES)
    atoms_per_class = check_atoms_per_class(atoms_per_class)
    rng = check_random_state(random_state)
    X = check_rows(X, "X")
    with naming("y"):
        y = column_or_1d(y)
        check_consistent_length(X, y)
        classes, index = sorted_labels(y, "y")
        check_classification_targets(y)
    numbers = _numbers(classes, np.bincount(index), atoms_per_class)
    parts = [
        initial_dictionary(init, X[index == c], number, constraint=constraint, random_state=rng)
        for c, number in enumerate(numbers)
    ]
    atoms = np.concatenate([part.atoms for part in parts])
    # They are projected already.
    dictionary = Dictionary.view(atoms, None, parts[0].constraint)
    return ClassAtoms(dictionary, np.repeat(classes, numbers))


def check_atoms_per_class(atoms_per_class: Any) -> int | float:
    """Return a number of atoms, or a share of samples, as a Python number."""
    if isinstance(plain(atoms_per_class), float):
        name = "atoms_per_class, a share of the samples,"
        return check_number(atoms_per_class, name, low=0, high=1, low_open=True)
    return check_integer(atoms_per_class, "atoms_per_class")


def _numbers(classes, n_samples, atoms_per_class):
    """Number of atoms of each class; raises ValueError if samples do not suffice."""
    if isinstance(atoms_per_class, float):
        return np.maximum(np.rint(atoms_per_class * n_samples), 1).astype(int)
    for label, available in zip(classes.tolist(), n_samples.tolist(), strict=True):
        if available < atoms_per_class:
            raise ValueError(
                wrong(
                    "atoms_per_class",
                    got=f"{atoms_per_class} but class {shown(label)} has {available} samples",
                    expected=f"at most {available}",
                    remedy="Lower atoms_per_class, set it to a share such as 0.5, or give more "
                    "samples of this class.",
                )
            )
    return np.full(len(classes), atoms_per_class)
