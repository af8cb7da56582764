"""Pictures of dictionaries and of how they were learned.

Every function takes and returns matplotlib axes; none shows a figure or changes a global setting.
"""

from sparsecode.plotting.atoms import plot_atoms
from sparsecode.plotting.convergence import plot_convergence
from sparsecode.plotting.gabors import plot_gabor_statistics

__all__ = ["plot_atoms", "plot_convergence", "plot_gabor_statistics"]
