"""What all optimizers that take steps share: rates, layers, schedules, states, errors."""

import numpy as np
import pytest

from sparsecode.optimizers import SGD, Adam, AdamW
from sparsecode.schedules import Step

every = pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9), Adam(), AdamW()], ids=repr)


@pytest.fixture
def params(rng):
    return {"W": rng.standard_normal((3, 4)), "step": np.array(0.5)}


@pytest.fixture
def grads(rng):
    return {"W": rng.standard_normal((3, 4)), "step": np.array(-1.0)}


def copied(arrays):
    return {name: array.copy() for name, array in arrays.items()}


@every
def test_what_has_no_gradient_or_no_rate_stays(optimizer, params, grads):
    before, state = copied(params), optimizer.init(params)
    del grads["step"]
    optimizer.update(params, grads, state, lr_scale={"W": np.array([0.0, 1.0, 0.5])})
    assert params["step"] == before["step"]
    assert np.array_equal(params["W"][0], before["W"][0])
    assert (params["W"][1:] != before["W"][1:]).all()


@every
def test_scales_multiply_the_rate(optimizer, params, grads):
    halved = type(optimizer)(**{**optimizer.get_params(), "lr": optimizer.lr / 2})
    other = copied(params)
    optimizer.update(params, grads, optimizer.init(params), lr_scale={"W": 0.5, "step": 0.5})
    halved.update(other, grads, halved.init(other))
    for name in params:
        np.testing.assert_allclose(params[name], other[name], rtol=1e-14)


@every
def test_layers_at_a_rate_of_one_are_one_step(optimizer, params, grads):
    other = copied(params)
    optimizer.update(params, grads, optimizer.init(params), lr_scale={"W": np.ones(3)})
    optimizer.update(other, grads, optimizer.init(other))
    assert all(np.array_equal(params[name], other[name]) for name in params)


@every
def test_the_state_is_arrays_that_tell_all(optimizer, params, grads):
    other = copied(params)
    state = optimizer.init(params)
    for _ in range(3):
        optimizer.update(params, grads, state)
    kept = optimizer.init(other)
    for _ in range(3):
        optimizer.update(other, grads, kept)
        kept = copied(kept)
    assert all(isinstance(array, np.ndarray) for array in state.values())
    assert all(np.array_equal(params[name], other[name]) for name in params)


def test_schedules_count_from_0(grads):
    params = {"W": np.zeros((3, 4))}
    optimizer, state = SGD(lr=Step(1.0, 0.1, every=2)), {"step": np.zeros((), np.int64)}
    for _ in range(3):
        optimizer.update(params, {"W": grads["W"]}, state)
    np.testing.assert_allclose(params["W"], -2.1 * grads["W"], rtol=1e-14)


def test_reset_forgets_exactly_these_entries(params, grads):
    optimizer = Adam()
    state = optimizer.init(params)
    optimizer.update(params, grads, state)
    before = copied(state)
    optimizer.reset(state, "W", (slice(None), np.array([1, 3])))
    for slot in ("first.W", "second.W"):
        assert (state[slot][:, [1, 3]] == 0).all()
        assert np.array_equal(state[slot][:, [0, 2]], before[slot][:, [0, 2]])
    assert state["step"] == 1


@pytest.mark.parametrize(
    "params, grads, message",
    [
        ({"W": np.ones(2)}, {"V": np.ones(2)}, "no such parameter; expected one of W"),
        ({"W": np.ones(2)}, {"W": np.ones((2, 1))}, r"has shape \(2, 1\); expected \(2,\)"),
        ({"W": np.ones((2, 3)).T}, {"W": np.ones((3, 2))}, "not contiguous"),
    ],
)
def test_gradients_that_do_not_fit(params, grads, message):
    with pytest.raises(ValueError, match=message):
        Adam().update(params, grads, Adam().init(params))
