"""Golden cases: small fits and transforms over all estimators, encoders, losses and solvers.

A case is a function that returns arrays, or a dictionary of them; `case` registers it, once for
each of the given names. Only public names are used, so that the same cases run before and after
the inside of the library was changed. Parameters with several names, such as ``"old|new"``, take
the first that the class has: a renamed parameter is one more word here.
"""

from __future__ import annotations

import inspect

import numpy as np
from scipy import sparse

import sparsecode as sc
from sparsecode import dropin, encoders, solvers, updates
from sparsecode import penalties as pen
from sparsecode.applications import denoise_image, inpaint_image
from sparsecode.constraints import NonNegative, UnitNorm

CASES = {}
DTYPES = (np.float32, np.float64)
N_FEATURES, N_ATOMS, N_SAMPLES = 16, 24, 200
SMALL = {"k": 3, "n_layers": 3, "hidden": (12,), "lifetime": 0.2, "bandwidth": 0.3}
PENALTIES = [pen.L1(0.2), pen.L1(0.2, positive=True), pen.L1(0.2, weights=np.linspace(0.5, 2, 24))]
PENALTIES += [pen.ElasticNet(0.2), pen.GroupL1(0.2), pen.KSparse(3), pen.KSparse(6, error=0.5)]
PENALTIES += [cls(0.2) for cls in (pen.L0, pen.MCP, pen.SCAD, pen.Cauchy, pen.LogSum, pen.Tanh)]
PENALTIES += [pen.ElasticNet(0.2, positive=True)]


def case(*names):
    """Register a function as a case, or as one case for each name that it is called with."""

    def register(function):
        title = function.__name__
        if names:
            CASES.update({f"{title}[{n}]": lambda n=n: function(n) for n in names})
        else:
            CASES[title] = function
        return function

    return register


def classes(package, base):
    """Names in a package of the classes that have this base."""
    found = {name: getattr(package, name) for name in package.__all__}
    found = {name: value for name, value in found.items() if inspect.isclass(value)}
    return [n for n, value in found.items() if issubclass(value, base) and not is_base(n)]


def is_base(name):
    return name in ("Encoder", "TrainableEncoder", "Solver", "Term", "Update")


def make(cls, *args, **options):
    """Instance of a class; an option ``"a|b"`` has the first of these names that the class has."""
    known = inspect.signature(cls).parameters
    chosen = {}
    for names, value in options.items():
        found = [name for name in names.split("|") if name in known]
        if not found:
            raise TypeError(f"{cls.__name__} has no parameter {names}.")
        chosen[found[0]] = value
    return cls(*args, **chosen)


def small(cls, **options):
    """Instance with the settings of `SMALL` that the class has."""
    known = inspect.signature(cls).parameters
    return cls(**{name: value for name, value in SMALL.items() if name in known} | options)


def signals(dtype=np.float64, n_samples=N_SAMPLES, seed=0):
    """Samples that are sparse on a dictionary, the dictionary with an offset, and the codes."""
    rng = np.random.default_rng(seed)
    atoms = rng.standard_normal((N_ATOMS, N_FEATURES))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = rng.standard_normal((n_samples, N_ATOMS)) * (rng.random((n_samples, N_ATOMS)) < 0.15)
    X = codes @ atoms + 0.05 * rng.standard_normal((n_samples, N_FEATURES)) + 0.1
    dictionary = sc.Dictionary(atoms.astype(dtype), np.full(N_FEATURES, 0.1, dtype))
    return X.astype(dtype), dictionary, codes.astype(dtype)


def outcome(model, X):
    """What a fitted estimator found and what it does with samples."""
    found = {"codes": model.transform(X), "atoms": model.components_, "n_iter": model.n_iter_}
    found["offset"] = model.dictionary_.offset
    found["back"] = model.inverse_transform(model.transform(X))
    if not isinstance(model, sc.Transcoder):
        found |= {"score": model.score(X), "scores": model.score_samples(X)}
    history = getattr(model, "history_", {})
    found |= {f"history {name}": np.array(history[name]) for name in history if name != "seconds"}
    return found | parameters(model)


def parameters(model):
    params = getattr(getattr(model, "encoder_", None), "params", None) or {}
    return {f"parameter {name}": value for name, value in params.items()}


def both(function):
    """Outcome of a function of a dtype in float32 and in float64."""
    return {np.dtype(dtype).name: function(dtype) for dtype in DTYPES}


def learner(**options):
    options = {"alpha": 0.2, "n_epochs": 3, "random_state": 0} | options
    return make(sc.DictionaryLearning, N_ATOMS, **options)


def stream(model, X, n_batches=4, **options):
    """Outcome of a model that learned from batches, with what other arguments have for each."""
    for rows in np.array_split(np.arange(len(X)), n_batches):
        model.partial_fit(X[rows], **{name: value[rows] for name, value in options.items()})
    return outcome(model, X)


@case(*range(len(PENALTIES)))
def coder(number):
    def code(dtype):
        X, dictionary, codes = signals(dtype)
        model = sc.SparseCoder(dictionary, penalty=PENALTIES[number]).fit(X)
        found = {"codes": model.transform(X), "scores": model.score_samples(X)}
        found["from"] = model.transform(X, codes=codes)
        found["one sample"] = model.transform(X[:1])
        return found | {"objective": model.certify(X).objective}

    return both(code)


@case("n_jobs", "csr", "sparse_output", "debias", "missing")
def coder_options(name):
    X, dictionary, _ = signals(n_samples=600)
    if name == "n_jobs":
        models = [sc.SparseCoder(dictionary, alpha=0.2, n_jobs=n).fit(X) for n in (1, 2)]
        return [model.transform(X) for model in models]
    if name == "csr":
        return (
            sc.SparseCoder(dictionary, alpha=0.2).fit(X).transform(sparse.csr_array(X * (X > 0.2)))
        )
    if name == "missing":
        X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    option = {"missing": "mask"} if name == "missing" else {name: True}
    return sc.SparseCoder(dictionary, alpha=0.2, **option).fit(X).transform(X)


@case(*classes(updates, updates.Update), "GainControl")
def dictionary_update(name):
    if name == "GainControl":
        update = updates.GradientUpdate(1.0, updates.GainControl())
    else:
        update = getattr(updates, name)()
    return both(lambda dtype: fit(learner(update=update), signals(dtype)[0]))


def fit(model, X, *args, **options):
    return outcome(model.fit(X, *args, **options), X)


LEARNERS = {
    "online": {"batch_size": 50},
    "ksparse": {"penalty": pen.KSparse(3), "alpha": 1.0},
    "mcp": {"penalty": pen.MCP, "batch_size": 50},
    "positive": {"penalty": pen.L1(positive=True), "constraint": NonNegative(UnitNorm())},
    "early_stopping": {"early_stopping": True, "n_iter_no_change|patience": 1, "n_epochs": 8},
    "outliers": {"outliers": "clip"},
    "svd": {"init": "svd", "solver": solvers.FISTA()},
    "unchanged": {"shuffle": False, "batch_size": 64, "replacement|resampling": None},
    "missing": {"missing": "mask"},
    "missing_online": {"missing": "mask", "batch_size": 50},
}


@case(*LEARNERS)
def dictionary_learning(name):
    def learn(dtype):
        X = signals(dtype)[0]
        if "missing" in name:
            X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
        if name == "outliers":
            X[3] *= 1e4
        return fit(learner(**LEARNERS[name]), X)

    return both(learn)


@case()
def dictionary_learning_stream():
    return both(lambda dtype: stream(learner(), signals(dtype)[0]))


@case("fit", "stream", "per_sample")
def olshausen_field(name):
    options = {"n_epochs": 3, "batch_size": 50, "random_state": 0}
    model = sc.OlshausenField(N_ATOMS, gain_per_sample=name == "per_sample", **options)
    run = stream if name == "stream" else fit
    return both(lambda dtype: run(model, signals(dtype)[0]))


@case("omp", "lars", "lasso_lars", "lasso_cd", "threshold")
def dropin_coding(name):
    X, dictionary, _ = signals()
    rest = {"n_nonzero_coefs": 3} if name in ("omp", "lars") else {"alpha": 0.2}
    coder = dropin.SparseCoder(dictionary.atoms, transform_algorithm=name, split_sign=True)
    found = {"function": dropin.sparse_encode(X, dictionary.atoms, algorithm=name, **rest)}
    return found | {"estimator": coder.set_params(transform_n_nonzero_coefs=3).fit(X).transform(X)}


@case("lars", "cd")
def dropin_learning(name):
    X, options = signals()[0], {"random_state": 0, "alpha": 0.2}
    full = dropin.DictionaryLearning(N_ATOMS, fit_algorithm=name, max_iter=3, **options)
    mini = dropin.MiniBatchDictionaryLearning(N_ATOMS, fit_algorithm=name, max_iter=2, **options)
    found = [(model.fit(X).components_, model.transform(X)) for model in (full, mini)]
    found.append(dropin.dict_learning(X, N_ATOMS, max_iter=3, method=name, **options))
    found.append(dropin.dict_learning_online(X, N_ATOMS, max_iter=2, method=name, **options))
    mini.partial_fit(X[:50]).partial_fit(X[50:])
    return [*found, mini.components_]


@case("denoise", "inpaint")
def image(name):
    rng = np.random.default_rng(0)
    clean = np.add.outer(np.sin(np.arange(24) / 3), np.cos(np.arange(24) / 4)) / 4 + 0.5
    noisy = clean + 0.05 * rng.standard_normal(clean.shape)
    options = {"patch_size": 4, "n_iter": 2, "n_patches": 200, "random_state": 0}
    if name == "denoise":
        return both(lambda dtype: denoise_image(noisy.astype(dtype), 0.05, **options))
    mask = rng.random(clean.shape) < 0.8
    return both(lambda dtype: inpaint_image(noisy.astype(dtype), mask, **options))


@case("Exact", "Thresholding", "LeaveOneOut")
def untrained_encoder(name):
    penalty = pen.L1(0.2)
    inner = encoders.Exact(penalty) if name == "LeaveOneOut" else penalty
    encoder = getattr(encoders, name)(inner)
    return both(lambda dtype: encoder.encode(*signals(dtype)[:2]))


@case()
def functions():
    X, dictionary, codes = signals()
    penalty = pen.L1(0.2)
    path = sc.coding_path(X, dictionary, alphas=5)
    certificate = sc.certify(X, codes, dictionary, penalty)
    found = {"alphas": path.alphas, "path": path.codes, "gaps": path.gaps}
    found |= {"objective": certificate.objective, "gap": certificate.gap}
    found |= {"alpha_max": sc.alpha_max(X, dictionary), "debias": sc.debias(X, codes, dictionary)}
    found["polish"] = sc.polish(X, codes, dictionary, penalty).codes
    found["match_l0"] = sc.match_l0(encoders.Exact(penalty), X, dictionary, 4.0).encoder.encode(
        X, dictionary
    )
    return found


@case(*classes(solvers, solvers.Solver))
def solver(name):
    def solve(dtype):
        X, dictionary, _ = signals(dtype, 40)
        found = {}
        for number, penalty in enumerate(PENALTIES):
            try:
                result = getattr(solvers, name)(max_iter=300).solve(X, dictionary, penalty)
            except TypeError:
                try:
                    result = getattr(solvers, name)().solve(X, dictionary, penalty)
                except TypeError:
                    continue
            gap = result.certificate.gap
            arrays = {"codes": result.codes, "n_iter": result.n_iter, "done": result.converged}
            arrays |= {"objective": result.certificate.objective} | (
                {} if gap is None else {"gap": gap}
            )
            found[f"{type(penalty).__name__} {number}"] = arrays
        return found

    return both(solve)
