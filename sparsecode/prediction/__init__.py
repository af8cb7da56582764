"""Losses of labels and targets, for dictionaries that are learned to predict them."""

from sparsecode.prediction.losses import (
    Logistic,
    PredictionLoss,
    Softmax,
    Square,
    SquaredHinge,
)

__all__ = [
    "Logistic",
    "PredictionLoss",
    "Softmax",
    "Square",
    "SquaredHinge",
]
