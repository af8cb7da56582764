"""Learners: every library behind the same few methods."""

from .base import Learner
from .ours import Ours
from .scikit_learn import MiniBatch
from .spams import TrainDL

__all__ = ["Learner", "MiniBatch", "Ours", "TrainDL"]
