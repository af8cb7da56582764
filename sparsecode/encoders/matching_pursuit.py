"""Matching pursuit as a trainable encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy import sparse

from sparsecode._factored_gradients import RowGradient
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._validation import check_flag, check_integer, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._pursuit import Pursuit, gradients_of_steps, inverse_norms, walk_back
from sparsecode.encoders._scheduled import check_k
from sparsecode.encoders.trainable import TrainableEncoder

_BLOCK_SIZE = 128


class PursuitTape(NamedTuple):
    """Centred samples, and the atom and the coefficient of each step."""

    x: np.ndarray
    selected: np.ndarray
    steps: np.ndarray
    dictionary: Dictionary


@dataclass(eq=False)
class MatchingPursuit(TrainableEncoder):
    """Matching pursuit encoder: `k` steps on the atoms of the dictionary, without parameters.

    From ``r = x - offset``, each step finds the atom `d` whose direction is nearest to the
    residual, adds ``r @ d / ||d||^2`` to its coefficient, and subtracts this multiple of `d` from
    `r`. So the norm of the residual decreases with each step. A second similar atom is selected
    only for what the first one does not explain, which an encoder with a single affine map cannot
    do. An atom may be selected again. Atoms need not have norm 1. Among equal atoms the first is
    selected.

    Gradients are those of the coefficients for a fixed selection, through all residuals. There are
    no parameters: training learns the dictionary, through the reconstruction and through the codes.
    It uses no dense codes, and memory of ``k * n_samples * n_features`` numbers for the gradient of
    a batch. A batch costs the Gram matrix of the atoms and ``k * n_components`` operations per
    sample. If this matrix would be too large, or there are few samples, it costs
    ``k * n_components * n_features`` per sample instead.

    Parameters
    ----------
    k : int, default=8
        Number of steps, the largest number of nonzeros of a sample.
    positive : bool, default=True
        Whether codes are non-negative. Steps then select the largest positive inner product with
        the residual, and end if there is none. If False, the magnitude of the inner product counts,
        and codes have both signs: the standard matching pursuit.
    min_residual : float, default=0.0
        Norm of the residual, in the units of `X`, below which a sample stops after its first step.
    repeats : bool, default=True
        Whether steps continue after an atom is selected again. If False, this step is the last.
    params : dict or None, default=None
        Empty.

    Raises
    ------
    ValueError
        By every method, if `k` is more than the atoms of the dictionary.

    See Also
    --------
    sparsecode.solvers.OMP : Fits all coefficients again after each selection.

    References
    ----------
    S. Mallat and Z. Zhang, "Matching pursuits with time-frequency dictionaries", 1993. V. Costa et
    al., "From flat to hierarchical: extracting sparse representations with matching pursuit", 2025.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import MatchingPursuit
    >>> dictionary = Dictionary([[1.0, 0.0], [0.6, 0.8]])
    >>> MatchingPursuit(k=1).encode([[3.0, 1.0]], dictionary)
    array([[3., 0.]])
    >>> MatchingPursuit(k=2).encode([[3.0, 1.0]], dictionary)
    array([[3. , 0.8]])
    """

    k: int = 8
    positive: bool = True
    min_residual: float = 0.0
    repeats: bool = True

    is_sparse: ClassVar[bool] = True
    sparse_codes: ClassVar[bool] = True
    active_setting: ClassVar[str | None] = "k"

    @property
    def homogeneous(self) -> bool:
        """Whether scaled samples have codes scaled by the same number."""
        return self.min_residual == 0

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper bound of the codes, whatever the dictionary: two floats."""
        return (0.0 if self.positive else -np.inf), np.inf

    def _run_forward(self, params, x, dictionary, *, n_layers, training, sparse, signals):
        pursuit = Pursuit(dictionary, self, len(x))
        codes = None if sparse else np.empty((len(x), dictionary.n_components), dtype=x.dtype)
        selected = np.empty((len(x), self.k), dtype=np.int32)
        steps = np.empty((len(x), self.k), dtype=x.dtype)

        def block(rows):
            out = None if sparse else codes[rows]
            found = pursuit.run(x[rows], out, selected[rows], steps[rows])
            return compress(found) if sparse else None

        parts = map_row_blocks(block, len(x), block_size=_BLOCK_SIZE)
        codes = stack_csr(parts, dictionary.n_components) if sparse else codes
        return codes, PursuitTape(x, selected, steps, dictionary), {}

    def _run_backward(self, dcodes, cache, *, with_dictionary, out, dsignals):
        if not with_dictionary:
            return {}
        tape = cache.kept
        (n_samples, k), dictionary = tape.selected.shape, tape.dictionary
        atoms, inverse = dictionary.atoms, inverse_norms(dictionary)
        shares = np.empty((n_samples, k, atoms.shape[1]), dtype=atoms.dtype)
        dx = np.empty_like(tape.x)

        def block(rows):
            selected, steps = tape.selected[rows], tape.steps[rows]
            grad_steps = gradients_of_steps(dcodes, rows, selected)
            walk_back(
                tape.x[rows], selected, steps, grad_steps, atoms, inverse, shares[rows], dx[rows]
            )

        map_row_blocks(block, n_samples, block_size=_BLOCK_SIZE)
        taken = tape.selected >= 0
        starts = np.append(0, np.cumsum(taken.ravel()))
        which = sparse.csr_array(
            (np.ones(starts[-1], dtype=atoms.dtype), tape.selected[taken], starts),
            shape=(n_samples * k, len(atoms)),
        )
        grads = {"atoms": RowGradient((which, shares.reshape(-1, atoms.shape[1])))}
        if dictionary.offset is not None:
            grads["offset"] = -dx.sum(axis=0)
        return grads

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        pursuit = Pursuit(dictionary, self, n_rows)

        def encode_rows(x, out):
            selected = np.empty((len(x), self.k), dtype=np.int32)
            return pursuit.run(x, out, selected, np.empty((len(x), self.k), dtype=x.dtype))

        return encode_rows

    def _initial(self, dictionary, random_state):
        check_k(self, self.k, dictionary)
        return {}

    def _shapes(self, dictionary):
        check_k(self, self.k, dictionary)
        return {}

    def _check_parameters(self):
        check_integer(self.k, "k")
        check_flag(self.positive, "positive")
        check_flag(self.repeats, "repeats")
        check_number(self.min_residual, "min_residual", low=0, high=1e100)

    def _n_layers(self, n_layers):
        return 1 if n_layers is None else check_integer(n_layers, "n_layers", high=1)
