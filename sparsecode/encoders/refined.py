"""Refined encoder: steps of inference around an encoder with one affine map."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from scipy.sparse import issparse

from sparsecode._blas import single_threaded_blas
from sparsecode._factored_gradients import RowGradient, add_gradients, scaled_rows
from sparsecode._messages import shown, wrong
from sparsecode._parallel import rows_alike, scratches
from sparsecode._row_products import panels_to_keep, row_product
from sparsecode._validation import check_integer, check_number
from sparsecode._values import check_option
from sparsecode.encoders._feedback import (
    Feedback,
    add_product,
    as_csr,
    product_at,
    residual_of,
)
from sparsecode.encoders._forward_cache import ForwardCache
from sparsecode.encoders._linear import LinearEncoder, LinearTape, column_sums
from sparsecode.encoders._parameter_kinds import PURE_NUMBER, Kind
from sparsecode.encoders._scalable_encoder import ScalableEncoder
from sparsecode.encoders._wrapping import Wrapping
from sparsecode.encoders.topk import TopK
from sparsecode.encoders.trainable import TrainableEncoder

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

_FEEDBACKS = ("encoder", "atoms", "learned")


class Selection(NamedTuple):
    """One selection: the cache of the inner encoder, and what the feedback weights multiplied."""

    cache: ForwardCache
    seen: np.ndarray | None


class RefinedTape(NamedTuple):
    """Arrays of a forward pass of a `Refined` encoder that its gradients need."""

    x: np.ndarray
    params: dict[str, Any]
    dictionary: Dictionary
    selections: list[Selection]


@dataclass(eq=False)
class Refined(Wrapping, ScalableEncoder, TrainableEncoder):
    """Refined encoder: an encoder that corrects its pre-activations by the residual of its codes.

    An encoder with one affine map cannot tell similar atoms apart by what is left of a sample after
    the others. Here the inner encoder selects codes `z` from its pre-activations `a`, a step of
    inference changes these, ``a <- a + step * (x - offset - z @ atoms) @ F.T``, and the inner
    encoder selects again. What it does not select keeps its pre-activation, as in linearized
    Bregman iterations. Training computes the gradients through all of it: in the encoder, and in
    the atoms through the residuals too. A step costs one product more; gradients of sparse codes
    are computed at their entries only.

    Parameters
    ----------
    encoder : LinearEncoder, default=TopK()
        The inner encoder, such as `TopK`, `BatchTopK`, `JumpReLU` or `ReLU`. If it has `params`,
        `init` starts from these.
    n_steps : int, default=1
        Number of steps, after each of which the inner encoder selects again.
    step : float, default=0.3
        Size of a step, positive. It is a pure number if `F` and the atoms have rows of norm 1.
    feedback : {"encoder", "atoms", "learned"}, default="encoder"
        The matrix `F`, of shape (n_components, n_features). ``"encoder"`` takes the weights `W` of
        the inner encoder, and ``"atoms"`` the atoms, as in proximal gradient descent. Both are the
        same if the inner encoder is tied. ``"learned"`` is a parameter, which starts at the atoms.
    params : dict of str to ndarray or None, default=None
        Parameters of the inner encoder and, if it is learned, ``"feedback"`` of shape
        (n_components, n_features). A threshold of `BatchTopK` has the shape (n_steps + 1,), one for
        each selection. None takes those of `init`.

    Raises
    ------
    TypeError
        By every method, if `encoder` is not a `LinearEncoder`.
    ValueError
        By every method, if `n_steps` or `step` is not positive, or there is no such `feedback`.

    See Also
    --------
    sparsecode.encoders.LISTACP : Steps with a soft threshold, on a given dictionary.
    sparsecode.encoders.MatchingPursuit : One atom for each step.

    Notes
    -----
    Signals for a loss, such as the pre-activations, are those of the last selection. `n_layers` in
    `encode` and `forward` is the number of selections: 1 is the inner encoder alone.

    References
    ----------
    K. Gregor and Y. LeCun, "Learning fast approximations of sparse coding", 2010. W. Yin, S. Osher,
    D. Goldfarb and J. Darbon, "Bregman iterative algorithms for l1-minimization", 2008.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import Refined, TopK
    >>> dictionary = Dictionary([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> x = [[1.0, 0.5]]
    >>> TopK(k=2).encode(x, dictionary)
    array([[1., 1., 0.]])
    >>> Refined(TopK(k=2), n_steps=20).encode(x, dictionary).round(3)
    array([[0.625, 0.625, 0.   ]])
    """

    encoder: LinearEncoder = field(default_factory=TopK)
    n_steps: int = 1
    step: float = 0.3
    feedback: str = "encoder"

    @property
    def homogeneous(self) -> bool:
        """Whether codes scale with the samples if the parameters are rescaled."""
        return self.encoder.homogeneous

    @property
    def has_free_gain(self) -> bool:
        """False: codes of another size would leave another residual."""
        return False

    @property
    def straight_through(self) -> tuple[str, ...]:
        """Parameters whose gradient is a straight-through estimate."""
        found = self.encoder.straight_through
        # If the inner encoder passes an estimate to its samples, all that makes residuals gets it.
        return (*found, "atoms", "feedback") if "offset" in found else found

    @property
    def active_setting(self) -> str | None:
        """Name of the setting of the inner encoder for the number of active units."""
        setting = self.encoder.active_setting
        return None if setting is None else f"encoder__{setting}"

    @property
    def parameter_kinds(self) -> dict[str, Kind]:
        """Kind of each parameter: how it changes with the scale of the samples."""
        kinds = self.encoder.parameter_kinds
        return {**kinds, "feedback": PURE_NUMBER} if self.feedback == "learned" else kinds

    @property
    def unit_rows(self) -> tuple[str, ...] | None:
        """Names of the parameters with one row for each unit."""
        if self.encoder.unit_rows is None:
            return None
        return tuple(name for name in self.parameter_kinds if name not in self.buffers)

    def calibrate(self, X: np.ndarray, dictionary: Dictionary, share: float) -> Self:
        """Return an encoder whose first selection has each unit active on a share of samples."""
        inner = self.encoder.bind(self._within(self.params, 0))
        found = inner.calibrate(X, dictionary, share).params
        changes = {name: array for name, array in found.items() if name not in self.buffers}
        return self.bind(self.params | changes)

    def update_buffers(
        self, params: dict[str, np.ndarray], cache: Any, n_before: int | None = None
    ) -> None:
        for t, selection in enumerate(cache.kept.selections):
            self.encoder.update_buffers(self._within(params, t), selection.cache, n_before)

    def set_buffers(
        self, X: np.ndarray, dictionary: Dictionary, sample_weight: np.ndarray | None = None
    ) -> Self:
        if not self.buffers:
            return self
        X, dictionary, params, n_layers = self._check_call(self.params, X, dictionary, None)
        weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        params = {name: array.copy() for name, array in params.items()}
        x = self._inputs(X, slice(0, X.shape[0]), dictionary)
        # The products of `encode`, so that a threshold lies where it does among these.
        with single_threaded_blas(), rows_alike():
            feedback = self._started(params, x, dictionary)
            for t in range(n_layers):
                within, products = self._within(params, t), feedback.products()
                for name, found in self.encoder._found_buffers(within, products, weight).items():
                    within[name][...] = found
                if t + 1 < n_layers:
                    feedback.advance(self._codes(within, feedback.products(), False)[0])
        return self.bind(params)

    def _run_forward(self, params, x, dictionary, *, n_layers, training, sparse, signals):
        feedback, selections = self._started(params, x, dictionary), []
        of_entries = tuple(name for name in signals if name != "squared_norms")
        for t in range(n_layers):
            within, products = self._within(params, t), feedback.products()
            if t + 1 < n_layers:
                codes, stored = self._codes(within, products, training)
            else:
                codes, stored = self.encoder._codes(within, products, training, sparse, of_entries)
            tape = LinearTape(x, within, dictionary, stored)
            selections.append(Selection(ForwardCache(codes, tape, {}), feedback.seen))
            if t + 1 < n_layers:
                feedback.advance(codes)
        found = {name: stored[name] for name in of_entries}
        if "squared_norms" in signals:
            found["squared_norms"] = np.einsum("ij,ij->i", feedback.W, feedback.W)
        return codes, RefinedTape(x, params, dictionary, selections), found

    def _run_backward(self, dcodes, cache, *, with_dictionary, out, dsignals):
        tape = cache.kept
        W, F = self._matrices(tape.params, tape.dictionary)
        # Factors of the gradients in the weights, in `F` if it is another matrix, and in the atoms.
        of_W, of_F, of_atoms = [], [], []
        grads, bias, offset = {}, 0, 0
        # Gradient in the sum of the residuals.
        dtotal = np.zeros_like(tape.x)
        for t in reversed(range(len(tape.selections))):
            here, seen = tape.selections[t]
            own, buffer = {}, None if issparse(here.codes) else np.empty_like(here.codes)
            # Only the last selection has signals.
            given = dsignals if here.codes is cache.codes else {}
            parts = self.encoder._pre_gradients(dcodes, here, given, own, buffer)
            bias = bias + sum(map(column_sums, parts))
            for name, grad in own.items():
                grads[name] = add_gradients(grads.get(name), grad)
            of_W += [(dA, tape.x if seen is None or F is not W else seen) for dA in parts]
            if t == 0:
                break
            if F is not W:
                of_F += [(dA, seen) for dA in parts]
            for dA in parts:
                add_product(dA, F, dtotal)
            before, dfit = tape.selections[t - 1].cache.codes, dtotal * -self.step
            of_atoms.append((before, dfit))
            offset = offset + dfit.sum(axis=0)
            dcodes = product_at(dfit, tape.dictionary.atoms, before)
        if "b" in tape.params:
            grads["b"] = bias
        grads |= self._of_matrices(tape, of_W, of_F, of_atoms, dsignals, with_dictionary)
        if with_dictionary and tape.dictionary.offset is not None:
            with single_threaded_blas():
                grads["offset"] = offset - bias @ W
        return grads

    def _of_matrices(self, tape, of_W, of_F, of_atoms, dsignals, with_dictionary):
        """Gradients in the matrices from their factors."""
        W, F = self._matrices(tape.params, tape.dictionary)
        grad_W, grads = RowGradient(*of_W), {}
        if "squared_norms" in dsignals:
            grad_W += scaled_rows(2 * dsignals["squared_norms"], W)
        if not self.encoder.tied:
            grads["W"] = grad_W
        if self.feedback == "learned":
            grads["feedback"] = RowGradient(*of_F) if of_F else np.zeros_like(F)
        if with_dictionary:
            if F is tape.dictionary.atoms and F is not W:
                of_atoms = [*of_atoms, *of_F]
            parts = [RowGradient(*of_atoms)] if of_atoms else []
            parts += [grad_W] if self.encoder.tied else []
            grads |= {"atoms": reduce(add_gradients, parts)} if parts else {}
        return grads

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        W, F = self._matrices(params, dictionary)
        columns = panels_to_keep(W.T, n_rows)
        of_feedback = columns if F is W else panels_to_keep(F.T, n_rows)
        each = [self._within(params, t) for t in range(n_layers)]

        def encode_rows(x, out):
            shape = len(x), len(W)
            dense, first = scratches([shape, (0, 0) if F is W else shape], W.dtype)
            codes, total = dense if out is None else out, np.zeros_like(x)
            for t, within in enumerate(each):
                if t == 0 or F is W:
                    row_product(x + total, columns, codes)
                else:
                    row_product(total, of_feedback, codes)
                    codes += first
                if t == 0 and F is not W:
                    first[:] = codes
                self.encoder._activate_rows(codes, within)
                if t + 1 < n_layers:
                    few = as_csr(codes) if self.encoder.sparse_codes else codes
                    total += residual_of(x, few, dictionary.atoms, self.step)
            return codes

        return encode_rows

    def _rows_a_block(self, n_rows, row_bytes):
        return self.encoder._rows_a_block(n_rows, row_bytes)

    def _codes(self, within, products, training):
        """Codes of a selection before the last, and the arrays to store."""
        return self.encoder._codes(within, products, training, self.encoder.sparse_codes, ())

    def _started(self, params, x, dictionary):
        return Feedback(x, dictionary.atoms, *self._matrices(params, dictionary), self.step)

    def _matrices(self, params, dictionary):
        """The weights of the inner encoder and those of the feedback: one array where they are."""
        W = self.encoder._weights(params, dictionary)
        found = {"encoder": W, "atoms": dictionary.atoms, "learned": params.get("feedback")}
        return W, found[self.feedback]

    def _within(self, params, t):
        """Parameters of the inner encoder for a selection: the same arrays, or views of them."""
        return {
            name: array[t, ...] if name in self.buffers else array
            for name, array in params.items()
            if name != "feedback"
        }

    def _initial(self, dictionary, random_state):
        inner = self.encoder
        initial = inner.init(dictionary, random_state=random_state)
        initial = initial if inner.params is None else inner._check_params(inner.params, dictionary)
        initial = {
            name: np.stack([array] * (self.n_steps + 1)) if name in self.buffers else array
            for name, array in initial.items()
        }
        return initial | ({"feedback": dictionary.atoms} if self.feedback == "learned" else {})

    def _shapes(self, dictionary):
        shapes = self.encoder._shapes(dictionary)
        shapes |= {name: (self.n_steps + 1, *shapes[name]) for name in self.buffers}
        return shapes | ({"feedback": dictionary.atoms.shape} if self.feedback == "learned" else {})

    def _check_parameters(self):
        if not isinstance(self.encoder, LinearEncoder):
            raise TypeError(
                wrong(
                    "encoder of Refined",
                    got=shown(self.encoder),
                    expected="an encoder with one affine map, an instance",
                    remedy="Use for example TopK(k=8), BatchTopK(), JumpReLU() or ReLU().",
                )
            )
        self.encoder._check_parameters()
        check_integer(self.n_steps, "n_steps")
        check_number(self.step, "step", low=0, low_open=True)
        check_option(self.feedback, "feedback", _FEEDBACKS)

    def _n_layers(self, n_layers):
        most = self.n_steps + 1
        return most if n_layers is None else check_integer(n_layers, "n_layers", high=most)
