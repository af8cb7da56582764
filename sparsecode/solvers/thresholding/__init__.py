"""Iterative hard thresholding, and hard thresholding pursuit."""

from sparsecode.solvers.thresholding.htp import HTP
from sparsecode.solvers.thresholding.iht import IHT

__all__ = ["HTP", "IHT"]
