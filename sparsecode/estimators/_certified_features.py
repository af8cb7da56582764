"""Certificates of the codes that patch features are pooled from: a method of the estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.random import sample_without_replacement

from sparsecode._messages import shown, wrong
from sparsecode._typing import RandomState
from sparsecode._validation import check_integer, check_random_state
from sparsecode.estimators._feature_learning import images_and_coder
from sparsecode.objective import Certificate
from sparsecode.objective import certify as certify_codes
from sparsecode.penalties.base import Penalty, check_penalty_instance


def certify(
    self: Any,
    X: ArrayLike,
    *,
    penalty: Penalty | None = None,
    n_positions: int = 1000,
    random_state: RandomState = None,
) -> Certificate:
    """Certify the codes of random positions: bound their distance from the optimum.

    Parameters
    ----------
    X : array-like of images
        As for `transform`.
    penalty : Penalty or None, default=None
        Penalty of the objective. None is that of the encoder.
    n_positions : int, default=1000
        Number of positions, drawn from all of all images; all of them where there are fewer.
    random_state : int, RandomState instance or None, default=None
        Seed of the positions.

    Returns
    -------
    certificate : Certificate
        One entry for each position.

    Raises
    ------
    ValueError
        If the encoder has no penalty and none is given.
    """
    images, coder = images_and_coder(self, X)
    penalty = getattr(coder.encoder, "penalty", None) if penalty is None else penalty
    if penalty is None:
        raise ValueError(
            wrong(
                "penalty",
                got=f"None, and {shown(coder.encoder)} has none",
                expected="the penalty of the objective to certify",
                remedy="Give one, such as L1(1.0).",
            )
        )
    penalty = check_penalty_instance(penalty)
    n_all = coder.n_patches(images)
    n_positions = min(check_integer(n_positions, "n_positions"), n_all)
    rng = check_random_state(random_state)
    positions = np.sort(sample_without_replacement(n_all, n_positions, random_state=rng))
    patches = coder.patches(images, positions)
    return certify_codes(
        patches, coder.encode(patches), coder.dictionary, penalty, n_jobs=self.n_jobs
    )
