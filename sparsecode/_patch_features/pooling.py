"""Pooling of the codes of all positions of an image over the cells of one or several grids.

Positions are first pooled over regions, the pieces that the borders of all grids cut the image
into, so that each position is read once; a cell is made of whole regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._patch_features.pooling_kernels import POSITIVE, add_dense, add_sparse
from sparsecode._validation import check_integer

METHODS = ("sum", "mean", "max")
SIGNS = ("split", "absolute", "keep")


class Cell(NamedTuple):
    """A cell of a grid of `level` by `level` cells: its place, and the regions that it is made of.

    `rows` and `columns` are slices of the regions, `n_positions` the number of positions.
    """

    level: int
    row: int
    column: int
    rows: slice
    columns: slice
    n_positions: int


@dataclass(frozen=True)
class Pooling:
    """Pooling of codes over the cells of grids.

    Parameters
    ----------
    counts : (int, int)
        Number of positions along each axis.
    levels : tuple of int
        Number of cells along each axis, of each grid.
    method : {"sum", "mean", "max"}
    signs : {"split", "absolute", "keep"}
    is_positive : bool
        Whether codes are never negative.
    """

    counts: tuple[int, int]
    levels: tuple[int, ...]
    method: str
    signs: str
    is_positive: bool

    def __post_init__(self):
        if max(self.levels) > min(self.counts):
            raise ValueError(
                f"levels has a grid of {max(self.levels)} x {max(self.levels)} cells, but an image "
                f"has patches at {self.counts[0]} x {self.counts[1]} positions; expected at least "
                "one position in each cell. Use fewer cells, smaller patches or a smaller step."
            )

    @property
    def halves(self) -> tuple[str, ...]:
        """Names of the features of an atom in a cell."""
        if self.signs == "split" and not self.is_positive:
            return "positive", "negative"
        return ("",)

    @cached_property
    def cells(self) -> list[Cell]:
        """Cells of all grids, in the order of the features."""
        return [
            self._cell(level, i, j)
            for level in self.levels
            for i in range(level)
            for j in range(level)
        ]

    @cached_property
    def regions(self) -> np.ndarray:
        """Number of the region of each position, in reading order."""
        rows, columns = (
            np.searchsorted(cuts, np.arange(count), side="right") - 1
            for cuts, count in zip(self._cuts, self.counts, strict=True)
        )
        return (rows[:, np.newaxis] * self.shape[1] + columns).ravel()

    @property
    def shape(self) -> tuple[int, int]:
        """Number of regions along each axis."""
        rows, columns = self._cuts
        return len(rows) - 1, len(columns) - 1

    def n_features(self, n_components):
        """Number of features of an image."""
        return len(self.cells) * len(self.halves) * n_components

    def empty(self, n_images, n_components, dtype):
        """Pooled codes of no position yet: one row for each region of each image."""
        n_regions = n_images * self.shape[0] * self.shape[1]
        return np.zeros((n_regions, len(self.halves), n_components), dtype)

    def add(self, codes, regions, pooled, threshold=0.0):
        """Add codes of some positions, shrunk by a threshold, to those of their regions.

        `codes` are dense or a CSR array, `regions` the row of `pooled` of each; a threshold is for
        dense codes.
        """
        kind = POSITIVE if self.is_positive else SIGNS.index(self.signs)
        takes_largest = self.method == "max"
        if isinstance(codes, np.ndarray):
            threshold = codes.dtype.type(threshold)
            add_dense(codes, threshold, regions, kind, takes_largest, pooled)
        else:
            starts = codes.indptr.astype(np.int64, copy=False)
            add_sparse(codes.data, codes.indices, starts, regions, kind, takes_largest, pooled)

    def finish(self, pooled, out):
        """Write the features of images, of their regions, into `out`, one row an image."""
        n_halves, n_components = pooled.shape[1:]
        pooled = pooled.reshape(len(out), *self.shape, n_halves, n_components)
        out = out.reshape(len(out), len(self.cells), n_halves, n_components)
        for k, cell in enumerate(self.cells):
            parts = pooled[:, cell.rows, cell.columns].reshape(len(out), -1, n_halves, n_components)
            if self.method == "max":
                out[:, k] = _largest(parts)
            else:
                np.sum(parts, axis=1, out=out[:, k])
            if self.method == "mean":
                out[:, k] /= cell.n_positions

    def names(self, n_components):
        """Names of the features, in their order."""
        return [
            f"grid{cell.level}_cell{cell.row}_{cell.column}_atom{j}" + (half and f"_{half}")
            for cell in self.cells
            for half in self.halves
            for j in range(n_components)
        ]

    @cached_property
    def _cuts(self):
        """First position of each region along each axis, and the number of positions."""
        edges = [[_edges(count, level) for level in self.levels] for count in self.counts]
        return [np.unique(np.concatenate(of_axis)) for of_axis in edges]

    def _cell(self, level, i, j):
        slices, n_positions = [], 1
        for index, count, cuts in zip((i, j), self.counts, self._cuts, strict=True):
            begin, end = _edges(count, level)[index : index + 2]
            slices.append(slice(*np.searchsorted(cuts, [begin, end]).tolist()))
            n_positions *= int(end - begin)
        return Cell(level, i, j, *slices, n_positions)


def check_levels(levels):
    """Return the grids as a tuple of numbers of cells along each axis."""
    given = (levels,) if np.ndim(levels) == 0 else levels
    if np.ndim(given) != 1 or len(given) == 0:
        raise ValueError(
            wrong(
                "levels",
                got=shown(levels),
                expected="an integer, or a tuple of them",
                remedy="Use 2 for quadrants, (1, 2, 4) for a pyramid.",
            )
        )
    return tuple(check_integer(level, "levels") for level in given)


def _edges(count, level):
    """First positions of the cells along an axis, and the number of positions."""
    return np.arange(level + 1) * count // level


def _largest(parts):
    """Entries of largest magnitude along axis 1; of two the positive one."""
    highest, lowest = parts.max(axis=1), parts.min(axis=1)
    return np.where(-lowest > highest, lowest, highest)
