"""Adam and AdamW: the published formulas, and torch's where it is installed."""

import numpy as np
import pytest

from sparsecode.optimizers import Adam, AdamW


def follow(optimizer, start, grads):
    params = {"w": start.copy()}
    state = optimizer.init(params)
    for grad in grads:
        optimizer.update(params, {"w": grad}, state)
    return params["w"]


def by_formula(start, grads, lr, b1, b2, eps, decay):
    w, m, v = start.astype(np.float64), 0, 0
    for t, grad in enumerate(grads.astype(np.float64), 1):
        w = w - lr * decay * w
        m, v = b1 * m + (1 - b1) * grad, b2 * v + (1 - b2) * grad**2
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_formula(rng, dtype, rtol, decay):
    start = rng.standard_normal((4, 3)).astype(dtype)
    grads = rng.standard_normal((7, 4, 3)).astype(dtype)
    betas, eps = (0.8, 0.95), 1e-3
    optimizer = AdamW(0.05, betas, eps, decay) if decay else Adam(0.05, betas, eps)
    found = follow(optimizer, start, grads)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, by_formula(start, grads, 0.05, *betas, eps, decay), rtol=rtol)


def test_first_steps_by_hand():
    # The first step is lr * sign(g); then m^ = (.9 * .1 - .1) g / .19, v^ = g^2.
    grad = np.array([4.0])
    path = [follow(Adam(0.1, eps=1e-12), np.array([1.0]), [grad, -grad][:n]) for n in (1, 2)]
    np.testing.assert_allclose(np.ravel(path), [0.9, 0.9 + 0.1 * 0.01 / 0.19], rtol=1e-9)


def test_weight_decay_is_decoupled():
    """It shrinks what has no gradient, by the same factor whatever the gradients were."""
    grads = np.zeros((3, 1))
    np.testing.assert_allclose(
        follow(AdamW(0.1, weight_decay=0.5), np.array([2.0]), grads), 2 * 0.95**3, rtol=1e-14
    )
    assert follow(Adam(0.1), np.array([2.0]), grads) == 2.0
    # An l2 term would be scaled by the averages: the difference to Adam would be another one.
    grads = np.array([[5.0]])
    plain = follow(Adam(0.1), np.array([2.0]), grads)
    decayed = follow(AdamW(0.1, weight_decay=0.5), np.array([2.0]), grads)
    np.testing.assert_allclose(plain - decayed, 0.1 * 0.5 * 2.0, rtol=1e-12)


def test_as_torch(rng):
    torch = pytest.importorskip("torch")
    start, grads = rng.standard_normal((3, 4)), rng.standard_normal((6, 3, 4))
    for decay in (0.0, 0.3):
        theirs = torch.nn.Parameter(torch.tensor(start))
        reference = torch.optim.AdamW([theirs], lr=0.02, weight_decay=decay)
        for grad in grads:
            theirs.grad = torch.tensor(grad)
            reference.step()
        mine = follow(AdamW(0.02, weight_decay=decay), start, grads)
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "optimizer", [Adam(betas=(1.0, 0.9)), Adam(eps=0.0), Adam(-1.0), AdamW(weight_decay=-1.0)]
)
def test_bad_settings(optimizer):
    with pytest.raises(ValueError, match="expected"):
        optimizer.init({"w": np.ones(1)})
