"""Base class of the trainable encoders."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import map_row_blocks, rows_alike
from sparsecode._row_blocks import compress, stack_csr
from sparsecode._typing import Codes, MatrixLike, RandomState
from sparsecode._validation import check_flag, check_rows
from sparsecode._values import same_values
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.encoders import _calls
from sparsecode.encoders._forward_cache import ForwardCache
from sparsecode.encoders._hooks import EncoderHooks
from sparsecode.encoders._parameter_kinds import Kind
from sparsecode.encoders.base import Encoder


@dataclass(eq=False)
class TrainableEncoder(EncoderHooks, Encoder):
    """Base of the trainable encoders, with a forward and a backward pass.

    An encoder has hyper-parameters and parameters. Parameters are a dict of arrays: `init` makes
    them, `forward` and `backward` take them, and `bind` returns an encoder that encodes with them.

    A subclass is a dataclass with ``eq=False``. It defines ``_initial(dictionary, random_state)``,
    ``_shapes(dictionary)``, ``_forward(params, x, dictionary, n_layers)`` and ``_backward(dcodes,
    cache, with_dictionary, out)``. One with signals, with sparse codes or with codes that depend on
    the batch declares these in its attributes, and defines ``_run_forward`` and ``_run_backward``
    instead of the last two.

    Parameters
    ----------
    params : dict of str to ndarray or None, default=None
        Parameters that `encode` uses; None stands for ``init(dictionary, random_state=0)``.

    Attributes
    ----------
    is_sparse : bool
        Whether codes are sparse, independently of the loss.
    sparse_codes : bool
        Whether `forward` takes ``sparse=True``, for codes as a CSR array. Training uses it.
    signal_names : tuple of str
        Signals, arrays on the way to the codes, that `forward` can return for a loss.
    depends_on_batch : bool
        Whether codes with ``training=True`` depend on the other samples of the batch.
    buffers : tuple of str
        Parameters that `update_buffers` sets instead of gradients; `backward` leaves them out. They
        are NaN at first, and `encode` raises an error until they are set.
    straight_through : tuple of str
        Parameters whose gradient is a straight-through estimate, because codes jump; also "atoms"
        and "offset", if theirs is one.
    bounds : tuple of float
        Lower and upper bound of all codes.
    parameter_kinds : dict of str to Kind
        Kind of each parameter: how it changes with the scale of the samples. Empty if this is not
        known.
    active_setting : str or None
        Name of the setting for the number of active units of a sample. None if this number depends
        on the loss.
    active_in_mean : bool
        Whether this number is a mean over samples, and may be a fraction.
    """

    params: dict[str, Any] | None = field(default=None, kw_only=True, repr=False)

    is_sparse: ClassVar[bool] = False
    sparse_codes: ClassVar[bool] = False
    signal_names: ClassVar[tuple[str, ...]] = ()
    depends_on_batch: ClassVar[bool] = False
    buffers: ClassVar[tuple[str, ...]] = ()
    straight_through: ClassVar[tuple[str, ...]] = ()
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)
    parameter_kinds: ClassVar[dict[str, Kind]] = {}
    active_setting: ClassVar[str | None] = None
    active_in_mean: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _calls.check_hooks(cls, EncoderHooks)
        if {"_forward", "_run_forward"} & vars(cls).keys() and "_row_encoder" not in vars(cls):
            # The method of a parent class would encode with the forward pass of the parent.
            cls._row_encoder = EncoderHooks._row_encoder

    def init(
        self, dictionary: Dictionary | ArrayLike, *, random_state: RandomState = None
    ) -> dict[str, np.ndarray]:
        """Return initial parameters for training.

        Parameters
        ----------
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        random_state : int, RandomState instance or None, default=None
            Used by encoders with random initial parameters, not by those that start at ISTA.

        Returns
        -------
        params : dict of str to ndarray
            Initial parameters, in the dtype of the dictionary.

        Raises
        ------
        TypeError
            If the encoder cannot use its penalty.
        """
        self._check_parameters()
        dictionary = as_dictionary(dictionary)
        initial = self._initial(dictionary, random_state)
        return {name: np.array(a, dtype=dictionary.dtype, order="C") for name, a in initial.items()}

    def forward(
        self,
        params: dict[str, np.ndarray],
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        *,
        n_layers: int | None = None,
        training: bool = False,
        sparse: bool = False,
        signals: tuple[str, ...] = (),
    ) -> tuple[Codes, ForwardCache]:
        """Compute the codes of a batch, and the cache that `backward` needs.

        Parameters
        ----------
        params : dict of str to ndarray
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        n_layers : int or None, default=None
            Number of layers to run; None runs all.
        training : bool, default=False
            Whether these are codes for a training step. They differ only if the encoder
            `depends_on_batch`. `buffers` need not be set.
        sparse : bool, default=False
            Whether to return codes as a CSR array; their gradients are then CSR too. Only for
            encoders with `sparse_codes`. Unless the encoder sets the number of nonzeros, it returns
            a dense array if more than about a sixth of the codes are nonzero, or if signals of all
            entries are requested.
        signals : tuple of str, default=()
            Signals to keep for a loss, of `signal_names`.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 if both `X` and the dictionary are, else float64.
        cache : ForwardCache
            Cache with the requested `signals`.

        Raises
        ------
        ValueError
            If shapes do not fit, there is no such signal, codes cannot be sparse in training, or
            `buffers` are not set outside of training.
        """
        training, sparse, signals = _calls.check_options(self, training, sparse, signals)
        X, dictionary, params, n_layers = self._check_call(params, X, dictionary, n_layers)
        if not training:
            self._check_ready(params)
        x = self._inputs(X, slice(0, X.shape[0]), dictionary)
        codes, kept, found = self._run_forward(
            params,
            x,
            dictionary,
            n_layers=n_layers,
            training=training,
            sparse=sparse,
            signals=signals,
        )
        return codes, ForwardCache(codes, kept, found)

    def backward(
        self,
        dcodes: Codes,
        cache: ForwardCache,
        *,
        with_dictionary: bool = False,
        out: dict[str, Any] | None = None,
        dsignals: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Compute the gradients of a loss with respect to the parameters.

        Parameters
        ----------
        dcodes : ndarray or csr_array of shape (n_samples, n_components)
            Gradient of the loss in the codes; CSR with the entries of the codes where these are.
        cache : ForwardCache
            From `forward`.
        with_dictionary : bool, default=False
            Whether to add the gradients in ``"atoms"`` and, if there is one, ``"offset"``, as far
            as the encoder reads them. They do not include gradients of the reconstruction.
        out : dict of str to ndarray or RowGradient, or None, default=None
            Gradients of an earlier call, whose memory is reused.
        dsignals : dict of str to ndarray or csr_array, or None, default=None
            Gradients of the loss in the signals.

        Returns
        -------
        grads : dict of str to ndarray or RowGradient
            Gradients with the keys and shapes of the parameters, without `buffers`; 0 for layers
            that were not run.

        Raises
        ------
        ValueError
            If the shape of `dcodes` is not that of the codes, or there is no such signal.
        """
        dcodes, dsignals = _calls.check_gradients(self, dcodes, cache.codes, dsignals)
        return self._run_backward(
            dcodes, cache, with_dictionary=with_dictionary, out=out, dsignals=dsignals
        )

    def update_buffers(
        self, params: dict[str, np.ndarray], cache: Any, n_before: int | None = None
    ) -> None:
        """Set the `buffers` after a step of training, in place.

        Parameters
        ----------
        params : dict of str to ndarray
        cache : object
            From the `forward` of that step.
        n_before : int or None, default=None
            Number of earlier steps, for running means; None stands for many.
        """

    def set_buffers(
        self, X: np.ndarray, dictionary: Dictionary, sample_weight: np.ndarray | None = None
    ) -> Self:
        """Return an encoder with `buffers` computed from samples for its other parameters.

        Estimators end their training with it.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Weight of each sample; None is 1 each.

        Returns
        -------
        encoder : TrainableEncoder
            This one, if it has no buffers.
        """
        return self

    def is_ready(self, params: dict[str, Any]) -> bool:
        """Whether the `buffers` have been set, so that `encode` can use these parameters."""
        return all(np.isfinite(params[name]).all() for name in self.buffers)

    def encode(
        self,
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        *,
        codes: Any = None,
        missing: bool = False,
        n_layers: int | None = None,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> Codes:
        """Compute the codes of the rows of `X` with `params`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, read one block of rows at a time.
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        codes : None
            Not supported: a network cannot start from given codes, as solvers can.
        missing : False
            Not supported: a network cannot leave out missing entries.
        n_layers : int or None, default=None
            Number of layers to run; None runs all.
        sparse_output : bool, default=False
            Whether the codes are a CSR array instead of a dense one.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The result does not depend on it.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 if both `X` and the dictionary are, else float64.

        Raises
        ------
        TypeError
            If the encoder cannot use its penalty, or if `codes` or `missing` is given.
        ValueError
            If shapes do not fit, or a number is NaN or infinite.
        """
        sparse_output = check_flag(sparse_output, "sparse_output")
        _calls.check_abilities(self, codes, missing)
        dictionary = as_dictionary(dictionary)
        params = self.init(dictionary, random_state=0) if self.params is None else self.params
        X, dictionary, params, n_layers = self._check_call(params, X, dictionary, n_layers)
        self._check_ready(params)
        with single_threaded_blas():
            encode_rows = self._row_encoder(params, dictionary, n_layers, X.shape[0])
        shape = X.shape[0], dictionary.n_components
        whole = None if sparse_output else np.empty(shape, dtype=dictionary.dtype)

        def encode_block(rows):
            x = self._inputs(X, rows, dictionary)
            with rows_alike():
                result = encode_rows(x, None if sparse_output else whole[rows])
            return compress(result) if sparse_output else None

        size = self._rows_a_block(shape[0], shape[1] * dictionary.dtype.itemsize)
        parts = map_row_blocks(encode_block, shape[0], block_size=size, n_jobs=n_jobs)
        return stack_csr(parts, shape[1]) if sparse_output else whole

    def bind(self, params: dict[str, Any] | None) -> Self:
        """Return an encoder with the same hyper-parameters that encodes with `params`."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__, params=params)
        return bound

    def __eq__(self, other: Any) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return same_values(self.get_params(deep=False), other.get_params(deep=False))

    __hash__: ClassVar[None] = None

    def _check_ready(self, params):
        if not self.is_ready(params):
            raise ValueError(
                f"{self._name} has not been trained: its params {list(self.buffers)} are NaN; "
                "expected finite numbers. The first step of training sets them. Train it with "
                "sparsecode.training.train, or set them with set_buffers."
            )

    def _check_call(self, params, X, dictionary, n_layers):
        self._check_parameters()
        n_layers = self._n_layers(n_layers)
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=dictionary.n_features)
        dictionary = promote(dictionary, X)
        return X, dictionary, self._check_params(params, dictionary), n_layers

    def _check_params(self, params, dictionary):
        """The parameters in the dtype of the dictionary, if they are those of this encoder."""
        return _calls.check_params(self, params, dictionary)
