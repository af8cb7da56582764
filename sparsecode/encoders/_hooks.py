"""Hooks of a trainable encoder, with their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sparsecode._row_blocks import dense_rows
from sparsecode.losses import PenaltyTerm

if TYPE_CHECKING:
    from sparsecode.losses.terms.base import Term
    from sparsecode.penalties.base import Penalty

# Rows that one thread encodes at a time.
_BLOCK_SIZE = 256


class EncoderHooks:
    """Base of `TrainableEncoder`: the methods that subclasses define, with their defaults."""

    def default_terms(self, penalty: Penalty) -> list[Term]:
        """Return the default terms of a loss, which make codes sparse.

        Parameters
        ----------
        penalty : Penalty
            Penalty with its weight.

        Returns
        -------
        terms : list of Term
        """
        return [PenaltyTerm(penalty)]

    def target_term(self, target_l0: float, weight: float) -> Term | None:
        """Return a term with a target for the number of active units, to replace `default_terms`.

        Parameters
        ----------
        target_l0 : float
            Mean number of active units of a sample.
        weight : float

        Returns
        -------
        term : Term or None
            None if there is no such term. The weight of the default terms is then adapted in
            training.
        """
        return None

    @property
    def unit_rows(self) -> tuple[str, ...] | None:
        """Names of the parameters with one row for each unit, if these rows are all of a unit.

        Rows in another order then give codes in this order. None if that is not so, or not known.
        """
        return None

    @property
    def is_constant(self) -> bool:
        """Whether the encoder is the same at every step of training: no setting is a schedule."""
        return True

    def at_step(self, step: int | None) -> Self:
        """Return the encoder of a step of training, in which settings are no schedules.

        Parameters
        ----------
        step : int or None
            Number of steps before; None stands for all of them.

        Returns
        -------
        encoder : TrainableEncoder
        """
        return self

    @property
    def _name(self):
        """Name in error messages."""
        return type(self).__name__

    def _check_parameters(self):
        """Raise an error that names the encoder if a hyper-parameter is not valid."""

    def _n_layers(self, n_layers):
        """Number of layers to run, checked."""
        return n_layers

    def _inputs(self, X, rows, dictionary):
        """Rows of the samples, less the offset, as the forward pass takes them."""
        return dictionary.center(dense_rows(X, rows, dictionary.atoms.dtype))

    def _run_forward(self, params, x, dictionary, *, n_layers, training, sparse, signals):
        """Codes of centred samples, an object for `_run_backward`, and a dict of the signals."""
        codes, kept = self._forward(params, x, dictionary, n_layers)
        return codes, kept, {}

    def _run_backward(self, dcodes, cache, *, with_dictionary, out, dsignals):
        """Gradients in the parameters from those in the codes and in the signals."""
        return self._backward(dcodes, cache.kept, with_dictionary, out)

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        """Return a function ``(x, out)`` that writes codes of `x` to `out`, or returns them."""

        def encode_rows(x, out):
            options = {"training": False, "sparse": False, "signals": ()}
            codes = self._run_forward(params, x, dictionary, n_layers=n_layers, **options)[0]
            if out is None:
                return codes
            out[:] = codes
            return out

        return encode_rows

    def _rows_a_block(self, n_rows, row_bytes):
        """Number of rows per block, from the number of samples and the bytes of a code."""
        return _BLOCK_SIZE
