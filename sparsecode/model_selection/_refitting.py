"""Refitted codes of a fitted model, before they are scored."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._typing import Codes, MatrixLike
from sparsecode.debiasing import debias


def refitted(model: Any, codes: Codes, X: MatrixLike, *, missing: bool = False) -> Codes:
    """Codes of a fitted estimator, refitted on their supports; non-negative if its codes are."""
    penalty, encoder = model._model.penalty, model._model.encoder
    low = getattr(encoder, "bounds", (-np.inf, np.inf))[0]
    positive = low >= 0 or getattr(penalty, "positive", False)
    return debias(X, codes, model.dictionary_, positive=positive, missing=missing)
