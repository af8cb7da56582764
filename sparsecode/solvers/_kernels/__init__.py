"""Kernels that several solvers share."""
