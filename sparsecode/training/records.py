"""Training records: the progress after each step, and the history of epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from sparsecode.optimizers.base import Optimizer


class Progress(NamedTuple):
    """Progress of training, passed to a callback after every step.

    Attributes
    ----------
    n_epochs, n_steps : int
        Number of complete epochs, and of steps including this one.
    loss : float
        Loss of the batch before the step.
    grad_norm : float
        Norm of the gradient of this loss, before clipping.
    lr : float
        Learning rate of the step.
    """

    n_epochs: int
    n_steps: int
    loss: float
    grad_norm: float
    lr: float


def means(rows: slice | np.ndarray) -> Any:
    """Weighted means of the records of the batches, and the last learning rate."""
    names = [name for name in rows[0] if name not in ("weight", "n_steps", "replaced")]
    if len(rows) == 1:
        return {name: float(rows[0][name]) for name in names}
    weights = [row["weight"] for row in rows]
    values = np.average([[row[name] for name in names] for row in rows], axis=0, weights=weights)
    found = dict(zip(names, values.tolist(), strict=True))
    if "lr" in found:
        found["lr"] = rows[-1]["lr"]
    return found


def extended(
    history: dict[str, Any], record: dict[str, float], n_epochs: int
) -> dict[str, list[float]]:
    """History with one more epoch; entries that an epoch lacks are NaN."""
    names = dict.fromkeys([*history, *record])
    missing = [np.nan] * n_epochs
    return {name: [*history.get(name, missing), record.get(name, np.nan)] for name in names}


def diverged(n_epochs: int, optimizer: Optimizer) -> Any:
    """Return the error for a loss or a parameter that became NaN or infinite."""
    lower = "Rescale X" if optimizer.full_batch else "Lower the learning rate, clip with max_norm"
    return FloatingPointError(
        f"training diverged in epoch {n_epochs + 1}: the loss or a parameter became NaN or "
        f"infinite. {lower}, or check X for extreme values. The best parameters until then are "
        "kept."
    )


def print_epoch(state: Any) -> None:
    """Print a line about the last epoch of a state."""
    last = {name: values[-1] for name, values in state.history.items()}
    validation = f", validation {last['validation']:.6g}" if "validation" in last else ""
    print(
        f"epoch {state.n_epochs}: loss {last['loss']:.6g}{validation}, "
        f"lr {last['lr']:.3g}, {last['seconds']:.2f} s",
        flush=True,
    )
