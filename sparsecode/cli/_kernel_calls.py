"""Calls that compile the kernels of everything public: one for each name of the packages.

A call is small: it runs in milliseconds once its kernels are there. Names are read from `__all__`,
so that what is new there is compiled without a line here.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.base import clone, is_classifier

from sparsecode import dropin, encoders, estimators, losses, optimizers, penalties, solvers, updates
from sparsecode.constraints import Free
from sparsecode.datasets import make_sparse_signals
from sparsecode.dictionary import Dictionary
from sparsecode.losses import AutoencoderLoss
from sparsecode.penalties import L1, KSparse
from sparsecode.training import train

N_SAMPLES, N_FEATURES, N_COMPONENTS = 100, 16, 32
DTYPES = ("float64", "float32")
_ALPHA = 0.2
# What calls give to those that have such a parameter.
_SETTINGS = {"n_components": N_COMPONENTS, "alpha": _ALPHA, "n_epochs": 1, "max_iter": 20}
_SETTINGS |= {"random_state": 0, "k": 3, "dead_window": 1}


def calls_by_part():
    """Names of the parts, and of each the calls by name: functions of a dtype."""
    return {part: dict(_calls(part)) for part in _PARTS}


def run(part, name, dtype):
    """Make a call, whose warnings about the few iterations are of no interest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="compiled kernels cannot be cached")
        calls_by_part()[part][name](dtype)


def _calls(part):
    package, base, call = _PARTS[part]
    for name, cls in _classes(package, base).items():
        if part == "solvers":
            for penalty in _usual_penalties(cls):
                yield f"{name}, {type(penalty).__name__}", functools.partial(call, cls, penalty)
        else:
            yield name, functools.partial(call, cls)


def _classes(package, base):
    """Public classes of a package that are kinds of `base` and can be made without arguments."""
    found = {name: getattr(package, name) for name in package.__all__}
    return {
        name: cls
        for name, cls in found.items()
        if inspect.isclass(cls) and issubclass(cls, base) and cls is not base and not _is_base(cls)
    }


def _is_base(cls):
    """Return True if a class stands in a module of base classes."""
    return cls.__module__.rpartition(".")[2] in ("base", "trainable")


def _usual_penalties(cls):
    """Of the penalties, l1 or the first one that a solver takes, and those it is the default of."""
    usual = []
    for penalty in _all_penalties():
        try:
            cls().check_penalty(penalty)
        except TypeError:
            continue
        if not usual or type(solvers.choose_solver(penalty)) is cls:
            usual.append(penalty)
    return usual


def _all_penalties():
    found = [_made(cls) for cls in _classes(penalties, penalties.Penalty).values()]
    return sorted(found, key=lambda penalty: not isinstance(penalty, L1))


def _made(cls, **options):
    """Instance of a class, with the settings that it has."""
    if cls is KSparse:
        return KSparse(3)
    known = inspect.signature(cls).parameters
    given = {name: value for name, value in _SETTINGS.items() if name in known}
    return cls(**{**given, **options})


@functools.cache
def _signals(dtype):
    """Samples, a dictionary, and the codes that the samples are made of."""
    X, codes, atoms = make_sparse_signals(
        N_SAMPLES, N_COMPONENTS, N_FEATURES, n_nonzero=3, snr_db=20, random_state=0
    )
    dictionary = Dictionary(np.asarray(atoms, dtype), np.full(N_FEATURES, 0.1, dtype))
    return X.astype(dtype), dictionary, codes.astype(dtype)


def _call_solver(cls, penalty, dtype):
    X, dictionary, _ = _signals(dtype)
    for sparse_output in (False, True):
        _made(cls).solve(X, dictionary, penalty, sparse_output=sparse_output)
    _made(cls).solve(X[:1], dictionary, penalty)


def _call_penalty(cls, dtype):
    codes, penalty = _signals(dtype)[2], _made(cls)
    penalty.value(codes)
    penalty.prox(codes)
    if penalty.smooth:
        penalty.grad(codes)


def _call_update(cls, dtype):
    X = _signals(dtype)[0]
    for penalty in (L1(_ALPHA), KSparse(3)):
        model = _made(estimators.DictionaryLearning, alpha=1.0, penalty=penalty, update=cls())
        model.fit(X)


def _call_encoder(cls, dtype):
    if issubclass(cls, encoders.TrainableEncoder):
        _fit(_autoencoder(encoder=_made(cls)), dtype)
    else:
        _made(cls).encode(*_signals(dtype)[:2])


def _call_loss(cls, dtype):
    X, dictionary, codes = _signals(dtype)
    if issubclass(cls, losses.Loss):
        target = codes if cls.uses_target else None
        states = train(
            encoders.LISTA(L1(_ALPHA)), dictionary, X, loss=_made(cls), target=target,
            batch_size=50, n_epochs=1, random_state=0,
        )  # fmt: skip
        for _ in states:
            pass
        return
    loss = AutoencoderLoss([_made(cls), L1(_ALPHA)])
    _fit(_autoencoder(encoder=_encoder_for(loss), loss=loss), dtype)


def _encoder_for(loss):
    """The first encoder that a loss is suitable for."""
    usual = ("ReLU", "TopK", "JumpReLU", "Gated", "Sigmoid")
    classes = _classes(encoders, encoders.TrainableEncoder)
    for name in (*usual, *classes):
        encoder = _made(classes[name])
        if _suits(loss, encoder):
            return encoder
    raise ValueError(f"no encoder is suitable for {loss!r}; expected at least one.")


def _suits(loss, encoder):
    try:
        loss.check_encoder(encoder)
    except (TypeError, ValueError):
        return False
    return set(loss.needs) <= set(encoder.signal_names)


def _call_optimizer(cls, dtype):
    options = {"optimizer": cls()}
    if issubclass(cls, optimizers.LBFGS):
        options |= {"batch_size": None, "constraint": Free()}
    _fit(_autoencoder(**options), dtype)


def _call_estimator(cls, dtype):
    X, dictionary, _ = _signals(dtype)
    known = inspect.signature(cls).parameters
    given = {"dictionary": dictionary, "estimator": _made(estimators.DictionaryLearning)}
    given |= {"image_shape": (2, X.shape[1] // 2), "patch_size": 2, "levels": 1}
    if cls not in (estimators.SparseCoder, estimators.LISTA, dropin.SparseCoder):
        # They learn their atoms.
        del given["dictionary"]
    if cls.__module__.startswith(dropin.__name__):
        given["dictionary"] = dictionary.atoms
    model = _made(cls, **{name: value for name, value in given.items() if name in known})
    _fit(model, dtype)
    if hasattr(model, "partial_fit"):
        more = {"classes": [0, 1]} if is_classifier(model) else {}
        clone(model).partial_fit(*_samples_of(model, X), **more)


def _autoencoder(**options):
    options = {"batch_size": 50, "dead_window": None} | options
    return _made(estimators.SparseAutoencoder, **options)


def _samples_of(model, X):
    """Samples of the kind that an estimator takes, with labels or targets if it needs them."""
    if isinstance(model, estimators.PoissonDictionaryLearning):
        return (np.abs(X),)
    if is_classifier(model):
        return X, np.arange(len(X)) % 2
    return (X, X) if hasattr(model, "predict") else (X,)


def _fit(model, dtype):
    """Fit an estimator, and use it."""
    X, *y = _samples_of(model, _signals(dtype)[0])
    model.fit(X, *y)
    if hasattr(model, "transform"):
        model.transform(X)
        model.transform(X[:1])
    if hasattr(model, "score_samples"):
        model.score_samples(X)


# Package, base class, and call of each part; what compiles longest is first.
_PARTS: dict[str, tuple[object, type, Callable]] = {
    "solvers": (solvers, solvers.Solver, _call_solver),
    "updates": (updates, updates.Update, _call_update),
    "estimators": (estimators, object, _call_estimator),
    "dropin": (dropin, object, _call_estimator),
    "penalties": (penalties, penalties.Penalty, _call_penalty),
    "encoders": (encoders, encoders.Encoder, _call_encoder),
    "losses": (losses, (losses.Loss, losses.Term), _call_loss),
    "optimizers": (optimizers, optimizers.Optimizer, _call_optimizer),
}
