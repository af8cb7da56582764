"""Plots of dictionaries and activations, of learning curves, and of the quality of codes.

Every function takes and returns matplotlib axes; none shows a figure or changes a global setting.
"""

from sparsecode._extras import require

require("plot", "sparsecode.plotting")

from sparsecode.plotting.activations import plot_activations
from sparsecode.plotting.amortization import plot_ladder, plot_pareto
from sparsecode.plotting.atoms import plot_atoms
from sparsecode.plotting.convergence import plot_convergence
from sparsecode.plotting.density import plot_density
from sparsecode.plotting.gabors import plot_gabor_statistics
from sparsecode.plotting.selection import plot_selection
from sparsecode.plotting.usage import plot_usage
from sparsecode.plotting.waveforms import plot_waveforms

__all__ = [
    "plot_activations",
    "plot_atoms",
    "plot_convergence",
    "plot_density",
    "plot_gabor_statistics",
    "plot_ladder",
    "plot_pareto",
    "plot_selection",
    "plot_usage",
    "plot_waveforms",
]
