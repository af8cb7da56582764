"""The contract of an encoder: the form of its codes, for any number of samples at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone

from sparsecode._messages import shown
from sparsecode._typing import Codes, MatrixLike, RandomState
from sparsecode._validation import check_integer, check_random_state
from sparsecode.constraints import UnitNorm
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Encoder, TrainableEncoder
from sparsecode.penalties import L1
from sparsecode.testing import _trainable
from sparsecode.testing._require import naming, raised_by, read_only, require, require_close
from sparsecode.testing.solvers import default_penalties


def check_encoder(encoder: Encoder, *, n_samples: int = 5, random_state: RandomState = 0) -> None:
    """Check that an encoder keeps the contract of `Encoder`, or of `TrainableEncoder`.

    Codes must not depend on `n_jobs`, on the other rows or on the memory order of the arguments,
    which are not written to; float32 stays float32, an offset is subtracted, sparse input and
    output say the same as dense, and what does not fit is an error. Of a trainable encoder the
    gradients of every parameter, of the atoms and of the offset are compared with central
    differences, with every penalty that it takes; one that it refuses must be named. Fewer layers
    are those of a shorter network, and where it claims to start at ISTA, each layer of `init` is
    compared with its iterate.

    Parameters
    ----------
    encoder : Encoder
        Of several layers, three are tried.
    n_samples : int, default=5
    random_state : int, RandomState instance or None, default=0

    Raises
    ------
    AssertionError
        Says which part of the contract is broken, and with which penalty.

    Examples
    --------
    >>> from sparsecode.encoders import SLISTA
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.testing import check_encoder
    >>> check_encoder(SLISTA(L1(0.2)))
    """
    n_samples = check_integer(n_samples, "n_samples")
    with naming(shown(encoder)):
        require(isinstance(encoder, Encoder), "not an instance of Encoder")
        encoder = clone(encoder)
        if "n_layers" in encoder.get_params():
            encoder.set_params(n_layers=min(encoder.n_layers, 3))
        rng = check_random_state(random_state)
        atoms = np.linalg.qr(rng.standard_normal((9, 6)))[0]
        X = 3 * rng.standard_normal((n_samples, 6))
        dictionary = Dictionary(atoms, rng.standard_normal(6), UnitNorm())
        for chosen in _with_penalties(encoder, X, dictionary):
            with naming(shown(chosen)):
                case = Case(chosen, X, dictionary, rng)
                for check in _CHECKS:
                    check(case)
                if isinstance(encoder, TrainableEncoder):
                    for check in _trainable.CHECKS:
                        check(case)


@dataclass(frozen=True)
class Case:
    """An encoder, and what to try it on."""

    encoder: Encoder
    X: np.ndarray
    dictionary: Dictionary
    rng: np.random.RandomState

    @property
    def tol(self) -> float:
        """How far codes may be apart that rounding alone may tell apart."""
        return 1e-9 if isinstance(self.encoder, TrainableEncoder) else 1e-6

    def encode(
        self, X: MatrixLike | None = None, dictionary: Dictionary | None = None, **options: Any
    ) -> Codes:
        """Encode these samples, or others."""
        X = self.X if X is None else X
        dictionary = self.dictionary if dictionary is None else dictionary
        return self.ready().encode(X, dictionary, **options)

    def ready(self) -> Any:
        """The encoder, its buffers set as the first steps of training set them."""
        encoder = self.encoder
        is_trainable = isinstance(encoder, TrainableEncoder)
        if not is_trainable or not encoder.buffers or encoder.params is not None:
            return encoder
        dictionary = self.dictionary
        params = encoder.init(dictionary, random_state=0)
        # Two batches, so that a running average is not one of the numbers that it is compared to.
        for X in (self.X, 0.5 * self.X):
            encoder.update_buffers(params, encoder.forward(params, X, dictionary, training=True)[1])
        return encoder.bind(params)


def _with_penalties(encoder, X, dictionary):
    """The encoder, and with other penalties those trainable ones that accept them."""
    yield encoder
    if not (isinstance(encoder, TrainableEncoder) and "penalty" in encoder.get_params()):
        return
    weights = np.linspace(0.5, 1.5, dictionary.n_components)
    for penalty in [*default_penalties(), L1(0.2, weights=weights)]:
        other = clone(encoder).set_params(penalty=penalty)
        try:
            other.encode(X, dictionary)
        except TypeError as error:
            for name in (type(encoder).__name__, type(penalty).__name__):
                require(name in str(error), f"the refusal of a penalty does not say {name}")
            with naming(f"init refuses {penalty!r} less than encode does"):
                raised_by(TypeError, other.init, dictionary)
        else:
            yield other


def _check_codes(case):
    codes = case.encode()
    shape = (len(case.X), case.dictionary.n_components)
    require(type(codes) is np.ndarray, f"codes are a {type(codes).__name__}")
    require(codes.shape == shape, f"codes have shape {codes.shape}, expected {shape}")
    require(codes.dtype == np.float64, f"codes of float64 are {codes.dtype}")
    require(np.isfinite(codes).all(), "codes are not finite")
    require((codes != 0).any(), "all codes are 0")
    as_csr = case.encode(sparse_output=True)
    require(sparse.issparse(as_csr) and as_csr.format == "csr", "sparse_output=True is not CSR")
    require_close(as_csr.toarray(), codes, case.tol, "sparse codes against dense ones")
    given = case.encode(sparse.csr_array(case.X))
    require_close(given, codes, case.tol, "codes of sparse samples")


def _check_dtypes(case):
    single = case.X.astype(np.float32), case.dictionary.astype(np.float32)
    codes = case.encode(*single)
    require(codes.dtype == np.float32, f"codes of float32 are {codes.dtype}")
    require_close(codes, case.encode(), 1e-3, "codes of float32 against those of float64")
    for mixed in ((single[0], case.dictionary), (case.X, single[1])):
        got = case.encode(*mixed).dtype
        require(got == np.float64, f"codes of mixed float32 and float64 are {got}")


def _check_arguments(case):
    before, expected = case.encoder.get_params(), case.encode()
    X = read_only(case.X)
    for name, given in (("read-only", X), ("Fortran-ordered", np.asfortranarray(X))):
        require_close(case.encode(given), expected, case.tol, f"codes of {name} samples")
    require(np.array_equal(X, case.X), "X was written to")
    atoms = case.encode(case.dictionary.center(X), case.dictionary.atoms)
    require_close(atoms, expected, case.tol, "codes of centred samples, atoms as an array")
    require(case.encoder.get_params() == before, "encode changed the encoder")


def _check_independence(case):
    X = np.tile(case.X, (600 // len(case.X) + 1, 1))[:600]
    X = X * np.linspace(0.5, 1.5, len(X))[:, None]
    whole = case.encode(X, n_jobs=1)
    for n_jobs in (2, None):
        same = np.array_equal(case.encode(X, n_jobs=n_jobs), whole)
        require(same, f"n_jobs={n_jobs} gives other codes than 1")
    order = check_random_state(3).permutation(len(X))
    require_close(case.encode(X[order]), whole[order], case.tol, "codes in another order")
    for rows in (slice(0, 100), slice(100, 600), slice(7, 8)):
        what = f"codes of rows {rows.start}:{rows.stop} alone"
        require_close(case.encode(X[rows]), whole[rows], case.tol, what)


def _check_errors(case):
    with naming("X with too many columns"):
        raised_by(ValueError, case.encode, np.ones((3, 7)))
    for bad in (np.nan, np.inf):
        with naming(f"X with {bad}"):
            raised_by(ValueError, case.encode, np.where(case.X[0, 0] == case.X, bad, case.X))
    with naming("n_jobs=0"):
        raised_by(ValueError, case.encode, n_jobs=0)
    with naming("sparse_output='yes'"):
        raised_by(ValueError, case.encode, sparse_output="yes")


_CHECKS = (_check_codes, _check_dtypes, _check_arguments, _check_independence, _check_errors)
