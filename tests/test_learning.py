"""The loop: it learns, yields after every batch, resumes, and says when it diverges."""

import itertools

import numpy as np
import pytest

from sparsecode import Dictionary, certify
from sparsecode.constraints import UnitNorm
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import L1, Cauchy
from sparsecode.solvers import FISTA, ConjugateGradient
from sparsecode.updates import GainControl, GradientUpdate

pytestmark = pytest.mark.needs_jit("learning takes thousands of iterations")


@pytest.fixture
def planted(rng):
    truth = Dictionary.random(10, 8, random_state=7)
    codes = rng.laplace(size=(1500, 10)) * (rng.uniform(size=(1500, 10)) < 0.12)
    return codes @ truth.atoms, truth


def batches(X, size, n_epochs=1):
    for _ in range(n_epochs):
        yield from (X[i : i + size] for i in range(0, len(X), size))


def start():
    return Dictionary.random(10, 8, random_state=1)


def test_recovers_planted_atoms(planted):
    X, truth = planted
    encoder = Exact(L1(0.2), FISTA(tol=1e-3))
    # Some starts end in a local minimum, with one atom on two; this one does not.
    drawn = Dictionary.random(10, 8, random_state=3)
    *_, last = alternate(encoder, drawn, batches(X, 100, 12), update=GradientUpdate(lr=3.0))
    assert (last.dictionary.match(truth).cosines > 0.99).all()
    assert last.dictionary.constraint == UnitNorm()


def test_states_say_what_happened(planted):
    X = planted[0][:300]
    encoder, update = Exact(L1(0.1)), GradientUpdate(lr=0.5)
    states = list(alternate(encoder, start(), batches(X, 100), update=update))
    assert [state.n_iter for state in states] == [1, 2, 3]
    assert (np.diff([state.seconds for state in states]) >= 0).all()
    codes = encoder.encode(X[:100], start())
    expected = certify(X[:100], codes, start(), L1(0.1)).objective.mean()
    assert states[0].objective == pytest.approx(expected)
    codes = encoder.encode(X[100:200], states[0].dictionary)
    expected = certify(X[100:200], codes, states[0].dictionary, L1(0.1)).objective.mean()
    assert states[1].objective == pytest.approx(expected)


def test_takes_batches_one_at_a_time(planted):
    X = planted[0][:100]
    taken = itertools.count()
    endless = (X for _ in taken)
    states = alternate(Exact(L1(0.1)), start(), endless, update=GradientUpdate())
    next(states), next(states)
    assert next(taken) == 2


def test_resumes_where_it_stopped(planted):
    X = planted[0]
    encoder = Exact(Cauchy(0.02, 0.3), ConjugateGradient(max_iter=10, tol=0))
    update = GradientUpdate(lr=1.0, gain_control=GainControl(rate=0.1))
    free = Dictionary(start().atoms)
    *_, whole = alternate(encoder, free, batches(X, 300), update=update)
    *_, first = alternate(encoder, free, batches(X[:600], 300), update=update)
    *_, second = alternate(
        encoder,
        first.dictionary,
        batches(X[600:], 300),
        update=update,
        state=first,
    )
    assert second.dictionary == whole.dictionary and second.n_iter == whole.n_iter == 5


def test_threads_do_not_matter(planted):
    X = planted[0][:1200]
    results = [
        [*alternate(Exact(L1(0.1)), start(), [X, X], update=GradientUpdate(), n_jobs=n)][-1]
        for n in (1, 2)
    ]
    assert results[0].dictionary == results[1].dictionary
    assert results[0].objective == results[1].objective


@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
def test_divergence_is_an_error_that_says_what_to_do(planted):
    X = planted[0][:100]
    encoder = Exact(Cauchy(0.01), ConjugateGradient(max_iter=3, tol=0))
    loop = alternate(
        encoder, Dictionary(start().atoms), batches(X, 100, 200), update=GradientUpdate(lr=1e200)
    )
    with pytest.raises(FloatingPointError, match=r"diverged.*Lower the learning rate"):
        list(loop)


def test_a_wrong_batch_is_not_called_divergence(planted):
    loop = alternate(Exact(L1(0.1)), start(), [np.ones((3, 5))], update=GradientUpdate())
    with pytest.raises(ValueError, match="X has 5 columns; expected 8"):
        next(loop)
