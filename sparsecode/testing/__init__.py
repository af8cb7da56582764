"""Checks for your own gradients, penalties and solvers; the library's own go through the same."""

from sparsecode.testing.gradients import gradcheck
from sparsecode.testing.penalties import check_penalty
from sparsecode.testing.solvers import check_solver

__all__ = ["check_penalty", "check_solver", "gradcheck"]
