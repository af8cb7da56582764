"""Stochastic gradient descent: trajectories by hand, and torch's where it is installed."""

import numpy as np
import pytest

from sparsecode.optimizers import SGD

GRADS = [2.0, -1.0, 0.5]


def run(optimizer, dtype=np.float64):
    params = {"w": np.array([1.0], dtype)}
    state = optimizer.init(params)
    path = []
    for grad in GRADS:
        optimizer.update(params, {"w": np.array([grad], dtype)}, state)
        path.append(float(params["w"][0]))
    assert state["step"] == len(GRADS) and params["w"].dtype == dtype
    return path


def test_plain_steps():
    np.testing.assert_allclose(run(SGD(lr=0.1)), [0.8, 0.9, 0.85], rtol=1e-14)


def test_momentum():
    # u = 2, 0, .5; steps of .2, 0, .05.
    np.testing.assert_allclose(run(SGD(lr=0.1, momentum=0.5)), [0.8, 0.8, 0.75], rtol=1e-14)


def test_nesterov():
    # g + u / 2 with u = 2, 0, .5: 3, -1, .75.
    path = run(SGD(lr=0.1, momentum=0.5, nesterov=True))
    np.testing.assert_allclose(path, [0.7, 0.8, 0.725], rtol=1e-14)


def test_weight_decay_is_an_l2_term():
    path, w = [], 1.0
    for grad in GRADS:
        w -= 0.1 * (grad + 0.3 * w)
        path.append(w)
    np.testing.assert_allclose(run(SGD(lr=0.1, weight_decay=0.3)), path, rtol=1e-14)


def test_as_torch(rng):
    torch = pytest.importorskip("torch")
    start, grads = rng.standard_normal((3, 4)), rng.standard_normal((5, 3, 4))
    for momentum, nesterov in ((0.0, False), (0.9, False), (0.9, True)):
        theirs = torch.nn.Parameter(torch.tensor(start))
        reference = torch.optim.SGD(
            [theirs], lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=0.2
        )
        params = {"w": start.copy()}
        optimizer = SGD(0.1, momentum, nesterov, 0.2)
        state = optimizer.init(params)
        for grad in grads:
            theirs.grad = torch.tensor(grad)
            reference.step()
            optimizer.update(params, {"w": grad}, state)
        np.testing.assert_allclose(params["w"], theirs.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "optimizer", [SGD(momentum=1.0), SGD(nesterov=True), SGD(lr=-1.0), SGD(weight_decay=-1.0)]
)
def test_bad_settings(optimizer):
    with pytest.raises(ValueError, match="expected"):
        optimizer.init({"w": np.ones(1)})
