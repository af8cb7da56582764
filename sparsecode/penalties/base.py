"""The base of penalties: data, plus plain functions on arrays and on single coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy import sparse

from sparsecode import _jit
from sparsecode._binary_scaling import cast
from sparsecode._messages import shown, wrong
from sparsecode._plain import plain
from sparsecode._typing import Array, MatrixLike, write_types
from sparsecode._validation import check_matrix, check_number, check_rows
from sparsecode.penalties import _array_kernels as kernels
from sparsecode.penalties._row_sums import RowSums

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


def check_penalty_instance(penalty: Penalty) -> Penalty:
    """Return `penalty` if it is an instance of a Penalty."""
    if not isinstance(penalty, Penalty):
        raise TypeError(
            f"penalty is {shown(penalty)}; expected a Penalty instance, such as L1(alpha=0.1)."
        )
    return penalty


def resolve_penalty(penalty: Penalty | type[Penalty], alpha: float) -> Penalty:
    """Return `penalty`, a class or an instance, with its weight multiplied by `alpha`."""
    if isinstance(penalty, type) and issubclass(penalty, Penalty) and penalty is not Penalty:
        penalty = penalty()
    if not isinstance(penalty, Penalty):
        raise TypeError(
            wrong(
                "penalty",
                got=shown(penalty),
                expected="a Penalty, its class or an instance",
                remedy="Use for example penalty=L1 or penalty=L1(positive=True).",
            )
        )
    return penalty.scaled(alpha).checked()


class Penalty(RowSums):
    """Base of the penalties ``g``: a mix-in for a named tuple of parameters.

    A penalty is an immutable named tuple whose first field is its weight `alpha`, plus static
    functions of one coefficient that the solvers compile into their loops. Everything on arrays
    below is derived from those functions, so there is one formula for each thing. A constraint,
    which has neither, sets `weighted` and `separable` to False and defines the methods on arrays.

    A subclass defines ``_value(penalty, code, j)`` and ``_prox(penalty, value, step, j)`` and,
    where they exist, ``_grad(penalty, code, j)``, ``_curvature(penalty, code, j)`` (of smooth
    penalties: slope, second derivative, and curvature of a parabola that touches from above),
    ``_dual_excess(penalty, correlation, j)`` and ``_conjugate(penalty, correlation, j)`` (of convex
    ones). The names of their arguments are part of the contract: numba checks them.

    A penalty that is not a sum over coefficients sets ``separable = False`` and defines the
    functions of a whole sample instead: ``_row_value(penalty, code)``, ``_row_prox(penalty, point,
    step, out)`` (`out` may be `point`), ``_row_dual_excess(penalty, correlations)`` and
    ``_row_conjugate(penalty, scale, correlations)``.

    Attributes
    ----------
    separable : bool
        Whether `g` is a sum over coefficients, so that coordinates can be solved one by one.
    convex : bool
        Whether `g` is convex, so that a duality gap certifies a code.
    smooth : bool
        Whether `g` has a derivative everywhere, so that gradient methods apply.
    weighted : bool
        Whether `g` has a weight `alpha`; a constraint has none, and few solvers take it.
    """

    __slots__ = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        write_types(cls.__new__)

    separable = True
    convex = False
    smooth = False
    weighted = True

    def value(self, codes: MatrixLike) -> np.ndarray:
        """Penalty of each sample.

        Parameters
        ----------
        codes : array-like or sparse matrix of shape (n_samples, n_components)

        Returns
        -------
        value : ndarray of shape (n_samples,)
        """
        if sparse.issparse(codes):
            return kernels.values_of_sparse(self, check_rows(codes, "codes"))
        codes, penalty = self._typed(codes, "codes")
        out = np.empty(len(codes), dtype=codes.dtype)
        kernels.row_values(penalty, codes, out)
        return out

    def prox(self, V: ArrayLike, step: float = 1.0) -> np.ndarray:
        """Proximal operator: the `U` that minimises ``||U - V||^2 / 2 + step * g(U)``.

        Parameters
        ----------
        V : array-like of shape (n_samples, n_components)
        step : float, default=1.0
            Positive step size.

        Returns
        -------
        U : ndarray of shape (n_samples, n_components)
        """
        step = check_number(step, "step", low=0, low_open=True)
        V, penalty = self._typed(V, "V")
        out = np.empty_like(V)
        kernels.prox_array(penalty, V, V.dtype.type(step), out)
        return out

    def grad(self, codes: ArrayLike) -> np.ndarray:
        """Derivative of the penalty in each coefficient, 0 where there is none.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_components)

        Returns
        -------
        grad : ndarray of shape (n_samples, n_components)
        """
        if not hasattr(self, "_grad"):
            raise TypeError(
                f"{type(self).__name__} has no gradient: it does not define _grad(penalty, code, "
                "j). Define _grad, or use prox."
            )
        codes, penalty = self._typed(codes, "codes")
        out = np.empty_like(codes)
        kernels.grad_array(penalty, codes, out)
        return out

    def dual_excess(self, correlations: ArrayLike) -> np.ndarray:
        """Factor by which each row must be divided to be dual feasible, where above 1.

        Parameters
        ----------
        correlations : array-like of shape (n_samples, n_components)
            Residual correlations ``r @ atoms.T``.

        Returns
        -------
        excess : ndarray of shape (n_samples,)
        """
        correlations, penalty = self._typed(correlations, "correlations")
        out = np.empty(len(correlations), dtype=correlations.dtype)
        kernels.row_excesses(penalty, correlations, out)
        return out

    def conjugate(self, correlations: ArrayLike) -> np.ndarray:
        """Convex conjugate ``g*`` of each row of dual feasible correlations.

        Parameters
        ----------
        correlations : array-like of shape (n_samples, n_components)

        Returns
        -------
        conjugate : ndarray of shape (n_samples,)
        """
        correlations, penalty = self._typed(correlations, "correlations")
        out = np.empty(len(correlations), dtype=correlations.dtype)
        kernels.row_conjugates(penalty, correlations, out)
        return out

    def alpha_max(self, correlations: ArrayLike) -> float:
        """Smallest weight `alpha` at which a code of 0 is optimal for every row.

        Parameters
        ----------
        correlations : array-like of shape (n_samples, n_components)
            ``(X - offset) @ atoms.T``.

        Returns
        -------
        alpha : float

        Raises
        ------
        TypeError
            If no weight makes the codes exactly zero.
        """
        raise TypeError(
            f"{type(self).__name__} has no alpha_max: only a convex penalty with an l1 part has a "
            "weight above which all codes are zero. Use L1, or ElasticNet with l1_ratio > 0."
        )

    def dual_scales(self, codes: np.ndarray, correlations: np.ndarray) -> list[np.ndarray]:
        """Factors that make residuals dual feasible, the best of which gives the duality gap.

        Parameters
        ----------
        codes, correlations : ndarray of shape (n_samples, n_components)

        Returns
        -------
        scales : list of ndarray of shape (n_samples,)
        """
        return [1 / np.maximum(self.dual_excess(correlations), 1)]

    def stationarity(
        self, codes: Array, correlations: Array, lipschitz: float, half_residual: Array
    ) -> np.ndarray:
        """Stationarity residual of each sample: 0 exactly where no step improves the code.

        Parameters
        ----------
        codes, correlations : ndarray of shape (n_samples, n_components)
            Codes, and the inner products of their residuals with the atoms.
        lipschitz : float
            Upper bound of the largest eigenvalue of the Gram matrix.
        half_residual : ndarray of shape (n_samples,)
            Half the squared norm of each residual.

        Returns
        -------
        residual : ndarray of shape (n_samples,)
            ``L * max|z - prox(z + correlations / L, 1 / L)|``.
        """
        steps = correlations / lipschitz
        lost = codes + steps
        left = codes - self.prox(lost, 1 / lipschitz)
        # What a sum with a large code loses can be all of the step. From most points on a
        # prox moves as they do. Blocks of dense codes take memory, hence in place.
        with np.errstate(invalid="ignore"):
            parts = lost - codes
            np.subtract(codes, np.subtract(lost, parts, out=lost), out=lost)
            lost += np.subtract(steps, parts, out=steps)
            np.abs(np.subtract(left, lost, out=lost), out=lost)
            return lipschitz * np.fmax(np.abs(left, out=left), lost, out=lost).max(axis=1)

    def for_rows(self, rows: slice | np.ndarray, n_samples: int) -> Self:
        """Return the penalty of a slice of `n_samples` rows: itself unless rows have their own."""
        return self

    def for_atoms(self, atoms: np.ndarray) -> Self:
        """Return the penalty of codes on some of the atoms only, the others being zero.

        Solvers of separable penalties use it where there are many atoms. Numbers stay, and of an
        array, which has an entry for each atom, the entries of these are taken; a penalty with
        other arrays defines its own.

        Parameters
        ----------
        atoms : ndarray of int
            Indices, each once.

        Raises
        ------
        TypeError
            If the penalty is not a sum over coefficients.
        """
        if not self.separable:
            raise TypeError(
                f"{type(self).__name__} is not a sum over coefficients, so that atoms cannot be "
                "left out. Define for_atoms(atoms), or use FISTA or ISTA."
            )
        return type(self)(*(np.asarray(v)[atoms] if np.ndim(v) == 1 else v for v in self))

    def scaled(self, factor: float) -> Self:
        """Return the same penalty with its weight `alpha` multiplied by `factor`."""
        return self._replace(alpha=plain(self.alpha) * factor)

    def rescaled(self, *, codes: int, values: int) -> Self:
        """Return the same penalty in other units: ``g'(2**codes * z) = 2**values * g(z)``.

        Far from 1, where squares leave the range of floats, samples and atoms are multiplied by
        powers of two; they are refused with a penalty that does not define this.
        """
        remedy = "Scale X and the atoms to values near 1, or define rescaled(codes, values)."
        raise TypeError(f"{type(self).__name__} does not define rescaled. {remedy}")

    @property
    def can_be_rescaled(self) -> bool:
        """True if `rescaled` is defined."""
        return type(self).rescaled is not Penalty.rescaled

    def unpenalized(self, n_components: int) -> np.ndarray:
        """Mask of the atoms whose coefficients cost nothing, shape (n_components,)."""
        return np.full(n_components, self.alpha == 0)

    def origin(self, n_components: int) -> float:
        """Value of the coefficients of the code that solvers start from, which costs nothing."""
        return 0.0

    def centred(self, dictionary: Dictionary) -> Dictionary:
        """Return a dictionary that solvers may use instead: allowed codes have the same fit.

        The code of `origin` reconstructs its offset, as a code of 0 does that of `dictionary`. A
        constraint that excludes 0 defines this and `origin`.
        """
        return dictionary

    def checked(self) -> Self:
        """Return the penalty with its numbers as Python numbers, after checking its parameters.

        Raises
        ------
        ValueError
            If a parameter is out of its range.
        """
        check_number(self.alpha, "alpha", low=0)
        return self._make(plain(field) for field in self)

    def prepare(self, n_components: int, dtype: DTypeLike) -> Any:
        """Return the form that kernels compile: checked, every number of type `dtype`."""
        fields = (
            field if isinstance(field, bool) else cast(field, dtype) for field in self.checked()
        )
        return _jit.own_type(type(self))(*fields)

    @staticmethod
    def _dual_excess(penalty, correlation, j):
        # A penalty that is not convex has no dual; solvers compile this but never reach it.
        return 0.0

    @staticmethod
    def _conjugate(penalty, correlation, j):
        return 0.0

    def _typed(self, array, name):
        array = check_matrix(array, name)
        return array, self.prepare(array.shape[1], array.dtype)
