"""Checks of trainable encoders, a part of `check_encoder`."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from sparsecode.dictionary import Dictionary
from sparsecode.solvers import ISTA
from sparsecode.testing._require import naming, raised_by, read_only, require, require_close
from sparsecode.testing.gradients import gradcheck


def trained(case):
    """Parameters that are not those of `init`: every entry is moved a little."""
    ready = case.ready().params
    start = case.encoder.init(case.dictionary, random_state=0) if ready is None else ready
    params = {}
    for name, array in start.items():
        size = np.sqrt(np.mean(array**2)) if array.any() else 0.1
        params[name] = read_only(array + 0.1 * size * case.rng.standard_normal(array.shape))
    return params


def check_init(case):
    """A dict of arrays of the dictionary's dtype, the same for the same seed."""
    encoder, dictionary = case.encoder, case.dictionary
    params = encoder.init(dictionary, random_state=0)
    again = encoder.init(dictionary.atoms, random_state=0)
    single = encoder.init(dictionary.astype(np.float32), random_state=0)
    require(len(params) > 0 or _learns_atoms(case, params), "init returns no parameters")
    kinds = encoder.parameter_kinds
    require(not kinds or params.keys() <= kinds.keys(), "parameter_kinds leave out parameters")
    for name, array in params.items():
        require(type(array) is np.ndarray, f"params[{name!r}] is a {type(array).__name__}")
        is_set = name not in case.encoder.buffers
        require(np.isfinite(array).all() == is_set, f"params[{name!r}] of init is not finite")
        same = np.array_equal(array, again[name], equal_nan=True)
        require(same, f"params[{name!r}] of init is not repeatable")
        require(array.dtype == np.float64, f"params[{name!r}] of float64 is {array.dtype}")
        require(single[name].dtype == np.float32, f"params[{name!r}] of float32 is not float32")
        require(array.flags.writeable, f"params[{name!r}] cannot be trained in place")


def _learns_atoms(case, params):
    codes, cache = case.encoder.forward(params, case.X, case.dictionary)
    return "atoms" in case.encoder.backward(codes, cache, with_dictionary=True)


def check_bind(case):
    """A bound encoder encodes with its parameters, and survives clone."""
    params = trained(case)
    bound = case.encoder.bind(params)
    require(case.encoder.params is None, "bind changed the encoder")
    codes = bound.encode(case.X, case.dictionary)
    expected, _ = bound.forward(params, case.X, case.dictionary)
    require_close(codes, expected, 1e-12, "encode against forward")
    copied = clone(bound)
    same = np.array_equal(copied.encode(case.X, case.dictionary), codes)
    require(same and copied == bound, "a clone of a bound encoder is another one")
    require(bound != case.encoder, "a bound encoder equals one that is not")


def check_ista(case):
    """Where it says so, layer `k` of `init` is the `k`-th iterate of ISTA."""
    if not getattr(case.encoder, "starts_at_ista", False):
        return
    for k in range(1, case.encoder.n_layers + 1):
        solver = ISTA(max_iter=k, tol=0)
        expected = solver.solve(case.X, case.dictionary, case.encoder.penalty).codes
        codes = case.encode(n_layers=k)
        require_close(codes, expected, 1e-12, f"layer {k} of init against ISTA")


def check_gradients(case):
    """Of every parameter, the atoms and the offset; also of a truncated network."""
    encoder, params = case.encoder, trained(case)
    names = [name for name in params if name not in encoder.buffers]

    def unpack(atoms, offset, arrays):
        dictionary = Dictionary(atoms, offset)
        return params | dict(zip(names, arrays, strict=True)), case.X, dictionary

    for n_layers in (None, 1):

        def forward(atoms, offset, *arrays, n_layers=n_layers):
            return encoder.forward(*unpack(atoms, offset, arrays), n_layers=n_layers)[0]

        def backward(dcodes, atoms, offset, *arrays, n_layers=n_layers):
            problem = unpack(atoms, offset, arrays)
            _, cache = encoder.forward(*problem, n_layers=n_layers)
            grads = encoder.backward(dcodes, cache, with_dictionary=True)
            # An encoder that never reads the atoms has no gradient in them, and it must be 0.
            none = np.zeros_like(atoms)
            found = grads.get("atoms", none), grads["offset"], *(grads[name] for name in names)
            found = tuple(np.asarray(grad) for grad in found)
            given = "atoms", "offset", *names
            estimates = (name in encoder.straight_through for name in given)
            return tuple(None if e else g for e, g in zip(estimates, found, strict=True))

        with naming(f"n_layers={n_layers}; arrays are atoms, offset, {', '.join(names)}"):
            trained_ones = (params[name] for name in names)
            arrays = (case.dictionary.atoms, case.dictionary.offset, *trained_ones)
            gradcheck(forward, backward, *arrays)


def check_backward(case):
    """Keys, shapes and dtype of the gradients; nothing given is written to."""
    encoder, params = case.encoder, trained(case)
    for dtype in (np.float64, np.float32):
        X, dictionary = read_only(case.X.astype(dtype)), case.dictionary.astype(dtype)
        codes, cache = encoder.forward(params, X, dictionary)
        require(codes.dtype == dtype, f"codes of {np.dtype(dtype)} are {codes.dtype}")
        dcodes = read_only(np.ones_like(codes))
        grads = encoder.backward(dcodes, cache)
        expected = params.keys() - set(encoder.buffers)
        require(grads.keys() == expected, f"gradients of {sorted(grads)}, not of the params")
        for name, grad in grads.items():
            require(grad.shape == params[name].shape, f"gradient of {name!r} has another shape")
            require(grad.dtype == dtype, f"gradient of {name!r} is {grad.dtype}")
        kept = {name: np.array(grad) for name, grad in grads.items()}
        again = encoder.backward(dcodes, cache, out=grads)
        for name in kept:
            require(np.array_equal(kept[name], again[name]), f"gradient of {name!r} in `out`")
        with naming("a gradient of another shape than the codes"):
            raised_by(ValueError, encoder.backward, dcodes[:, :-1], cache)


def check_buffers(case):
    """What gradients do not train is NaN until it is set, and refused by `encode` till then."""
    encoder = case.encoder
    if not encoder.buffers:
        return
    params = encoder.init(case.dictionary, random_state=0)
    with naming("encode before training"):
        message = raised_by(ValueError, encoder.encode, case.X, case.dictionary)
        require(type(encoder).__name__ in message, f"the encoder is not named: {message}")
        raised_by(ValueError, encoder.forward, params, case.X, case.dictionary)
    before = {name: array.copy() for name, array in params.items()}
    _, cache = encoder.forward(params, case.X, case.dictionary, training=True)
    require(not encoder.is_ready(params), "forward sets buffers, not update_buffers")
    encoder.update_buffers(params, cache)
    require(encoder.is_ready(params), "update_buffers does not set all buffers")
    for name in params.keys() - set(encoder.buffers):
        require(np.array_equal(params[name], before[name]), f"update_buffers changed {name!r}")


def check_truncation(case):
    """So many layers are what a network of so many layers computes."""
    if "n_layers" not in case.encoder.get_params():
        return
    params, most = trained(case), case.encoder.n_layers
    bound = case.encoder.bind(params)
    for k in range(1, most + 1):
        shorter = clone(case.encoder).set_params(n_layers=k)
        shapes = shorter.init(case.dictionary)
        fewer = {name: array[: len(shapes[name])] for name, array in params.items()}
        expected = shorter.bind(fewer).encode(case.X, case.dictionary)
        got = bound.encode(case.X, case.dictionary, n_layers=k)
        require_close(got, expected, 1e-12, f"n_layers={k} against a network of {k} layers")
    for bad in (0, most + 1, 1.5):
        with naming(f"n_layers={bad}"):
            raised_by(ValueError, bound.encode, case.X, case.dictionary, n_layers=bad)
            raised_by(ValueError, bound.forward, params, case.X, case.dictionary, n_layers=bad)


def check_inabilities(case):
    """What it does not take is refused, rather than ignored."""
    codes = case.encode()
    for option in ({"codes": codes}, {"missing": True}):
        with naming(f"{next(iter(option))} given"):
            message = raised_by(TypeError, case.encode, **option)
            require("Use " in message, f"the refusal names no remedy: {message}")


def check_wrong_params(case):
    """Parameters of another architecture or dictionary are refused, and named."""
    params, name = trained(case), type(case.encoder).__name__
    wrong = [params | {"other": np.ones(1)}, [1.0]]
    for first in list(params)[:1]:
        wrong.append({key: params[key] for key in params if key != first})
        wrong.append(params | {first: np.ones((2, 2, 2, 2))})
    for bad in wrong:
        message = raised_by(ValueError, case.encoder.bind(bad).encode, case.X, case.dictionary)
        require(name in message, f"the refusal of wrong params does not say {name}: {message}")
    if getattr(getattr(case.encoder, "penalty", None), "weights", None) is not None:
        return
    narrow = Dictionary(case.dictionary.atoms[:-1], case.dictionary.offset)
    shapes = {key: array.shape for key, array in case.encoder.init(narrow).items()}
    if any(shapes[key] != params[key].shape for key in params):
        message = raised_by(ValueError, case.encoder.bind(params).encode, case.X, narrow)
        require("dictionary of 8 atoms" in message, f"a dictionary of another width: {message}")


CHECKS = (
    check_init,
    check_bind,
    check_ista,
    check_gradients,
    check_backward,
    check_buffers,
    check_truncation,
    check_inabilities,
    check_wrong_params,
)
