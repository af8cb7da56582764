"""Code as users write it, with the types that editors see. A type checker reads it."""

# pyright: standard

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sparsecode
from sparsecode import (
    LISTA,
    Certificate,
    CodingPath,
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    SparseRepresentationClassifier,
    Transcoder,
    alpha_max,
    certify,
    coding_path,
    debias,
)
from sparsecode.datasets import PCAWhitening, load_photographs, make_sparse_signals, sample_patches
from sparsecode.dropin import MiniBatchDictionaryLearning
from sparsecode.encoders import Encoder, TopK, TrainableEncoder
from sparsecode.losses import AutoencoderLoss, PenaltyTerm
from sparsecode.metrics import atom_recovery, summary
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1, ElasticNet, Penalty
from sparsecode.schedules import Cosine
from sparsecode.solvers import FISTA, FeatureSign, Solver, SolveResult
from sparsecode.training import TrainingState

rng = np.random.default_rng(0)
X = rng.standard_normal((100, 16))


def learn_a_dictionary() -> None:
    model = DictionaryLearning(32, penalty=L1, alpha=0.3, random_state=0).fit(X)
    assert_type(model, DictionaryLearning)
    codes = model.transform(X)
    assert_type(codes, np.ndarray)
    print(codes.shape, (codes != 0).mean(), abs(codes[0]).max())
    assert_type(model.fit_transform(X), np.ndarray)
    assert_type(model.inverse_transform(codes), np.ndarray)
    assert_type(model.components_, np.ndarray)
    assert_type(model.dictionary_, Dictionary)
    assert_type(model.score(X), float)
    assert_type(model.history_, dict[str, list[float]])
    assert_type(model.n_iter_ + model.n_epochs_ + model.n_features_in_, int)
    model.save("model.safetensors")
    assert_type(DictionaryLearning.load("model.safetensors"), DictionaryLearning)
    print(model.set_params(alpha=0.2).get_params())


def code_and_certify(dictionary: Dictionary, frame: Any) -> None:
    coder = SparseCoder(dictionary, penalty=ElasticNet(l1_ratio=0.9), alpha=0.5 * alpha_max(X))
    codes = coder.fit(X).transform(frame)
    certificate = certify(X, codes, dictionary, L1(0.1))
    assert_type(certificate, Certificate)
    assert_type(coder.certify(X), Certificate)
    assert_type(certificate.residual, np.ndarray)
    assert_type(certificate.relative_gap, np.ndarray | None)
    assert_type(coder.solver_, Solver)
    SparseCoder([[1.0, 0.0], [0.0, 1.0]]).fit_transform([[1.0, 2.0]])
    SparseCoder(X, missing="mask", sparse_output=True).fit(sparse.csr_array(X))
    assert_type(debias(X, codes, dictionary), np.ndarray)


def follow_a_path(dictionary: Dictionary) -> None:
    path = coding_path(X, dictionary, alphas=[1.0, 0.1], solver=FISTA(tol=1e-8))
    assert_type(path, CodingPath)
    print(path.alphas.shape, path.n_nonzero.mean(axis=1), path.converged.all())
    result = FeatureSign().solve(X, dictionary, L1(0.1))
    assert_type(result, SolveResult)
    assert_type(result.certificate, Certificate)
    assert_type(result.converged, np.ndarray)


def use_a_dictionary() -> None:
    dictionary = Dictionary(X[:20], offset=X.mean(axis=0))
    assert_type(dictionary.atoms, np.ndarray)
    assert_type(dictionary.n_components, int)
    assert_type(dictionary.gram, np.ndarray)
    assert_type(dictionary.coherence, float)
    assert_type(dictionary.astype(np.float32), Dictionary)
    assert_type(Dictionary.random(20, 16, random_state=0), Dictionary)
    assert_type(dictionary.decode(np.eye(20)), np.ndarray)
    assert_type(dictionary.match(Dictionary.dct(20, 16)).cosines, np.ndarray)
    assert_type(atom_recovery(dictionary, X), float)


def train_an_autoencoder() -> None:
    model = SparseAutoencoder(
        32,
        encoder=TopK(k=4),
        loss=AutoencoderLoss([PenaltyTerm(L1(0.1))]),
        optimizer=Adam(Cosine(1e-2, 1e-4, 100)),
        outliers="clip",
        random_state=np.random.RandomState(0),
    )
    assert_type(model.fit(X), SparseAutoencoder)
    assert_type(model.partial_fit(iter([X])), SparseAutoencoder)
    assert_type(model.encoder_, TrainableEncoder)
    assert_type(model.penalty_, Penalty)
    assert_type(model.state_, TrainingState | None)
    assert_type(model.history_["loss"][-1], float)
    print(summary(X, model.transform(X), model.dictionary_))
    assert_type(model.refine(X), SparseAutoencoder)
    assert_type(SparseAutoencoder.from_pretrained("sae"), SparseAutoencoder)
    assert_type(Transcoder(32).fit(X, X[:, 0]).predict(X), np.ndarray)
    assert_type(SparseRepresentationClassifier().fit(X, X[:, 0] > 0).predict(X), np.ndarray)
    assert_type(SparseOutlierDetector().fit(X).score_samples(X), np.ndarray)


def train_a_network() -> None:
    network = LISTA(32, n_layers=3, loss="unsupervised").fit(X)
    assert_type(network.transform(X, n_layers=2), np.ndarray)
    assert_type(network.score_samples(X), np.ndarray)
    filters = OlshausenField(16).partial_fit(X)
    assert_type(filters.components_, np.ndarray)
    assert_type(MiniBatchDictionaryLearning(8).fit(X).components_, np.ndarray)


def use_scikit_learn() -> None:
    search = GridSearchCV(DictionaryLearning(8), {"alpha": [0.1, 1.0]}).fit(X)
    print(search.best_params_)
    pipeline = make_pipeline(StandardScaler(), PCAWhitening(8), SparseCoder(Dictionary.dct(8, 8)))
    print(pipeline.fit_transform(X))
    frame = DictionaryLearning(8).set_output(transform="pandas").fit(X)
    print(frame.get_feature_names_out())


def make_data() -> None:
    signals = make_sparse_signals(50, 20, 10, n_nonzero=2, random_state=0)
    assert_type(signals.X, np.ndarray)
    patches = sample_patches(load_photographs(), (8, 8), 100, random_state=0)
    assert_type(patches, np.ndarray)


class Mine(Encoder):
    """An encoder of a user."""

    def encode(self, X: Any, dictionary: Any, **options: Any) -> NDArray[Any]:
        return np.asarray(X) @ dictionary.atoms.T


print(sparsecode.__version__)
