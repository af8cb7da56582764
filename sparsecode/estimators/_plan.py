"""Training plans: the components of a training, resolved and checked once for each fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sparsecode._messages import shown, wrong
from sparsecode._validation import (
    check_flag,
    check_fraction,
    check_integer,
    check_n_jobs,
    check_number,
)
from sparsecode.encoders import TrainableEncoder
from sparsecode.losses import Loss
from sparsecode.optimizers import Optimizer
from sparsecode.penalties import Penalty
from sparsecode.replacement import ReplaceUnits
from sparsecode.training import NormOutliers, layer_by_layer
from sparsecode.training.checks import (
    check_learning,
    check_loss,
    check_numbers,
    resolve_optimizer,
    resolve_stages,
)

# Parameters that need samples which can be read again.
_OF_EPOCHS = ("validation_fraction", "patience", "stages")


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """Training plan of a fit: its encoder, loss, optimizer and stages.

    Parameters
    ----------
    encoder : TrainableEncoder
        Encoder with initial parameters, or with None for those of its `init`.
    penalty : Penalty
        With its weight.
    loss : Loss
    optimizer : Optimizer
    stages : list of Stage or None
    n_epochs : int
    batch_size, patience, dead_window : int or None
    max_norm, validation_fraction : float or None
    shuffle, learn_dictionary : bool
    verbose : int
    judged_by_loss : bool
        Whether scores use the penalty in the loss instead of `penalty`.
    replacement : ReplaceUnits or None
    corrupt : callable or None
    outliers : NormOutliers or None
    judges_targets : bool
        Whether targets are checked for outliers too.
    """

    encoder: TrainableEncoder
    penalty: Penalty
    loss: Loss
    optimizer: Optimizer
    stages: list[Any] | None
    n_epochs: int
    batch_size: int | None
    patience: int | None
    max_norm: float | None
    validation_fraction: float | None
    shuffle: bool
    learn_dictionary: bool
    verbose: int
    judged_by_loss: bool
    replacement: ReplaceUnits | None = None
    corrupt: object = None
    dead_window: int | None = None
    outliers: NormOutliers | None = None
    judges_targets: bool = False

    @cached_property
    def has_constant_loss(self) -> Any:
        """True if losses are the same function of the parameters at every step."""
        return self.loss.is_constant and self.encoder.is_constant

    @property
    def most_epochs(self) -> Any:
        """Largest number of epochs of a fit, of all stages together."""
        if self.stages is None:
            return self.n_epochs
        return sum(stage.n_epochs or self.n_epochs for stage in self.stages)

    @property
    def pieces(self) -> Any:
        """Arguments of `sparsecode.training.train`, except the loss and the samples."""
        return {
            "optimizer": self.optimizer,
            "max_norm": self.max_norm,
            "learn_dictionary": self.learn_dictionary,
            "replacement": self.replacement,
            "corrupt": self.corrupt,
            "dead_window": self.dead_window,
        }

    def check_dictionary(self, dictionary):
        """Raise TypeError if the optimizer cannot train this dictionary."""
        check_learning(self.learn_dictionary, dictionary, self.optimizer)

    def check_seen_once(self):
        """Raise TypeError if the optimizer must read the samples more than once."""
        if self.optimizer.full_batch:
            raise TypeError(
                f"{type(self.optimizer).__name__} passes over the samples many times, but the "
                "samples of partial_fit or of an iterator are seen only once. Use Adam, or call "
                "fit with an array."
            )

    @property
    def of_epochs(self) -> Any:
        """Values of the parameters that need samples which can be read again, by name."""
        return {name: getattr(self, name) for name in _OF_EPOCHS}


def plan_training(
    estimator, encoder, penalty, loss, *, learn_dictionary, judged_by_loss, stages=None, **pieces
):
    """Return the training plan of an estimator; raise if one of its parameters is wrong.

    Parameters
    ----------
    estimator : estimator
        Estimator with the training parameters that all estimators share.
    encoder : TrainableEncoder
    penalty : Penalty
    loss : Loss
    learn_dictionary, judged_by_loss : bool
    stages : str, list of Stage or None, default=None
    **pieces : dict
        Other fields of the plan.

    Returns
    -------
    plan : TrainingPlan
    """
    n_epochs, batch_size, _, patience, max_norm = check_numbers(
        estimator.n_epochs, estimator.batch_size, None, estimator.patience, estimator.max_norm
    )
    fraction = estimator.validation_fraction
    if fraction is not None:
        fraction = check_fraction(fraction, "validation_fraction")
    check_flag(estimator.sparse_output, "sparse_output")
    verbose = estimator.verbose
    if not isinstance(verbose, bool):
        verbose = check_integer(verbose, "verbose", low=0)
    check_n_jobs(estimator.n_jobs)
    optimizer = resolve_optimizer(estimator.optimizer)
    check_loss(loss, None, streamed=True)
    return TrainingPlan(
        encoder=encoder,
        penalty=penalty,
        loss=loss,
        optimizer=optimizer,
        stages=_resolve_stages(stages, encoder, optimizer),
        n_epochs=n_epochs,
        batch_size=batch_size,
        patience=patience,
        max_norm=max_norm,
        validation_fraction=fraction,
        shuffle=check_flag(estimator.shuffle, "shuffle"),
        learn_dictionary=check_flag(learn_dictionary, "learn_dictionary"),
        verbose=verbose,
        judged_by_loss=judged_by_loss,
        **pieces,
    )


def check_sizes(estimator):
    """Raise if `alpha` or `n_components` of an estimator is not a valid number."""
    check_number(estimator.alpha, "alpha", low=0)
    if estimator.n_components is not None:
        check_integer(estimator.n_components, "n_components")


def _resolve_stages(stages, encoder, optimizer):
    """Stages of the training, or None for a single one."""
    if stages is None:
        return None
    if isinstance(stages, str):
        if stages != "layer_by_layer":
            raise ValueError(
                wrong(
                    "stages",
                    got=shown(stages),
                    expected="'layer_by_layer', a list of Stage, or None",
                    remedy="Use None to train all layers together.",
                )
            )
        if not hasattr(encoder, "n_layers"):
            raise TypeError(
                f"{type(encoder).__name__} has no layers to train one after another. Use "
                "stages=None."
            )
        stages = layer_by_layer(encoder.n_layers)
    return resolve_stages(stages, encoder, optimizer)


def refuse_with_stream(**given):
    """Raise ValueError if an argument needs samples that can be read again."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise ValueError(
                f"{name} is given with an iterator of batches; expected samples in an array or a "
                f"memory map. Leave {name} out, or pass an array."
            )


def no_batch():
    """Return the error for an exhausted iterator."""
    return ValueError(
        "X is an iterator that gave no batch; expected at least one. Pass a new iterator: it can "
        "be read only once."
    )
