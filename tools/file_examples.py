"""Valid files of every kind that is read, small, and what is done with what was read."""

from __future__ import annotations

import dataclasses
import functools
import json

import numpy as np
import scipy.io
from PIL import Image

from sparsecode import (
    LISTA,
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    PatchFeatures,
    SparseAutoencoder,
    SparseCoder,
    Transcoder,
)
from sparsecode.applications import FilterBank
from sparsecode.constraints import NonNegative, UnitBall, UnitNorm
from sparsecode.datasets import (
    FeatureMixture,
    ImageScaling,
    OlshausenFieldWhitening,
    load_images,
    make_feature_mixture,
)
from sparsecode.encoders import LISTACP, ReLU, TopK
from sparsecode.estimators._filter_learning import hold_filters
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._learning_run import hold_dictionary
from sparsecode.estimators._network_scaling import NetworkScaling
from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint
from sparsecode.interop._torch_write import write_torch
from sparsecode.losses import AutoencoderLoss, AuxK, Hoyer, LassoLoss, PenaltyTerm, TargetL0
from sparsecode.optimizers import Adam, AdamW
from sparsecode.penalties import L1, Cauchy, ElasticNet, GroupL1
from sparsecode.replacement import ReplaceAtoms, ReplaceUnits
from sparsecode.schedules import Cosine, Linear, WarmUp
from sparsecode.solvers import ADMM, FISTA
from sparsecode.training import GaussianNoise, NormOutliers, Stage, TrainingState
from sparsecode.updates import GainControl, GradientUpdate

_RNG = np.random.default_rng(0)
_W, _ATOMS = _RNG.standard_normal((2, 6, 4))
_PIXELS = _RNG.integers(0, 256, (24, 20, 3), dtype=np.uint8)
_SQUARE = _RNG.standard_normal((8, 8))
_STACK = _RNG.standard_normal((6, 5, 3))


@dataclasses.dataclass(frozen=True)
class Example:
    """A folder with valid files: who reads it, the file that is read or None, and who writes it."""

    name: str
    reader: str
    path: str | None
    write: object


def _checkpoints():
    vectors = {name: _RNG.standard_normal(6) for name in ("r_mag", "b_gate", "b_mag")}
    return {
        "sae_lens": Checkpoint("JumpReLU", _W, _ATOMS, threshold=np.ones(6)),
        "sae_lens-gated": Checkpoint("Gated", _W, _ATOMS, **vectors),
        "sae_lens-topk": Checkpoint("TopK", _W, _ATOMS, k=2, norm_scaled=True),
        "gemma_scope": Checkpoint("JumpReLU", _W, _ATOMS, threshold=np.ones(6)),
        "sparsify": Checkpoint("TopK", _W, _ATOMS, k=2),
        "dictionary_learning": Checkpoint("BatchTopK", _W, _ATOMS, k=2, threshold=0.5),
        "dictionary_learning-relu": Checkpoint("ReLU", _W, _ATOMS, norm_scaled=True),
    }


def _model():
    model = SparseAutoencoder.from_pretrained(Checkpoint("TopK", _W, _ATOMS, k=2))
    model.feature_names_in_ = np.array(list("abcd"), dtype=object)
    return model


def _state():
    dictionary = Dictionary(_ATOMS, np.zeros(4), UnitNorm())
    params = TopK(k=2).init(dictionary, random_state=0)
    history = {"loss": [1.0, 0.5], "seconds": [0.1, 0.2]}
    parts = ("TopK", "Adam", params, dictionary, params, dictionary, {"m": _W})
    return TrainingState(*parts, best_loss=0.5, n_epochs=2, history=history)


def _coder():
    penalty = GroupL1(0.2, weights=[1.0, 2.0, 3.0])
    return SparseCoder(_ATOMS, penalty=penalty, solver=FISTA(tol=1e-3)).fit(np.zeros((1, 4)))


def _learner():
    learner = DictionaryLearning(
        6,
        penalty=ElasticNet,
        solver=ADMM(),
        update=GradientUpdate(WarmUp(Cosine(0.1)), GainControl()),
        constraint=NonNegative(UnitBall()),
        replacement=ReplaceAtoms,
        outliers=NormOutliers("clip"),
    )
    hold_dictionary(learner, Dictionary(_ATOMS, constraint=UnitNorm()))
    learner.n_features_in_ = 4
    return learner


def _filters():
    filters = OlshausenField(6, max_iter=2, transform_max_iter=5, random_state=0)
    hold_filters(filters, Dictionary(_ATOMS))
    filters.n_features_in_ = 4
    return filters


def _bank(whitening):
    return FilterBank(
        Dictionary(_ATOMS), 2, whitening.fit([_SQUARE]), Cauchy(0.02, 0.3), {"seed": 0}
    )


def _network():
    dictionary, encoder = Dictionary(_ATOMS, constraint=UnitNorm()), LISTACP(L1(0.1), n_layers=2)
    network = LISTA(
        dictionary=dictionary,
        encoder=encoder,
        alpha=0.1,
        loss=LassoLoss(L1(0.1)),
        optimizer=Adam(0.01, betas=(0.8, 0.9)),
        stages=[Stage(1), Stage(2, decay=0.5)],
    )
    encoder = encoder.bind(encoder.init(dictionary, random_state=0))
    network._hold(FittedModel(encoder, dictionary, L1(0.1), NetworkScaling(2.0)))
    return network


def _trained_model():
    term = TargetL0(PenaltyTerm(L1(0.1), weight=WarmUp(Linear(), 5)), 3.0)
    model = SparseAutoencoder.from_pretrained(Checkpoint("ReLU", _W, _ATOMS))
    model.set_params(
        loss=AutoencoderLoss([term, AuxK(4)], levels=(3, None)),
        optimizer=AdamW(Cosine()),
        replacement=ReplaceUnits(n_times=2),
        corrupt=GaussianNoise(),
    )
    return model


def _transcoder():
    checkpoint = Checkpoint("TopK", _W, _ATOMS[:, :3], k=2, transcoder=True, subtract_offset=False)
    return Transcoder.from_pretrained(checkpoint, loss=AutoencoderLoss([Hoyer()]))


def _mixture():
    sizes = {"n_components": 8, "n_features": 4, "n_roots": 1, "branching": 2, "depth": 1}
    return make_feature_mixture(**sizes, compensate=False, rank=2, n_steps=1, random_state=0)


def _features():
    encoder = ReLU().bind({"W": _W, "b": np.zeros(6)})
    features = PatchFeatures(patch_size=2, encoder=encoder, dictionary=_ATOMS, random_state=0)
    return features.fit(np.random.default_rng(0).random((4, 3, 4)))


def _savers():
    """Functions that write one file, by its name, and the reader of each."""
    saved = {"dictionary": Dictionary(_ATOMS, np.zeros(4)), "state": _state()}
    saved |= {"model": _model(), "coder": _coder(), "learner": _learner(), "filters": _filters()}
    saved |= {"network": _network(), "prediction": _transcoder()}
    saved["features"] = _features()
    saved |= {"bank": _bank(OlshausenFieldWhitening()), "mixture": _mixture()}
    for name, value in saved.items():
        for suffix in (".npz", ".safetensors"):
            yield f"{name}{suffix}", name, value.save
    yield "scaled bank.npz", "bank", _bank(ImageScaling()).save
    yield "trained model.npz", "model", _trained_model().save
    openai = {"pre_bias": np.zeros(4), "latent_bias": np.zeros(6)}
    openai |= {"encoder.weight": _W, "decoder.weight": np.ascontiguousarray(_ATOMS.T)}
    yield "openai.pt", "checkpoint", lambda path: write_torch(path, openai)
    picture = Image.fromarray(_PIXELS)
    for suffix, mode in (
        ("png", "RGBA"), ("jpg", "RGB"), ("gif", "P"), ("bmp", "RGB"), ("webp", "RGB"),
        ("jp2", "RGB"), ("pgm", "L"), ("ppm", "RGB"), ("tif", "RGB"),
    ):  # fmt: skip
        yield f"picture.{suffix}", "images", picture.convert(mode).save
    deflated = functools.partial(picture.save, compression="tiff_deflate")
    yield "deflated.tif", "images", deflated
    yield "stack.npy", "images", lambda path: np.save(path, _STACK)
    yield "stack.npz", "images", lambda path: np.savez_compressed(path, images=_STACK)
    for name, options in {
        "plain": {}, "packed": {"do_compression": True}, "oldest": {"format": "4"}
    }.items():  # fmt: skip
        stack = _STACK[:, :, 0] if name == "oldest" else _STACK
        write = functools.partial(scipy.io.savemat, mdict={"x": 1.0, "IMAGES": stack}, **options)
        yield f"{name}.mat", "images", write
    yield "hdf5.mat", "images", _write_hdf5


def _write_hdf5(path):
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("IMAGES", data=_STACK.T, chunks=(1, 5, 6), compression="gzip")


def _write_checkpoint(folder, checkpoint, format):
    write_checkpoint(checkpoint, folder, format)


def _write_gemma_2(folder):
    from sparsecode.interop._arrays import write_safetensors

    arrays = {"w_enc": _W.T, "w_dec": _ATOMS, "b_enc": np.zeros(6), "b_dec": np.zeros(4)}
    write_safetensors(folder / "params.safetensors", {**arrays, "threshold": np.ones(6)})
    config = {"architecture": "jump_relu", "hf_hook_point_out": "x", "affine_connection": False}
    (folder / "config.json").write_text(json.dumps(config))


def _examples():
    for name, reader, save in _savers():
        yield Example(name, reader, name, lambda folder, n=name, s=save: s(folder / n))
    for name, checkpoint in _checkpoints().items():
        format = name.partition("-")[0]
        write = functools.partial(_write_checkpoint, checkpoint=checkpoint, format=format)
        yield Example(name, "checkpoint", None, write)
        yield Example(f"{name} as a model", "pretrained", None, write)
    yield Example("gemma_scope 2", "transcoder", None, _write_gemma_2)


EXAMPLES = {example.name: example for example in _examples()}
READERS = {
    "dictionary": Dictionary.load,
    "model": SparseAutoencoder.load,
    "coder": SparseCoder.load,
    "learner": DictionaryLearning.load,
    "filters": OlshausenField.load,
    "bank": FilterBank.load,
    "mixture": FeatureMixture.load,
    "network": LISTA.load,
    "features": PatchFeatures.load,
    "prediction": Transcoder.load,
    "state": TrainingState.load,
    "checkpoint": read_checkpoint,
    "pretrained": SparseAutoencoder.from_pretrained,
    "transcoder": Transcoder.from_pretrained,
    "images": load_images,
}


def use(found):
    """Do with what was read what it is for; nothing may fail then."""
    if isinstance(found, Dictionary):
        found.decode(np.zeros((2, found.n_components)))
    elif isinstance(found, FeatureMixture):
        found.sample(3, random_state=0)
    elif isinstance(found, FilterBank):
        size = tuple(min(2 * length, 64) for length in found.patch_size)
        codes = found.encode(np.arange(size[0] * size[1], dtype=float).reshape(size), step=1)
        found.unwhiten(found.decode(codes, size, step=1))
    elif isinstance(found, (DictionaryLearning, OlshausenField, LISTA, SparseCoder)):
        found.get_params()
        found.inverse_transform(found.transform(np.zeros((2, found.n_features_in_))))
    elif isinstance(found, PatchFeatures):
        found.get_params()
        if found.n_features_in_ < 2**16:
            found.transform(np.zeros((2, found.n_features_in_)))
    elif isinstance(found, SparseAutoencoder):
        found.get_params()
        if np.isnan(found.encoder_.params.get("threshold", 0.0)).any():
            # It says so: a file may leave its threshold open.
            return
        codes = found.transform(np.zeros((2, found.n_features_in_)))
        found.inverse_transform(codes)
    elif isinstance(found, Transcoder):
        found.predict(np.zeros((2, found.n_features_in_)))
    elif isinstance(found, TrainingState):
        repr(found)
        assert all(isinstance(values, list) for values in found.history.values())
    elif isinstance(found, Checkpoint):
        found.fold()
        assert isinstance(found.params, dict)
    else:
        assert all(image.ndim == 2 and np.isfinite(image).all() for image in found)
