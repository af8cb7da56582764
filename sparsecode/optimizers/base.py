"""Base class of the optimizers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from sparsecode._factored_gradients import RowGradient
from sparsecode._parameters import Parameterized
from sparsecode._validation import check_number


class Optimizer(Parameterized, BaseEstimator):
    """Base of the optimizers: a dataclass of hyper-parameters, without a state.

    The caller holds the state, a dict of arrays. Parameters and gradients are dicts of arrays by
    name. A subclass that takes steps declares `slots`, the names of the running averages of every
    parameter, and defines ``_constants(lr, n_steps, dtype)`` and the static
    ``_kernel(param, grad, *slots, *constants)`` on flat arrays.

    Attributes
    ----------
    full_batch : bool
        Whether the optimizer minimises a function of all samples (`minimize`) instead of taking a
        step for each batch (`update`).
    """

    full_batch: ClassVar[bool] = False
    slots: ClassVar[tuple[str, ...]] = ()

    def init(self, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the state before the first step: a dict of arrays, so that it can be saved.

        Parameters
        ----------
        params : dict of str to ndarray

        Returns
        -------
        state : dict of str to ndarray
            `step`, the number of steps taken, and for each slot and parameter an array
            ``"slot.name"`` of the shape of the parameter.
        """
        self._check()
        state = {"step": np.zeros((), dtype=np.int64)}
        for slot in self.slots:
            for name, param in params.items():
                state[f"{slot}.{name}"] = np.zeros_like(param, order="C")
        return state

    def update(
        self,
        params: dict[str, np.ndarray],
        grads: dict[str, Any],
        state: dict[str, np.ndarray],
        *,
        lr_scale: dict[str, float] | np.ndarray | None = None,
    ) -> None:
        """Take one step: update `params` and `state` in place.

        Parameters
        ----------
        params : dict of str to ndarray
            Parameters, C-contiguous, so that they can be updated in one pass.
        grads : dict of str to ndarray or RowGradient
            Gradients of some or all parameters, of the same shapes. After the step of a
            `RowGradient` of constrained atoms, these are projected.
        state : dict of str to ndarray
            State from `init`, which every step changes.
        lr_scale : dict of str to float or ndarray, or None, default=None
            Multiples of the learning rate by the name of the parameter; the default is 1. A
            parameter has one number, or one for each entry along its first axis, such as the layers
            of an unrolled network. Entries with 0 do not change at all.

        Raises
        ------
        ValueError
            If a gradient fits no parameter, or a parameter cannot be changed in place.
        """
        state["step"] += 1
        n_steps = int(state["step"])
        lr = self.lr_at(n_steps - 1)
        for name, grad in grads.items():
            param = _checked_pair(name, params, grad)
            slots = [state[f"{slot}.{name}"] for slot in self.slots]
            scale = 1.0 if lr_scale is None else lr_scale.get(name, 1.0)
            if isinstance(grad, RowGradient):
                self._update_rows(param, grad, slots, lr * float(scale), n_steps)
                continue
            arrays = [param, np.ascontiguousarray(grad, dtype=param.dtype), *slots]
            for part, factor in _parts(arrays, scale):
                constants = self._constants(lr * factor, n_steps, param.dtype.type)
                self._kernel(*part, *constants)

    def _update_rows(self, param, grad, slots, lr, n_steps):
        """Take the step of a parameter block by block, while each is in the cache."""
        constants = self._constants(lr, n_steps, param.dtype.type)

        def step(rows, block):
            if lr == 0:
                return
            whole = [param[rows], block, *(slot[rows] for slot in slots)]
            self._kernel(*(array.reshape(-1) for array in whole), *constants)
            if grad.constraint is not None:
                grad.constraint.project(whole[0], out=whole[0])

        grad.each_block(step)

    def reset(self, state: dict[str, np.ndarray], name: str, index: Any) -> None:
        """Reset the running averages of some entries of a parameter, in place.

        Parameters
        ----------
        state : dict of str to ndarray
        name : str
            Name of the parameter.
        index : int, slice, ndarray or tuple of these
            Index of the entries, as in NumPy.
        """
        for slot in self.slots:
            state[f"{slot}.{name}"][index] = 0

    def lr_at(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        if not callable(self.lr):
            return float(self.lr)
        lr = self.lr(step)
        return float(check_number(lr, f"learning rate of the schedule at step {step}", low=0))

    def _check(self):
        """Raise ValueError if a hyper-parameter is out of its range."""
        if not callable(self.lr):
            check_number(self.lr, "lr", low=0)

    def _constants(self, lr, n_steps, dtype):
        raise TypeError(f"{type(self).__name__} takes no steps, as it does not define _constants.")


def _checked_pair(name, params, grad):
    if name not in params:
        raise ValueError(
            f"there is a gradient of {name!r} but no such parameter; expected one of "
            f"{', '.join(params)}. Give gradients the names of the parameters."
        )
    param = params[name]
    if np.shape(grad) != param.shape:
        raise ValueError(
            f"the gradient of {name!r} has shape {np.shape(grad)}; expected {param.shape}, that "
            "of the parameter. Sum the gradient over the samples and over all uses of the "
            "parameter."
        )
    if not param.flags.c_contiguous or not param.flags.writeable:
        raise ValueError(
            f"the parameter {name!r} is read-only or not contiguous; expected an array that steps "
            "can change in place. Give np.array(parameter, order='C')."
        )
    return param


def _parts(arrays, scale):
    """Flat views of the arrays, each with its multiple of the learning rate."""
    if np.ndim(scale) == 0:
        if scale != 0:
            yield [array.reshape(-1) for array in arrays], float(scale)
        return
    for row, factor in enumerate(scale):
        if factor != 0:
            yield [array[row : row + 1].reshape(-1) for array in arrays], float(factor)
