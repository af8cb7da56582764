"""Statistics of convolutional codes, sums over signals that the best atoms depend on."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np

from sparsecode._jit import inner, kernel
from sparsecode.convolutional._neighbours import first_after, first_events


class Statistics(NamedTuple):
    """Sums over signals, which can be added.

    Attributes
    ----------
    products : ndarray of shape (n_components, n_components, 2 * height - 1, 2 * width - 1)
        Products of coefficients for every shift of the second atom against the first.
    correlations : ndarray of shape (n_components, n_channels, height, width)
        Sums of the parts of signals under an atom, times its coefficients.
    """

    products: np.ndarray
    correlations: np.ndarray

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Self:
        """Those of no signal, for atoms of a shape."""
        n_components, _, height, width = shape
        products = np.zeros((n_components, n_components, 2 * height - 1, 2 * width - 1))
        return cls(products, np.zeros(shape))

    @classmethod
    def of_signal(cls, x: np.ndarray, events: Any, shape: tuple[int, ...]) -> Self:
        """Those of one signal with the nonzeros of its code."""
        out = cls.none(shape)
        first_of_row = first_events(events.rows, x.shape[1] - shape[2] + 1)
        add_products(out.products, *events, first_of_row)
        add_parts(out.correlations, x, *events)
        return out

    def plus(self, other: Statistics, share: float = 1.0) -> Self:
        """A share of these, and others."""
        return type(self)(*(share * mine + new for mine, new in zip(self, other, strict=True)))

    def without(self, replaced: Any) -> Self:
        """These without the codes of atoms that were replaced."""
        if not len(replaced):
            return self
        products, correlations = self.products.copy(), self.correlations.copy()
        products[replaced], products[:, replaced], correlations[replaced] = 0, 0, 0
        return self._replace(products=products, correlations=correlations)

    @property
    def uses(self) -> np.ndarray:
        """Sum of squared coefficients of each atom, shape (n_components,)."""
        _, _, height, width = self.products.shape
        return np.diagonal(self.products[:, :, height // 2, width // 2]).copy()


@inner
def _add_row(products, components, columns, values, event, other, end, down):
    width = (products.shape[3] + 1) // 2
    while other < end and columns[other] < columns[event] + width:
        across = columns[other] - columns[event] + width - 1
        products[components[event], components[other], down, across] += (
            values[event] * values[other]
        )
        other += 1


@kernel
def add_products(products, components, rows, columns, values, first_of_row):
    """Add the products of coefficients whose atoms overlap, for each shift."""
    n_rows = len(first_of_row) - 1
    height, width = (products.shape[2] + 1) // 2, (products.shape[3] + 1) // 2
    for event in range(len(rows)):
        for row in range(max(0, rows[event] - height + 1), min(n_rows, rows[event] + height)):
            end = first_of_row[row + 1]
            other = first_after(columns, first_of_row[row], end, columns[event] - width + 1)
            down = row - rows[event] + height - 1
            _add_row(products, components, columns, values, event, other, end, down)


@kernel
def add_parts(correlations, x, components, rows, columns, values):
    """Add the parts of a signal under each atom, times its coefficient."""
    _, n_channels, height, width = correlations.shape
    for event in range(len(rows)):
        component = components[event]
        for channel in range(n_channels):
            for i in range(height):
                for j in range(width):
                    correlations[component, channel, i, j] += (
                        values[event] * x[channel, rows[event] + i, columns[event] + j]
                    )
