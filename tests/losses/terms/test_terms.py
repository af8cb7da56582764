"""All terms: gradients of dense and sparse codes, weights of samples, schedules, input kept."""

from collections import namedtuple

import numpy as np
import pytest
from scipy import sparse

import sparsecode.losses
from sparsecode import Dictionary
from sparsecode.constraints import Free
from sparsecode.losses import (
    AutoencoderLoss,
    Hoyer,
    KLDivergence,
    LifetimeSparsity,
    LossContext,
    Lp,
    NormWeighted,
    PenaltyTerm,
    PopulationSparsity,
    Term,
)
from sparsecode.penalties import L1, LogSum, Penalty, Tanh
from sparsecode.schedules import Linear, WarmUp
from sparsecode.testing import gradcheck

TERMS = [
    PenaltyTerm(L1(0.3)),
    NormWeighted(L1(0.3)),
    NormWeighted(Tanh(0.3), weight=0.7),
    NormWeighted(LogSum(0.3, 0.2)),
    KLDivergence(rho=0.1, weight=0.3),
    KLDivergence(rho=0.1, weight=0.3, momentum=0.6),
    Lp(0.5, weight=0.4),
    Lp(Linear(1.0, 0.2, n_steps=8), weight=0.4),
    Hoyer(0.6),
    PopulationSparsity(0.6),
    LifetimeSparsity(0.6),
]
terms = pytest.mark.parametrize("term", TERMS, ids=repr)
weightings = pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
# Those that judge something else than the codes, or a term inside, have tests of their own.
SIGNALS_ONLY = {
    "ActiveUnits",
    "AuxK",
    "Contractive",
    "GateReconstruction",
    "GateSparsity",
    "InactiveMargin",
    "MultiTopK",
    "TargetActiveUnits",
    "TargetL0",
    "WeightDecay",
}


# What training may rely on.
FACTS = {
    "ActiveUnits": {"makes_sparse"},
    "AuxK": {"changes", "reads_error"},
    "Contractive": set(),
    "GateReconstruction": {"detached", "reads_error"},
    "GateSparsity": {"makes_sparse"},
    "Hoyer": {"makes_sparse"},
    "InactiveMargin": set(),
    "KLDivergence": set(),
    "LifetimeSparsity": {"makes_sparse"},
    "Lp": {"makes_sparse"},
    "MultiTopK": {"reads_error"},
    "NormWeighted": {"makes_sparse"},
    "PenaltyTerm": {"makes_sparse"},
    "PopulationSparsity": {"makes_sparse"},
    "TargetActiveUnits": set(),
    "TargetL0": {"changes", "makes_sparse"},
    "WeightDecay": set(),
}


class Lines(Penalty, namedtuple("Lines", ["alpha"], defaults=(1.0,))):
    """A penalty that defines its gradient on arrays alone."""

    _value = L1._value
    _prox = L1._prox

    def value(self, codes):
        return self.alpha * np.abs(codes).sum(axis=1)

    def grad(self, codes):
        return self.alpha * np.sign(codes)


class Rows(Lines):
    """The same, as if it were no sum over coefficients."""

    separable = False


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((6, 3)), rng.standard_normal(3), Free())
    codes = rng.uniform(0.2, 0.9, size=(5, 6)) * (rng.random((5, 6)) < 0.6)
    codes[2] = 0
    codes[:, 4] = 0
    return rng.standard_normal((5, 3)), dictionary, codes


def weight_of(weighted):
    return np.array([0.5, 2.0, 1.0, 0.0, 1.5]) if weighted else None


def context_of(loss, dictionary, **options):
    return LossContext(step=3, memory=loss.init(dictionary), **options)


def test_every_term_is_checked():
    exported = {name for name in sparsecode.losses.__all__ if _is_term(name)}
    assert {type(term).__name__ for term in TERMS} >= exported - SIGNALS_ONLY - {"Term"}


def _is_term(name):
    found = getattr(sparsecode.losses, name)
    return isinstance(found, type) and issubclass(found, Term)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_what_a_term_says_of_itself(name):
    term = getattr(sparsecode.losses, name)()
    found = {fact for fact in ("makes_sparse", "reads_error", "detached") if getattr(term, fact)}
    found |= set() if term.is_constant else {"changes"}
    assert found == FACTS[name]
    assert term.takes_sparse
    if name != "TargetL0":
        scheduled = type(term)(weight=Linear(1.0, 0.2, n_steps=8))
        assert not scheduled.is_constant


def test_every_term_says_so():
    exported = {name for name in sparsecode.losses.__all__ if _is_term(name)}
    assert set(FACTS) == exported - {"Term"}


@pytest.mark.parametrize("cls", [Lines, Rows])
def test_a_gradient_on_arrays_is_one_of_coefficients(problem, cls):
    X, dictionary, codes = problem
    found = AutoencoderLoss([PenaltyTerm(cls(0.3), weight=2.0)]).evaluate(X, dictionary, codes)
    expected = AutoencoderLoss([PenaltyTerm(L1(0.6))]).evaluate(X, dictionary, codes)
    assert found.terms == pytest.approx(expected.terms)
    np.testing.assert_allclose(found.dcodes, expected.dcodes, atol=1e-15)


@terms
@weightings
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "csr"])
def test_gradients(problem, term, weighted, is_sparse):
    X, dictionary, codes = problem
    loss, weight = AutoencoderLoss([term]), weight_of(weighted)
    pattern = sparse.csr_array(codes)
    # Dense codes away from 0, where penalties have kinks.
    start = pattern.data if is_sparse else codes + 0.05

    def evaluate(values, atoms, offset):
        given = Dictionary(atoms, offset, Free())
        if is_sparse:
            values = sparse.csr_array((values, pattern.indices, pattern.indptr), codes.shape)
        context = context_of(loss, given)
        return loss.evaluate(
            X, given, values, sample_weight=weight, dictionary_grads=True, context=context
        )

    def backward(upstream, *arrays):
        result = evaluate(*arrays)
        dcodes = result.dcodes.data if is_sparse else result.dcodes
        grads = np.asarray(result.grads["atoms"]), result.grads["offset"]
        return [upstream * grad for grad in (dcodes, *grads)]

    arrays = start, dictionary.atoms, dictionary.offset
    assert gradcheck(lambda *a: evaluate(*a).value, backward, *arrays) < 1e-6


@terms
@weightings
def test_sparse_codes_give_what_dense_ones_do(problem, term, weighted):
    X, dictionary, codes = problem
    loss, weight = AutoencoderLoss([term]), weight_of(weighted)
    context = context_of(loss, dictionary)
    options = {"sample_weight": weight, "context": context, "dictionary_grads": True}
    pattern = sparse.csr_array(codes)
    dense = loss.evaluate(X, dictionary, codes, **options)
    found = loss.evaluate(X, dictionary, pattern, **options)
    assert found.terms == pytest.approx(dense.terms, rel=1e-12)
    stored = dense.dcodes[np.repeat(np.arange(5), np.diff(pattern.indptr)), pattern.indices]
    np.testing.assert_allclose(found.dcodes.data, stored, rtol=1e-10, atol=1e-14)
    for name in dense.grads:
        atoms = np.asarray(found.grads[name]), np.asarray(dense.grads[name])
        np.testing.assert_allclose(*atoms, rtol=1e-10, atol=1e-14)


@terms
def test_many_samples_are_judged_in_blocks_as_one_by_one(term, rng):
    """Terms that are means over samples; those of the units depend on all samples at once."""
    dictionary = Dictionary(rng.standard_normal((6, 3)))
    X, codes = rng.standard_normal((300, 3)), rng.uniform(0.2, 0.9, size=(300, 6))
    codes *= rng.random((300, 6)) < 0.6
    loss = AutoencoderLoss([term])
    context = context_of(loss, dictionary)
    dense = loss.evaluate(X, dictionary, codes, context=context)
    found = loss.evaluate(X, dictionary, sparse.csr_array(codes), context=context)
    assert found.terms == pytest.approx(dense.terms, rel=1e-12)
    np.testing.assert_allclose(found.dcodes.data, dense.dcodes[codes != 0], rtol=1e-9, atol=1e-14)
    if not isinstance(term, KLDivergence | LifetimeSparsity):
        rows = [loss.evaluate(X[i : i + 1], dictionary, codes[i : i + 1], context=context)
                for i in range(300)]  # fmt: skip
        values, dcodes = [row.value for row in rows], [row.dcodes[0] for row in rows]
        assert dense.value == pytest.approx(np.mean(values), rel=1e-12)
        np.testing.assert_allclose(dense.dcodes, np.array(dcodes) / 300, rtol=1e-9, atol=1e-14)


@terms
def test_sample_weights_are_repetitions(problem, term):
    X, dictionary, codes = problem
    loss, counts = AutoencoderLoss([term]), np.array([1, 3, 2, 0, 1])
    context = context_of(loss, dictionary)
    weighted = loss.evaluate(X, dictionary, codes, sample_weight=counts, context=context)
    rows = np.repeat(np.arange(5), counts)
    repeated = loss.evaluate(X[rows], dictionary, codes[rows], context=context)
    assert weighted.terms == pytest.approx(repeated.terms, rel=1e-12)


@terms
def test_single_precision_stays_single(problem, term):
    X, dictionary, codes = problem
    loss, double = AutoencoderLoss([term]), None
    for dtype, tol in ((np.float64, 0), (np.float32, 1e-5)):
        given = dictionary.astype(dtype)
        rows, z = X.astype(dtype), codes.astype(dtype)
        rows.flags.writeable = z.flags.writeable = False
        options = {"dictionary_grads": True, "context": context_of(loss, given)}
        for some in (z, sparse.csr_array(z)):
            result = loss.evaluate(rows, given, some, **options)
            assert result.dcodes.dtype == dtype
            assert np.asarray(result.grads["atoms"]).dtype == dtype
            double = result.value if double is None else double
            assert result.value == pytest.approx(double, rel=max(tol, 1e-12))


@terms
def test_zero_codes_cost_nothing_but_a_target(problem, term):
    X, dictionary, codes = problem
    loss = AutoencoderLoss([term])
    for zeros in (np.zeros_like(codes), sparse.csr_array(codes.shape)):
        result = loss.evaluate(X, dictionary, zeros, context=context_of(loss, dictionary))
        cost = result.value - result.terms["fit"]
        assert np.isfinite(cost)
        assert cost == 0 or isinstance(term, KLDivergence)


@terms
def test_a_weight_follows_its_schedule(problem, term):
    X, dictionary, codes = problem
    warm = type(term)(**{**term.get_params(deep=False), "weight": WarmUp(2.0, n_steps=8)})
    fixed = type(term)(**{**term.get_params(deep=False), "weight": 1.0})
    values = []
    for each in (warm, fixed):
        loss = AutoencoderLoss([each])
        values.append(
            loss.evaluate(X, dictionary, codes, context=context_of(loss, dictionary)).terms
        )
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_a_negative_weight_is_refused(problem):
    X, dictionary, codes = problem
    with pytest.raises(ValueError, match="weight of Hoyer is -1"):
        AutoencoderLoss([Hoyer(-1.0)])(X, dictionary, codes)
