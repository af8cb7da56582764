"""Refinement of a fitted autoencoder: the decoder is fitted again to fixed codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._sample_moments import LAYER_NORM, in_training_units
from sparsecode._typing import MatrixLike, Model
from sparsecode._validation import check_integer
from sparsecode.constraints import Constraint, Free, check_constraint
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.encoders._forward_cache import ForwardCache
from sparsecode.estimators._standardization import check_foldable
from sparsecode.losses import AutoencoderLoss
from sparsecode.training import train

_BLOCK = 4096


def refine(
    self: Model,
    X: MatrixLike,
    method: Literal["decoder", "scale", "support"] = "decoder",
    *,
    constraint: Constraint | None = None,
    n_epochs: int = 10,
    sample_weight: ArrayLike | None = None,
) -> Model:
    """Undo shrinkage: lower the reconstruction error without changing the active units.

    A second phase after training with a penalty, which shrinks all codes towards zero. The result
    is kept only if it lowers the error on `X`. If it is interrupted (Ctrl-C), the estimator keeps
    the best parameters so far, and the interrupt is then raised.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
    method : {"decoder", "scale", "support"}, default="decoder"
        "decoder" trains atoms and offset for the present codes, by gradients and without a penalty.
        "scale" multiplies each atom by a positive number, found for all atoms together by least
        squares, in ``O(n_samples * l0^2 + n_components^3)`` and memory of ``n_components^2``. Both
        keep the codes, and larger atoms compensate for their shrinkage. "support" keeps the
        parameters; from then on the nonzeros of each code are refitted by least squares, see
        `sparsecode.debias`, and `X` is only checked.
    constraint : Constraint or None, default=None
        Constraint of the atoms with "decoder"; None is `Free()`. Atoms of fixed norm can change
        direction but not grow.
    n_epochs : int, default=10
        Passes over the samples with "decoder", with the `optimizer` and the `batch_size` of the
        estimator.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        Weight of each sample in the error; None is 1 each. With "support", weights are only
        checked, because each sample is fitted separately.

    Returns
    -------
    self : SparseAutoencoder
        `partial_fit` continues from it with a fresh optimizer and with the penalty, so that codes
        shrink again: refine again after it.

    Raises
    ------
    TypeError
        If the encoder is not of the form ``activation((x - offset) @ W.T + b)``, unless the
        method is "support".

    References
    ----------
    B. Wright and L. Sharkey, "Addressing feature suppression in SAEs", 2024. S. Rajamanoharan
    et al., "Improving dictionary learning with gated sparse autoencoders", 2024.

    Examples
    --------
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.metrics import explained_variance, l0
    >>> X = make_sparse_signals(500, 20, 10, n_nonzero=2, random_state=0).X
    >>> model = SparseAutoencoder(20, alpha=0.1, random_state=0).fit(X)
    >>> codes = model.transform(X)
    >>> before = explained_variance(X, model.inverse_transform(codes))
    >>> refined = model.refine(X, "scale").transform(X)
    >>> bool(explained_variance(X, model.inverse_transform(refined)) > before)
    True
    >>> bool((l0(refined) == l0(codes)).all())
    True
    """
    if method != "decoder" and constraint is not None:
        raise ValueError(
            f"constraint is {constraint} with the method {method!r}; expected None, as only "
            "'decoder' trains atoms. Leave constraint out."
        )
    X = self._check_X(X)
    self._model.check_linear("refine")
    sample_weight = self._check_weights(X, sample_weight)
    if method == "support":
        self._model = replace(self._model, debias=True)
        return self
    if method not in ("decoder", "scale"):
        raise ValueError(
            wrong(
                "method",
                got=shown(method),
                expected="'decoder', 'scale' or 'support'",
                remedy="Choose one.",
            )
        )
    check_foldable(self.encoder_, "refine", "'support'")
    # A search for a target continues from the weight that was found.
    model = self._model.resumed()
    if method == "scale":
        encoder, dictionary = scaled(
            X, model.encoder, model.dictionary, sample_weight, layer_norm=model.normalizes
        )
        self._replace_model(replace(model, encoder=encoder, dictionary=dictionary))
        return self
    found = retrained(
        X,
        *model.to_training(),
        constraint=constraint,
        input_scale=model.scaling.inputs,
        optimizer=self.optimizer,
        batch_size=self.batch_size,
        n_epochs=n_epochs,
        sample_weight=sample_weight,
        random_state=self.random_state,
    )
    for encoder, dictionary in found:
        encoder, dictionary = model.scaling.from_training(encoder, dictionary, model.dictionary)
        self._replace_model(replace(model, encoder=encoder, dictionary=dictionary))
    return self


def retrained(
    X,
    encoder,
    dictionary,
    *,
    constraint,
    input_scale,
    optimizer,
    batch_size,
    n_epochs,
    sample_weight,
    random_state,
):
    """Train atoms and offset for fixed codes; yield encoder and dictionary at each improvement.

    Encoder and dictionary are those for samples times `input_scale`, or for normalised ones.
    """
    constraint = check_constraint(Free() if constraint is None else constraint)
    n_epochs = check_integer(n_epochs, "n_epochs")
    lowest = _error(X, encoder, dictionary, input_scale, sample_weight)
    states = train(
        _Frozen(encoder, dictionary),
        Dictionary(dictionary.atoms, dictionary.offset, constraint),
        X,
        sample_weight=sample_weight,
        X_val=X,
        sample_weight_val=sample_weight,
        loss=AutoencoderLoss(),
        optimizer=optimizer,
        batch_size=batch_size,
        n_epochs=n_epochs,
        input_scale=input_scale,
        learn_dictionary=True,
        random_state=random_state,
    )
    for state in states:
        if state.best_loss < lowest:
            lowest, found = state.best_loss, state.best_dictionary
            same = encoder.untie(dictionary)
            if found.offset is not None:
                same = same.move_offset(dictionary, found.offset)
            yield same, found


def scaled(X, encoder, dictionary, sample_weight=None, *, layer_norm=False):
    """Return encoder and dictionary with atoms scaled by the factors of least error."""
    input_scale = LAYER_NORM if layer_norm else 1.0
    n_components = dictionary.n_components
    moments, gains = np.zeros((n_components, n_components)), np.zeros(n_components)
    for x, codes, weights in _blocks(X, encoder, dictionary, sample_weight, input_scale):
        codes = codes.astype(np.float64)
        weighted = codes.multiply(weights[:, None]).tocsr()
        moments += (codes.T @ weighted).toarray()
        gains += np.einsum("ij,ij->i", weighted.T @ x, dictionary.atoms)
    moments *= dictionary.gram
    factors = _positive_least_squares(moments, gains)
    atoms = dictionary.atoms * factors.astype(dictionary.dtype)[:, None]
    return encoder.untie(dictionary), Dictionary(atoms, dictionary.offset, Free())


def _positive_least_squares(moments, gains):
    """Return positive `f` with a lower ``1/2 f @ moments @ f - gains @ f`` than a vector of ones.

    Factors that would not be positive stay 1, like those of units that are never active.
    """
    factors, free = np.ones(len(gains)), np.diag(moments) > 0
    while free.any():
        # The start is 1, so that factors which the samples do not determine stay 1.
        slope = gains[free] - moments[free].sum(axis=1)
        ones = moments[np.ix_(free, free)]
        found = 1 + np.linalg.lstsq(ones, slope, rcond=None)[0]
        if (found > 0).all():
            factors[free] = found
            return factors
        free[np.flatnonzero(free)[found <= 0]] = False
    return factors


def _error(X, encoder, dictionary, input_scale, sample_weight):
    """Mean of half the squared error of reconstruction."""
    total = n_samples = 0.0
    for x, codes, weights in _blocks(X, encoder, dictionary, sample_weight, input_scale):
        residual = x - codes @ dictionary.atoms
        total += float(np.einsum("ij,ij,i->", residual, residual, weights, dtype=np.float64))
        n_samples += float(weights.sum())
    return total / (2 * n_samples)


def _blocks(X, encoder, dictionary, sample_weight, input_scale):
    """Centred samples, their codes as CSR and their weights, a block at a time."""
    for start in range(0, X.shape[0], _BLOCK):
        rows = slice(start, min(start + _BLOCK, X.shape[0]))
        x = in_training_units(dense_rows(X, rows, dictionary.dtype), input_scale)
        codes = encoder.encode(x, dictionary, sparse_output=True)
        weights = np.ones(len(x)) if sample_weight is None else sample_weight[rows]
        yield dictionary.center(x), codes, weights


@dataclass(eq=False)
class _Frozen(TrainableEncoder):
    """Encoder without trainable parameters, with a separate fixed dictionary."""

    encoder: TrainableEncoder
    dictionary: Dictionary

    sparse_codes: ClassVar[bool] = True

    def init(self, dictionary, *, random_state=None):
        return {}

    def forward(
        self, params, X, dictionary, *, n_layers=None, training=False, sparse=False, signals=()
    ):
        codes = self.encoder.encode(X, self.dictionary, sparse_output=sparse)
        return codes, ForwardCache(codes, None, {})

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None, dsignals=None):
        return {}
