"""The one mini-batch loop, for every trainable encoder."""

from __future__ import annotations

from sparsecode._blas import single_threaded_blas
from sparsecode._validation import check_flag, check_integer, check_number
from sparsecode.dictionary import as_dictionary
from sparsecode.encoders import TrainableEncoder
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
from sparsecode.training.trainer import Trainer


@single_threaded_blas()
def train(
    encoder,
    dictionary,
    X,
    *,
    loss,
    optimizer=None,
    n_epochs=10,
    batch_size=256,
    steps_per_epoch=None,
    target=None,
    sample_weight=None,
    input_scale=1.0,
    X_val=None,
    target_val=None,
    sample_weight_val=None,
    validation_fraction=None,
    max_norm=None,
    patience=None,
    shuffle=True,
    learn_dictionary=False,
    stages=None,
    corrupt=None,
    replacement=None,
    dead_window=None,
    state=None,
    random_state=None,
    callback=None,
    verbose=False,
):
    """Train an encoder by gradients of a loss; yields the state at the start and after every epoch.

    The caller holds the last state, so a loop that is interrupted, or that diverges, loses at most
    one epoch: ``state.best_params`` are the best parameters so far, ``encoder.bind`` makes an
    encoder of them. A loop that goes on from a state gives what one without a break gives, bit by
    bit. An epoch costs a forward and a backward pass over the samples, and a pass over the memory
    of the parameters a batch.

    Parameters
    ----------
    encoder : TrainableEncoder
        Starts from its `params`, or from those of its `init` where these are None.
    dictionary : Dictionary or array-like of shape (n_components, n_features)
        Batches are read in its dtype.
    X : array-like or sparse matrix of shape (n_samples, n_features), or iterator
        Samples; a memory map is read in runs of `batch_size` rows. An iterator gives batches: such
        arrays, tuples of samples and targets, or `Batch`; it is passed over once.
    loss : Loss
        Such as `SupervisedLoss()` or `LassoLoss(penalty)`.
    optimizer : Optimizer or None, default=None
        None is ``Adam()``. `LBFGS` minimises the loss of all samples, and an epoch is one call.
    n_epochs : int, default=10
        Epochs of every stage, at most, counted from its start also where a state is given.
    batch_size : int or None, default=256
        Samples of a step; None is all. For `LBFGS` the pieces that the loss is summed over, for an
        iterator only those that the validation samples are judged in.
    steps_per_epoch : int or None, default=None
        Batches after which an epoch ends; None takes all. Where every batch is all samples, with
        ``batch_size=None``, so many steps on them, as short epochs cost more than their steps.
    target : array-like or sparse matrix of shape (n_samples, n_targets), Encoder, or None, \
default=None
        What the loss compares with. An encoder, such as `Exact`, computes it: before the first
        epoch, as a sparse matrix, if it stays the same, else batch by batch.
    sample_weight : array-like of shape (n_samples,) or None, default=None
        How much each sample counts in the loss; None is 1 each.
    input_scale : float, default=1.0
        What samples are multiplied by where they are read, a batch at a time, those of `X_val` too.
    X_val : array-like or sparse matrix of shape (n_validation, n_features) or None, default=None
        Samples to judge by, not learned from.
    target_val : array-like or sparse matrix of shape (n_validation, n_targets) or None, \
default=None
        Their targets; where `target` is an encoder, it computes these too.
    sample_weight_val : array-like of shape (n_validation,) or None, default=None
        How much each of them counts where it is judged by; None is 1 each.
    validation_fraction : float or None, default=None
        Share of `X` to hold out and judge by, instead of `X_val`.
    max_norm : float or None, default=None
        Longest gradient, all parameters together; longer ones are scaled down.
    patience : int or None, default=None
        Epochs in a row without a new lowest loss after which a stage ends; None never does. With a
        loss whose weights change there is no lowest: the latest parameters count as the best.
    shuffle : bool, default=True
        Whether the samples come in another random order in every epoch.
    learn_dictionary : bool, default=False
        Whether atoms and offset are trained too, under the constraint of the dictionary: the
        gradient of the atoms is projected on the tangent space, then clipped, and the atoms are
        projected after the step.
    stages : list of Stage or None, default=None
        Parts of the training of an unrolled network, such as `layer_by_layer` gives; None is one
        stage for all layers, end to end. Every stage starts from the best parameters of the one
        before, with a fresh optimizer.
    corrupt : callable or None, default=None
        Called as ``corrupt(X, rng)`` with each batch that a step is taken for, such as
        `GaussianNoise`: the encoder reads what it returns, the loss compares with the batch
        itself. What it draws from `rng` is the same in a resumed run.
    replacement : ReplaceUnits or None, default=None
        When and how dead units begin anew; the history then tells how many did in an epoch.
    dead_window : int or None, default=None
        Samples that must have left a unit unused for the history to count it as dead; None is that
        of `replacement`, or counts nothing.
    state : TrainingState or None, default=None
        Where to go on, such as `TrainingState.load` reads it, instead of with `dictionary` and the
        parameters of `encoder`; all else should be as it was.
    random_state : int, RandomState instance or None, default=None
        Draws the initial parameters where they are random, the order of the samples, and the
        validation samples. A state has its own.
    callback : callable or None, default=None
        Called as ``callback(progress)`` after every step, with a named tuple of `n_epochs`,
        `n_steps`, `loss`, `grad_norm` and `lr`. If it returns a true value, the epoch ends there,
        is judged, and is the last.
    verbose : bool, default=False
        Whether to print a line an epoch.

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
    encoder,
    dictionary,
    *,
    loss,
    n_epochs,
    batch_size,
    optimizer=None,
    stages=None,
    max_norm=None,
    patience=None,
    learn_dictionary=False,
    corrupt=None,
    replacement=None,
    dead_window=None,
    target=None,
    input_scale=1.0,
    callback=None,
):
    """A trainer of these pieces, which has no samples yet; raises if they do not fit together.

    Parameters are those of `train`.
    """
    learn_dictionary = check_flag(learn_dictionary, "learn_dictionary")
    dictionary = as_dictionary(dictionary)
    if not isinstance(encoder, TrainableEncoder):
        raise TypeError(
            f"encoder is {encoder!r}; expected an instance of a TrainableEncoder. Use for example "
            "ReLU()."
        )
    optimizer = resolve_optimizer(optimizer)
    input_scale = check_number(input_scale, "input_scale", low=0, low_open=True)
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
    check_patience(patience, loss)
    teacher = target if hasattr(target, "encode") else None
    if teacher is not None and input_scale != 1:
        raise ValueError(
            f"input_scale is {input_scale} but an encoder computes the targets, from samples as "
            "they are; expected 1. Scale the samples before."
        )
    return Trainer(
        encoder=encoder,
        loss=loss,
        optimizer=optimizer,
        batch_loss=BatchLoss(
            encoder, loss, optimizer, teacher, learn_dictionary, corrupt, input_scale
        ),
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


def begin(trainer, encoder, dictionary, state, random_state):
    """State to train from: a given one, if it fits, or that before the first step."""
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


def print_epoch(state):
    """Print a line about the last epoch of a state."""
    last = {name: values[-1] for name, values in state.history.items()}
    validation = f", validation {last['validation']:.6g}" if "validation" in last else ""
    print(
        f"epoch {state.n_epochs}: loss {last['loss']:.6g}{validation}, "
        f"lr {last['lr']:.3g}, {last['seconds']:.2f} s",
        flush=True,
    )
