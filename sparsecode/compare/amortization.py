"""Comparison of amortized inference with exact optimization, by the same certificate."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import (
    check_code_rows,
    check_flag,
    check_integer,
    check_matrix,
    check_n_jobs,
    check_number,
    check_rows,
)
from sparsecode.compare._encoders import (
    BASELINES,
    RANDOM_DECODER,
    Decoder,
    baselines,
    exact_encoders,
    given_encoders,
)
from sparsecode.compare._reference import Reference
from sparsecode.compare.report import AmortizationReport, EncoderScores
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.metrics import code_mcc, explained_variance, l0, support_scores
from sparsecode.objective import certify
from sparsecode.penalties.base import Penalty, check_penalty_instance

_N_ITERS = (1, 2, 4, 8, 16, 32, 64, 128)


def amortization_report(
    X: ArrayLike,
    dictionary: Dictionary | ArrayLike,
    penalty: Penalty,
    *,
    encoders: Any = None,
    truth: MatrixLike | None = None,
    X_other: ArrayLike | None = None,
    truth_other: MatrixLike | None = None,
    n_iters: Iterable[int] = _N_ITERS,
    tol: float = 1e-6,
    threshold: float = 0.0,
    n_repeats: int = 5,
    random_decoder: bool = False,
    random_state: RandomState = None,
    n_jobs: int | None = None,
) -> AmortizationReport:
    """Compare encoders with the exact optimum: gap, supports, sparsity and time of amortized codes.

    Every encoder codes the same samples. `certify` judges all codes alike, in float64, on this
    dictionary and penalty. Beside the given encoders, the report has

    * "exact", the default solver of the penalty;
    * "FISTA K" and "ISTA K", from zero and stopped after K iterations;
    * "thresholding", see `sparsecode.encoders.Thresholding`;
    * "thresholding, same l0", with the weight at which its mean l0 is that of the optimum of `X`;
    * "random weights, same l0", thresholding with Gaussian atoms of the same norms in place of the
      dictionary, and with a weight chosen in the same way.

    The optimum is computed in float64, to a relative duality gap of `tol` or better. Codes of
    different sparsity are better compared at the same l0, see `match_l0`.

    Each encoder costs ``n_repeats + 1`` encodings and one run of FISTA to `tol`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        At least two samples, on which no encoder was trained.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
    penalty : Penalty
        A convex penalty with its weight `alpha`.
    encoders : dict of str to encoder, list of encoders, or None, default=None
        An encoder has a method ``encode(X, dictionary)`` that returns codes of shape (n_samples,
        n_components). An estimator fitted with this dictionary, such as `LISTA`, can also be given:
        its `transform` is used, with its own `n_jobs`. An encoder without `params`, which was not
        trained, is judged with the parameters of its `init`. Encoders in a list are named by their
        class and, if they have it, `n_layers`.
    truth : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
        True codes of the samples, in the atoms of the dictionary. Supports and correlations are
        compared with them. None compares with the codes of the optimum.
    X_other : array-like of shape (n_other, n_features) or None, default=None
        A second data set, such as one of another distribution, for a second report.
    truth_other : array-like or sparse matrix of shape (n_other, n_components) or None, default=None
        True codes of `X_other`.
    n_iters : iterable of int, default=(1, 2, 4, 8, 16, 32, 64, 128)
        Numbers of iterations after which FISTA and ISTA are stopped.
    tol : float, default=1e-6
        Relative duality gap at which FISTA counts as converged, above 0.
    threshold : float, default=0.0
        A coefficient is nonzero where ``|z| > threshold``, for encoders without exact zeros.
    n_repeats : int, default=5
        Number of timed calls of an encoder; the report has their median. A first call is not timed.
        Encoders take turns.
    random_decoder : bool, default=False
        Whether to add "random decoder, same l0": exact codes on these Gaussian atoms, which nobody
        learned, judged on them and not on the dictionary. Atoms are paired best with those of the
        dictionary before supports are compared.
    random_state : int, RandomState instance or None, default=None
        Draws the random weights and atoms.
    n_jobs : int or None, default=None
        Threads; None uses all cores. Passed on to encoders that take it. Times depend on it, and
        nothing else.

    Returns
    -------
    report : AmortizationReport

    Raises
    ------
    TypeError
        If the penalty is not convex, `encoders` or `n_iters` is no collection, or an encoder has no
        `encode` and is no fitted estimator.
    ValueError
        If shapes do not fit, two encoders share a name, codes of an encoder are NaN or infinite, an
        estimator is fitted with another dictionary, or a number is out of its range.

    Warns
    -----
    ConvergenceWarning
        If FISTA does not reach `tol` in `max_iter` iterations. It then counts as converged.

    See Also
    --------
    sparsecode.plotting.plot_ladder, sparsecode.plotting.plot_pareto : Drawings of the report.
    polish : Exact optimum from the codes of an encoder.

    References
    ----------
    C. O'Neill, A. Gumran and D. Klindt, "Compute optimal inference and provable amortisation gap in
    sparse autoencoders", 2025. "Sanity checks for sparse autoencoders", arXiv 2602.14111, 2026, for
    random decoders.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.compare import amortization_report
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.penalties import L1
    >>> dictionary = Dictionary.random(40, 20, random_state=0)
    >>> X = make_sparse_signals(100, n_nonzero=3, dictionary=dictionary, random_state=0).X
    >>> report = amortization_report(X, dictionary, L1(0.1), n_iters=[4, 16], random_state=0)
    >>> bool(0 < report["FISTA 16"].gap < report["FISTA 4"].gap < report["ISTA 4"].gap)
    True
    >>> report["FISTA 16"].fista_iterations
    16.0
    """
    setup = _Setup(
        _check_convex(penalty),
        check_number(tol, "tol", low=0, low_open=True),
        check_number(threshold, "threshold", low=0),
        check_integer(n_repeats, "n_repeats"),
        check_n_jobs(n_jobs),
    )
    dictionary = as_dictionary(dictionary)
    if X is None:
        raise ValueError(
            "X is None; expected samples. Give the samples to compare the encoders on."
        )
    random_decoder = check_flag(random_decoder, "random_decoder")
    exact = exact_encoders(penalty, n_iters)
    given = given_encoders(encoders, {*exact, *BASELINES, RANDOM_DECODER}, dictionary)
    data = _check_data(X, truth, dictionary, "X", "truth")
    data_other = _check_data(X_other, truth_other, dictionary, "X_other", "truth_other")
    reference = _refer(data, dictionary, setup)
    line_up = exact | (baselines(reference, setup.threshold, random_state, random_decoder) | given)
    other = None
    if data_other is not None:
        other = _compare(data_other, _refer(data_other, dictionary, setup), line_up, setup)
    return _compare(data, reference, line_up, setup, other)


class _Setup(NamedTuple):
    """Settings of the comparison."""

    penalty: object
    tol: float
    threshold: float
    n_repeats: int
    n_jobs: int | None


class _Data(NamedTuple):
    """Samples, their true codes if known, and the dictionary in the right dtype."""

    X: np.ndarray
    truth: np.ndarray | None
    dictionary: Dictionary


def _check_convex(penalty):
    if not check_penalty_instance(penalty).convex:
        raise TypeError(
            f"amortization_report needs a convex penalty; got {type(penalty).__name__}, whose "
            "optimum cannot be certified. Use L1, or compare codes with certify."
        )
    return penalty.checked()


def _check_data(X, truth, dictionary, name, truth_name):
    if X is None and truth is None:
        return None
    if X is None:
        raise ValueError(
            f"{truth_name} is given without {name}; expected both, or neither. Give the samples "
            "that these codes belong to."
        )
    X = check_matrix(X, name, n_columns=dictionary.n_features, min_rows=2)
    if truth is not None:
        shape = len(X), dictionary.n_components
        truth = check_rows(truth, truth_name)
        if truth.shape != shape:
            raise ValueError(
                f"{truth_name} has shape {truth.shape}; expected {shape}, one row for each sample "
                f"of {name} and one column for each atom. Give codes in the atoms of this "
                "dictionary, or None."
            )
    return _Data(X, truth, promote(dictionary, X))


def _refer(data, dictionary, setup):
    return Reference(data.X, dictionary, setup.penalty, tol=setup.tol, n_jobs=setup.n_jobs)


def _compare(data, reference, encoders, setup, other=None):
    """Report of all encoders on one data set."""
    scores = [
        _score(name, family, encoder, data, reference, setup)
        for name, (family, encoder) in encoders.items()
    ]
    times = _microseconds(encoders, data, setup)
    n_components, n_features = data.dictionary.atoms.shape
    return AmortizationReport(
        scores=tuple(
            row._replace(microseconds=float(time)) for row, time in zip(scores, times, strict=True)
        ),
        optimum=reference.optimum,
        gap_error=float(reference.certificate.gap.mean()),
        half_squared_norm=reference.half_squared_norm,
        tol=setup.tol,
        n_iter=float(reference.n_iter.mean()),
        against="optimum" if data.truth is None else "truth",
        problem=(
            f"{len(data.X)} samples of {n_features} features, {n_components} atoms, "
            f"{type(setup.penalty).__name__} of alpha {setup.penalty.alpha:g}"
        ),
        other=other,
    )


def _score(name, family, encoder, data, reference, setup):
    """Scores of one encoder, all but its time."""
    X, dictionary, threshold = data.X, data.dictionary, setup.threshold
    codes = _encode(name, encoder, data, setup)
    if isinstance(encoder, Decoder):
        dictionary = promote(encoder.dictionary, X)
    certificate = certify(X, codes, dictionary, setup.penalty, n_jobs=setup.n_jobs)
    objective = float(certificate.objective.mean())
    # Differences are taken sample by sample, so that equal objectives cancel exactly.
    gap = float((certificate.objective - reference.certificate.objective).mean())
    saving = reference.n_iter.mean() - reference.n_iter_from(codes).mean()
    compared = reference.codes if data.truth is None else data.truth
    return EncoderScores(
        encoder=name,
        family=family,
        objective=objective,
        gap=gap,
        relative_gap=gap / reference.half_squared_norm
        if reference.half_squared_norm > 0
        else np.nan,
        **support_scores(codes, compared, threshold=threshold)._asdict(),
        l0=float(l0(codes, threshold=threshold).mean()),
        explained_variance=explained_variance(X, dictionary.decode(codes)),
        mcc=code_mcc(codes, compared),
        microseconds=np.nan,
        fista_iterations=reference.n_iter_to(objective),
        warm_start_saving=float(saving),
    )


def _encode(name, encoder, data, setup):
    """Codes of an encoder, checked."""
    n_samples, n_components = len(data.X), data.dictionary.n_components
    try:
        codes = encoder.encode(data.X, data.dictionary, **_options(encoder, setup))
        return check_code_rows(codes, n_samples, n_components)
    except ValueError as error:
        raise ValueError(f"encoder {name!r}: {error}") from error


def _microseconds(encoders, data, setup):
    """Median time of each encoder for a sample; every encoder has been called once before.

    Encoders take turns, so that other load of the machine affects all of them.
    """
    seconds = np.empty((setup.n_repeats, len(encoders)))
    for turn in seconds:
        for i, (_, encoder) in enumerate(encoders.values()):
            options = _options(encoder, setup)
            start = time.perf_counter()
            encoder.encode(data.X, data.dictionary, **options)
            turn[i] = time.perf_counter() - start
    return 1e6 * np.median(seconds, axis=0) / len(data.X)


def _options(encoder, setup):
    takes_n_jobs = "n_jobs" in inspect.signature(encoder.encode).parameters
    return {"n_jobs": setup.n_jobs} if takes_n_jobs else {}
