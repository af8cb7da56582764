"""What makes the codes of a row of the table, trained for a number of steps on all samples."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from problem import N_FEATURES, WEIGHT, penalty, torch_uniform

from sparsecode import Dictionary
from sparsecode.encoders import LISTA, MLP, Exact
from sparsecode.estimators import DictionaryLearning
from sparsecode.losses import LassoLoss
from sparsecode.metrics import code_mcc
from sparsecode.objective import certify
from sparsecode.optimizers import Adam
from sparsecode.training import train

# The loss is N_FEATURES / 2 times theirs, so what keeps the steps of Adam finite must be so too.
ADAM = Adam(1e-3, eps=1e-8 * N_FEATURES / 2)
STEPS_PER_EPOCH = 500
WEIGHTS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)


class Outcome(NamedTuple):
    """What a row of the table says of one run."""

    mcc: float
    atoms_mcc: float
    nonzeros: float
    objective: float
    training: float
    coding: float


class InDouble(NamedTuple):
    """The exact non-negative lasso in float64: its weight is too small for float32's gaps."""

    weight: float = WEIGHT

    def encode(self, X, dictionary):
        return Exact(penalty(self.weight)).encode(X.astype(np.float64), dictionary)


class Trained(NamedTuple):
    """An encoder, trained on the known dictionary or together with its own."""

    encoder: object
    n_steps: int
    start: str = "init"
    learn: bool = False

    @property
    def is_random(self):
        """Whether another seed gives another start."""
        drawn = isinstance(self.encoder, MLP) and len(self.encoder.hidden) > 0
        return self.learn or self.start == "torch" or drawn

    def run(self, problem, seed, n_steps=None):
        """Train, and judge the codes of the test samples; and exact ones, if atoms are learned."""
        encoder, dictionary = self.encoder, problem.dictionary
        if self.learn:
            # Another seed than that of the problem, which may have drawn its atoms so.
            atoms = Dictionary.random(*dictionary.atoms.shape, random_state=seed + 42)
            dictionary = atoms.astype(np.float32)
        if self.start == "torch":
            encoder = encoder.bind(torch_start(encoder, dictionary, seed))
        begin = time.perf_counter()
        n_steps = n_steps or self.n_steps
        *_, last = train(
            encoder, dictionary, problem.X, loss=LassoLoss(penalty()), optimizer=ADAM,
            batch_size=None, steps_per_epoch=min(STEPS_PER_EPOCH, n_steps),
            n_epochs=max(n_steps // STEPS_PER_EPOCH, 1), learn_dictionary=self.learn,
            random_state=seed,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        encoders = [encoder.bind(last.params)] + [InDouble()] * self.learn
        return [judge(problem, encoder, last.dictionary, seconds) for encoder in encoders]


class Solved(NamedTuple):
    """The exact non-negative lasso with the weight of the loss, or the best one."""

    best: bool = False
    is_random = False

    def run(self, problem, seed, n_steps=None):
        begin, weight = time.perf_counter(), WEIGHT
        if self.best:
            # Chosen on the samples that others are trained on.
            weight = max(WEIGHTS, key=lambda weight: self._mcc(problem, weight))
        seconds = time.perf_counter() - begin
        return [judge(problem, InDouble(weight), problem.dictionary, seconds)]

    def _mcc(self, problem, weight):
        codes = InDouble(weight).encode(problem.X, problem.dictionary)
        return code_mcc(codes, problem.codes)


class OnLogarithms(NamedTuple):
    """The optimisation of the paper: Adam on the logarithms of the codes of the test samples."""

    n_steps: int
    lr: float = 1e-3
    is_random = False

    def run(self, problem, seed, n_steps=None):
        encoder = self._replace(n_steps=n_steps or self.n_steps)
        return [judge(problem, encoder, problem.dictionary, 0.0)]

    def encode(self, X, dictionary):
        params = {"log": np.full((len(X), dictionary.n_components), -10, dtype=X.dtype)}
        optimizer, alpha = Adam(self.lr, eps=1e-8 * N_FEATURES / 2), penalty().alpha
        state = optimizer.init(params)
        for _ in range(self.n_steps):
            codes = np.exp(params["log"])
            grad = (codes @ dictionary.atoms - X) @ dictionary.atoms.T
            grad += alpha
            grad *= codes / len(X)
            optimizer.update(params, {"log": grad}, state)
        return np.exp(params["log"])


class Learned(NamedTuple):
    """Sparse coding: a dictionary by alternating exact codes and atoms, then exact codes."""

    is_random = True

    def run(self, problem, seed, n_steps=None):
        begin = time.perf_counter()
        model = DictionaryLearning(
            len(problem.dictionary.atoms), penalty=penalty(), init="random", replacement=None,
            tol=0, n_epochs=min(n_steps or 1000, 1000), random_state=seed,
        ).fit(problem.X.astype(np.float64))  # fmt: skip
        seconds = time.perf_counter() - begin
        return [judge(problem, InDouble(), model.dictionary_, seconds)]


# Rows of a method, and what the paper has for them: of the codes and, if learned, of the atoms.
KNOWN = [
    ({"SAE": (0.609,)}, Trained(MLP(()), 20_000, start="torch")),
    ({"SAE from the atoms": ()}, Trained(MLP(()), 20_000)),
    ({"MLP-32": (0.781,)}, Trained(MLP((32,)), 20_000, start="torch")),
    ({"MLP-32 from the atoms": ()}, Trained(MLP((32,)), 20_000)),
    ({"MLP-256": (0.818,)}, Trained(MLP((256,)), 20_000, start="torch")),
    ({"MLP-256 from the atoms": ()}, Trained(MLP((256,)), 20_000)),
    ({"LISTA, 3 layers": ()}, Trained(LISTA(penalty(), n_layers=3), 20_000)),
    ({"LISTA, 8 layers": ()}, Trained(LISTA(penalty(), n_layers=8), 20_000)),
    ({"LISTA, 16 layers": ()}, Trained(LISTA(penalty(), n_layers=16), 20_000)),
    ({"Adam on log codes": (0.967,)}, OnLogarithms(20_000)),
    ({"exact lasso": ()}, Solved()),
    ({"exact lasso, best weight": ()}, Solved(best=True)),
]
UNKNOWN = [
    (
        {"SAE": (0.566, 0.745), "SAE + exact lasso": (0.583, 0.745)},
        Trained(MLP(()), 100_000, start="torch", learn=True),
    ),
    ({"sparse coding": (0.691, 0.838)}, Learned()),
]


def judge(problem, encoder, dictionary, training):
    """Codes of the test samples against the true ones, and against the best objective."""
    if not isinstance(encoder, OnLogarithms):
        # So that compiling is not counted.
        encoder.encode(problem.X_test[:2], dictionary)
    begin = time.perf_counter()
    codes = encoder.encode(problem.X_test, dictionary)
    coding = time.perf_counter() - begin
    exact = InDouble().encode(problem.X_test, dictionary)
    best = certify(problem.X_test, exact, dictionary, penalty())
    found = certify(problem.X_test, codes, dictionary, penalty())
    ratio = found.objective.mean() / best.objective.mean()
    mcc = code_mcc(codes, problem.codes_test)
    # As theirs: the correlation of the features of each atom.
    atoms_mcc = code_mcc(dictionary.atoms.T, problem.dictionary.atoms.T)
    return Outcome(mcc, atoms_mcc, float((codes != 0).sum(axis=1).mean()), ratio, training, coding)


def torch_start(encoder, dictionary, seed):
    """What torch's `Linear` layers start from: uniform up to ``1 / sqrt(n_inputs)``, also biases.

    The seed is moved as in the scripts of the authors.
    """
    params, draws = {}, torch_uniform(seed + 42)
    for name, array in encoder.init(dictionary, random_state=0).items():
        n_inputs = len(params["W_" + name[2:]]) if name[0] == "b" else len(array)
        # torch keeps a weight with one output a row.
        drawn = draws(array.T.shape).T
        params[name] = ((2 * drawn - 1) / np.sqrt(n_inputs)).astype(np.float32)
    return params
