"""Feature mixture: a known dictionary, and a stream of samples whose features fire together."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from sparsecode._array_files import ended, parsed, part, read_arrays, write_arrays
from sparsecode._messages import shown, wrong
from sparsecode._parallel import read_ahead
from sparsecode._summaries import Summarized
from sparsecode._typing import PathLike, RandomState
from sparsecode._validation import (
    check_flag,
    check_integer,
    check_matrix,
    check_n_jobs,
    check_random_state,
)
from sparsecode._values import check_numbers

from ._feature_draws import draw, tables_of
from ._forest import Forest, check_forest
from ._mixture_checks import check_flags, check_rates
from .feature_samples import FeatureSamples, batch_of, slices

_FORMAT = "sparsecode.FeatureMixture"
_ARRAYS = ("atoms", "offset", "rates", "firing_rates", "factors", "means", "spreads", "exclusive")
# Samples that are drawn together for small batches.
_DRAWN = 2048
_NO_FOREST = Forest(0, 1, 0)


@dataclass(frozen=True, eq=False, repr=False)
class FeatureMixture(Summarized):
    """Synthetic activations with known features: a ground truth for dictionaries and autoencoders.

    It answers whether a learned dictionary found the true features, which no data of models can.
    Features fire together (a Gaussian copula of low rank), at rates from frequent to rare, in a
    hierarchy where a child fires only if its parent does. `make_feature_mixture` makes one.

    For each sample, ``g = F e + sqrt(d) * h`` with normal numbers ``e`` and ``h``, where
    ``d = 1 - rowsum(F^2)``. Feature j may fire where ``g_j > -Phi^-1(q_j)``, with the firing rates
    ``q``. Level by level, children without their parent are switched off, then all but a random one
    of the siblings of exclusive parents. A magnitude is ``max(0, means + spreads * normal)``, times
    that of the parent over its mean where `is_scaled`.

    Parameters
    ----------
    atoms : array-like of shape (n_components, n_features)
        True atoms. Samples have their dtype.
    offset : array-like of shape (n_features,)
    rates : array-like of shape (n_components,)
        Rates that the features are meant to have, in (0, 1]. Children of rare parents stay below.
    firing_rates : array-like of shape (n_components,)
        Rates before parents and siblings switch features off, in (0, 1].
    factors : array-like of shape (n_components, rank)
        Rows ``F`` of the copula, of squared norm below 1.
    means, spreads : array-like of shape (n_components,)
        Of the magnitudes; means are above 0, spreads (standard deviations) at least 0.
    exclusive : array-like of bool of shape (n_components,)
        Whether at most one child of a feature fires.
    forest : (int, int, int), default=(0, 1, 0)
        Number of trees, children of a node, and levels below the roots. Nodes come first among the
        features, level by level, and siblings side by side; features after them are free.
    is_scaled : bool, default=True
        Whether magnitudes of children scale with those of their parents.

    Raises
    ------
    ValueError
        If shapes do not fit, rates are outside (0, 1], or the forest has more nodes than atoms.

    References
    ----------
    SynthSAEBench, arXiv 2602.14687, 2026.

    Examples
    --------
    >>> from sparsecode.datasets import make_feature_mixture
    >>> mixture = make_feature_mixture("1k", n_steps=0, random_state=0)
    >>> X, codes = mixture.sample(1000, random_state=0)
    >>> codes.shape, bool((codes.data > 0).all())
    ((1000, 1024), True)
    >>> [batch.shape for batch in mixture.batches(300, n_batches=2, random_state=0)]
    [(300, 128), (300, 128)]
    """

    atoms: np.ndarray
    offset: np.ndarray
    rates: np.ndarray
    firing_rates: np.ndarray
    factors: np.ndarray
    means: np.ndarray
    spreads: np.ndarray
    exclusive: np.ndarray
    forest: Forest = _NO_FOREST
    is_scaled: bool = True

    def __post_init__(self) -> None:
        atoms = check_matrix(self.atoms, "atoms", copy=True)
        n, values = len(atoms), {"atoms": atoms}
        offset = check_numbers(self.offset, "offset", shape=(atoms.shape[1],))
        values["offset"] = offset.astype(atoms.dtype)
        for name in ("rates", "firing_rates"):
            values[name] = check_rates(getattr(self, name), name, n)
        factors = check_matrix(self.factors, "factors", copy=True)
        if len(factors) != n or not ((factors**2).sum(axis=1) < 1).all():
            raise ValueError(
                wrong("factors", got=shown(self.factors), expected=f"{n} rows of norm below 1",
                      remedy="Give one row for each atom, and scale long ones down.")
            )  # fmt: skip
        values["factors"] = factors
        for name in ("means", "spreads"):
            values[name] = check_numbers(
                getattr(self, name), name, low=0, low_open=name == "means", shape=(n,)
            )
        values["exclusive"] = check_flags(self.exclusive, "exclusive", n)
        values["forest"] = check_forest(self.forest, n)
        values["is_scaled"] = check_flag(self.is_scaled, "is_scaled")
        self._keep(values)

    def __getstate__(self) -> dict[str, Any]:
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        # Some libraries restore a named tuple as a tuple.
        return state | {"forest": tuple(self.forest)}

    def __setstate__(self, state: Any) -> None:
        self._keep(state | {"forest": Forest(*state["forest"])})

    def _keep(self, values):
        for name in _ARRAYS:
            values[name].flags.writeable = False
        self.__dict__.update(values)

    @property
    def n_components(self) -> int:
        """Number of true features."""
        return self.atoms.shape[0]

    @property
    def n_features(self) -> int:
        """Number of features of a sample."""
        return self.atoms.shape[1]

    @property
    def parents(self) -> np.ndarray:
        """Parent of each feature, of shape (n_components,); -1 for roots and free features."""
        return self.forest.parents(self.n_components)

    def sample(
        self,
        n_samples: int,
        *,
        start: int = 0,
        sparse_output: bool = True,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> FeatureSamples:
        """Draw samples and their codes.

        Every 256 samples of the stream of a seed have a generator of their own: the numbers do not
        depend on how many are drawn at a time, nor on `n_jobs`. A processor that rounds products
        differently may give another code in a million.

        Parameters
        ----------
        n_samples : int
        start : int, default=0
            Number of samples of the stream to skip.
        sparse_output : bool, default=True
            Whether codes are a CSR array instead of a dense one.
        random_state : int, RandomState instance or None, default=None
            Of the stream. Take another one for samples to judge by.
        n_jobs : int or None, default=None
            Threads; None uses all cores.

        Returns
        -------
        samples : FeatureSamples
            Named tuple ``(X, codes)``.
        """
        n_samples, seed = check_integer(n_samples, "n_samples"), _seed(random_state)
        start, n_jobs = check_integer(start, "start", low=0), check_n_jobs(n_jobs)
        sparse_output = check_flag(sparse_output, "sparse_output")
        X, codes = self._draw(seed, start, n_samples, n_jobs)
        return FeatureSamples(X, codes if sparse_output else codes.toarray())

    def batches(
        self,
        batch_size: int = 1024,
        *,
        n_batches: int | None = None,
        start: int = 0,
        with_codes: bool = False,
        sparse_output: bool = True,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> Iterator[Any]:
        """Stream batches, the next ones drawn on a thread while one is used.

        The iterator goes into `fit` or `partial_fit` of estimators that take batches. The samples
        are those of `sample`.

        Parameters
        ----------
        batch_size : int, default=1024
        n_batches : int or None, default=None
            None streams without end.
        start : int, default=0
            Number of samples of the stream to skip, to go on where another one ended.
        with_codes : bool, default=False
            Whether to yield `FeatureSamples` instead of the samples alone.
        sparse_output : bool, default=True
            Whether codes are a CSR array instead of a dense one.
        random_state : int, RandomState instance or None, default=None
            Of the stream.
        n_jobs : int or None, default=None
            Threads; None uses all cores.

        Yields
        ------
        batch : ndarray of shape (batch_size, n_features), or FeatureSamples
        """
        batch_size, seed = check_integer(batch_size, "batch_size"), _seed(random_state)
        start, n_jobs = check_integer(start, "start", low=0), check_n_jobs(n_jobs)
        with_codes = check_flag(with_codes, "with_codes")
        sparse_output = check_flag(sparse_output, "sparse_output")
        if n_batches is not None:
            n_batches = check_integer(n_batches, "n_batches")
        pieces = read_ahead(self._pieces(seed, start, batch_size, n_batches, n_jobs))
        return (
            batch_of(X, codes, rows, with_codes, sparse_output)
            for X, codes in pieces
            for rows in slices(len(X), batch_size)
        )

    def _pieces(self, seed, start, batch_size, n_batches, n_jobs):
        """Draws of some whole batches each."""
        at_a_time = max(round(_DRAWN / batch_size), 1)
        left = math.inf if n_batches is None else n_batches
        while left > 0:
            n = int(min(at_a_time, left)) * batch_size
            yield self._draw(seed, start, n, n_jobs)
            start, left = start + n, left - at_a_time

    def _draw(self, seed, start, n_samples, n_jobs):
        arrays = self._tables, self.atoms, self.offset
        return draw(*arrays, seed, start, start + n_samples, n_jobs)

    @functools.cached_property
    def _tables(self):
        return tables_of(self)

    def _summary(self):
        roots, branching, depth = self.forest
        n_free = self.n_components - self.forest.n_nodes
        return [
            ("features", f"{self.n_components:,} in {self.n_features:,} dimensions"),
            ("hierarchy", f"{roots} trees, {branching} children, depth {depth}; {n_free:,} free"),
            ("rates", f"{self.rates.min():.2g} to {self.rates.max():.2g}"),
            ("rank of the copula", str(self.factors.shape[1])),
            ("type", str(self.atoms.dtype)),
        ]

    def save(self, path: PathLike) -> None:
        """Write the mixture to a ``.safetensors`` or ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        ValueError
            If the suffix of `path` is another one.
        OSError
            If the file cannot be written.
        """
        numbers = {"forest": list(self.forest), "is_scaled": self.is_scaled}
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        header = {"version": "1", "numbers": json.dumps(numbers)}
        write_arrays(path, arrays, header, format=_FORMAT)

    @classmethod
    def load(cls, path: PathLike, *, max_bytes: int | None = None) -> Self:
        """Read a mixture that `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
        max_bytes : int or None, default=None
            Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
            where that is more.

        Returns
        -------
        mixture : FeatureMixture
            Draws the same samples, bit for bit.

        Raises
        ------
        ValueError
            If the file is none that `save` wrote, or would unpack to more than `max_bytes`.
        FileNotFoundError, OSError
            If there is no such file, or it cannot be read.
        """

        def build(arrays, header):
            numbers = parsed(part(header, "numbers"))
            return cls(
                **{name: part(arrays, name) for name in _ARRAYS},
                forest=part(numbers, "forest"),
                is_scaled=part(numbers, "is_scaled"),
            )

        return read_arrays(
            path, build, format=_FORMAT, wrong_contents=_not_a_mixture, max_bytes=max_bytes
        )


def _seed(random_state):
    return int(check_random_state(random_state).randint(2**31 - 1))


def _not_a_mixture(path, reason):
    return ValueError(
        f"{path} is not a saved feature mixture: {ended(reason)} Give a file that "
        "FeatureMixture.save wrote."
    )
