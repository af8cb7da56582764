"""Signals in a Dask array to learn from: coded and summed up chunk by chunk, where they lie."""

from __future__ import annotations

import contextlib
import functools
import uuid
from typing import Any, NamedTuple, Self

import dask
import numpy as np

from sparsecode._batches import Batch
from sparsecode._blas import single_threaded_blas
from sparsecode._convolution.signals import Signals
from sparsecode._parallel import threads_of
from sparsecode.convolutional._coded import Coded, solved_events
from sparsecode.convolutional._first_atoms import largest_parts
from sparsecode.convolutional._statistics import Statistics
from sparsecode.distributed._samples import naming
from sparsecode.distributed._signals import as_signals
from sparsecode.distributed._sums import Tasks, add_up, pieces_of
from sparsecode.distributed._tasks import Packed, in_place
from sparsecode.distributed.samples import ChunkedSamples, run_length, some_rows


def signals_to_learn(settings: Any, X: Any, n_channels: int | None) -> ChunkedSignals:
    """Signals of a Dask array, with the methods of those in memory."""
    support = None if settings.boundary == "zero" else settings.support
    options = {"n_channels": n_channels, "support": support, "computes": True}
    return ChunkedSignals(as_signals(X, len(settings.support), **options), settings)


class ChunkedSignals:
    """Signals in a Dask array, with the methods of `SignalsInMemory`.

    Parameters
    ----------
    X : dask.array.Array of shape (n_signals, n_channels, ...)
    settings : Settings
        How values are checked.
    """

    def __init__(self, X: Any, settings: Any) -> None:
        self.X, self._settings = X, settings
        self.n_signals, self.n_channels = X.shape[:2]
        self.dtype: np.dtype = np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def to_start_from(self, rng: Any) -> Any:
        """Arrays from which first atoms are drawn, of a bounded number of signals."""
        some = some_rows(Batch(self.X), rng).X
        with naming("Signals of X from which first atoms are drawn"):
            return self._settings.checked(some).arrays

    def batches(self, size: int, rng: Any) -> Any:
        """A pass over the signals, in batches of runs of consecutive ones in random order."""
        for batch in ChunkedSamples(self.X, run=run_length(size)).batches(size, rng):
            yield ChunkedSignals(batch.X, self._settings)

    def coded(self, settings: Any, dictionary: Any, starts: Any) -> ChunkedCodes:
        """The signals with codes on a dictionary, from those of `starts` if that is not None."""
        # What the tasks need of the settings.
        work = Packed((settings._replace(n_jobs=1, init="samples"), dictionary))
        return ChunkedCodes(self.X, work, None if starts is None else starts.codes)


class ChunkedCodes:
    """Codes of signals in a Dask array, which stay where they are; see `Coded`.

    Attributes
    ----------
    codes : Tasks
        Codes of each chunk, persisted.
    objective : float
    n_nonzeros : int
    """

    def __init__(self, X: Any, work: Packed, starts: Any) -> None:
        self._X, self._work = X, work
        name, codes, sums = uuid.uuid4().hex, [], []
        graph, pieces = pieces_of(X)
        graph[model := f"model-{name}"] = work
        old = [None] * len(pieces) if starts is None else [starts.graph[key] for key in starts.keys]
        for number, (piece, start) in enumerate(zip(pieces, old, strict=True)):
            codes.append((f"code-{name}", number))
            sums.append((f"sum-{name}", number))
            chunk = piece.source, piece.cut, piece.first
            graph[codes[-1]] = (_code, model, *chunk, start)
            graph[sums[-1]] = (_sum, model, *chunk, codes[-1])
        total = add_up(graph, sums, name, _add)
        (kept,) = dask.persist(Tasks(graph, [*codes, total]))
        self.codes: Tasks = kept.some(codes)
        ((sums,),) = dask.compute(kept.some([total]))
        self._sums: _Sums = sums.value
        self.objective, self.n_nonzeros = self._sums.objective, self._sums.n_nonzeros

    def statistics(self) -> Statistics:
        """Statistics of the signals."""
        return self._sums.statistics

    def largest_parts(self, n_parts: int) -> Any:
        """Parts of the residuals with the most energy, see `largest_parts`."""
        name, keys = uuid.uuid4().hex, []
        graph, pieces = pieces_of(self._X)
        graph[model := f"model-{name}"] = self._work
        for piece, key in zip(pieces, self.codes.keys, strict=True):
            keys.append((f"parts-{name}", len(keys)))
            chunk = piece.source, piece.cut, piece.first
            graph[keys[-1]] = (_parts, model, *chunk, self.codes.graph[key], n_parts)
        total = add_up(graph, keys, name, _largest, n_parts)
        ((found,),) = dask.compute(Tasks(graph, [total]))
        return [part for _, part in found.value]


class _Sums(NamedTuple):
    """What is added up over chunks."""

    objective: float
    n_nonzeros: int
    statistics: Statistics

    def plus(self, other) -> Self:
        return type(self)(
            self.objective + other.objective,
            self.n_nonzeros + other.n_nonzeros,
            self.statistics.plus(other.statistics),
        )


def _code(work, chunk, cut, first, starts):
    """Nonzeros of the codes of some signals of a chunk; a task, like those below."""
    with _signals(work, chunk, cut, first) as signals:
        if not signals.n_signals:
            return Packed([])
        starts = None if starts is None else starts.value
        return Packed(solved_events(signals, *work.value, starts))


def _sum(work, chunk, cut, first, events):
    with _signals(work, chunk, cut, first) as signals:
        coded = Coded(signals, events.value, *work.value)
        return Packed(_Sums(coded.objective, coded.n_nonzeros, coded.statistics()))


def _parts(work, chunk, cut, first, events, n_parts):
    with _signals(work, chunk, cut, first) as signals:
        coded = Coded(signals, events.value, *work.value)
        return Packed(largest_parts(coded.residuals, n_parts, coded.support))


def _add(sums):
    return Packed(functools.reduce(_Sums.plus, [part.value for part in sums]))


def _largest(n_parts, lists):
    """The largest parts of all; of equal ones that of the first signal, as in memory."""
    parts = [part for one in lists for part in one.value]
    return Packed(sorted(parts, key=lambda part: -part[0])[:n_parts])


@contextlib.contextmanager
def _signals(work, chunk, cut, first):
    """Some signals of a chunk, checked; in this context errors name them."""
    settings, dictionary = work.value
    X = chunk[cut]
    with (
        naming(f"Signals {first} to {first + len(X)} of X"),
        threads_of(1),
        single_threaded_blas(),
    ):
        if len(X):
            yield settings.checked(in_place(X), dictionary.n_channels)
        else:
            yield Signals([], [], X.dtype)
