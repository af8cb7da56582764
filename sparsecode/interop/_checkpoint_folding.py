"""Folding of scales and offsets of checkpoints into the weights."""

from __future__ import annotations

import dataclasses

import numpy as np

from sparsecode import encoders
from sparsecode._sample_moments import layer_normed, sample_moments
from sparsecode.encoders._parameter_kinds import in_float64, rescaled, with_products_plus


def is_folded(checkpoint):
    """Whether `fold` would return the checkpoint itself."""
    centred = checkpoint.subtract_offset or checkpoint.transcoder
    return centred and checkpoint.scale == 1 and not checkpoint.norm_scaled


def fold(checkpoint):
    """Fold everything that can be folded; see `Checkpoint.fold`."""
    checkpoint = fold_scales(checkpoint)
    return checkpoint if checkpoint.transcoder else subtracting(checkpoint, True)


def fold_scales(checkpoint):
    """Fold `scale` and the norms of `norm_scaled`, not the offset."""
    # The norms first: they are those of the atoms before these are divided by the scale.
    if checkpoint.norm_scaled:
        checkpoint = _fold_norms(checkpoint)
    if checkpoint.scale != 1:
        # Matching pursuit has its atoms as weights, and divides by their norms itself.
        pursuit = checkpoint.architecture == "MatchingPursuit"
        atoms = _scaled(checkpoint.atoms, 1 / checkpoint.scale)
        checkpoint = dataclasses.replace(
            checkpoint,
            W=atoms if pursuit else _scaled(checkpoint.W, checkpoint.scale),
            atoms=atoms,
            offset=_scaled(checkpoint.offset, 1 / checkpoint.scale),
            min_residual=checkpoint.min_residual / checkpoint.scale,
            scale=1.0,
        )
    return checkpoint


def with_norms(checkpoint, fold_norms):
    """Return an equal checkpoint with `norm_scaled` set or not.

    Of a few architectures this would change which units are active, not only their sizes.
    """
    if fold_norms is None or fold_norms == checkpoint.norm_scaled:
        return checkpoint
    selecting = checkpoint.architecture in ("TopK", "BatchTopK", "MatchingPursuit")
    if selecting and not are_units(checkpoint.atoms):
        raise ValueError(
            f"fold_norms is {fold_norms} but {checkpoint.architecture} selects units by the sizes "
            "of their codes, and scaled codes would select other units; expected None. Leave "
            "fold_norms None."
        )
    if selecting:
        return checkpoint
    return dataclasses.replace(checkpoint, norm_scaled=fold_norms)


def shifted(checkpoint, mean):
    """Return the checkpoint for samples before `mean` is subtracted."""
    mean = mean.astype(np.float64) * checkpoint.scale
    moved = _replaced(checkpoint, offset=checkpoint.offset + mean)
    if checkpoint.subtract_offset:
        return moved
    return _with_biases_less(moved, in_float64(checkpoint.W, lambda rows: rows @ mean))


def are_units(atoms, tolerance=1e-5):
    """Whether all atoms have norm 1, to rounding."""
    return np.allclose(norms(atoms), 1, rtol=0, atol=tolerance)


def subtracting(checkpoint, subtract):
    """Return an equal checkpoint with `subtract_offset` set or not."""
    if checkpoint.subtract_offset == subtract:
        return checkpoint
    if checkpoint.architecture == "MatchingPursuit":
        if checkpoint.offset.any():
            raise ValueError(
                "A checkpoint of MatchingPursuit adds an offset to its output that it does not "
                "subtract from its input; expected both, as there is no bias to hold the "
                "difference. Use the arrays as they are, with fold=False."
            )
        return dataclasses.replace(checkpoint, subtract_offset=subtract)
    # W @ (x - offset) + b == W @ x + (b - W @ offset)
    sign = -1 if subtract else 1
    shift = sign * in_float64(checkpoint.W, lambda rows: rows @ checkpoint.offset)
    return dataclasses.replace(_with_biases_less(checkpoint, shift), subtract_offset=subtract)


def _with_biases_less(checkpoint, shift):
    """Return the checkpoint with `shift` subtracted from the pre-activations."""
    kinds = _kinds(checkpoint)
    vectors = {name: getattr(checkpoint, name).astype(np.float64) for name in kinds if name != "W"}
    return _replaced(checkpoint, **with_products_plus(vectors, kinds, -shift))


def _kinds(checkpoint):
    """Kinds of the arrays of a checkpoint, as its encoder declares them for its parameters.

    The encoder may use the logarithm of an array of the checkpoint.
    """
    declared = getattr(encoders, checkpoint.architecture).parameter_kinds
    kinds = {
        name.removeprefix("log_") if kind.is_log else name: kind._replace(is_log=False)
        for name, kind in declared.items()
    }
    return {name: kind for name, kind in kinds.items() if getattr(checkpoint, name) is not None}


def norms(atoms):
    """Norms of the atoms in float64, shape (n_components,)."""
    return in_float64(atoms, lambda rows: np.linalg.norm(rows, axis=1))


def standardize(X, checkpoint):
    """Scale samples by their own statistics; see `Checkpoint.standardize`."""
    shift = np.zeros((len(X), 1), X.dtype)
    factor = np.ones_like(shift)
    if checkpoint.input_norm == "layer_norm":
        moments = sample_moments(X).astype(X.dtype, copy=False)
        return layer_normed(X), moments[:, 1:], moments[:, :1]
    if checkpoint.input_norm == "constant_norm":
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        factor = lengths / X.dtype.type(np.sqrt(checkpoint.n_features))
        factor[lengths == 0] = 1
    return X / factor, factor, shift


def _fold_norms(checkpoint):
    lengths = norms(checkpoint.atoms)
    if not lengths.all():
        raise ValueError(
            f"{np.count_nonzero(lengths == 0)} atoms have norm 0; expected none, as codes are "
            "multiplied by the norms of their atoms. Remove these units first, or read the file "
            "with fold_norms=False."
        )
    kinds = _kinds(checkpoint)
    arrays = {name: getattr(checkpoint, name) for name in kinds}
    changes = rescaled(arrays, kinds, codes=lengths)
    changes["atoms"] = _scaled(checkpoint.atoms, 1 / lengths[:, None])
    return _replaced(checkpoint, norm_scaled=False, **changes)


def _replaced(checkpoint, **changes):
    """A checkpoint with other values, the vectors of them cast from float64."""
    for name, value in changes.items():
        if isinstance(value, np.ndarray):
            changes[name] = value.astype(checkpoint.dtype, copy=False)
    return dataclasses.replace(checkpoint, **changes)


def _scaled(array, factor):
    return array * np.asarray(factor, dtype=array.dtype)
