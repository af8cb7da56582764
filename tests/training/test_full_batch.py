"""The function that L-BFGS is given: its gradient, and that pieces make no difference."""

import numpy as np
import pytest
from training_encoders import OneLayer

from sparsecode.losses import LassoLoss
from sparsecode.optimizers import LBFGS
from sparsecode.penalties import L1
from sparsecode.training import train


class Watched(LBFGS):
    """Keeps the value that it starts from, and the gradient there, by two ways."""

    seen = None

    def minimize(self, function, params):
        value, grads = function(params)
        grads = {name: grad.copy() for name, grad in grads.items()}
        rises = {name: np.empty_like(param) for name, param in params.items()}
        for name, param in params.items():
            for index in np.ndindex(param.shape):
                old, sides = param[index], []
                for param[index] in (old - 1e-6, old + 1e-6):
                    sides.append(function(params)[0])
                param[index] = old
                rises[name][index] = (sides[1] - sides[0]) / 2e-6
        type(self).seen = value, grads, rises
        return super().minimize(function, params)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_value_and_gradient_of_all_samples(rng, dictionary, batch_size):
    X = rng.standard_normal((17, dictionary.n_features))
    weight = rng.random(17) * (np.arange(17) > 5)
    options = {"sample_weight": weight, "batch_size": batch_size, "shuffle": False, "n_epochs": 1}
    options["loss"] = LassoLoss(L1(0.1))
    first, last = train(
        OneLayer(), dictionary, X, optimizer=Watched(max_iter=3), random_state=0, **options
    )
    value, grads, rises = Watched.seen
    codes = OneLayer().bind(first.params).encode(X, dictionary)
    squares = 0.5 * (dictionary.residual(X, codes) ** 2).sum(axis=1)
    expected = np.average(squares + 0.1 * np.abs(codes).sum(axis=1), weights=weight)
    assert value == pytest.approx(expected, rel=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, rises[name], rtol=1e-6, atol=1e-8)
    assert last.history["loss"][0] < value and 0 < last.n_steps <= 3


def test_a_loss_that_is_infinite_on_the_way_is_backed_off_from(rng, dictionary):
    class Walled(LassoLoss):
        """Infinite where a code is large: closer than where the minimum would be."""

        wall, n_walls = np.inf, 0

        def evaluate(self, X, dictionary, codes, *others, **options):
            result = super().evaluate(X, dictionary, codes, *others, **options)
            if np.abs(codes).max() < self.wall:
                return result
            type(self).n_walls += 1
            return result._replace(value=np.inf)

    X = rng.standard_normal((17, dictionary.n_features))
    options = {"optimizer": LBFGS(max_iter=30), "batch_size": None, "n_epochs": 1}
    encoder = OneLayer()
    encoder = encoder.bind({k: 0.01 * a for k, a in encoder.init(dictionary).items()})

    def largest_and_costs():
        states = train(encoder, dictionary, X, loss=Walled(L1(0.1)), random_state=0, **options)
        codes = [OneLayer().bind(s.best_params).encode(X, dictionary) for s in states]
        costs = [LassoLoss(L1(0.1))(X, dictionary, z)[0] for z in (codes[0], codes[-1])]
        return np.abs(codes[-1]).max(), costs

    free, _ = largest_and_costs()
    Walled.wall = 0.6 * free
    largest, (before, after) = largest_and_costs()
    assert Walled.n_walls > 0 and largest < Walled.wall
    assert after < 0.95 * before
