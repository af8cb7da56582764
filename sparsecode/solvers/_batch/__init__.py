"""Batches of samples for solvers: blocks of rows, rescaling and verification."""
