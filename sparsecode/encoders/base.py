"""What every encoder is: something that turns samples into codes with a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import map_row_blocks
from sparsecode._parameters import Parameterized
from sparsecode._row_blocks import compress, dense_rows, stack_csr
from sparsecode._validation import check_flag, check_rows
from sparsecode.dictionary import as_dictionary, promote

# Rows that one thread encodes at a time.
_BLOCK_SIZE = 256


class Encoder(Parameterized, BaseEstimator):
    """Base of the encoders. A subclass is a dataclass that defines `encode`."""

    def encode(self, X, dictionary, *, codes=None, missing=False, sparse_output=False, n_jobs=None):
        """Code every row of `X`: codes, always and only codes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Where to start.
        missing : bool, default=False
            Whether NaN in `X` means a missing entry, on which a sample is not fitted.
        sparse_output : bool, default=False
            Whether the codes are a CSR array instead of a dense one.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The answer does not depend on it.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
        """
        raise TypeError(f"{type(self).__name__} does not define encode; every Encoder must.")


@dataclass(eq=False)
class TrainableEncoder(Encoder):
    """Base of the encoders that are trained by their gradients.

    Hyper-parameters, and parameters: a dict of arrays, which `init` makes, `forward` and `backward`
    are given, and `bind` makes part of an encoder. A subclass is a dataclass, with ``eq=False``,
    that defines ``_initial(dictionary, rng)``, ``_shapes(dictionary)``, ``_forward`` and
    ``_backward``.

    Parameters
    ----------
    params : dict of str to ndarray or None, default=None
        What `encode` uses; None stands for ``init(dictionary, random_state=0)``.

    Attributes
    ----------
    is_sparse : bool
        Whether codes are sparse whatever the loss is.
    sparse_codes : bool
        Whether `forward` takes ``sparse=True``, for codes as a CSR array, and training uses it.
    signal_names : tuple of str
        What `forward` can keep for a loss that reads it, with ``signals=names``.
    depends_on_batch : bool
        Whether `forward` takes ``training=True``, for codes that depend on the other samples.
    buffers : tuple of str
        Parameters that `update_buffers` sets, not gradients: `backward` leaves them out. They are
        NaN until then, and `encode` refuses them.
    straight_through : tuple of str
        Parameters whose gradient is a straight-through estimate, as the codes jump.
    bounds : tuple of float
        What every code is between.
    """

    params: dict | None = field(default=None, kw_only=True, repr=False)

    is_sparse: ClassVar[bool] = False
    sparse_codes: ClassVar[bool] = False
    signal_names: ClassVar[tuple[str, ...]] = ()
    depends_on_batch: ClassVar[bool] = False
    buffers: ClassVar[tuple[str, ...]] = ()
    straight_through: ClassVar[tuple[str, ...]] = ()
    bounds: ClassVar[tuple[float, float]] = (-np.inf, np.inf)

    def init(self, dictionary, *, random_state=None):
        """Parameters to start training from.

        Parameters
        ----------
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        random_state : int, RandomState instance or None, default=None
            For encoders whose start is random; those that start at ISTA draw nothing.

        Returns
        -------
        params : dict of str to ndarray
            Of the dtype of the dictionary.

        Raises
        ------
        TypeError
            If the encoder cannot take its penalty.
        """
        self._check_parameters()
        dictionary = as_dictionary(dictionary)
        initial = self._initial(dictionary, random_state)
        return {name: np.array(a, dtype=dictionary.dtype, order="C") for name, a in initial.items()}

    def forward(self, params, X, dictionary, *, n_layers=None):
        """Codes of a batch, and what `backward` needs.

        Parameters
        ----------
        params : dict of str to ndarray
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        n_layers : int or None, default=None
            How many layers to run; None runs all.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
            float32 only if `X` and the dictionary both are.
        cache : object

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        X, dictionary, params, n_layers = self._check_call(params, X, dictionary, n_layers)
        rows = dense_rows(X, slice(0, X.shape[0]), dictionary.dtype)
        x = dictionary.center(rows)
        return self._forward(params, x, dictionary, n_layers)

    def backward(self, dcodes, cache, *, with_dictionary=False, out=None):
        """Gradients of a loss in the parameters.

        Parameters
        ----------
        dcodes : ndarray of shape (n_samples, n_components)
            Gradient of the loss in the codes.
        cache : object
            From `forward`.
        with_dictionary : bool, default=False
            Whether to add the gradients in ``"atoms"`` and, where there is one, ``"offset"``, as
            far as the encoder reads them; reconstructions made from the codes are not its
            business.
        out : dict of str to ndarray or None, default=None
            Gradients of an earlier call, whose memory is used again.

        Returns
        -------
        grads : dict of str to ndarray
            The keys and shapes of the parameters, without `buffers`; 0 for layers that were not
            run.
        """
        return self._backward(dcodes, cache, with_dictionary, out)

    def update_buffers(self, params, cache, n_before=None):
        """Set the `buffers` after a step of training, in place.

        Parameters
        ----------
        params : dict of str to ndarray
        cache : object
            From the `forward` of that step.
        n_before : int or None, default=None
            Steps before it, which running means are of; None is many.
        """

    def set_buffers(self, X, dictionary, sample_weight=None):
        """Return an encoder with `buffers` that fit its other parameters, computed from samples.

        Estimators end their training with it.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        dictionary : Dictionary
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            How much each sample counts; None is 1 each.

        Returns
        -------
        encoder : TrainableEncoder
            This one, if it has no buffers.
        """
        return self

    def is_ready(self, params):
        """Whether the `buffers` have been set, so that `encode` can use these parameters."""
        return all(np.isfinite(params[name]).all() for name in self.buffers)

    def encode(
        self,
        X,
        dictionary,
        *,
        codes=None,
        missing=False,
        n_layers=None,
        sparse_output=False,
        n_jobs=None,
    ):
        """Code every row of `X` with `params`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Read a block of rows at a time.
        dictionary : Dictionary or array-like of shape (n_components, n_features)
        codes : None
            For what solvers can do and networks cannot: to start somewhere.
        missing : False
            Likewise, to leave out missing entries.
        n_layers : int or None, default=None
            How many layers to run; None runs all.
        sparse_output : bool, default=False
            Whether the codes are a CSR array instead of a dense one.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The answer does not depend on it.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 only if `X` and the dictionary both are.

        Raises
        ------
        TypeError
            If the encoder cannot take its penalty, a start or missing entries.
        ValueError
            If shapes do not fit, or a number is NaN or infinite.
        """
        sparse_output = check_flag(sparse_output, "sparse_output")
        self._check_abilities(codes, missing)
        dictionary = as_dictionary(dictionary)
        params = self.init(dictionary, random_state=0) if self.params is None else self.params
        X, dictionary, params, n_layers = self._check_call(params, X, dictionary, n_layers)
        self._check_ready(params)
        with single_threaded_blas():
            encode_rows = self._row_encoder(params, dictionary, n_layers, X.shape[0])
        shape = X.shape[0], dictionary.n_components
        whole = None if sparse_output else np.empty(shape, dtype=dictionary.dtype)

        def encode_block(rows):
            x = dictionary.center(dense_rows(X, rows, dictionary.dtype))
            result = encode_rows(x, None if sparse_output else whole[rows])
            return compress(result) if sparse_output else None

        size = self._rows_a_block(shape[0], shape[1] * dictionary.dtype.itemsize)
        parts = map_row_blocks(encode_block, shape[0], block_size=size, n_jobs=n_jobs)
        return stack_csr(parts, shape[1]) if sparse_output else whole

    def _rows_a_block(self, n_rows, row_bytes):
        """How many of so many samples, with codes of so many bytes, are encoded at a time."""
        return _BLOCK_SIZE

    def bind(self, params):
        """Return an encoder with the same hyper-parameters that encodes with `params`."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__, params=params)
        return bound

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return same_values(self.get_params(deep=False), other.get_params(deep=False))

    __hash__ = None

    def _check_abilities(self, codes, missing):
        name = type(self).__name__
        if codes is not None:
            raise TypeError(
                f"{name} got codes to start from; expected None, as its layers are trained for a "
                "start of their own. Use Exact with a solver to improve given codes."
            )
        if check_flag(missing, "missing"):
            raise TypeError(
                f"{name} got missing=True; expected False, as its weights are for samples with all "
                "features. Use Exact for samples with missing entries."
            )

    def _check_ready(self, params):
        if not self.is_ready(params):
            raise ValueError(
                f"{type(self).__name__} has not been trained: its params {list(self.buffers)} are "
                "NaN; expected finite numbers, which the first step of training sets. Train it "
                "with sparsecode.training.train, or set them with set_buffers."
            )

    def _check_parameters(self):
        """Raise an error that names the encoder if a hyper-parameter is not one it can take."""

    def _n_layers(self, n_layers):
        """How many layers to run, checked."""
        return n_layers

    def _row_encoder(self, params, dictionary, n_layers, n_rows):
        """Function ``(x, out)`` that puts codes of centred samples in `out`, or returns them."""

        def encode_rows(x, out):
            codes, _ = self._forward(params, x, dictionary, n_layers)
            if out is None:
                return codes
            out[:] = codes
            return out

        return encode_rows

    def _check_call(self, params, X, dictionary, n_layers):
        self._check_parameters()
        n_layers = self._n_layers(n_layers)
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=dictionary.n_features)
        dictionary = promote(dictionary, X)
        params = self._check_params(params, dictionary)
        return X, dictionary, params, n_layers

    def _check_params(self, params, dictionary):
        """The parameters in the dtype of the dictionary, if they are those of this encoder."""
        shapes = self._shapes(dictionary)
        name = type(self).__name__
        if not isinstance(params, dict) or params.keys() != shapes.keys():
            got = sorted(params) if isinstance(params, dict) else repr(params)
            raise ValueError(
                f"params of {name} has the entries {got}; expected {sorted(shapes)}. Use "
                "parameters that init made for an encoder of this class and these settings."
            )
        for key, shape in shapes.items():
            if np.shape(params[key]) != shape:
                raise ValueError(
                    f"params[{key!r}] of {name} has shape {np.shape(params[key])}; expected "
                    f"{shape} for a dictionary of {dictionary.n_components} atoms of "
                    f"{dictionary.n_features} features. Use the dictionary and the settings that "
                    "the parameters were made for."
                )
        return {key: np.asarray(params[key], dtype=dictionary.dtype) for key in shapes}


def same_values(mine, theirs):
    """Equality of values that may hold arrays."""
    if isinstance(mine, np.ndarray) or isinstance(theirs, np.ndarray):
        return np.array_equal(mine, theirs)
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, dict):
        return mine.keys() == theirs.keys() and all(
            same_values(mine[key], theirs[key]) for key in mine
        )
    if isinstance(mine, tuple):
        return len(mine) == len(theirs) and all(map(same_values, mine, theirs))
    return mine == theirs
