"""Targets of sparsity, by a setting of the encoder or by weights of the loss."""

from __future__ import annotations

import dataclasses

import numpy as np

from sparsecode import encoders
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._scalable_encoder import ScalableEncoder
from sparsecode.losses import AutoencoderLoss, PenaltyTerm, TargetActiveUnits, TargetL0
from sparsecode.losses.terms.penalty import check_differentiable
from sparsecode.penalties import L0, L1

# Weight of a relative distance from the target, well above an error of reconstruction of samples
# of variance 1 a feature.
_PULL = 100.0


def set_target(encoder, target_l0):
    """Set the number of active units of an encoder in place, if it has such a setting.

    Raises
    ------
    ValueError
        If the target is not a possible number of units.
    TypeError
        If the number of active units of the encoder cannot be set.
    """
    if target_l0 is None:
        return
    target_l0 = check_number(target_l0, "target_l0", low=0, low_open=True)
    name, setting = type(encoder).__name__, encoder.active_setting
    if setting is not None:
        if callable(encoder.get_params()[setting]):
            raise ValueError(
                f"target_l0 is {target_l0} but {setting} of {name} is a schedule; expected only "
                f"one of them. Leave target_l0 None, or set {setting} to a number."
            )
        if encoder.active_in_mean:
            encoder.set_params(**{setting: target_l0})
            return
        if target_l0 != int(target_l0):
            raise ValueError(
                wrong(
                    "target_l0",
                    got=target_l0,
                    expected=f"a whole number, as {name} keeps exactly this number of units",
                    remedy="Round target_l0.",
                )
            )
        encoder.set_params(**{setting: check_integer(int(target_l0), "target_l0")})
    elif encoder.is_sparse or not _has_zeros(encoder):
        reason = "has a sparsity of its own" if encoder.is_sparse else "has no codes that are 0"
        raise TypeError(
            f"target_l0 is {target_l0} but {name} {reason}; expected an encoder whose sparsity can "
            "be chosen. Leave target_l0 None, or use for example ReLU() or TopK()."
        )


def check_size(encoder, loss, n_components, target_l0):
    """Raise ValueError if the target exceeds the number of units."""
    if target_l0 is not None and target_l0 > n_components:
        raise ValueError(
            wrong(
                "target_l0",
                got=target_l0,
                expected=f"at most {n_components}, the number of components",
                remedy="Lower it, or raise n_components.",
            )
        )
    placeholder = Dictionary(np.zeros((n_components, 1)))
    if isinstance(encoder, ScalableEncoder):
        encoder._shapes(placeholder)
    loss.init(placeholder)


def check_signals(loss, encoder):
    """Raise if a term of the loss is not suitable for the encoder, before training starts."""
    loss.check_encoder(encoder)
    offered = encoder.signal_names
    for term in loss.resolved() if isinstance(loss, AutoencoderLoss) else []:
        missing = [name for name in term.needs if name not in offered]
        if missing:
            raise TypeError(
                f"loss has {shown(term)}, which needs the signal {missing[0]!r} of the encoder, "
                f"but {type(encoder).__name__} has only {offered}; expected terms that suit the "
                f"encoder. Use another encoder{_examples(missing[0])}, or leave the term out."
            )


def _examples(signal):
    """Names of encoders that have a signal, for an error message."""
    classes = [getattr(encoders, name) for name in encoders.__all__]
    trainable = [cls for cls in classes if issubclass(cls, encoders.TrainableEncoder)]
    # Those around another encoder have its signals.
    plain = [cls for cls in trainable if isinstance(cls.signal_names, tuple)]
    names = [f"{cls.__name__}()" for cls in plain if signal in cls.signal_names]
    return f", such as {names[-1]}" if names else ""


def resolve_loss(loss, encoder, penalty, target_l0):
    """Return the loss of an autoencoder, with a weight for the target if there is one."""
    needs_none = encoder.is_sparse or encoder.active_setting is not None
    if not needs_none and (loss is None or target_l0 is not None):
        check_differentiable(penalty)
        _refuse_count(penalty)
    if loss is None:
        loss = AutoencoderLoss([] if needs_none else encoder.default_terms(penalty))
    if target_l0 is None or needs_none:
        return loss
    if not isinstance(loss, AutoencoderLoss):
        raise TypeError(
            wrong(
                "loss",
                got=shown(loss),
                expected="an AutoencoderLoss or None, as target_l0 is given",
                remedy="Use for example AutoencoderLoss([L1(0.1)]), or leave target_l0 None.",
            )
        )
    terms = loss.resolved()
    leading = encoder.target_term(target_l0, _PULL)
    if leading is not None:
        _refuse_target(terms, target_l0)
        # This term replaces the default ones. It acts on both sides of the target, so that no
        # weight has to be found.
        replaced = tuple(type(term) for term in encoder.default_terms(penalty))
        terms = [term for term in terms if not isinstance(term, replaced)]
        terms.append(leading)
        return dataclasses.replace(loss, terms=terms)
    first = next((i for i, term in enumerate(terms) if term.makes_sparse), len(terms))
    if first == len(terms):
        terms = [*terms, *encoder.default_terms(penalty)]
    _refuse_target(terms, target_l0)
    _refuse_no_weight(terms[first], target_l0)
    # Training starts near the target, see `ScalableEncoder.calibrate`, so that the weight may
    # change fast.
    terms[first] = TargetL0(terms[first], target=target_l0, rate=0.03, boost=1.0)
    return dataclasses.replace(loss, terms=terms)


def _refuse_target(terms, target_l0):
    for term in terms:
        if isinstance(term, TargetL0 | TargetActiveUnits):
            raise ValueError(
                f"target_l0 is {target_l0} and the loss has {shown(term)}; expected only one of "
                "these targets. Leave target_l0 None."
            )


def _refuse_count(penalty):
    if isinstance(penalty, L0):
        raise TypeError(
            wrong(
                "penalty",
                got=shown(penalty),
                expected="a penalty whose gradient is not 0 everywhere, as encoders are trained "
                "by gradients",
                remedy="Use L1, or one of the encoders JumpReLU() and TopK(), which limit the "
                "active units.",
            )
        )


def _refuse_no_weight(term, target_l0):
    weight = term.weight_at(0)
    if isinstance(term, PenaltyTerm):
        weight *= term.penalty.checked().alpha
    if weight == 0:
        raise ValueError(
            f"target_l0 is {target_l0} but {shown(term)}, which makes codes sparse, has the "
            "weight 0; expected a weight above 0, as training multiplies it by factors. Leave "
            "alpha at 1, or set the weight of the term."
        )


def judging_penalty(loss, memory=None, n_steps=0):
    """Return the penalty for `score` and `certify`, with its weight after `n_steps` steps."""
    terms = loss.resolved() if isinstance(loss, AutoencoderLoss) else []
    for i, term in enumerate(terms):
        factor = 1.0
        if isinstance(term, TargetL0):
            found = (memory or {}).get(f"{i}.log_weight")
            factor = 1.0 if found is None else float(np.exp(found))
            term = term.resolved()
        if isinstance(term, PenaltyTerm):
            return term.penalty.checked().scaled(factor * term.weight_at(n_steps))
    return L1(0.0)


def found_weight(loss, memory, n_steps):
    """Return the weight that a search for a target has found, or None."""
    for i, term in enumerate(loss.resolved() if isinstance(loss, AutoencoderLoss) else []):
        if isinstance(term, TargetL0) and f"{i}.log_weight" in memory:
            inner = term.resolved()
            alpha = inner.penalty.checked().alpha if hasattr(inner, "penalty") else 1.0
            return float(np.exp(memory[f"{i}.log_weight"])) * inner.weight_at(n_steps) * alpha
    return None


def _has_zeros(encoder):
    """Whether units without input have codes of 0, like those of a rectifier."""
    if not isinstance(encoder, ScalableEncoder):
        tiny = np.array([[1.0, 1.0], [-1.0, -1.0]]) * 1e-12
        return not encoder.bind(None).encode(tiny, np.eye(2), n_jobs=1).all()
    # Calibrated so that one of two samples is active, whatever the initial bias or threshold.
    dictionary, X = Dictionary(np.eye(2)), np.array([[1.0, 1.0], [-2.0, -2.0]])
    encoder = encoder.bind(encoder.init(dictionary, random_state=0))
    return not encoder.calibrate(X, dictionary, 0.5).encode(X, dictionary, n_jobs=1).all()
