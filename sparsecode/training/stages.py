"""Stages of training for unrolled networks, which add one layer after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsecode._plain import make_plain
from sparsecode._validation import check_integer, check_number
from sparsecode._values import check_list

if TYPE_CHECKING:
    from sparsecode.encoders.base import Encoder

# Each layer is a stage, or two.
_MOST_LAYERS = 10_000


@dataclass(frozen=True)
class Stage:
    """One stage of training: its layers, its epochs and its learning rates.

    Layer ``j`` of the first `n_layers` learns at ``lr * decay ** (n_layers - 1 - j)`` times the
    learning rate of the optimizer. Parameters that all layers share learn at `lr` times this rate.

    Parameters
    ----------
    n_layers : int or None, default=None
        Number of layers to run: the loss reads the output of the last of them. None runs all
        layers.
    n_epochs : int or None, default=None
        Most epochs of the stage. None takes `n_epochs` of `train`.
    lr : float, default=1.0
        Multiple of the optimizer's learning rate.
    decay : float, default=1.0
        Ratio of the learning rates of a layer and of the next one. 1 trains all layers at the same
        rate, 0 trains only the last one.

    Examples
    --------
    >>> from sparsecode.training import Stage
    >>> Stage(n_layers=3, decay=0.5).factors(4)
    array([0.25, 0.5 , 1.  , 0.  ])
    """

    n_layers: int | None = None
    n_epochs: int | None = None
    lr: float = 1.0
    decay: float = 1.0

    def __post_init__(self) -> None:
        make_plain(self)
        for name in ("n_layers", "n_epochs"):
            if getattr(self, name) is not None:
                check_integer(getattr(self, name), name)
        check_number(self.lr, "lr", low=0)
        check_number(self.decay, "decay", low=0, high=1)

    def factors(self, n_layers: int | None) -> Any:
        """Multiple of the learning rate of each of `n_layers` layers, shape (n_layers,)."""
        last = n_layers if self.n_layers is None else self.n_layers
        ages = last - 1 - np.arange(n_layers)
        return np.where(ages >= 0, self.lr * float(self.decay) ** np.maximum(ages, 0), 0.0)


def layer_by_layer(
    n_layers: int,
    *,
    n_epochs: int | None = None,
    refine: tuple[float, ...] = (0.2, 0.02),
    decay: float = 0.3,
) -> list[Stage]:
    """Return stages that add one layer after another and train earlier layers more slowly.

    For each number of layers, the first stage trains the new layer alone. The next ones train all
    layers so far together.

    Parameters
    ----------
    n_layers : int
    n_epochs : int or None, default=None
        Most epochs of each stage. None takes `n_epochs` of `train`.
    refine : tuple of float, default=(0.2, 0.02)
        Multiples of the learning rate, one for each stage that trains all layers so far.
    decay : float, default=0.3
        Ratio of the learning rates of a layer and of the next one in these stages.

    Returns
    -------
    stages : list of Stage

    References
    ----------
    X. Chen, J. Liu, Z. Wang and W. Yin, "Theoretical linear convergence of unfolded ISTA and its
    practical weights and thresholds", 2018.

    Examples
    --------
    >>> from sparsecode.training import layer_by_layer
    >>> [(stage.n_layers, stage.lr, stage.decay) for stage in layer_by_layer(2, refine=[0.1])]
    [(1, 1.0, 0.0), (1, 0.1, 0.3), (2, 1.0, 0.0), (2, 0.1, 0.3)]
    """
    n_layers = check_integer(n_layers, "n_layers", high=_MOST_LAYERS)
    refine = [check_number(lr, "refine", low=0) for lr in _listed(refine)]
    return [
        stage
        for count in range(1, n_layers + 1)
        for stage in (
            Stage(count, n_epochs, decay=0.0),
            *(Stage(count, n_epochs, lr, decay) for lr in refine),
        )
    ]


def _listed(refine):
    remedy = "Use for example (0.2, 0.02)."
    return check_list(refine, "refine", "a tuple of multiples of the learning rate", remedy)


def growing(
    n_layers: int, *, n_epochs: int | None = None, refine: tuple[float, ...] = (0.2, 0.02)
) -> list[Stage]:
    """Return stages that add one layer after another and train all layers at the same rate.

    The last stages train all layers at lower and lower rates. There are a third as many stages as
    in `layer_by_layer`, and they give better results if there are few steps: no layer stays tuned
    to being the last one.

    Parameters
    ----------
    n_layers : int
    n_epochs : int or None, default=None
        Most epochs of each stage. None takes `n_epochs` of `train`.
    refine : tuple of float, default=(0.2, 0.02)
        Multiples of the learning rate, one for each of the last stages, which train all layers.

    Returns
    -------
    stages : list of Stage

    Examples
    --------
    >>> from sparsecode.training import growing
    >>> [(stage.n_layers, stage.lr, stage.decay) for stage in growing(2, refine=[0.1])]
    [(1, 1.0, 1.0), (2, 1.0, 1.0), (2, 0.1, 1.0)]
    """
    n_layers = check_integer(n_layers, "n_layers", high=_MOST_LAYERS)
    refine = [check_number(lr, "refine", low=0) for lr in _listed(refine)]
    return [
        *(Stage(count, n_epochs) for count in range(1, n_layers + 1)),
        *(Stage(n_layers, n_epochs, lr) for lr in refine),
    ]


def lr_scale(stage: Any, encoder: Encoder, params: dict[str, Any], others: float = ()) -> Any:
    """Multiples of the learning rate in a stage, for an optimizer; None if all are 1.

    Parameters of an unrolled network have one entry a layer along their first axis, or a single one
    that all layers share. `others` are the names of the other learned parameters.
    """
    if stage.n_layers is None and stage.decay == 1:
        return None if stage.lr == 1 else dict.fromkeys([*params, *others], stage.lr)
    factors = stage.factors(check_layers(stage, encoder))
    scale = dict.fromkeys([*params, *others], stage.lr)
    scale.update(
        (name, factors)
        for name, param in params.items()
        if np.ndim(param) > 0 and len(param) == len(factors)
    )
    return scale


def check_layers(stage: Any, encoder: Encoder) -> Any:
    """Return the number of layers of an encoder that can be trained in this stage."""
    n_layers = getattr(encoder, "n_layers", None)
    if n_layers is None:
        raise TypeError(
            f"{type(encoder).__name__} has no layers to train in stages: it has no n_layers. "
            "Leave stages out."
        )
    if stage.n_layers is not None and stage.n_layers > n_layers:
        raise ValueError(
            f"a stage has n_layers={stage.n_layers} but {type(encoder).__name__} has {n_layers}; "
            f"expected at most {n_layers}. Use layer_by_layer({n_layers})."
        )
    return n_layers
