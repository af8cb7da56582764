"""Optimizers, which update parameters in place from their gradients."""

from sparsecode.optimizers.adam import Adam, AdamW
from sparsecode.optimizers.base import Optimizer
from sparsecode.optimizers.clipping import clip_gradients
from sparsecode.optimizers.lbfgs import LBFGS
from sparsecode.optimizers.sgd import SGD

__all__ = ["LBFGS", "SGD", "Adam", "AdamW", "Optimizer", "clip_gradients"]
