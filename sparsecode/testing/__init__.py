"""Checks of gradients, penalties, solvers and encoders, for your own classes too."""

from sparsecode.testing.encoders import check_encoder
from sparsecode.testing.gradients import gradcheck
from sparsecode.testing.ops import check_op
from sparsecode.testing.penalties import check_penalty
from sparsecode.testing.solvers import check_solver

__all__ = ["check_encoder", "check_op", "check_penalty", "check_solver", "gradcheck"]
