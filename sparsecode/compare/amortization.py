"""Comparison of amortized inference with exact optimization, by the same certificate."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolutional_judge import check_l1
from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import check_flag, check_integer, check_n_jobs, check_number
from sparsecode.compare._encoders import (
    BASELINES,
    RANDOM_DECODER,
    Decoder,
    baselines,
    exact_encoders,
    given_encoders,
)
from sparsecode.compare._samples import Samples
from sparsecode.compare._signals import Signals
from sparsecode.compare.report import AmortizationReport, EncoderScores
from sparsecode.convolutional.base import check_thresholds
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.metrics import code_mcc, support_scores
from sparsecode.objective import certify
from sparsecode.penalties.base import Penalty, check_penalty_instance

_N_ITERS = (1, 2, 4, 8, 16, 32, 64, 128)


def amortization_report(
    X: ArrayLike,
    dictionary: Dictionary | ConvolutionalDictionary | ArrayLike,
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
    missing: bool = False,
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

    With a `ConvolutionalDictionary` samples are signals or images, and codes have a coefficient for
    each atom at every position. Scores are then means over signals; the explained variance is that
    of all times or pixels, with a mean for each channel.

    The optimum is computed in float64, to a relative duality gap of `tol` or better. Codes of
    different sparsity are better compared at the same l0, see `match_l0`.

    Each encoder costs ``n_repeats + 1`` encodings and one run of FISTA to `tol`.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        At least two samples, on which no encoder was trained. Signals or images as
        `ConvolutionalSparseCoder` takes them for a convolutional dictionary: one is enough, and
        those of a list may differ in size.
    dictionary : Dictionary, array-like of shape (n_components, n_features), or \
            ConvolutionalDictionary
    penalty : Penalty
        A convex penalty with its weight `alpha`; `L1` for a convolutional dictionary.
    encoders : dict of str to encoder, list of encoders, or None, default=None
        An encoder has a method ``encode(X, dictionary)`` that returns codes of shape (n_samples,
        n_components), or those of signals, as `ConvolutionalLISTA` does. An estimator fitted with
        this dictionary, such as `LISTA`, can also be given: its `transform` is used, with its own
        `n_jobs`. An encoder without `params`, which was not trained, is judged with the parameters
        of its `init`. Encoders in a list are named by their class and, if they have it, `n_layers`.
        Those of signals are asked for sparse codes if their `encode` takes `sparse_output`.
    truth : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
        True codes of the samples, in the atoms of the dictionary; those of signals as a
        convolutional solver returns them. Supports and correlations are compared with them. None
        compares with the codes of the optimum.
    X_other : array-like of shape (n_other, n_features) or None, default=None
        A second data set, such as one of another distribution, for a second report. Signals, if
        `X` is.
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
        dictionary, those of signals without shifts, before supports are compared.
    missing : bool, default=False
        Whether NaN in `X` and `X_other` means a missing entry, on which no sample is fitted or
        judged. Encoders must take ``missing=True``, and estimators be told so themselves.
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
        If the penalty is not convex, or no `L1` for signals, `encoders` or `n_iters` is no
        collection, or an encoder has no `encode` and is no fitted estimator, or does not take
        `missing`.
    ValueError
        If shapes do not fit, two encoders share a name, codes of an encoder are NaN or infinite, an
        estimator is fitted with another dictionary, or a number is out of its range.

    Warns
    -----
    ConvergenceWarning
        If FISTA, or the solver of the optimum, does not reach `tol` in `max_iter` iterations. FISTA
        then counts as converged.

    See Also
    --------
    sparsecode.plotting.plot_ladder, sparsecode.plotting.plot_pareto : Drawings of the report.
    polish : Exact optimum from the codes of an encoder.
    sparsecode.convolutional.ConvolutionalLISTA.layer_report : The loss layer by layer.

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

    A network for signals, before it is trained:

    >>> from sparsecode.convolutional import ConvolutionalDictionary, ConvolutionalLISTA
    >>> dictionary, X = ConvolutionalDictionary([[1.0, 2.0, 1.0]]), [[0.0, 1.0, 2.0, 1.0, 0.0]]
    >>> network = ConvolutionalLISTA(L1(0.6), n_layers=4)
    >>> report = amortization_report(X, dictionary, L1(0.6), encoders=[network], n_iters=[4])
    >>> report["ConvolutionalLISTA 4"].gap == report["ISTA 4"].gap > report["FISTA 4"].gap
    True
    """
    setup = _Setup(
        _check_convex(penalty),
        check_number(tol, "tol", low=0, low_open=True),
        check_number(threshold, "threshold", low=0),
        check_integer(n_repeats, "n_repeats"),
        check_n_jobs(n_jobs),
    )
    if isinstance(dictionary, ConvolutionalDictionary):
        kind, _ = Signals, check_thresholds(check_l1(penalty), dictionary.n_components)
    else:
        kind, dictionary = Samples, as_dictionary(dictionary)
    if X is None:
        raise ValueError(
            "X is None; expected samples. Give the samples to compare the encoders on."
        )
    random_decoder = check_flag(random_decoder, "random_decoder")
    exact = exact_encoders(kind, penalty, n_iters)
    given = given_encoders(encoders, {*exact, *BASELINES, RANDOM_DECODER}, dictionary)
    missing = check_flag(missing, "missing")
    data = kind.checked(X, truth, dictionary, missing=missing)
    data_other = kind.checked(X_other, truth_other, dictionary, "_other", missing=missing)
    reference = data.refer(penalty, setup.tol, setup.n_jobs)
    line_up = exact | baselines(data, reference, setup.threshold, random_state, random_decoder)
    line_up |= given
    other = None
    if data_other is not None:
        of_other = data_other.refer(penalty, setup.tol, setup.n_jobs)
        other = _compare(data_other, of_other, line_up, setup)
    return _compare(data, reference, line_up, setup, other)


class _Setup(NamedTuple):
    """Settings of the comparison."""

    penalty: object
    tol: float
    threshold: float
    n_repeats: int
    n_jobs: int | None


def _check_convex(penalty):
    if not check_penalty_instance(penalty).convex:
        raise TypeError(
            f"amortization_report needs a convex penalty; got {type(penalty).__name__}, whose "
            "optimum cannot be certified. Use L1, or compare codes with certify."
        )
    return penalty.checked()


def _compare(data, reference, encoders, setup, other=None):
    """Report of all encoders on one data set."""
    scores = [
        _score(name, family, encoder, data, reference, setup)
        for name, (family, encoder) in encoders.items()
    ]
    times = _microseconds(encoders, data, setup)
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
            f"{data.describe()}, {type(setup.penalty).__name__} of alpha {setup.penalty.alpha:g}"
        ),
        other=other,
    )


def _score(name, family, encoder, data, reference, setup):
    """Scores of one encoder, all but its time."""
    dictionary, threshold = data.dictionary, setup.threshold
    codes = _encode(name, encoder, data, setup)
    if isinstance(encoder, Decoder):
        dictionary = data.decoder(encoder.dictionary)
    certificate = certify(
        data.X, codes, dictionary, setup.penalty, missing=data.missing, n_jobs=setup.n_jobs
    )
    objective = float(certificate.objective.mean())
    # Differences are taken sample by sample, so that equal objectives cancel exactly.
    gap = float((certificate.objective - reference.certificate.objective).mean())
    saving = reference.n_iter.mean() - reference.n_iter_from(codes).mean()
    columns = data.columns(codes)
    compared = data.columns(reference.codes if data.truth is None else data.truth)
    return EncoderScores(
        encoder=name,
        family=family,
        objective=objective,
        gap=gap,
        relative_gap=gap / reference.half_squared_norm
        if reference.half_squared_norm > 0
        else np.nan,
        **support_scores(columns, compared, threshold=threshold)._asdict(),
        l0=data.mean_l0(codes, threshold),
        explained_variance=data.explained_variance(codes, dictionary),
        mcc=code_mcc(columns, compared),
        microseconds=np.nan,
        fista_iterations=reference.n_iter_to(objective),
        warm_start_saving=float(saving),
    )


def _encode(name, encoder, data, setup):
    """Codes of an encoder, checked."""
    try:
        return data.check(data.encode(encoder, setup.n_jobs))
    except (TypeError, ValueError) as error:
        raise type(error)(f"encoder {name!r}: {error}") from error


def _microseconds(encoders, data, setup):
    """Median time of each encoder for a sample; every encoder has been called once before.

    Encoders take turns, so that other load of the machine affects all of them.
    """
    seconds = np.empty((setup.n_repeats, len(encoders)))
    for turn in seconds:
        for i, (_, encoder) in enumerate(encoders.values()):
            options = data.options(encoder, setup.n_jobs)
            start = time.perf_counter()
            encoder.encode(data.X, data.dictionary, **options)
            turn[i] = time.perf_counter() - start
    return 1e6 * np.median(seconds, axis=0) / data.n_samples
