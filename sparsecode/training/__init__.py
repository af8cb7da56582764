"""Training of encoders by gradients of a loss, in mini-batches."""

from sparsecode._batches import Batch
from sparsecode.training.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from sparsecode.training.loop import train
from sparsecode.training.norm_outliers import NormOutliers
from sparsecode.training.stages import Stage, growing, layer_by_layer
from sparsecode.training.state import TrainingState

__all__ = [
    "Batch",
    "GaussianNoise",
    "MaskingNoise",
    "NormOutliers",
    "SaltAndPepper",
    "Stage",
    "TrainingState",
    "growing",
    "layer_by_layer",
    "train",
]
