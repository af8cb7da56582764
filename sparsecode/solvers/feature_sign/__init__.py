"""Feature-sign search: active sets and signs of l1 problems."""

from sparsecode.solvers.feature_sign.solver import FeatureSign

__all__ = ["FeatureSign"]
