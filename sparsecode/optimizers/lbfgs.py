"""L-BFGS for full batches, by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.optimize import minimize

from sparsecode._validation import check_integer, check_number
from sparsecode.optimizers.base import Optimizer


class LBFGSResult(NamedTuple):
    """Result of a minimisation by L-BFGS.

    Attributes
    ----------
    value : float
        Value of the function at the parameters found.
    n_iter : int
    converged : bool
        Whether `tol` was reached.
    """

    value: float
    n_iter: int
    converged: bool


@dataclass
class LBFGS(Optimizer):
    """L-BFGS: quasi-Newton steps with a line search, for a function of all samples.

    Every call begins with an empty memory, so that a run that is resumed between two calls gives
    exactly the same result.

    Parameters
    ----------
    max_iter : int, default=100
        Largest number of iterations of a call; in training a call is an epoch.
    memory : int, default=50
        Number of pairs of steps and gradients that the Hessian is estimated from. A pair needs
        twice the memory of the parameters in float64. A small number needs many more iterations if
        parameters depend on each other, like the biases of an encoder and its offset.
    tol : float, default=1e-5
        Tolerance for the largest entry of the gradient, in units of the gradient.

    References
    ----------
    D. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.optimizers import LBFGS
    >>> params = {"W": np.array([4.0, -2.0])}
    >>> def function(params):
    ...     return float(params["W"] @ params["W"]) / 2, {"W": params["W"].copy()}
    >>> LBFGS().minimize(function, params).converged
    True
    >>> bool(np.abs(params["W"]).max() < 1e-5)
    True
    """

    max_iter: int = 100
    memory: int = 50
    tol: float = 1e-5

    full_batch: ClassVar[bool] = True

    def init(self, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return an empty state, because nothing is kept between calls."""
        self._check()
        return {}

    def update(
        self,
        params: dict[str, np.ndarray],
        grads: dict[str, Any],
        state: dict[str, np.ndarray],
        *,
        lr_scale: dict[str, float] | np.ndarray | None = None,
    ) -> Any:
        raise TypeError(
            "LBFGS takes no single steps, as its line search needs the function. Call minimize, "
            "or use Adam or SGD."
        )

    def minimize(self, function: Callable[..., Any], params: dict[str, np.ndarray]) -> LBFGSResult:
        """Minimise a function of the parameters, which are changed in place.

        Parameters
        ----------
        function : callable
            ``function(params) -> (value, grads)``. A parameter without a gradient stays as it is.
        params : dict of str to ndarray

        Returns
        -------
        result : LBFGSResult

        Raises
        ------
        FloatingPointError
            If the function or its gradient is not finite at the start. At later points the line
            search backs off instead.
        """
        self._check()
        search = _Search(function, params)
        start = np.concatenate([np.ravel(p) for p in params.values()], dtype=np.float64)
        found = minimize(
            search.evaluate,
            start,
            jac=True,
            method="L-BFGS-B",
            callback=search.accept,
            options={
                "maxiter": self.max_iter,
                "maxcor": self.memory,
                "gtol": self.tol,
                "ftol": 0.0,
            },
        )
        _scatter(found.x, params)
        converged = bool(np.abs(found.jac).max(initial=0) <= self.tol)
        return LBFGSResult(float(found.fun), int(found.nit), converged)

    def lr_at(self, step: int) -> float:
        """Learning rate of a step: always 1; the line search shortens steps if needed."""
        return 1.0

    def _check(self):
        check_integer(self.max_iter, "max_iter")
        check_integer(self.memory, "memory")
        check_number(self.tol, "tol", low=0)


class _Search:
    """Function of a flat vector of parameters, made finite everywhere for the line search."""

    def __init__(self, function, params):
        self.function, self.params = function, params
        # Where the line search began, and what it tried last.
        self.start = self.last = None

    def evaluate(self, point):
        """Return value and gradient, or those of a steep parabola if they are not finite."""
        _scatter(point, self.params)
        value, grads = self.function(self.params)
        # In the order of the parameters, whatever that of the gradients.
        grad = [
            np.ravel(grads[name]) if name in grads else np.zeros(param.size)
            for name, param in self.params.items()
        ]
        value, grad = float(value), np.concatenate(grad, dtype=np.float64)
        if not (np.isfinite(value) and np.isfinite(grad).all()):
            return self._beyond(point)
        self.last = point.copy(), value, grad.copy()
        self.start = self.last if self.start is None else self.start
        return value, grad

    def accept(self, point):
        """Begin the next line search at a point."""
        if np.array_equal(self.last[0], point):
            self.start = self.last

    def _beyond(self, point):
        """A parabola along the step, with its minimum at a tenth of it."""
        if self.start is None:
            raise FloatingPointError(
                "the function, or its gradient, is not finite at the initial parameters; expected "
                "finite numbers. Choose other initial parameters, or rescale X."
            )
        origin, value, grad = self.start
        step = point - origin
        fall = abs(float(grad @ step))
        return value + 4 * fall, step * (9 * fall / float(step @ step))


def _scatter(point, params):
    start = 0
    for param in params.values():
        param[...] = point[start : start + param.size].reshape(param.shape)
        start += param.size
