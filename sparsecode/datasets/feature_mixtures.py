"""Making of feature mixtures: presets, rates, hierarchy, and atoms that are nearly orthogonal."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from sparsecode._blas import single_threaded_blas
from sparsecode._messages import shown, wrong
from sparsecode._parallel import product
from sparsecode._typing import RandomState
from sparsecode._validation import (
    check_dtype,
    check_flag,
    check_integer,
    check_number,
    check_random_state,
)
from sparsecode._values import check_numbers, check_option

from ._forest import check_forest
from .feature_mixture import FeatureMixture

# Numbers of atoms, features and trees.
PRESETS = {"16k": (16_384, 768, 128), "4k": (4096, 256, 32), "1k": (1024, 128, 8)}
# Most of the variance of a feature that it has in common with others.
_MOST_COMMON = 0.99
_LR, _DECAYS, _EPS = 3e-4, (0.9, 0.999), 1e-8


def make_feature_mixture(
    preset: Literal["16k", "4k", "1k"] = "4k",
    *,
    n_components: int | None = None,
    n_features: int | None = None,
    n_roots: int | None = None,
    branching: int = 4,
    depth: int = 3,
    rates: tuple[float, float] = (5e-4, 0.4),
    exponent: float = 0.5,
    exclusive: float = 1.0,
    compensate: bool = True,
    rank: int = 25,
    loading: float = 0.1,
    magnitudes: tuple[float, float] = (5.0, 4.0),
    spread: tuple[float, float] = (0.5, 0.5),
    is_scaled: bool = True,
    n_steps: int = 100,
    offset_norm: float = 0.5,
    random_state: RandomState = None,
    dtype: DTypeLike = np.float32,
) -> FeatureMixture:
    """Make synthetic activations with known features, as SynthSAEBench does.

    The 16k preset has the published numbers; its samples have some 34 features each. The smaller
    ones have the same rates, hierarchy and copula, with fewer trees. Making 16k atoms takes a
    minute: save the result.

    Parameters
    ----------
    preset : {"16k", "4k", "1k"}, default="4k"
        Atoms, features and trees: (16384, 768, 128), (4096, 256, 32) or (1024, 128, 8).
    n_components, n_features, n_roots : int or None, default=None
        Numbers of atoms, features and trees; None takes those of the preset. 0 trees make no
        hierarchy.
    branching : int, default=4
        Children of a node.
    depth : int, default=3
        Levels below the roots.
    rates : (float, float), default=(5e-4, 0.4)
        Rates of the rarest and the most frequent feature.
    exponent : float, default=0.5
        Of the power law of the rank that the other rates follow, scaled into this range; above 0.
    exclusive : float, default=1.0
        Share of the parents of which at most one child fires.
    compensate : bool, default=True
        Whether children fire more often, so that they keep their rates although parents and
        siblings switch them off. What would be above 1 is 1.
    rank : int, default=25
        Rank of the correlations of the copula.
    loading : float, default=0.1
        Standard deviation of its factors; 0 makes independent features.
    magnitudes : (float, float), default=(5.0, 4.0)
        Mean magnitudes of the first and of the last feature, above 0; linear in between.
    spread : (float, float), default=(0.5, 0.5)
        Mean and standard deviation of a normal number, whose absolute value is the standard
        deviation of the magnitudes of a feature.
    is_scaled : bool, default=True
        Whether magnitudes of children scale with those of their parents.
    n_steps : int, default=100
        Steps of Adam that make random atoms more orthogonal: they lower the sum of the squared
        inner products of different atoms. 0 leaves them random.
    offset_norm : float, default=0.5
        Norm of the offset, of random direction.
    random_state : int, RandomState instance or None, default=None
    dtype : numpy.float32 or numpy.float64, default=numpy.float32

    Returns
    -------
    mixture : FeatureMixture

    Raises
    ------
    ValueError
        If a number is out of its range, or the hierarchy has more nodes than there are atoms.

    Warns
    -----
    UserWarning
        If compensated rates of a hierarchy of your own would be above 1, and how many.

    References
    ----------
    SynthSAEBench, arXiv 2602.14687, 2026.

    Examples
    --------
    >>> from sparsecode.datasets import make_feature_mixture
    >>> make_feature_mixture("1k", n_steps=0, random_state=0)
    FeatureMixture(features: 1,024 in 128 dimensions; hierarchy: 8 trees, 4 children, depth 3; \
344 free; rates: 0.0005 to 0.4; rank of the copula: 25; type: float32)
    """
    sizes = PRESETS[check_option(preset, "preset", tuple(PRESETS))]
    given = (n_components, n_features, n_roots)
    names = ("n_components", "n_features", "n_roots")
    n, n_features, n_roots = (
        size if own is None else check_integer(own, name, low=0 if name == "n_roots" else 1)
        for size, own, name in zip(sizes, given, names, strict=True)
    )
    forest = check_forest((n_roots, branching, depth), n)
    exponent = check_number(exponent, "exponent", low=0, low_open=True)
    share = check_number(exclusive, "exclusive", low=0, high=1)
    rank, loading = check_integer(rank, "rank"), check_number(loading, "loading", low=0, high=1)
    magnitudes = check_numbers(magnitudes, "magnitudes", low=0, low_open=True, shape=(2,))
    spread = check_numbers(spread, "spread", low=0, shape=(2,))
    offset_norm = check_number(offset_norm, "offset_norm", low=0)
    n_steps, dtype = check_integer(n_steps, "n_steps", low=0), check_dtype(dtype)
    compensate, is_scaled = check_flag(compensate, "compensate"), check_flag(is_scaled, "is_scaled")
    meant = _power_law(n, _check_range(rates), exponent)
    rng = check_random_state(random_state)

    is_exclusive = rng.random_sample(n) < share
    firing = forest.compensated(meant, is_exclusive) if compensate else meant.copy()
    n_above = int(np.count_nonzero(firing > 1))
    is_own = (n_components, n_roots) != (None, None) or tuple(forest[1:]) != (4, 3)
    if n_above and (is_own or tuple(rates) != (5e-4, 0.4) or exponent != 0.5):
        warnings.warn(
            f"{n_above} of {n} features would need firing rates above 1 to reach their rates "
            "despite parents and exclusive siblings; they fire at 1, and are rarer than asked for. "
            "Lower branching or exclusive, or raise the lowest rate towards the highest.",
            UserWarning,
            stacklevel=2,
        )
    factors = rng.standard_normal((n, rank)) * loading
    common = (factors**2).sum(axis=1, keepdims=True)
    factors *= np.sqrt(np.minimum(_MOST_COMMON / np.maximum(common, _MOST_COMMON), 1))
    direction = rng.standard_normal(n_features)
    return FeatureMixture(
        atoms=_atoms(n, n_features, n_steps, dtype, rng),
        offset=direction * (offset_norm / np.linalg.norm(direction)),
        rates=meant,
        firing_rates=np.minimum(firing, 1),
        factors=factors,
        means=np.linspace(*magnitudes, n),
        spreads=np.abs(spread[0] + spread[1] * rng.standard_normal(n)),
        exclusive=is_exclusive,
        forest=forest,
        is_scaled=is_scaled,
    )


def _check_range(rates):
    lowest, highest = check_numbers(rates, "rates", low=0, low_open=True, shape=(2,))
    if not lowest <= highest <= 1:
        raise ValueError(
            wrong("rates", got=shown(rates), expected="a lower and a higher rate, both in (0, 1]",
                  remedy="Choose for example (0.0005, 0.4).")
        )  # fmt: skip
    return lowest, highest


def _power_law(n, rates, exponent):
    """Rates that fall with the rank as a power, from the highest to the lowest."""
    lowest, highest = rates
    powers = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    if n == 1:
        return np.array([highest])
    shares = (powers - powers[-1]) / (powers[0] - powers[-1])
    return np.minimum(lowest + (highest - lowest) * shares, highest)


@single_threaded_blas()
def _atoms(n, n_features, n_steps, dtype, rng):
    """Random atoms of norm 1, made more orthogonal by steps of Adam."""
    atoms = rng.standard_normal((n, n_features)).astype(dtype)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    first, second = np.zeros_like(atoms), np.zeros_like(atoms)
    for step in range(1, n_steps + 1):
        # Sum over j of (a_i . a_j) a_j, without that of a_i itself.
        gradient = product(atoms, product(atoms.T.copy(), atoms))
        gradient -= atoms
        first += (1 - _DECAYS[0]) * (gradient - first)
        gradient *= gradient
        second += (1 - _DECAYS[1]) * (gradient - second)
        np.divide(second, 1 - _DECAYS[1] ** step, out=gradient)
        np.sqrt(gradient, out=gradient)
        gradient += _EPS
        atoms -= (_LR / (1 - _DECAYS[0] ** step)) * first / gradient
        atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    return atoms
