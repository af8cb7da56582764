"""Checkpoints of autoencoders of any library, with the names of this package."""

from __future__ import annotations

import dataclasses

import numpy as np

from sparsecode._messages import wrong
from sparsecode._validation import check_flag, check_integer, check_matrix, check_number
from sparsecode._values import as_floats, check_instance, check_option
from sparsecode.interop import _checkpoint_folding

ARCHITECTURES = ("ReLU", "TopK", "BatchTopK", "JumpReLU", "Gated", "MatchingPursuit")
_WITH_K = ("TopK", "BatchTopK", "MatchingPursuit")
INPUT_NORMS = ("none", "layer_norm", "constant_norm")
_GATES = ("r_mag", "b_gate", "b_mag")


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """Checkpoint of an autoencoder or transcoder: its arrays and options, immutable.

    Codes are ``phi(A)`` with ``A = (scale * X - offset) @ W.T + b``, and reconstructions are
    ``(codes @ atoms + offset) / scale``, plus ``X @ W_skip.T`` where there is one. Architectures
    have the names of the encoders: ReLU, TopK (the `k` largest of a sample that are positive),
    BatchTopK and JumpReLU (those that are positive and above `threshold`) and Gated
    (``relu(exp(r_mag) * H + b_mag)`` where ``H + b_gate > 0``, with
    ``H = (scale * X - offset) @ W.T``). MatchingPursuit has no weights but its atoms: its codes are
    those of the encoder of that name, of ``scale * X - offset``.

    `fold` brings a checkpoint to the form that the encoders compute, in which the offset is
    subtracted from the input and there are no further scales.

    Parameters
    ----------
    architecture : {"ReLU", "TopK", "BatchTopK", "JumpReLU", "Gated", "MatchingPursuit"}
    W : array-like of shape (n_components, n_features)
        Weights of the encoder, one row per unit, the atoms for MatchingPursuit. float32 and float64
        are kept without a copy.
    atoms : array-like of shape (n_components, n_outputs)
        Weights of the decoder, one row per unit. `n_outputs` is `n_features` unless a transcoder.
    b : array-like of shape (n_components,) or None, default=None
        Bias of the encoder; None is zero. Gated has `b_gate` and `b_mag` instead, MatchingPursuit
        none.
    offset : array-like of shape (n_outputs,) or None, default=None
        Bias of the decoder; None is zero.
    threshold : float, array-like of shape (n_components,) or None, default=None
        JumpReLU: one for each unit. BatchTopK: one number, None while it was never set.
        TopK: one number that a file may hold beside it; the codes do not depend on it.
    k : int, float or None, default=None
        Active units of a sample for TopK, their mean number for BatchTopK (may be a fraction),
        steps for MatchingPursuit.
    r_mag, b_gate, b_mag : array-like of shape (n_components,) or None, default=None
        Gated: logarithm of the magnitudes' scales, bias of the gates, bias of the magnitudes.
    W_skip : array-like of shape (n_outputs, n_features) or None, default=None
        Weights of the connection from input to output.
    subtract_offset : bool, default=True
        Whether `offset` is subtracted from the input, too.
    norm_scaled : bool, default=False
        Whether codes are multiplied by the norms of their atoms, and divided by them before
        decoding. TopK and BatchTopK choose among the multiplied ones; `threshold` of JumpReLU
        is compared with those that are not.
    scale : float, default=1.0
        Factor of the inputs; outputs are divided by it.
    input_norm : {"none", "layer_norm", "constant_norm"}, default="none"
        Scaling of each sample by its own statistics; see `standardize`.
    min_residual : float, default=0.0
    repeats : bool, default=True
        MatchingPursuit: the settings of that encoder, the first in the units of ``scale * X``.
    transcoder : bool, default=False
        Whether the model is a transcoder, whose offset is never subtracted from the input.
    metadata : dict or None, default=None
        Other contents of a file, as JSON values: "format", "model_name", "hook_name" and "config",
        which is written back to a file of the same format.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the architecture, or hold NaN or infinity.

    Examples
    --------
    >>> from sparsecode.interop import Checkpoint
    >>> Checkpoint("TopK", W=[[1.0, 0.0], [0.0, 2.0]], atoms=[[1.0, 0.0], [0.0, 1.0]], k=1)
    Checkpoint(TopK, 2 units, 2 features, k=1, float64)
    """

    architecture: str
    W: np.ndarray
    atoms: np.ndarray
    b: np.ndarray | None = None
    offset: np.ndarray | None = None
    threshold: np.ndarray | None = None
    k: float | None = None
    r_mag: np.ndarray | None = None
    b_gate: np.ndarray | None = None
    b_mag: np.ndarray | None = None
    W_skip: np.ndarray | None = None
    subtract_offset: bool = True
    norm_scaled: bool = False
    scale: float = 1.0
    input_norm: str = "none"
    min_residual: float = 0.0
    repeats: bool = True
    transcoder: bool = False
    metadata: dict[str, object] | None = None

    def __post_init__(self) -> None:
        check_option(self.architecture, "architecture", ARCHITECTURES)
        check_option(self.input_norm, "input_norm", INPUT_NORMS)
        for name in ("subtract_offset", "norm_scaled", "repeats", "transcoder"):
            self.__dict__[name] = check_flag(getattr(self, name), name)
        self.__dict__["scale"] = float(check_number(self.scale, "scale", low=0, low_open=True))
        remedy = "Give a dict, or leave metadata out."
        check_instance(self.metadata, "metadata", (dict, type(None)), "a dict or None", remedy)
        self.__dict__["metadata"] = dict(self.metadata or {})
        self._check_matrices()
        self._check_vectors()
        self._check_architecture()
        self._check_pursuit()
        self._check_transcoder()
        self._seal()

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._seal()

    def __repr__(self) -> str:
        shape = f"{self.n_components} units, {self.n_features} features"
        if self.transcoder:
            shape += f", {self.n_outputs} outputs"
        k = "" if self.k is None else f", k={self.k}"
        return f"Checkpoint({self.architecture}, {shape}{k}, {self.dtype})"

    @property
    def n_components(self) -> int:
        """Number of units."""
        return self.W.shape[0]

    @property
    def n_features(self) -> int:
        """Number of features of the input."""
        return self.W.shape[1]

    @property
    def n_outputs(self) -> int:
        """Number of features of the output."""
        return self.atoms.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Type of all arrays: float32 or float64."""
        return self.W.dtype

    @property
    def log_threshold(self) -> np.ndarray:
        """Logarithm of the `threshold` of JumpReLU, made finite for thresholds of at most 0."""
        if self.architecture != "JumpReLU":
            raise AttributeError(f"{self.architecture} has no log_threshold; JumpReLU has.")
        return np.log(np.maximum(self.threshold, np.finfo(self.dtype).tiny))

    @property
    def params(self) -> dict[str, np.ndarray]:
        """Parameters of the encoder of this `architecture`, by name.

        Raises
        ------
        ValueError
            If the checkpoint is not folded; see `fold`.
        """
        if not _checkpoint_folding.is_folded(self):
            raise ValueError(
                wrong(
                    f"The checkpoint of {self.architecture}",
                    got="not folded",
                    expected="a folded checkpoint",
                    remedy="Use checkpoint.fold().params.",
                )
            )
        if self.architecture == "MatchingPursuit":
            return {}
        names = ("W", *_GATES) if self.architecture == "Gated" else ("W", "b")
        if self.architecture == "BatchTopK" and self.threshold is not None:
            names += ("threshold",)
        if self.architecture == "JumpReLU":
            names += ("log_threshold",)
        return {name: getattr(self, name) for name in names}

    def fold(self) -> Checkpoint:
        """Return an equal checkpoint whose codes are ``phi((X - offset) @ W.T + b)``.

        MatchingPursuit that does not subtract its offset has no such form.

        `scale` and the norms of `norm_scaled` go into the weights, and where the offset was not
        subtracted ``W @ offset`` is added to the biases (not for transcoders, which subtract
        none). Codes and reconstructions stay the same up to rounding. `input_norm` stays: it
        cannot be folded.

        Returns
        -------
        checkpoint : Checkpoint
            The same checkpoint if there is nothing to fold.

        Raises
        ------
        ValueError
            If codes are multiplied by the norms of atoms and one of these is 0.
        """
        return _checkpoint_folding.fold(self)

    def standardize(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scale each sample by its own statistics, as `input_norm` says.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        inputs : ndarray of shape (n_samples, n_features)
            Inputs of the encoder. With "layer_norm" samples of mean 0 and standard deviation 1
            (that of ``n_features - 1`` degrees of freedom, plus 1e-5), with "constant_norm" samples
            of norm ``sqrt(n_features)``; samples of norm 0 stay.
        factor, shift : ndarray of shape (n_samples, 1)
            ``factor * decoded + shift`` is the reconstruction of `X`.
        """
        X = check_matrix(X, "X", n_columns=self.n_features)
        return _checkpoint_folding.standardize(X, self)

    def _seal(self):
        for value in self.__dict__.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def _check_matrices(self):
        for name in ("W", "atoms", "W_skip"):
            if getattr(self, name) is not None or name != "W_skip":
                array = check_matrix(getattr(self, name), name)
                # A new view, so that the given array itself does not become read-only.
                self.__dict__[name] = array.view()
        dtype = np.result_type(self.W, self.atoms)
        for name in ("W", "atoms", "W_skip"):
            if getattr(self, name) is not None:
                self.__dict__[name] = getattr(self, name).astype(dtype, copy=False)
        _check_shape(self.atoms, "atoms", (self.n_components, self.n_outputs))
        if self.W_skip is not None:
            _check_shape(self.W_skip, "W_skip", (self.n_outputs, self.n_features))

    def _check_vectors(self):
        gated = self.architecture == "Gated"
        without = gated or self.architecture == "MatchingPursuit"
        units = (self.n_components,)
        self._set_vector("offset", (self.n_outputs,), required=True)
        self._set_vector("b", units, required=not without, forbidden=without)
        for name in _GATES:
            self._set_vector(name, units, required=gated, forbidden=not gated)
        if gated and (most := self.r_mag.max(initial=0)) > np.log(np.finfo(self.dtype).max) / 2:
            raise ValueError(
                f"r_mag has {most:.3g}; expected the logarithm of a number whose square is in the "
                f"range of {self.dtype}. Check the file and the architecture."
            )

    def _check_architecture(self):
        k_needed = self.architecture in ("TopK", "BatchTopK")
        if self.architecture in _WITH_K:
            self.__dict__["k"] = self._checked_k()
        elif self.k is not None:
            raise _unfitting("k", self.architecture, " or ".join(_WITH_K))
        if self.architecture == "JumpReLU":
            if self.threshold is None:
                raise ValueError(
                    "threshold is None; expected one number for each JumpReLU unit. Give threshold."
                )
            self._set_vector("threshold", (self.n_components,))
        elif k_needed:
            self._set_vector("threshold", ())
        elif self.threshold is not None:
            raise _unfitting("threshold", self.architecture, "JumpReLU or BatchTopK")

    def _checked_k(self):
        if self.architecture != "BatchTopK":
            return check_integer(self.k, "k", high=self.n_components)
        k = check_number(self.k, "k", low=0, low_open=True, high=self.n_components)
        return int(k) if k == int(k) else float(k)

    def _check_pursuit(self):
        self.__dict__["min_residual"] = float(
            check_number(self.min_residual, "min_residual", low=0)
        )
        if self.architecture != "MatchingPursuit":
            if self.min_residual != 0 or not self.repeats:
                raise _unfitting("min_residual or repeats", self.architecture, "MatchingPursuit")
            return
        if self.norm_scaled or self.transcoder or not np.array_equal(self.W, self.atoms):
            raise ValueError(
                "A checkpoint of MatchingPursuit has W other than its atoms, norm_scaled or "
                "transcoder set; expected none of these. Give the atoms as W."
            )

    def _check_transcoder(self):
        if self.input_norm == "layer_norm" and self.n_features < 2:
            raise ValueError(
                "W has 1 feature; expected at least 2 for 'layer_norm'. Set input_norm='none'."
            )
        if self.transcoder:
            plain = self.scale == 1 and self.input_norm == "none"
            if self.subtract_offset or not plain:
                raise ValueError(
                    "A transcoder has subtract_offset, scale or input_norm set; expected none of "
                    "them, as its output is not its input. Scale the inputs first."
                )
        elif self.n_outputs != self.n_features:
            raise ValueError(
                f"atoms have {self.n_outputs} features but W has {self.n_features}; expected the "
                "same number for an autoencoder. Set transcoder=True and subtract_offset=False if "
                "the output is not the input."
            )

    def _set_vector(self, name, shape, *, required=False, forbidden=False):
        value = getattr(self, name)
        if value is None:
            if required:
                self.__dict__[name] = np.zeros(shape, self.dtype)
            return
        if forbidden:
            fitting = "Gated" if name in _GATES else "one of the others"
            raise _unfitting(name, self.architecture, fitting)
        value = as_floats(value, name).astype(self.dtype)
        _check_shape(value, name, shape)
        if not np.isfinite(value).all():
            raise ValueError(
                f"{name} holds NaN or infinity; expected finite numbers. Check the file or model."
            )
        self.__dict__[name] = value


def _check_shape(array, name, shape):
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}; expected {shape}, to fit the other arrays. Check "
            "the order of the axes: each row is a unit."
        )


def _unfitting(name, architecture, fitting):
    return ValueError(
        f"{name} is given with {architecture}; expected it with {fitting} only. Choose the "
        "architecture that the arrays belong to."
    )
