"""Several models that are trained in one pass over the samples."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from sparsecode._blas import single_threaded_blas
from sparsecode._collections import in_chunks, is_collection
from sparsecode._messages import shown, wrong
from sparsecode._parallel import threads_of
from sparsecode._typing import MatrixLike, RandomState, Stream
from sparsecode._validation import check_flag, check_integer, check_random_state
from sparsecode._values import check_list
from sparsecode.datasets import iter_blocks
from sparsecode.estimators import Transcoder
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._plan import no_batch
from sparsecode.estimators._targets import split_item
from sparsecode.estimators._trained import TrainedEstimator

_MODELS = "a list of SparseAutoencoder, Transcoder or LISTA"


def fit_many(
    models: Sequence[Any],
    X: Stream,
    y: MatrixLike | None = None,
    *,
    rows: int = 16_384,
    n_epochs: int = 1,
    shuffle: bool = True,
    random_state: RandomState = None,
) -> list[Any]:
    """Train several models from scratch in one pass, so that samples are read only once.

    Models of other sparsity, width, seed or kind learn from the same blocks of samples, in turn.
    Each gets the numbers, bit for bit, that its ``fit`` gets from an iterator of these blocks: of
    an array or a file, ``model.fit(iter_blocks(X, rows=rows, shuffle=True, random_state=0))``. The
    initial model is made from the first block. A block is learned from in steps of the `batch_size`
    of each model. Their `n_epochs` and `shuffle` have no effect.

    Parameters
    ----------
    models : list of SparseAutoencoder, Transcoder or LISTA
        Models to train, which are changed in place.
    X : array-like, sparse matrix, Dask array, path or list of paths, or iterator
        Samples, as `sparsecode.datasets.iter_blocks` reads them, the next block meanwhile. A Dask
        array streams a window of chunks ahead. An iterator yields blocks, or tuples of samples and
        targets if one of the models is a `Transcoder`.
    y : array-like of shape (n_samples, n_targets) or (n_samples,), or None, default=None
        Targets of each `Transcoder`; a Dask array if `X` is one.
    rows : int, default=16384
        Samples in a block.
    n_epochs : int, default=1
        Number of passes over `X`; 1 for an iterator.
    shuffle : bool, default=True
        Whether the samples of a block are put in random order, those of a Dask array within a
        window of random chunks. The order of an iterator stays.
    random_state : int, RandomState instance or None, default=None
        Of the shuffling. Models have seeds of their own.

    Returns
    -------
    models : list
        The fitted models. Their histories have one entry for each block.

    Raises
    ------
    TypeError
        If a model is of another kind, or its optimizer needs all samples at once.
    ValueError
        If a model is given twice, has a setting that needs samples which can be read again, such as
        `validation_fraction`, or does not fit the samples. The message names the model; all models
        are then as before.
    FloatingPointError
        If the training of a model diverged: at the end, after the training of the others.

    See Also
    --------
    selection_curve : Scores over a grid of numbers of atoms and weights.

    Notes
    -----
    If it is interrupted (Ctrl-C), every model keeps its latest parameters and can be used.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import SparseAutoencoder
    >>> from sparsecode.encoders import TopK
    >>> from sparsecode.model_selection import fit_many
    >>> X = np.random.default_rng(0).standard_normal((2000, 8)).astype(np.float32)
    >>> models = [SparseAutoencoder(16, encoder=TopK(k), random_state=0) for k in (1, 2, 4)]
    >>> models = fit_many(models, X, rows=500, n_epochs=5, random_state=0)
    >>> [model.n_iter_ for model in models]
    [40, 40, 40]
    """
    models = _checked_models(models)
    runs = {}
    for i, model in enumerate(models):
        with _named(i, model):
            runs[i] = model._run_once()
    blocks = _blocks(X, y, models, rows, n_epochs, shuffle, random_state)
    lost = {}
    try:
        _learn(blocks, models, runs, lost)
    except BaseException:
        for i, run in runs.items():
            _settle(models[i], run, tell=False)
        raise
    for i, run in runs.items():
        _settle(models[i], run, tell=i not in lost)
    if lost:
        raise lost[min(lost)]
    return models


def _learn(blocks, models, runs, lost):
    """Let every model learn from each block; errors of those that diverged go into `lost`."""
    with _naming("X"):
        first = next(blocks, None)
    if first is None:
        raise no_batch()
    going = dict(runs)
    with contextlib.ExitStack() as stack:
        # An error before learning leaves all models as they were.
        for model in models:
            stack.enter_context(unchanged_on_error(model))
        items = {}
        for i, run in runs.items():
            with _named(i, models[i]), _alone(models[i]):
                items[i] = run.prepared(_item_of(models[i], first, models))
    for block in chain([first], blocks):
        for i, run in list(going.items()):
            with _named(i, models[i]), _alone(models[i]):
                try:
                    if i in items:
                        ready = items.pop(i)
                    else:
                        ready = run.prepared(_item_of(models[i], block, models))
                    run.learn_batch(ready)
                except FloatingPointError as error:
                    error.add_note(f"It was models[{i}], {shown(models[i])}.")
                    lost[i] = error
                    del going[i]
        if not going:
            return


def _settle(model, run, *, tell):
    with _alone(model):
        run.outcome.settle(tell=tell)


@contextlib.contextmanager
def _alone(model):
    """Context of the threads that a model may use."""
    with threads_of(model.n_jobs), single_threaded_blas():
        yield


def _checked_models(models):
    """The models as a list, if they are estimators of their own that are trained."""
    models = check_list(models, "models", _MODELS, "Give a list of models.")
    if not models:
        raise ValueError(
            wrong("models", got="an empty list", expected=_MODELS, remedy="Give at least one.")
        )
    for i, model in enumerate(models):
        if not isinstance(model, TrainedEstimator):
            raise TypeError(
                wrong(
                    f"models[{i}]",
                    got=shown(model),
                    expected="a SparseAutoencoder, Transcoder or LISTA",
                    remedy="Fit a DictionaryLearning by itself: fit(iter_blocks(X)).",
                )
            )
    for what, shared in (
        ("", models),
        (".random_state", [model.random_state for model in models]),
    ):
        known = {}
        for i, value in enumerate(shared):
            if value is None or isinstance(value, int | np.integer):
                continue
            if id(value) in known:
                raise ValueError(
                    wrong(
                        f"models[{i}]{what}",
                        got=f"the same object as models[{known[id(value)]}]{what}",
                        expected="another object, as models share nothing",
                        remedy="Use sklearn.base.clone, and integers as seeds.",
                    )
                )
            known[id(value)] = i
    return models


def _blocks(X, y, models, rows, n_epochs, shuffle, random_state) -> Iterator[Any]:
    """Blocks of samples, or tuples of samples and targets."""
    rows, n_epochs = check_integer(rows, "rows"), check_integer(n_epochs, "n_epochs")
    shuffle, rng = check_flag(shuffle, "shuffle"), check_random_state(random_state)
    has_targets = any(isinstance(model, Transcoder) for model in models)
    if hasattr(X, "__next__"):
        if y is not None or n_epochs != 1:
            name = "n_epochs" if y is None else "y"
            raise ValueError(
                f"{name} is given with an iterator of blocks, which can be read only once; "
                f"expected no {name}. Yield tuples of samples and targets, or pass an array."
            )
        return iter(X)
    if has_targets != (y is not None):
        got = "not given" if has_targets else "given"
        kind = "some Transcoder" if has_targets else "no Transcoder"
        raise ValueError(
            f"y is {got} but {kind} is among the models; expected y if a model is a Transcoder, "
            "and no y otherwise. Give y, or leave it out."
        )
    if is_collection(X):
        return in_chunks("streaming.blocks", X, y, rows, n_epochs, rng if shuffle else None)
    if y is None:
        return _epochs(X, rows, n_epochs, shuffle, rng)
    y = np.asarray(y)
    if hasattr(X, "shape") and y.shape[:1] != X.shape[:1]:
        raise ValueError(
            f"y has {len(y)} rows but X has {X.shape[0]}; expected a row for each sample. Give "
            "targets of exactly these samples."
        )
    # Samples and targets are put in the same order.
    pairs = zip(
        _epochs(X, rows, n_epochs, shuffle, copy.deepcopy(rng)),
        _epochs(y.reshape(len(y), -1), rows, n_epochs, shuffle, rng),
        strict=True,
    )
    return ((block, target[:, 0] if y.ndim == 1 else target) for block, target in pairs)


def _epochs(X, rows, n_epochs, shuffle, rng):
    """Blocks of several passes over samples in memory or in files."""
    return chain.from_iterable(
        iter_blocks(X, rows=rows, shuffle=shuffle, random_state=rng) for _ in range(n_epochs)
    )


def _item_of(model, block, models):
    """What a model learns from: a tuple if it is a `Transcoder`, else samples alone."""
    if isinstance(model, Transcoder) or not any(isinstance(other, Transcoder) for other in models):
        return block
    return split_item(block, "Transcoder")[0]


def _named(i, model):
    """Context that puts the number of a model before errors about it."""
    return _naming(f"models[{i}], a {type(model).__name__}")


@contextlib.contextmanager
def _naming(what):
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{what}: {error}") from error
