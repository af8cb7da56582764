"""Gradients of stacked parameters, summed over the layers that share them."""

from __future__ import annotations

import numpy as np

from sparsecode._parallel import product


class Gradients:
    """Arrays of the keys and shapes of `params`, filled in a layer at a time.

    Layer `t` is row `t` of a stack, or its only row if the layers share it. The first gradient is
    written, not added, so that the arrays need not be zero before.

    Parameters
    ----------
    params : dict of str to ndarray
    dictionary : Dictionary or None
        None if its gradients are not needed.
    reads_atoms : bool
    out : dict of str to ndarray or None
        Arrays to reuse.
    """

    def __init__(self, params, dictionary=None, reads_atoms=False, out=None):
        self.arrays = {name: _like(array, (out or {}).get(name)) for name, array in params.items()}
        self._written = set()
        # Sum over the layers, which is multiplied only once.
        self.total = None
        self.with_dictionary = dictionary is not None
        if self.with_dictionary and reads_atoms:
            self.arrays["atoms"] = np.zeros_like(dictionary.atoms)
        if self.with_dictionary and dictionary.offset is not None:
            self.arrays["offset"] = np.zeros_like(dictionary.offset)

    def add_product(self, name, t, A, B):
        """Add ``A.T @ B`` to layer `t`."""
        stack = self.arrays[name]
        at = (name, min(t, len(stack) - 1))
        if at in self._written:
            stack[at[1]] += product(A.T, B)
        else:
            product(A.T, B, out=stack[at[1]])
            self._written.add(at)

    def add(self, name, t, value):
        """Add an array, or a number, to layer `t`."""
        stack = self.arrays[name]
        at = (name, min(t, len(stack) - 1))
        if at in self._written:
            stack[at[1]] += value
        else:
            stack[at[1]] = value
            self._written.add(at)

    def add_total(self, value):
        """Add to a sum that is multiplied once at the end; the first array is kept and changed."""
        if self.total is None:
            self.total = value
        else:
            self.total += value

    def finish(self, params):
        """Return the arrays, with 0 for layers without a gradient."""
        for name in params:
            for i in range(len(self.arrays[name])):
                if (name, i) not in self._written:
                    self.arrays[name][i] = 0
        return self.arrays


def _like(array, old):
    fits = old is not None and old.shape == array.shape and old.dtype == array.dtype
    return old if fits else np.empty_like(array)
