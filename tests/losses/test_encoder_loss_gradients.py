"""Every encoder of autoencoders with every term: the whole gradient against central differences."""

import inspect

import numpy as np
import pytest

from sparsecode import Dictionary, encoders, losses
from sparsecode._factored_gradients import add_gradients
from sparsecode.encoders import BatchTopK, JumpReLU, Refined, ReLU, Sigmoid, Softmax, TopK
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.losses import AutoencoderLoss, KLDivergence, LossContext, Term
from sparsecode.penalties import L1
from sparsecode.testing import gradcheck

N_SAMPLES, N_FEATURES, N_COMPONENTS = 4, 3, 6
# What is far from its default, so that a term is not 0, or too small to see.
SETTINGS = {"k": 2, "bandwidth": 0.5, "target": 1.5}
# Encoders of codes in [0, 1]. `KLDivergence` refuses all other codes; no other term refuses any.
BOUNDED = (Sigmoid, Softmax)


def public(package, base):
    found = [getattr(package, name) for name in package.__all__]
    return [c for c in found if inspect.isclass(c) and issubclass(c, base) and c is not base]


def make(cls, **options):
    names = inspect.signature(cls).parameters
    return cls(**{name: value for name, value in SETTINGS.items() if name in names}, **options)


def heavy(term):
    """A term with a weight that its gradient can be seen by."""
    return term.set_params(weight=0.7) if "weight" in term.get_params(deep=False) else term


def is_refused(encoder, loss):
    """Whether a term of the loss is not defined for codes of this encoder."""
    has_kl = any(isinstance(term, KLDivergence) for term in loss.terms)
    return has_kl and not isinstance(encoder, BOUNDED)


ENCODERS = [make(cls, tied=t) for cls in public(encoders, LinearEncoder) for t in (False, True)]
INNER = [e for e in ENCODERS if type(e) in (TopK, BatchTopK, JumpReLU, ReLU)]
ENCODERS += [Refined(encoder, 2) for encoder in INNER]
OTHERS = [Refined(encoder, 2, 0.3, how) for encoder in INNER for how in ("atoms", "learned")]
TERMS = [heavy(make(cls)) for cls in public(losses, Term) if not cls.detached]
LOSSES = [AutoencoderLoss([term]) for term in TERMS]
LOSSES += [AutoencoderLoss(), AutoencoderLoss([L1(0.3)], levels=(2, 3, None), tilt=0.2)]
ALL = [(e, loss) for e in ENCODERS for loss in LOSSES if set(loss.needs) <= set(e.signal_names)]
ALL += [(encoder, loss) for encoder in OTHERS for loss in LOSSES[-2:]]
PAIRS = [pair for pair in ALL if not is_refused(*pair)]
REFUSED = [pair for pair in ALL if is_refused(*pair)]
SPARSE = [(e, loss) for e, loss in PAIRS if e.sparse_codes and loss.takes_sparse]


class Problem:
    """Parameters, atoms and offset as one list of arrays, and the loss as their function."""

    def __init__(self, encoder, loss, *, sparse=False, seed=0):
        rng = np.random.default_rng(seed)
        self.encoder, self.loss, self.sparse = encoder, loss, sparse
        self.X = 2 * rng.standard_normal((N_SAMPLES, N_FEATURES))
        self.weight = np.array([0.5, 2.0, 1.0, 0.3])
        atoms = rng.standard_normal((N_COMPONENTS, N_FEATURES))
        dictionary = Dictionary(atoms, rng.standard_normal(N_FEATURES))
        start = encoder.init(dictionary, random_state=0)
        self.buffers = {name: start[name] for name in encoder.buffers}
        self.names = [name for name in start if name not in encoder.buffers]
        moved = [start[n] + 0.2 * rng.standard_normal(start[n].shape) for n in self.names]
        self.arrays = [*moved, dictionary.atoms, dictionary.offset]
        self.names += ["atoms", "offset"]

    def judge(self, *arrays):
        named = dict(zip(self.names, arrays, strict=True))
        dictionary = Dictionary(named.pop("atoms"), named.pop("offset"))
        encoder, loss = self.encoder, self.loss
        options = {"sparse": self.sparse, "signals": loss.needs}
        params = named | self.buffers
        codes, cache = encoder.forward(params, self.X, dictionary, training=True, **options)
        context = LossContext(0, cache.signals, loss.init(dictionary), training=True)
        result = loss.evaluate(
            self.X,
            dictionary,
            codes,
            sample_weight=self.weight,
            dictionary_grads=True,
            context=context,
        )
        return result, cache

    def value(self, *arrays):
        return self.judge(*arrays)[0].value

    def gradients(self, *arrays):
        result, cache = self.judge(*arrays)
        grads = self.encoder.backward(
            result.dcodes, cache, with_dictionary=True, dsignals=result.dsignals
        )
        for name, grad in result.grads.items():
            grads[name] = add_gradients(grads.get(name), grad)
        assert grads.keys() <= set(self.names)
        return {name: np.asarray(grad) for name, grad in grads.items()}


@pytest.mark.parametrize(("encoder", "loss"), PAIRS, ids=str)
def test_gradients(encoder, loss):
    problem = Problem(encoder, loss)

    def backward(upstream, *arrays):
        grads = problem.gradients(*arrays)
        # Estimates have tests of their own.
        estimates = encoder.straight_through
        return [None if n in estimates else upstream * grads[n] for n in problem.names]

    assert gradcheck(problem.value, backward, *problem.arrays) < 1e-6


@pytest.mark.parametrize(("encoder", "loss"), REFUSED, ids=str)
def test_refusals(encoder, loss):
    for sparse in {False, encoder.sparse_codes and loss.takes_sparse}:
        problem = Problem(encoder, loss, sparse=sparse)
        with pytest.raises(ValueError, match=r"KLDivergence got codes .* expected .* in \[0, 1\]"):
            problem.value(*problem.arrays)


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_every_term_has_an_encoder(term):
    assert any(set(term.needs) <= set(encoder.signal_names) for encoder in ENCODERS)


@pytest.mark.parametrize(("encoder", "loss"), SPARSE, ids=str)
def test_sparse_codes_give_the_gradients_of_dense_ones(encoder, loss, monkeypatch):
    monkeypatch.setattr("sparsecode.encoders._linear.DENSEST", 1.0)
    problems = (Problem(encoder, loss, sparse=sparse) for sparse in (False, True))
    dense, few = (problem.gradients(*problem.arrays) for problem in problems)
    assert dense.keys() == few.keys()
    for name, grad in dense.items():
        np.testing.assert_allclose(few[name], grad, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
@pytest.mark.parametrize("n_before", [5, 3])
def test_memory_of_earlier_gradients_is_used_again(encoder, n_before):
    problem = Problem(encoder, AutoencoderLoss())
    named = dict(zip(problem.names, problem.arrays, strict=True))
    dictionary = Dictionary(named.pop("atoms"), named.pop("offset"))
    params = named | problem.buffers

    def gradients(X, out=None):
        codes, cache = encoder.forward(params, X, dictionary, training=True)
        grads = encoder.backward(codes + 1, cache, with_dictionary=True, out=out)
        return grads, {name: np.array(grad) for name, grad in grads.items()}

    X = np.random.default_rng(3).standard_normal((5, dictionary.n_features))
    before = gradients(-X[:n_before])[0]
    expected = gradients(X)[1]
    for name, grad in gradients(X, before)[1].items():
        np.testing.assert_array_equal(grad, expected[name], err_msg=name)
