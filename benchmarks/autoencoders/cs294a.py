"""The exercise of A. Ng, "Sparse autoencoder" (CS294A, 2011): edges from patches of photographs.

25 sigmoid units, a sigmoid decoder, a weight decay and a target for the mean activation, by L-BFGS.
SciPy's L-BFGS-B minimises the same function, written down anew here. Run:
``python benchmarks/autoencoders/cs294a.py``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

sys.path.append(str(Path(__file__).resolve().parents[1]))

from _common import patches
from _report import Report

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.constraints import Free
from sparsecode.encoders import Sigmoid
from sparsecode.losses import AutoencoderLoss, KLDivergence, WeightDecay
from sparsecode.optimizers import LBFGS

SIDE, UNITS, RHO, BETA, DECAY = 8, 25, 0.01, 3.0, 1e-4
NOTES = """\
Cost: half the mean squared error, the weight decay and the divergence. Correlation: that of
neighbouring pixels in the filters of the encoder, the mean over units; noise has 0."""


def samples(n_patches, seed=0):
    """Whitened patches without their mean, cut at three deviations, between .1 and .9."""
    X = patches(SIDE, n_patches, seed=seed)
    X -= X.mean(axis=1, keepdims=True)
    limit = 3 * X.std()
    return 0.5 + 0.4 * np.clip(X, -limit, limit) / limit


def start(seed=0):
    """Weights of the exercise: uniform, by the number of units on both sides; biases 0."""
    rng, limit = np.random.default_rng(seed), np.sqrt(6 / (SIDE**2 + UNITS + 1))
    return rng.uniform(-limit, limit, (2, UNITS, SIDE**2))


def autoencoder(weights, **settings):
    """The exercise as an estimator."""
    W, atoms = weights
    terms = [KLDivergence(RHO, BETA), WeightDecay(settings.pop("decay", DECAY))]
    return SparseAutoencoder(
        encoder=Sigmoid().bind({"W": W, "b": np.zeros(UNITS)}),
        loss=AutoencoderLoss(terms, output="sigmoid"),
        init=Dictionary(atoms, np.zeros(SIDE**2), Free()),
        batch_size=None,
        n_epochs=1,
        **settings,
    )


def cost(point, X):
    """The same function and its gradient, of weights and biases in one vector."""
    W, A = point[: 2 * UNITS * SIDE**2].reshape(2, UNITS, SIDE**2)
    b, c = np.split(point[2 * UNITS * SIDE**2 :], [UNITS])
    z = expit(X @ W.T + b)
    y = expit(z @ A + c)
    mean, n = z.mean(axis=0), len(X)
    divergence = RHO * np.log(RHO / mean) + (1 - RHO) * np.log((1 - RHO) / (1 - mean))
    value = np.sum((y - X) ** 2) / (2 * n) + BETA * divergence.sum()
    value += DECAY / 2 * (np.sum(W**2) + np.sum(A**2))
    dy = (y - X) * y * (1 - y) / n
    dz = dy @ A.T + BETA * ((1 - RHO) / (1 - mean) - RHO / mean) / n
    dz *= z * (1 - z)
    grads = [dz.T @ X + DECAY * W, z.T @ dy + DECAY * A, dz.sum(axis=0), dy.sum(axis=0)]
    return value, np.concatenate([np.ravel(grad) for grad in grads])


def correlation(filters):
    """Mean correlation of neighbouring pixels, across and down, of each filter less its mean."""
    f = filters.reshape(-1, SIDE, SIDE) - filters.mean(axis=1)[:, None, None]
    energy = np.mean(f**2, axis=(1, 2))
    across = np.mean(f[:, :, 1:] * f[:, :, :-1], axis=(1, 2))
    down = np.mean(f[:, 1:] * f[:, :-1], axis=(1, 2))
    return float(np.mean((across + down) / (2 * energy)))


def draw(filters, path):
    """Save a picture of the filters."""
    import matplotlib

    matplotlib.use("Agg")
    from sparsecode.plotting import plot_atoms

    plot_atoms(filters).figure.savefig(path, dpi=150)


@click.command()
@click.option("--patches", "n_patches", type=click.IntRange(10), default=10_000, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=400, show_default=True)
@click.option("--memory", multiple=True, type=int, default=(10, LBFGS().memory, 100))
@click.option("--out", type=click.Path(dir_okay=False), help="Where to save the filters.")
def main(n_patches, steps, memory, out):
    """Print the cost that is reached, and how smooth the filters are."""
    told = Report(f"CS294A, {UNITS} units, {n_patches} patches, {steps} steps of L-BFGS")
    told.note(NOTES)
    X, weights = samples(n_patches), start()
    columns = {"": "", "cost": ".4f", "correlation": ".2f", "seconds": ".1f"}
    table = told.table("Cost that is reached, and smoothness of the filters", columns)
    for m in dict.fromkeys(memory):
        begin = time.perf_counter()
        model = autoencoder(weights, optimizer=LBFGS(max_iter=steps, memory=m, tol=0.0)).fit(X)
        add_row(table, f"LBFGS(memory={m})", model, X, begin)
    filters = model.encoder_.params["W"]
    begin = time.perf_counter()
    plain = autoencoder(weights, optimizer=LBFGS(max_iter=steps, tol=0.0), decay=0.0).fit(X)
    add_row(table, "without weight decay", plain, X, begin)
    for m in dict.fromkeys(memory):
        begin = time.perf_counter()
        origin = np.r_[weights.ravel(), np.zeros(UNITS + SIDE**2)]
        options = {"maxiter": steps, "maxcor": m, "ftol": 0.0, "gtol": 0.0, "maxfun": 10 * steps}
        found = minimize(cost, origin, (X,), "L-BFGS-B", jac=True, options=options)
        own = found.x[: UNITS * SIDE**2].reshape(UNITS, SIDE**2)
        seconds = time.perf_counter() - begin
        table.row(f"SciPy (maxcor={m})", found.fun, correlation(own), seconds)
    told.finish()
    if out is not None:
        draw(filters, out)


def add_row(table, name, model, X, begin):
    """Add the row of a fitted model."""
    seconds, value = time.perf_counter() - begin, cost(point_of(model), X)[0]
    smooth = correlation(model.encoder_.params["W"])
    table.row(name, value, smooth, seconds)


def point_of(model):
    """Weights and biases of a fitted model in one vector.

    The encoder of the estimator reads the samples less the offset, that of the exercise as they
    are.
    """
    params, offset = model.encoder_.params, model.dictionary_.offset
    b = params["b"] - params["W"] @ offset
    return np.concatenate([np.ravel(a) for a in (params["W"], model.components_, b, offset)])


if __name__ == "__main__":
    main()
