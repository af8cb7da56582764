"""Golden cases of trained encoders: autoencoders, unrolled solvers and transcoders."""

from __future__ import annotations

import inspect
import tempfile
from pathlib import Path

import numpy as np
from golden_cases import (
    N_ATOMS,
    N_FEATURES,
    N_SAMPLES,
    both,
    case,
    classes,
    fit,
    learner,
    make,
    outcome,
    signals,
    small,
    stream,
)
from scipy import sparse

import sparsecode as sc
from sparsecode import encoders, interop, losses, optimizers, schedules
from sparsecode import penalties as pen
from sparsecode.constraints import UnitNorm
from sparsecode.losses import AutoencoderLoss
from sparsecode.replacement import ReplaceUnits
from sparsecode.training import GaussianNoise, TrainingState, growing, layer_by_layer

UNROLLED = ("LISTA", "LISTACP", "LISTACPSS", "LISTASS", "SLISTA", "ALISTA", "TiLISTA", "PSD")
# Terms of a loss that need an encoder of their own; the others take ReLU.
ENCODER_OF = {
    "AuxK": "TopK",
    "ActiveUnits": "JumpReLU",
    "TargetActiveUnits": "JumpReLU",
    "InactiveMargin": "JumpReLU",
    "GateReconstruction": "Gated",
    "GateSparsity": "Gated",
    "KLDivergence": "Sigmoid",
    "Contractive": "Sigmoid",
}


def autoencoder(encoder=None, loss=None, **options):
    options = {"alpha": 0.1, "n_epochs": 3, "batch_size": 64, "random_state": 0} | options
    options = {"optimizer": optimizers.Adam(lr=0.01)} | options
    return make(sc.SparseAutoencoder, N_ATOMS, encoder=encoder, loss=loss, **options)


def unrolled(encoder, **options):
    options = {"alpha": 0.2, "n_epochs": 3, "batch_size": 64, "random_state": 0} | options
    return make(sc.LISTA, dictionary=signals()[1], encoder=encoder, **options)


@case("csr", "n_jobs", "weight", "warm_start")
def learners_input(name):
    X = signals()[0]
    models = [learner(batch_size=50), autoencoder(), unrolled(small(encoders.LISTA))]
    if name == "csr":
        X = sparse.csr_array(X * (X > 0.2))
        models = [model.set_params(batch_size=50) for model in models]
    if name == "n_jobs":
        return [fit(model.set_params(n_jobs=n), X) for model in models for n in (1, 2)]
    if name == "warm_start":
        return fit(learner(warm_start=True).fit(X), X)
    weight = np.linspace(0, 2, N_SAMPLES) if name == "weight" else None
    return [fit(model, X, sample_weight=weight) for model in models]


@case("Triangle")
def triangle(name):
    X, dictionary = signals()[0], sc.Dictionary.random(8, signals()[0].shape[1], random_state=0)
    return encoders.Triangle().encode(X, dictionary)


@case(*UNROLLED, "MLP", "MatchingPursuit")
def lista(name):
    encoder = small(getattr(encoders, name))
    return both(lambda dtype: fit(unrolled(encoder), signals(dtype)[0]))


LISTAS = {
    "supervised": {"loss": "supervised"},
    "dictionary": {"learn_dictionary": True, "validation_fraction": 0.2, "patience": 1},
    "stages": {"stages": layer_by_layer(3, n_epochs=1)},
    "growing": {"stages": growing(3, n_epochs=1), "n_epochs": 9},
    "lbfgs": {"optimizer": optimizers.LBFGS(max_iter=5), "batch_size": None},
    "sgd": {"optimizer": optimizers.SGD(lr=1e-3, momentum=0.9, nesterov=True), "max_norm": 1.0},
    "schedule": {"optimizer": optimizers.AdamW(lr=schedules.Cosine(1e-2, 0.0, 12))},
}


@case(*LISTAS, "stream", "supervised_stream", "layers")
def lista_options(name):
    X, _, codes = signals()
    options = {"codes": codes} if "supervised" in name else {}
    model = unrolled(small(encoders.LISTACP), **LISTAS.get(name.removesuffix("_stream"), {}))
    if name.endswith("stream"):
        return stream(model, X, **options)
    found = fit(model, X, **options)
    return found | {f"layers {n}": model.transform(X, n_layers=n) for n in (1, 2)}


AUTOENCODERS = [n for n in classes(encoders, encoders.TrainableEncoder) if n not in UNROLLED]
TIED = [n for n in AUTOENCODERS if "tied" in inspect.signature(getattr(encoders, n)).parameters]


@case(*AUTOENCODERS, *UNROLLED)
def sparse_autoencoder(name):
    encoder = small(getattr(encoders, name))
    return both(lambda dtype: fit(autoencoder(encoder), signals(dtype)[0]))


@case(*TIED)
def tied_autoencoder(name):
    encoder = small(getattr(encoders, name), tied=True)
    scaled = name not in ("Sigmoid", "Softmax", "Tanh")
    return stream(autoencoder(encoder, scale_inputs=scaled, batch_size=None), signals()[0])


@case(*classes(losses, losses.Term))
def loss_term(name):
    X, cls = signals()[0], getattr(losses, name)
    term = (
        cls(4, 0.1, 50)
        if name == "AuxK"
        else cls(0.1, 0.5, 0.9)
        if name == "KLDivergence"
        else cls()
    )
    encoder = small(getattr(encoders, ENCODER_OF.get(name, "ReLU")))
    model = autoencoder(encoder, AutoencoderLoss([term, pen.L1(0.05)]))
    return {"fit": fit(model, X), "stream": stream(model, X)}


SETTINGS = {
    "levels": {"loss": AutoencoderLoss([pen.L1(0.1)], levels=(6, 12, None))},
    "sorted": {
        "loss": AutoencoderLoss(levels=(6, 12, None), detach_levels=True, sort_every=3, tilt=0.1),
        "encoder": encoders.Refined(encoders.BatchTopK(k=schedules.Linear(6, 3, 9)), 2),
    },
    "sigmoid": {"loss": AutoencoderLoss([pen.L1(0.1)], output="sigmoid")},
    "target_l0": {"target_l0": 4.0, "n_epochs": 6},
    "target_l0_topk": {"target_l0": 4.0, "encoder": encoders.TopK()},
    "target_l0_jumprelu": {"target_l0": 4.0, "encoder": encoders.JumpReLU()},
    "target_l0_gated": {"target_l0": 4.0, "encoder": encoders.Gated()},
    "resampling": {
        "resampling|replacement": ReplaceUnits(4, 100, 0.2),
        "encoder": encoders.TopK(2),
    },
    "dead_window": {"dead_window": 100, "alpha": 2.0},
    "early_stopping": {"validation_fraction": 0.2, "patience": 1, "n_epochs": 9},
    "corrupt": {"corrupt": GaussianNoise(0.1), "constraint": UnitNorm()},
    "outliers": {"outliers": "drop", "offset": "geometric_median"},
    "samples": {"init": "samples", "offset": "zero", "shuffle": False, "batch_size": None},
    "kmeans": {"init": "k-means++", "penalty": pen.LogSum, "max_norm": 0.5},
    "optimizer": {"optimizer": optimizers.AdamW(lr=schedules.WarmUp(0.01, 4))},
    "sparse_output": {"sparse_output": True, "encoder": encoders.BatchTopK(3)},
}


@case(*SETTINGS)
def autoencoder_options(name):
    def learn(dtype):
        X = signals(dtype)[0]
        X[3] *= 1e3 if name == "outliers" else 1
        X = 1 / (1 + np.exp(-X)) if name == "sigmoid" else X
        model = autoencoder(**SETTINGS[name])
        found = {"fit": fit(model, X)}
        return found if name == "early_stopping" else found | {"stream": stream(model, X)}

    return both(learn)


@case("ReLU", "TopK", "JumpReLU", "Gated", "BatchTopK", "ScaledReLU")
def fitted_autoencoder(name):
    X = signals()[0]
    model = autoencoder(small(getattr(encoders, name)), scale_inputs=True).fit(X)
    found = {"steer": model.steer(X, 2, 0.5), "clamp": model.steer(X, 2, activation=1.0)}
    found["top"] = tuple(model.max_activating(X, 2, 5))
    found["folded"] = model.fold(X.mean(0), 2.0).transform(X)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.npz")
        found["loaded"] = outcome(sc.SparseAutoencoder.load(Path(folder) / "model.npz"), X)
        model.state_.save(Path(folder) / "state.npz")
        state = TrainingState.load(Path(folder) / "state.npz")
        found["state"] = {"best": state.best_params, "dictionary": state.best_dictionary.atoms}
        if name != "ScaledReLU":  # which no other library has
            interop.write_checkpoint(model.to_checkpoint(), Path(folder) / "sae", "sae_lens")
            read = sc.SparseAutoencoder.from_pretrained(Path(folder) / "sae", "sae_lens")
            found["pretrained"] = read.transform(X)
    for method in ("decoder", "scale", "support"):
        found[method] = outcome(model.fit(X).refine(X, method, n_epochs=2), X)
    return found


@case("fit", "stream", "skip", "topk", "early_stopping", "pretrained")
def transcoder(name):
    options = {"n_epochs": 3, "batch_size": 64, "random_state": 0, "alpha": 0.1}
    options |= {"encoder": encoders.TopK(3)} if name == "topk" else {"skip": name == "skip"}
    if name == "early_stopping":
        options |= {"validation_fraction": 0.2, "patience": 1, "n_epochs": 9}

    def learn(dtype):
        X = signals(dtype)[0]
        Y = np.tanh(X[:, ::-1])
        model = sc.Transcoder(N_ATOMS, **options)
        if name == "stream":
            return stream(model, X, y=Y) | {"predicted": model.predict(X)}
        if name == "pretrained":
            atoms = np.random.default_rng(2).standard_normal((N_ATOMS, N_FEATURES)).astype(dtype)
            given = {"b": np.zeros(N_ATOMS, dtype), "subtract_offset": False, "transcoder": True}
            checkpoint = interop.Checkpoint("ReLU", W=atoms, atoms=atoms, **given)
            model = sc.Transcoder.from_pretrained(checkpoint)
            return {"codes": model.transform(X), "predicted": model.predict(X)}
        return fit(model, X, Y) | {"predicted": model.predict(X), "score": model.score(X, Y)}

    return both(learn)


@case("DictionaryLearning", "SparseAutoencoder")
def outlier_detector(name):
    X = signals()[0]
    model = autoencoder() if name == "SparseAutoencoder" else learner()
    detector = sc.SparseOutlierDetector(model, contamination=0.05).fit(X)
    return {"scores": detector.score_samples(X), "labels": detector.predict(X)}
