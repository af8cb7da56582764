"""Forest of features: trees whose nodes are numbered level by level, all trees side by side."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from .._messages import shown, wrong
from .._validation import check_integer


class Forest(NamedTuple):
    """Trees of equal shape: the first features are their roots, the next ones children, and so on.

    The children of a node are numbered one after the other. Features after `n_nodes` are free.
    """

    n_roots: int
    branching: int
    depth: int

    @property
    def level_sizes(self) -> list[int]:
        """Number of nodes of each level, that of the roots first."""
        return [self.n_roots * self.branching**level for level in range(self.depth + 1)]

    @property
    def n_nodes(self) -> int:
        return sum(self.level_sizes)

    def levels(self) -> list[slice]:
        """Nodes of each level."""
        ends = np.cumsum([0, *self.level_sizes]).tolist()
        return [slice(*pair) for pair in itertools.pairwise(ends)]

    def parents(self, n: int) -> np.ndarray:
        """Parent of each of `n` features, -1 for roots and free ones."""
        found = np.full(n, -1, dtype=np.int32)
        levels = self.levels()
        for above, below in itertools.pairwise(levels):
            found[below] = np.repeat(np.arange(above.start, above.stop), self.branching)
        return found

    def first_children(self, n: int) -> np.ndarray:
        """First child of each of `n` features, -1 where there is none."""
        found = np.full(n, -1, dtype=np.int32)
        levels = self.levels()
        for above, below in itertools.pairwise(levels):
            found[above] = np.arange(below.start, below.stop, self.branching)
        return found

    def compensated(self, rates: np.ndarray, exclusive: np.ndarray) -> np.ndarray:
        """Rates at which features have to fire, before their parents and siblings switch them off.

        A child's rate is divided by that of its parent and, where only one of the siblings may
        stay, multiplied by one plus the number of others that are expected. It may be above 1.
        """
        firing = rates.copy()
        levels = self.levels()
        for above, below in itertools.pairwise(levels):
            given = rates[below].reshape(-1, self.branching) / rates[above][:, None]
            shares = np.minimum(given, 1)
            others = shares.sum(axis=1, keepdims=True) - shares
            firing[below] = (given * np.where(exclusive[above][:, None], 1 + others, 1)).ravel()
        return firing


def check_forest(forest, n):
    """Return a forest of at most `n` nodes, from its three numbers."""
    if not isinstance(forest, (tuple, list)) or len(forest) != 3:
        raise ValueError(
            wrong("forest", got=shown(forest), expected="numbers of trees, children and levels",
                  remedy="Give for example (8, 4, 3).")
        )  # fmt: skip
    n_roots = check_integer(forest[0], "n_roots", low=0, high=n)
    branching = check_integer(forest[1], "branching", high=n)
    found = Forest(n_roots, branching, check_integer(forest[2], "depth", low=0, high=n))
    if n_roots and ((branching > 1 and found.depth > math.log2(n)) or found.n_nodes > n):
        raise ValueError(
            f"the hierarchy has {n_roots} trees of depth {found.depth} with {branching} children a "
            f"node, which are more nodes than atoms; expected at most {n} nodes. Lower n_roots, "
            "branching or depth, or raise n_components."
        )
    return found
