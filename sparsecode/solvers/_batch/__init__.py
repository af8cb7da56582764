"""A batch of samples as solvers see it: its blocks, its units, its verification."""
