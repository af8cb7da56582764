"""Affine parts of the layers of unrolled networks, forward and backward.

Stacks have one entry for each layer, or a single one that all layers share. ``z`` is None in the
first layer, which starts at 0. ``x`` are samples minus the offset.

`forward` returns ``v`` as the terms of ``scale * product + added``, which the threshold adds up on
its way: a pass of its own would read and write all entries once more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sparsecode._parallel import product
from sparsecode._row_products import panels_to_keep


class Terms(NamedTuple):
    """Terms of ``scale * product + added``, or the product alone if nothing is added to it."""

    product: np.ndarray
    scale: float = 1.0
    added: np.ndarray | None = None


class FreeLayers:
    """``v = x @ W_t + z @ S_t``."""

    reads_atoms = False

    def __init__(self, W, S):
        self.W, self.S, self.n_work = W, S, S.shape[2]

    def for_rows(self, n_rows):
        """Prepare the layers to code so many samples; there is no way `backward` then."""
        self.W, self.S = _kept(self.W, n_rows), _kept(self.S, n_rows)
        return self

    def start(self, x):
        """Compute the part of all layers that depends on the samples only."""
        return product(x, self.W[0]) if len(self.W) == 1 else None

    def forward(self, t, x, z, shared, out=None, work=None):
        """Return the terms of ``v``, and what `backward` needs besides ``x`` and ``z``."""
        drive = product(x, _at(self.W, t), out=out) if shared is None else shared
        if z is None:
            return Terms(drive), None
        return Terms(product(z, _at(self.S, t), out=work), 1.0, drive), None

    def backward(self, t, x, z, kept, shared, dv, grads, out):
        """Add the gradients of the parameters; return that of ``z``, which may be in `out`."""
        if shared is None:
            grads.add_product("W", t, x, dv)
            self._add_offset(t, dv, grads)
        else:
            # The samples are the same in all layers, so one product with the sum of gradients
            # suffices.
            grads.add_total(dv)
        if z is None:
            return None
        grads.add_product("S", t, z, dv)
        return product(dv, _at(self.S, t).T, out=out)

    def finish(self, x, grads):
        """Add the gradients that are computed once at the end."""
        if grads.total is not None:
            grads.add_product("W", 0, x, grads.total)
            self._add_offset(0, grads.total, grads)

    def _add_offset(self, t, dv, grads):
        if "offset" in grads.arrays:
            grads.arrays["offset"] -= dv.sum(axis=0) @ _at(self.W, t).T


class CoupledLayers:
    """``v = z + step_t * (x - z @ atoms) @ W_t``.

    Parameters
    ----------
    atoms : ndarray of shape (n_components, n_features)
    W : ndarray of shape (n_layers or 1, n_features, n_components)
    steps : ndarray of shape (n_layers,) or None
        None is 1.
    product : ndarray of shape (n_components, n_components) or None
        ``atoms @ W[0]``, if one product with it is cheaper than two products. Only for a shared `W`
        that is not trained.
    weights_backward : callable or None
        Function from the gradient in ``W[0]`` to that in the atoms from which it was computed. None
        if `W` is trained.
    """

    reads_atoms = True

    def __init__(self, atoms, W, steps=None, product=None, weights_backward=None):
        self.atoms, self.W, self.steps = atoms, W, steps
        self.product, self.weights_backward = product, weights_backward
        # Residuals have as many columns; products make them unnecessary.
        self.n_work = 0 if product is not None else atoms.shape[1]

    def for_rows(self, n_rows):
        """Prepare the layers to code so many samples; there is no way `backward` then."""
        self.W, self.atoms = _kept(self.W, n_rows), panels_to_keep(self.atoms, n_rows)
        self.product = None if self.product is None else panels_to_keep(self.product, n_rows)
        return self

    def start(self, x):
        """Compute the part of all layers that depends on the samples only."""
        return None if self.product is None else product(x, self.W[0])

    def forward(self, t, x, z, shared, out=None, work=None):
        """Return the terms of ``v``, and the residual, which `backward` needs too."""
        if shared is None:
            residual = x if z is None else product(z, self.atoms, out=work)
            if z is not None:
                np.subtract(x, residual, out=residual)
            v = product(residual, _at(self.W, t), out=out)
        elif z is None:
            return Terms(np.multiply(shared, self.steps[t], out=out)), None
        else:
            residual = None
            v = product(z, self.product, out=out)
            np.subtract(shared, v, out=v)
        step = 1.0 if self.steps is None else self.steps[t]
        if z is None:
            return Terms(v if self.steps is None else np.multiply(v, step, out=v)), residual
        return Terms(v, step, z), residual

    def backward(self, t, x, z, kept, shared, dv, grads, out):
        """Add the gradients of the parameters; return that of ``z``, which may be in `out`."""
        scaled = dv if self.steps is None else dv * self.steps[t]
        if grads.with_dictionary:
            kept = self._add_dictionary(t, x, z, kept, scaled, grads)
        if kept is None:
            return self._backward_by_product(t, z, shared, dv, grads, out)
        if self.weights_backward is None:
            grads.add_product("W", t, kept, scaled)
        if z is None and self.steps is None:
            return None
        back = product(dv, _at(self.W, t).T)
        if self.steps is not None:
            grads.add("step", t, np.vdot(back, kept))
            back *= self.steps[t]
        return None if z is None else np.subtract(dv, product(back, self.atoms.T, out=out), out=out)

    def finish(self, x, grads):
        """Add the gradient in the atoms from which the weights were computed."""
        if grads.total is not None:
            grads.arrays["atoms"] += self.weights_backward(grads.total)

    def _backward_by_product(self, t, z, shared, dv, grads, out):
        step = np.vdot(dv, shared)
        if z is None:
            grads.add("step", t, step)
            return None
        inner = product(dv, self.product.T, out=out)
        grads.add("step", t, step - np.vdot(inner, z))
        inner *= self.steps[t]
        return np.subtract(dv, inner, out=inner)

    def _add_dictionary(self, t, x, z, residual, scaled, grads):
        """Gradients in atoms and offset through the residual and through computed weights."""
        if residual is None:
            residual = x if z is None else x - product(z, self.atoms)
        back = product(scaled, _at(self.W, t).T)
        if z is not None:
            grads.arrays["atoms"] -= product(z.T, back)
        if "offset" in grads.arrays:
            grads.arrays["offset"] -= back.sum(axis=0)
        if self.weights_backward is not None:
            grads.add_total(product(residual.T, scaled))
        return residual


def product_pays(dictionary, n_rows, n_layers):
    """Whether computing ``atoms @ W`` costs less than it saves."""
    n_components, n_features = dictionary.atoms.shape
    saved = n_rows * (n_layers - 1) * (2 * n_features - n_components)
    return saved > n_components * n_features


def _kept(stack, n_rows):
    return [panels_to_keep(matrix, n_rows) for matrix in stack]


def _at(stack, t):
    return stack[min(t, len(stack) - 1)]
