"""Crops of signals that a network is trained on, and the optimizer, checked."""

from __future__ import annotations

from sparsecode._convolution.checks import check_support
from sparsecode._messages import shown, wrong
from sparsecode._values import check_instance
from sparsecode.optimizers import Adam
from sparsecode.optimizers.base import Optimizer


def check_dict(params):
    """Return parameters of a network, which must be a dict of arrays."""
    return check_instance(
        params, "params", dict, "a dict of arrays or None", "Use those of init, or None."
    )


def check_optimizer(optimizer):
    optimizer = Adam(lr=1e-3) if optimizer is None else optimizer
    check_instance(optimizer, "optimizer", Optimizer, "an Optimizer or None", "Use Adam(lr=1e-3).")
    if optimizer.full_batch:
        raise ValueError(
            wrong(
                "optimizer",
                got=type(optimizer).__name__,
                expected="one that takes steps",
                remedy="Use Adam(lr=1e-3).",
            )
        )
    return optimizer


def check_crop(crop, sizes, dictionary):
    """Height and width of a part of a signal."""
    if crop is None:
        return sizes
    crop = check_support(crop, "crop")
    bounds = zip(crop, dictionary.support, sizes, strict=False)
    if len(crop) != dictionary.n_dims or any(not low <= n <= high for n, low, high in bounds):
        raise ValueError(
            wrong(
                "crop",
                got=shown(crop),
                expected=f"{dictionary.n_dims} sizes, from {shown(dictionary.support)} of an atom "
                f"to {shown(sizes[: dictionary.n_dims])} of a signal",
                remedy="Give a size between them, or None.",
            )
        )
    return (*crop, 1)[:2]


def cropped(x, sizes, rng):
    top, left = (rng.randint(n - m + 1) for n, m in zip(x.shape[1:], sizes, strict=True))
    return x[:, top : top + sizes[0], left : left + sizes[1]]
