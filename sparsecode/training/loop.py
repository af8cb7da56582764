"""The training loop over mini-batches, for all trainable encoders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._blas import single_threaded_blas
from sparsecode._messages import shown
from sparsecode._sample_moments import check_input_scale
from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import check_flag, check_integer
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.encoders import Encoder, TrainableEncoder
from sparsecode.training.batch_loss import BatchLoss
from sparsecode.training.checks import (
    check_activity,
    check_clipping,
    check_corruption,
    check_learning,
    check_loss,
    check_numbers,
    check_patience,
    check_stream,
    check_validation,
    resolve_optimizer,
    resolve_stages,
    start,
)
from sparsecode.training.data import ArraySource, Gatherer, StreamSource, draw_held_out, is_stream
from sparsecode.training.records import print_epoch
from sparsecode.training.trainer import Trainer

if TYPE_CHECKING:
    from sparsecode.losses.base import Loss
    from sparsecode.optimizers.base import Optimizer
    from sparsecode.replacement.units import ReplaceUnits
    from sparsecode.training.stages import Stage
    from sparsecode.training.state import TrainingState


@single_threaded_blas()
def train(
    encoder: TrainableEncoder,
    dictionary: Dictionary | ArrayLike,
    X: MatrixLike | Iterable[Any],
    *,
    loss: Loss,
    optimizer: Optimizer | None = None,
    n_epochs: int = 10,
    batch_size: int | None = 256,
    steps_per_epoch: int | None = None,
    target: MatrixLike | Encoder | None = None,
    sample_weight: ArrayLike | None = None,
    input_scale: float | Literal["layer_norm"] = 1.0,
    X_val: MatrixLike | None = None,
    target_val: MatrixLike | None = None,
    sample_weight_val: ArrayLike | None = None,
    validation_fraction: float | None = None,
    max_norm: float | None = None,
    patience: int | None = None,
    shuffle: bool = True,
    learn_dictionary: bool = False,
    stages: list[Stage] | None = None,
    corrupt: Callable[..., Any] | None = None,
    replacement: ReplaceUnits | None = None,
    dead_window: int | None = None,
    state: TrainingState | None = None,
    random_state: RandomState = None,
    callback: Callable[..., Any] | None = None,
    verbose: bool = False,
) -> Iterator[TrainingState]:
    """Train an encoder by gradients of a loss; yield the state at the start and after every epoch.

    The caller holds the last state, so a loop that is interrupted, or that diverges, loses at most
    one epoch. ``state.best_params`` are the best parameters so far; ``encoder.bind`` returns an
    encoder with these parameters. A resumed loop gives the same result as one without a break, bit
    by bit. An epoch costs a forward and a backward pass over the samples, and for each batch a pass
    over the memory of the parameters.

    Parameters
    ----------
    encoder : TrainableEncoder
        Encoder to train. Training starts from its `params`, or from its `init` if these are None.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        Atoms and offset. The batches are converted to its dtype.
    X : array-like, sparse matrix or Dask array of shape (n_samples, n_features), or iterator
        Samples. A memory map is read in runs of `batch_size` rows, a Dask array in chunks. An
        iterator yields batches: arrays, tuples of samples and targets, or `Batch`; it is read once.
    loss : Loss
        Loss to minimise, such as `SupervisedLoss()` or `LassoLoss(penalty)`.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``. `LBFGS` minimises the loss of all samples, and an epoch is one call.
    n_epochs : int, default=10
        Most epochs of every stage. If `state` is given, its epochs in the stage count too.
    batch_size : int or None, default=256
        Samples in a step; None takes all samples. With `LBFGS` it is only the size of the blocks
        that the loss is summed over, and terms over a batch, such as `KLDivergence`, are those of
        blocks. With an iterator it is only the size of the blocks of validation samples.
    steps_per_epoch : int or None, default=None
        Number of batches in an epoch; None takes all batches. With ``batch_size=None`` it is the
        number of steps on all samples: epochs of a single step would spend most time between the
        steps.
    target : array-like or sparse matrix of shape (n_samples, n_targets), Encoder, or None, \
default=None
        Targets of the loss. An encoder, such as `Exact`, computes them: before the first epoch, as
        a sparse matrix, if they stay the same, and otherwise batch by batch.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        How much each sample counts in the loss; None is 1 each.
    input_scale : float or "layer_norm", default=1.0
        Factor of the samples and of `X_val`, applied to each batch when it is read. "layer_norm"
        subtracts from each sample its mean over features, and divides by its standard deviation
        (``n_features - 1`` degrees of freedom) plus 1e-5.
    X_val : array-like or sparse matrix of shape (n_validation, n_features) or None, default=None
        Validation samples, which are not learned from.
    target_val : array-like or sparse matrix of shape (n_validation, n_targets) or None, \
default=None
        Targets of the validation samples. If `target` is an encoder, it computes these too.
    sample_weight_val : array-like of shape (n_validation,) or None, default=None
        Weights of the validation samples; None is 1 each.
    validation_fraction : float or None, default=None
        Share of `X` to hold out for validation, instead of `X_val`.
    max_norm : float or None, default=None
        Largest norm of the gradient of all parameters together. Longer gradients are scaled down.
        None does not clip.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which a stage ends. None never ends a stage
        early. If the weights of the loss change, losses cannot be compared, and the latest
        parameters count as the best.
    shuffle : bool, default=True
        Whether to shuffle the samples before each epoch.
    learn_dictionary : bool, default=False
        Whether atoms and offset are trained too, under the constraint of the dictionary: the
        gradient of the atoms is projected on the tangent space, then clipped, and the atoms are
        projected after the step.
    stages : list of Stage or None, default=None
        Stages of the training of an unrolled network, such as `layer_by_layer` returns. None is one
        stage for all layers, end to end. Every stage starts from the best parameters of the
        previous one, with a fresh optimizer.
    corrupt : callable or None, default=None
        Noise for the inputs, such as `GaussianNoise`, called as ``corrupt(X, rng)`` with the batch
        of each step. The encoder reads the returned array, and the loss compares with the batch
        itself. The numbers drawn from `rng` are the same in a resumed run.
    replacement : ReplaceUnits or None, default=None
        Policy that gives dead units new weights and atoms. The history then counts the replaced
        units of each epoch.
    dead_window : int or None, default=None
        Number of samples without an activation after which the history counts a unit as dead. None
        takes that of `replacement`; without a `replacement` nothing is counted.
    state : TrainingState or None, default=None
        State to resume from, such as one that `TrainingState.load` returns. It replaces
        `dictionary` and the parameters of `encoder`; all other arguments should be those of the
        first run.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for random initial parameters, the order of the samples, and the choice of
        validation samples. It is not used with a `state`, which has its own seed.
    callback : callable or None, default=None
        Called as ``callback(progress)`` after every step, with a named tuple of `n_epochs`,
        `n_steps`, `loss`, `grad_norm` and `lr`. If it returns a true value, the epoch ends at this
        step, is evaluated, and is the last.
    verbose : bool, default=False
        Whether to print one line for each epoch.

    Yields
    ------
    state : TrainingState

    Raises
    ------
    ValueError
        If shapes do not fit, or `state` is one of another architecture.
    TypeError
        If the pieces cannot work together, or `state` is no `TrainingState`.
    FloatingPointError
        If the loss or a parameter becomes NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LISTA
    >>> from sparsecode.losses import LassoLoss
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.training import train
    >>> dictionary = Dictionary.random(8, 4, random_state=0)
    >>> X = np.random.default_rng(0).standard_normal((100, 4))
    >>> encoder, penalty = LISTA(L1(0.1), n_layers=2), L1(0.1)
    >>> states = train(encoder, dictionary, X, loss=LassoLoss(penalty), X_val=X, random_state=0)
    >>> first, *_, last = states
    >>> last.best_loss < first.best_loss
    True
    >>> encoder.bind(last.best_params).encode(X, dictionary).shape
    (100, 8)
    """
    trainer = make_trainer(
        encoder,
        dictionary,
        loss=loss,
        optimizer=optimizer,
        stages=stages,
        n_epochs=n_epochs,
        batch_size=batch_size,
        max_norm=max_norm,
        patience=patience,
        learn_dictionary=learn_dictionary,
        corrupt=corrupt,
        replacement=replacement,
        dead_window=dead_window,
        target=target,
        input_scale=input_scale,
        callback=callback,
    )
    dictionary, optimizer = as_dictionary(dictionary), trainer.optimizer
    if steps_per_epoch is not None:
        steps_per_epoch = check_integer(steps_per_epoch, "steps_per_epoch")
    check_loss(loss, target, streamed=is_stream(X))
    teacher = trainer.batch_loss.teacher
    check_validation(loss, X_val, target_val, sample_weight_val, teacher, validation_fraction)
    shuffle, verbose = check_flag(shuffle, "shuffle"), check_flag(verbose, "verbose")
    given = None if teacher is not None else target
    if is_stream(X):
        check_stream(optimizer, sample_weight, given, validation_fraction)
    is_fresh = state is None
    if is_fresh:
        state = start(encoder, dictionary, loss, optimizer, random_state)
    else:
        trainer.check_state(state, dictionary)
    gather = Gatherer(state.dictionary, trainer)
    if is_stream(X):
        trainer.source = StreamSource(X, steps_per_epoch, gather.n_features)
    else:
        samples = gather(X, given, sample_weight)
        if validation_fraction is not None:
            samples, trainer.held = draw_held_out(samples, validation_fraction, state.seed)
        n_steps = None if optimizer.full_batch and batch_size is None else steps_per_epoch
        trainer.source = ArraySource(samples, batch_size, shuffle, n_steps)
    if X_val is not None:
        trainer.held = gather(X_val, target_val, sample_weight_val, suffix="_val")
    return _states(trainer, state, is_fresh, verbose)


def make_trainer(
    encoder: Encoder,
    dictionary: Dictionary,
    *,
    loss: Loss,
    n_epochs: int,
    batch_size: Any,
    optimizer: Optimizer | None = None,
    stages: Any = None,
    max_norm: float | None = None,
    patience: int | None = None,
    learn_dictionary: bool = False,
    corrupt: Any = None,
    replacement: Any = None,
    dead_window: int | None = None,
    target: np.ndarray | None = None,
    input_scale: float | str = 1.0,
    callback: Callable[..., Any] | None = None,
) -> Trainer:
    """Return a trainer of these components, still without samples; raise if they do not match.

    Parameters are those of `train`.
    """
    learn_dictionary = check_flag(learn_dictionary, "learn_dictionary")
    dictionary = as_dictionary(dictionary)
    if not isinstance(encoder, TrainableEncoder):
        raise TypeError(
            f"encoder is {shown(encoder)}; expected an instance of a TrainableEncoder. Use for "
            "example ReLU()."
        )
    optimizer = resolve_optimizer(optimizer)
    input_scale = check_input_scale(
        input_scale, getattr(encoder, "n_inputs", dictionary.n_features)
    )
    check_clipping(max_norm, optimizer)
    n_epochs, batch_size, _, patience, max_norm = check_numbers(
        n_epochs, batch_size, None, patience, max_norm
    )
    check_loss(loss, target, streamed=True)
    loss.check_encoder(encoder)
    check_learning(learn_dictionary, dictionary, optimizer)
    dead_window = check_activity(
        replacement, dead_window, encoder, optimizer, learn_dictionary, loss
    )
    check_corruption(corrupt)
    check_patience(patience, loss, encoder)
    teacher = target if hasattr(target, "encode") else None
    if teacher is not None and input_scale != 1:
        raise ValueError(
            f"input_scale is {shown(input_scale)} but an encoder computes the targets from samples "
            "that are not scaled; expected 1. Scale the samples before training."
        )
    batch_loss = BatchLoss(
        encoder, loss, optimizer, teacher, learn_dictionary, corrupt, input_scale
    )
    batch_loss.check_divisible(counts=(replacement, dead_window) != (None, None))
    return Trainer(
        encoder=encoder,
        loss=loss,
        optimizer=optimizer,
        batch_loss=batch_loss,
        stages=resolve_stages(stages, encoder, optimizer),
        n_epochs=n_epochs,
        batch_size=batch_size,
        max_norm=max_norm,
        patience=patience,
        learn_dictionary=learn_dictionary,
        callback=callback,
        replacement=replacement,
        dead_window=dead_window,
    )


def begin(
    trainer: Any, encoder: Encoder, dictionary: Dictionary, state: Any, random_state: RandomState
) -> Any:
    """Return the state to train from: the given one, if it fits, or the initial state."""
    if state is not None:
        trainer.check_state(state, dictionary)
        return state
    state = start(encoder, dictionary, trainer.loss, trainer.optimizer, random_state)
    return trainer.enter(state, 0)


def _states(trainer, state, fresh, verbose):
    if fresh:
        state = trainer.enter(state, 0)
    yield state
    while not trainer.stopped:
        if trainer.is_over(state):
            if state.stage + 1 >= len(trainer.stages):
                return
            state = trainer.enter(state, state.stage + 1)
        after = trainer.epoch(state)
        if after is None:
            trainer.source.check_used()
            return
        state = after
        if verbose:
            print_epoch(state)
        yield state
