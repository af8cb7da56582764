"""The judge of convolutional codes: objective, duality gap and stationarity of each signal."""

from __future__ import annotations

import numpy as np

from sparsecode._convolution.checks import check_codes
from sparsecode._convolution.codes import Events
from sparsecode._convolution.correlations import Correlations, correlate
from sparsecode._convolution.gaps import primal_and_gap
from sparsecode._convolution.signals import check_signals
from sparsecode._messages import shown
from sparsecode.penalties import L1


def judge(X, codes, dictionary, penalty, *, missing=False, n_jobs=None):
    """Objective, gap, residual, half squared norm and largest correlation of every signal."""
    check_l1(penalty)
    signals = check_signals(
        X,
        dictionary.n_dims,
        n_channels=dictionary.n_channels,
        support=dictionary.support,
        missing=missing,
    )
    events = events_of(codes, signals, dictionary)
    thresholds = penalty.thresholds(dictionary.n_components)
    rows = [
        _judge_one(array, observed, one, dictionary, thresholds, penalty.positive, n_jobs)
        for array, observed, one in zip(signals.arrays, signals.observed, events, strict=True)
    ]
    return list(map(np.array, zip(*rows, strict=True)))


def alpha_max(X, dictionary, penalty, *, missing=False):
    """Smallest weight at which all codes of the signals are zero."""
    check_l1(penalty)
    signals = check_signals(
        X,
        dictionary.n_dims,
        n_channels=dictionary.n_channels,
        support=dictionary.support,
        missing=missing,
    )
    found = [correlate(array, dictionary.planes) for array in signals.arrays]
    rows = np.concatenate([one.reshape(dictionary.n_components, -1).T for one in found])
    return penalty.alpha_max(rows)


def check_l1(penalty):
    """Return the penalty, which must be an l1 norm: its problem has these certificates."""
    if not isinstance(penalty, L1):
        raise TypeError(
            f"The penalty of convolutional codes is {shown(penalty)}; expected an L1 penalty. Use "
            "L1(alpha), with weights for each atom or positive=True if need be."
        )
    return penalty.checked()


def events_of(codes, signals, dictionary):
    """Nonzeros of the codes of each signal, whose positions must fit."""
    if len(codes) != signals.n_signals:
        raise ValueError(
            f"codes are those of {len(codes)} signals; expected {signals.n_signals}, as many as X "
            "has. Give the codes of every signal."
        )
    if isinstance(codes, list):
        found = []
        for array, code in zip(signals.arrays, codes, strict=True):
            positions = dictionary.positions(array.shape)
            if np.ndim(code) == 2 and hasattr(code, "tocsr"):
                _check_shape((int(np.prod(positions)), dictionary.n_components), code.shape)
                found.append(Events.of_matrix(code, positions[1]))
            else:
                found += _of_arrays(np.asarray(code)[None], [array], dictionary)
        return found
    return _of_arrays(codes, signals.arrays, dictionary)


def _of_arrays(codes, arrays, dictionary):
    codes = check_codes(codes, dictionary)
    planes = codes if dictionary.n_dims == 2 else codes[..., None]
    expected = (dictionary.n_components, *dictionary.positions(arrays[0].shape))
    _check_shape((len(arrays), *expected), planes.shape)
    return [Events.of_array(code) for code in planes]


def _check_shape(expected, got):
    if tuple(expected) != tuple(got):
        raise ValueError(
            f"codes have the shape {tuple(got)}; expected {tuple(expected)} for these signals. "
            "Give a code for every signal, every atom and every position inside the signal."
        )


def _judge_one(x, observed, events, dictionary, thresholds, positive, n_jobs):
    residual = x - dictionary.decode_events(events, dictionary.positions(x.shape))
    if observed is not None:
        residual *= observed
    excess, stationarity, largest = _extremes(
        x, residual, events, dictionary, thresholds, positive, n_jobs
    )
    half = 0.5 * np.vdot(x, x)
    value = _value(events, thresholds, positive)
    return *primal_and_gap(x, residual, value, excess), stationarity, half, largest


def _value(events, thresholds, positive):
    if positive and (events.values < 0).any():
        return np.inf
    # An infinite weight times a coefficient that is not 0 is infinite.
    return float((thresholds[events.components] * np.abs(events.values)).sum())


def _extremes(x, residual, events, dictionary, thresholds, positive, n_jobs):
    """Largest correlation over its weight, stationarity, and largest correlation of the signal."""
    atoms, lipschitz = dictionary.planes, dictionary.lipschitz
    correlations = Correlations(atoms, x.shape)
    sizes = thresholds[:, None, None]

    def block(rows):
        found, first = (correlations.rows(signal, rows) for signal in (residual, x))
        code = events.only((events.rows >= rows.start) & (events.rows < rows.stop))
        z = np.zeros_like(found)
        z[code.components, code.rows - rows.start, code.columns] = code.values
        moved = z + found / lipschitz
        shrunk = np.sign(moved) * np.maximum(np.abs(moved) - sizes / lipschitz, 0)
        if positive:
            shrunk = np.maximum(shrunk, 0)
        ratio = found if positive else np.abs(found)
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.where(ratio > 0, ratio / sizes, 0)
        return excess.max(), lipschitz * np.abs(z - shrunk).max(), np.abs(first).max()

    return [float(max(column)) for column in zip(*correlations.map(block, n_jobs), strict=True)]
