"""Checks of the components of a training, before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import shown, wrong
from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import check_integer, check_number, check_random_state
from sparsecode._values import check_list
from sparsecode.constraints import Free
from sparsecode.losses import Loss, Term
from sparsecode.optimizers import Adam, Optimizer
from sparsecode.replacement.units import check_replacement
from sparsecode.training.stages import Stage, check_layers
from sparsecode.training.state import TrainingState
from sparsecode.training.unit_order import check_sorting

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders.base import Encoder


def resolve_optimizer(optimizer: Optimizer) -> Optimizer:
    """Return the optimizer, the default one for None."""
    optimizer = Adam() if optimizer is None else optimizer
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            wrong(
                "optimizer",
                got=shown(optimizer),
                expected="an Optimizer instance",
                remedy="Use Adam(), AdamW(), SGD() or LBFGS().",
            )
        )
    return optimizer


def check_patience(patience: int | None, loss: Loss, encoder: Encoder) -> None:
    """Raise ValueError if there is no lowest loss to wait for."""
    if patience is None or (loss.is_constant and encoder.is_constant):
        return
    changing = f"the weights of {type(loss).__name__} change"
    if loss.sorts_units:
        changing = "units are sorted"
    if loss.is_constant:
        changing = f"a setting of {type(encoder).__name__} is a schedule"
    raise ValueError(
        f"patience is {patience} but {changing}, so that losses in different epochs cannot be "
        "compared; expected None. Leave patience out, or use constant numbers."
    )


def resolve_stages(stages: Any, encoder: Encoder, optimizer: Optimizer) -> Any:
    """Return the stages of the training: those given, or one for all layers."""
    if stages is None:
        return [Stage()]
    remedy = "Use layer_by_layer(n_layers), or leave it out."
    stages = check_list(stages, "stages", "a list of one or more Stage", remedy)
    if not stages or not all(isinstance(stage, Stage) for stage in stages):
        raise TypeError(
            wrong(
                "stages",
                got=shown(stages),
                expected="a list of one or more Stage",
                remedy=remedy,
            )
        )
    for stage in stages:
        if stage.n_layers is not None or stage.decay != 1:
            check_layers(stage, encoder)
        if optimizer.full_batch and (stage.lr != 1 or stage.decay != 1):
            raise TypeError(
                f"{type(optimizer).__name__} has no learning rate, so {stage} cannot change that. "
                "Use stages with lr=1 and decay=1, or Adam."
            )
    return stages


def check_numbers(
    n_epochs: int,
    batch_size: Any,
    steps_per_epoch: int | None,
    patience: int | None,
    max_norm: float | None,
) -> tuple[Any, ...]:
    """Return the numbers, each None only where that is allowed, if they are in their range."""
    n_epochs = check_integer(n_epochs, "n_epochs")
    counts = {"batch_size": batch_size, "steps_per_epoch": steps_per_epoch, "patience": patience}
    checked = [None if n is None else check_integer(n, name) for name, n in counts.items()]
    if max_norm is not None:
        max_norm = check_number(max_norm, "max_norm", low=0, low_open=True)
    return n_epochs, *checked, max_norm


def check_clipping(max_norm: float | None, optimizer: Optimizer) -> None:
    """Raise TypeError if `max_norm` is given and the optimizer does not clip gradients."""
    if max_norm is not None and optimizer.full_batch:
        raise TypeError(
            f"max_norm is {max_norm} but {type(optimizer).__name__} uses a line search, which "
            "clips no gradients; expected None. Leave max_norm None, or use Adam."
        )


def check_loss(loss: Loss, target: np.ndarray | None, *, streamed: bool) -> None:
    """Raise if the loss is not a Loss, or lacks its target, or does not use the target."""
    if not hasattr(loss, "evaluate") or isinstance(loss, type):
        raise TypeError(
            wrong(
                "loss",
                got=shown(loss),
                expected="a Loss instance",
                remedy="Use AutoencoderLoss([L1(0.1)]), LassoLoss(penalty) or SupervisedLoss().",
            )
        )
    if isinstance(loss, Term):
        raise TypeError(
            f"loss is {shown(loss)}, a term of a loss; expected a Loss. Use "
            "AutoencoderLoss([term])."
        )
    name = type(loss).__name__
    if loss.uses_target and target is None and not streamed:
        raise ValueError(
            f"{name} compares codes with a target, but target is None. Give codes, or an encoder "
            "that computes them, such as Exact(penalty)."
        )
    if target is not None and not loss.uses_target:
        raise ValueError(
            f"target is given but {name} does not use it; expected None. Leave target out, or "
            "change the loss."
        )


def check_learning(learn_dictionary: bool, dictionary: Dictionary, optimizer: Optimizer) -> None:
    """Raise TypeError if the optimizer cannot keep the atoms in their constraint."""
    if learn_dictionary and optimizer.full_batch and dictionary.constraint != Free():
        raise TypeError(
            f"{type(optimizer).__name__} cannot keep atoms in {dictionary.constraint}; expected "
            "an optimizer that projects atoms after every step, or the constraint Free(). Use for "
            "example Adam."
        )


def check_corruption(corrupt: Any) -> None:
    """Raise TypeError if `corrupt` is not callable."""
    if corrupt is not None and (not callable(corrupt) or isinstance(corrupt, type)):
        raise TypeError(
            wrong(
                "corrupt",
                got=shown(corrupt),
                expected="a callable corrupt(X, rng), or None",
                remedy="Use for example GaussianNoise(0.1).",
            )
        )


def check_activity(
    replacement: Any,
    dead_window: int | None,
    encoder: Encoder,
    optimizer: Optimizer,
    learn_dictionary: bool,
    loss: Loss,
) -> Any:
    """Return `dead_window`; raise if units cannot be counted, replaced or sorted in a training."""
    check_sorting(loss, encoder, optimizer, learn_dictionary)
    check_replacement(replacement, encoder)
    if dead_window is not None:
        dead_window = check_integer(dead_window, "dead_window")
    given = "replacement" if replacement is not None else "dead_window"
    if optimizer.full_batch and (replacement, dead_window) != (None, None):
        raise TypeError(
            f"{given} is given but {type(optimizer).__name__} takes no single steps, and active "
            f"units are counted after each step. Use Adam, or leave {given} out."
        )
    if replacement is None:
        return dead_window
    if not learn_dictionary:
        raise TypeError(
            "replacement is given but the dictionary is not learned; expected a learned "
            "dictionary, as dead units get new atoms. Set learn_dictionary=True, or leave "
            "replacement out."
        )
    if loss.uses_target:
        raise TypeError(
            "replacement is given with targets; expected no targets, as new atoms are samples and "
            "would have to be targets. Leave replacement out, or use AuxK in the loss, which "
            "revives units too."
        )
    return dead_window


def check_stream(
    optimizer: Optimizer,
    sample_weight: ArrayLike | None,
    target: np.ndarray | None,
    validation_fraction: float | None,
) -> None:
    """Raise if an argument needs samples that can be read again, unlike an iterator."""
    given = {
        "sample_weight": sample_weight,
        "target": target,
        "validation_fraction": validation_fraction,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name} is given with an iterator of batches; expected samples in an array or a "
                "memory map. Give targets and weights in the batches, and X_val for validation."
            )
    if optimizer.full_batch:
        raise TypeError(
            f"{type(optimizer).__name__} passes over all samples many times, but an iterator can "
            "be read only once. Use Adam, or pass an array."
        )


def check_validation(
    loss: Loss,
    X_val: MatrixLike | None,
    target_val: np.ndarray | None,
    sample_weight_val: ArrayLike | None,
    teacher: Any,
    validation_fraction: float | None,
) -> None:
    """Raise ValueError if validation samples are given twice, or incompletely."""
    if X_val is None:
        for name, value in (("target_val", target_val), ("sample_weight_val", sample_weight_val)):
            if value is not None:
                raise ValueError(
                    f"{name} is given without X_val; expected both or none. Give X_val too."
                )
        return
    if validation_fraction is not None:
        raise ValueError("X_val and validation_fraction are both given. Leave one of them out.")
    if target_val is not None and (teacher is not None or not loss.uses_target):
        raise ValueError(
            "target_val is given but the loss uses no target, or target is an encoder that "
            "computes it; expected None. Leave target_val out."
        )
    if target_val is None and loss.uses_target and teacher is None:
        raise ValueError(
            f"{type(loss).__name__} compares codes with a target, but target_val is None. Give "
            "targets of X_val, or leave X_val out."
        )


def start(
    encoder: Encoder,
    dictionary: Dictionary,
    loss: Loss,
    optimizer: Optimizer,
    random_state: RandomState,
) -> TrainingState:
    """State before the first epoch."""
    rng = check_random_state(random_state)
    params = encoder.params
    if params is None:
        params = encoder.init(dictionary, random_state=rng)
    reserved = {"atoms", "offset"} & params.keys()
    if reserved:
        raise ValueError(
            f"{type(encoder).__name__} has a parameter {reserved.pop()!r}, a name that is "
            "reserved for the dictionary. Rename the parameter."
        )
    params = {
        name: np.array(param, dtype=dictionary.dtype, order="C") for name, param in params.items()
    }
    return TrainingState(
        architecture=type(encoder).__name__,
        method=type(optimizer).__name__,
        params=params,
        dictionary=dictionary,
        best_params=params,
        best_dictionary=dictionary,
        optimizer={},
        memory=loss.init(dictionary),
        seed=int(rng.randint(np.iinfo(np.int32).max)),
    )


def check_state(
    state: Any,
    encoder: Encoder,
    dictionary: Dictionary,
    optimizer: Optimizer,
    learn_dictionary: bool,
    n_stages: int,
) -> None:
    """Raise if training cannot resume from a state with these components."""
    if not isinstance(state, TrainingState):
        raise TypeError(
            wrong(
                "state",
                got=shown(state) if isinstance(state, str) else f"of type {type(state).__name__}",
                expected="a TrainingState, or None",
                remedy="Read one from a file with TrainingState.load(path).",
            )
        )
    state.check_architecture(encoder)
    if state.dictionary.atoms.shape != dictionary.atoms.shape:
        raise ValueError(
            f"the state has a dictionary with atoms of shape {state.dictionary.atoms.shape}; "
            f"expected {dictionary.atoms.shape}. Give the data and the dictionary of that "
            "training."
        )
    shapes = {name: np.shape(param) for name, param in state.params.items()}
    made = encoder.init(state.dictionary, random_state=0)
    expected = {name: np.shape(param) for name, param in made.items()}
    if shapes != expected:
        raise ValueError(
            f"the state has parameters of shapes {shapes}; expected {expected} for {encoder}. Use "
            "the encoder and the settings of that training."
        )
    if state.stage >= n_stages:
        raise ValueError(
            f"the state is in stage {state.stage + 1} but there are {n_stages}; expected as many "
            "stages as that training has. Give the same list of stages."
        )
    learned = {name: a for name, a in state.params.items() if name not in encoder.buffers}
    if learn_dictionary:
        learned["atoms"] = state.dictionary.atoms
        if state.dictionary.offset is not None:
            learned["offset"] = state.dictionary.offset
    if state.method != type(optimizer).__name__ or (
        state.optimizer.keys() != optimizer.init(learned).keys()
    ):
        raise ValueError(
            f"the state has the method {state.method} and the slots {sorted(state.optimizer)}; "
            f"expected those of {optimizer} with learn_dictionary={learn_dictionary}. Continue "
            "with the optimizer and the settings of that training."
        )
