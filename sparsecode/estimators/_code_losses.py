"""Losses for training a network that predicts codes, and their target codes."""

from __future__ import annotations

from sparsecode._collections import in_chunks, is_collection
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_code_rows, check_codes_shape
from sparsecode.dictionary import as_dictionary
from sparsecode.estimators._dictionaries import has_atoms
from sparsecode.losses import LassoLoss, SupervisedLoss


def resolve_code_loss(loss, penalty):
    """Return the given loss, or the one of a name."""
    if isinstance(loss, str) and loss == "supervised":
        return SupervisedLoss()
    if isinstance(loss, str) and loss == "unsupervised":
        if not hasattr(penalty, "_grad"):
            raise TypeError(
                f"the unsupervised loss needs the gradient of the penalty, and "
                f"{type(penalty).__name__} has none. Use loss='supervised', or L1."
            )
        return LassoLoss(penalty)
    if isinstance(loss, str):
        raise ValueError(
            wrong(
                "loss",
                got=shown(loss),
                expected="'unsupervised', 'supervised' or a Loss",
                remedy="Choose one of these.",
            )
        )
    return loss


def check_codes_to_learn(codes, X, dictionary, loss):
    """Return given codes of samples, checked, as targets of a loss."""
    if not has_atoms(dictionary):
        raise ValueError(
            "codes is given but the dictionary is learned; expected a given dictionary, as codes "
            "belong to one. Give the dictionary of these codes, or leave codes out."
        )
    if not loss.uses_target:
        raise ValueError(
            f"codes is given but {type(loss).__name__} does not compare with codes; expected "
            "None. Leave codes out, or use loss='supervised'."
        )
    n_components = as_dictionary(dictionary).n_components
    if not is_collection(X):
        return check_code_rows(codes, X.shape[0], n_components)
    codes = in_chunks("streaming.aligned_targets", X, codes, "codes")
    check_codes_shape(codes, X.shape[0], n_components)
    return codes
