"""Fitted estimators that can be saved, and their files."""

import json

import numpy as np
import pytest

from sparsecode import (
    LISTA,
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseAutoencoder,
    SparseCoder,
    Transcoder,
)
from sparsecode.constraints import NonNegative, UnitBall, UnitNorm
from sparsecode.encoders import LISTACP, ReLU, TopK
from sparsecode.losses import AutoencoderLoss, Hoyer
from sparsecode.optimizers import SGD, Adam
from sparsecode.penalties import L1, ElasticNet
from sparsecode.replacement import ReplaceAtoms, ReplaceUnits
from sparsecode.schedules import Cosine, WarmUp
from sparsecode.solvers import FISTA
from sparsecode.training import GaussianNoise, NormOutliers, Stage
from sparsecode.updates import BlockUpdate

FEATURES = ["a", "b", "c", "d"]
RNG = np.random.default_rng(0)
X = 0.3 * RNG.standard_normal((60, 4))
ATOMS = Dictionary(RNG.standard_normal((5, 4)), constraint=UnitNorm())


def coder():
    return SparseCoder(ATOMS, penalty=ElasticNet, alpha=0.05, solver=FISTA(tol=1e-4), n_jobs=1)


def learner():
    return DictionaryLearning(
        5,
        penalty=L1(0.5, weights=[1.0, 2.0, 1.0, 1.0, 1.0]),
        alpha=0.1,
        n_epochs=2,
        update=BlockUpdate(forgetting=0.8),
        replacement=ReplaceAtoms(min_usage=0.01),
        constraint=NonNegative(UnitBall()),
        outliers=NormOutliers("clip"),
        random_state=0,
    )


def filters():
    return OlshausenField(5, n_epochs=1, max_iter=3, gain_bounds=(0.9, 1.2), random_state=0)


def network():
    return LISTA(
        dictionary=ATOMS,
        encoder=LISTACP(n_layers=2, tied=True),
        alpha=0.1,
        optimizer=Adam(0.01, betas=(0.8, 0.9)),
        stages=[Stage(1), Stage(2, decay=0.5)],
        n_epochs=1,
        random_state=0,
    )


def autoencoder():
    return SparseAutoencoder(
        5,
        encoder=ReLU(tied=True),
        loss=AutoencoderLoss([L1(0.1), Hoyer(WarmUp(Cosine(n_steps=9), 5))], levels=(3, None)),
        optimizer=SGD(0.05, momentum=0.5),
        corrupt=GaussianNoise(0.2),
        replacement=ReplaceUnits(every=10, dead_window=10),
        n_epochs=2,
        random_state=0,
    )


def transcoder():
    return Transcoder(
        5, skip=True, encoder=TopK(k=2), optimizer=Adam(0.01), n_epochs=2, random_state=0
    )


MAKERS = {
    "SparseCoder": coder,
    "DictionaryLearning": learner,
    "OlshausenField": filters,
    "LISTA": network,
    "SparseAutoencoder": autoencoder,
    "Transcoder": transcoder,
}
TRAINED = ("LISTA", "SparseAutoencoder", "Transcoder")
every = pytest.mark.parametrize("name", MAKERS)


def fitted(name, samples=X):
    model = MAKERS[name]()
    if name == "Transcoder":
        return model.fit(samples, np.asarray(samples)[:, :3] ** 2)
    return model.fit(samples)


def go_on(model, samples):
    if isinstance(model, Transcoder):
        return model.partial_fit(samples, np.asarray(samples)[:, :3] ** 2)
    return model.partial_fit(samples)


def header_of(path):
    with np.load(path) as file:
        return dict(file), json.loads(str(file["header"]))


def write(path, arrays, header):
    np.savez(path, **{**arrays, "header": np.array(json.dumps(header))})
