"""Another order of the units of an encoder while it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparsecode._messages import shown
from sparsecode.training.activity import Activity

if TYPE_CHECKING:
    from sparsecode.encoders import TrainableEncoder
    from sparsecode.losses import Loss
    from sparsecode.optimizers import Optimizer
    from sparsecode.training.parameters import LiveParameters


def reorder_units(
    order: np.ndarray,
    live: LiveParameters,
    slots: dict[str, np.ndarray],
    encoder: TrainableEncoder,
    optimizer: Optimizer,
    activity: Activity | None,
) -> None:
    """Put the units in another order, in place: all that training knows of each of them.

    Parameters
    ----------
    order : ndarray of shape (n_components,)
        Present positions of the units, in their new order.
    live : LiveParameters
    slots : dict of str to ndarray
        State of the optimizer.
    encoder : TrainableEncoder
    optimizer : Optimizer
    activity : Activity or None
    """
    rows = {name: array for name, array in live.learned.items() if name in encoder.unit_rows}
    rows["atoms"] = live.learned["atoms"]
    arrays = [
        *rows.values(),
        *(slots[f"{slot}.{name}"] for slot in optimizer.slots for name in rows),
    ]
    arrays += [a for a in live.memory.values() if a.shape[:1] == order.shape]
    if activity is not None:
        arrays.append(activity.uses)
    for array in arrays:
        array[:] = array[order]


def check_sorting(
    loss: Loss, encoder: TrainableEncoder, optimizer: Optimizer, learn_dictionary: bool
) -> None:
    """Raise TypeError if the units of an encoder cannot be sorted in this training."""
    if not loss.sorts_units:
        return
    given, reason = shown(loss), None
    if encoder.unit_rows is None:
        reason = f"{type(encoder).__name__} has parameters that are not one row for each unit"
        remedy = "Use for example TopK or Refined"
    elif optimizer.full_batch:
        reason = f"{type(optimizer).__name__} takes no single steps"
        remedy = "Use Adam"
    elif not learn_dictionary:
        reason = "the dictionary is not learned, so that its atoms keep their places"
        remedy = "Set learn_dictionary=True"
    if reason is not None:
        raise TypeError(
            f"{given} sorts units but {reason}; expected a training in which units can change "
            f"places. {remedy}, or leave sort_every None."
        )
