"""Orthogonal least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sparsecode.solvers._greedy import Greedy


@dataclass
class OLS(Greedy):
    tol: float = 1e-6
    _by_reduction: ClassVar[bool] = True
