"""Weight decay and an output activation: gradients of the whole autoencoder, and closed forms."""

import numpy as np
import pytest

import sparsecode.encoders
from sparsecode import Dictionary
from sparsecode.constraints import Free
from sparsecode.encoders import BatchTopK, Gated, ReLU, Sigmoid, Tanh, TopK
from sparsecode.encoders._linear import LinearEncoder
from sparsecode.losses import AutoencoderLoss, AuxK, KLDivergence, LossContext, WeightDecay
from sparsecode.penalties import L1
from sparsecode.testing import gradcheck

KINDS = [
    kind
    for kind in map(sparsecode.encoders.__dict__.get, sparsecode.encoders.__all__)
    if isinstance(kind, type) and issubclass(kind, LinearEncoder)
]


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((6, 3)), rng.standard_normal(3), Free())
    return rng.uniform(0.1, 0.9, (5, 3)), dictionary


def gradients_differ_by(encoder, loss, problem, weight=None, training=False):
    """How far gradients in all parameters are from differences."""
    X, dictionary = problem
    params = encoder.init(dictionary, random_state=0)
    names = [name for name in params if name not in encoder.buffers]
    options = {"training": True} if encoder.depends_on_batch else {}

    def run(atoms, offset, *arrays):
        given = Dictionary(atoms, offset, Free())
        inner = params | dict(zip(names, arrays, strict=True))
        codes, cache = encoder.forward(inner, X, given, signals=loss.needs, **options)
        context = LossContext(signals=cache.signals, memory=loss.init(given))
        result = loss.evaluate(
            X, given, codes, sample_weight=weight, dictionary_grads=True, context=context
        )
        return result, cache

    def backward(upstream, *arrays):
        result, cache = run(*arrays)
        inner = encoder.backward(
            result.dcodes, cache, with_dictionary=True, dsignals=dict(result.dsignals)
        )
        both = [
            sum(np.asarray(grads[name]) for grads in (inner, result.grads) if name in grads)
            for name in ("atoms", "offset")
        ]
        return [upstream * grad for grad in (*both, *(np.asarray(inner[n]) for n in names))]

    arrays = dictionary.atoms, dictionary.offset, *(params[name] for name in names)
    return gradcheck(lambda *a: run(*a)[0].value, backward, *arrays)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kind", [ReLU, Sigmoid, Tanh, TopK, BatchTopK])
def test_gradients_of_weight_decay(problem, kind, tied):
    encoder = kind(tied=tied, **({"k": 3} if kind in (TopK, BatchTopK) else {}))
    assert gradients_differ_by(encoder, AutoencoderLoss([WeightDecay(0.3)]), problem) < 1e-6


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kind", [ReLU, Sigmoid])
def test_gradients_with_an_output_activation(problem, kind, tied, weighted):
    terms = [L1(0.1), WeightDecay(0.2)] + ([KLDivergence(0.1)] if kind is Sigmoid else [])
    weight = np.array([0.5, 2.0, 1.0, 0.0, 1.5]) if weighted else None
    loss = AutoencoderLoss(terms, output="sigmoid")
    assert gradients_differ_by(kind(tied=tied), loss, problem, weight) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_every_linear_encoder_tells_its_squared_norms(problem, kind):
    (X, dictionary), encoder = problem, kind()
    if "k" in encoder.get_params():
        encoder.k = 2
    options = {"training": True} if encoder.depends_on_batch else {}
    loss = AutoencoderLoss([WeightDecay(0.5)])
    params = encoder.init(dictionary, random_state=0)
    for sparse in (False, encoder.sparse_codes):
        codes, cache = encoder.forward(
            params, X, dictionary, signals=loss.needs, sparse=sparse, **options
        )
        context = LossContext(signals=cache.signals)
        found = loss.evaluate(X, dictionary, codes, context=context).terms["weightdecay"]
        assert found == pytest.approx(0.25 * 2 * np.sum(dictionary.atoms**2), rel=1e-12)
        if sparse and kind in (TopK, BatchTopK):
            assert not isinstance(codes, np.ndarray)


def test_the_error_is_that_of_the_sigmoid(problem):
    X, dictionary = problem
    codes = np.abs(np.random.default_rng(0).standard_normal((5, 6)))
    found = AutoencoderLoss(output="sigmoid")(X, dictionary, codes)[0]
    y = 1 / (1 + np.exp(-(codes @ dictionary.atoms + dictionary.offset)))
    assert found == pytest.approx(np.sum((y - X) ** 2) / 10, rel=1e-12)
    single = AutoencoderLoss(output="sigmoid").evaluate(
        X.astype("f4"), dictionary.astype("f4"), codes.astype("f4"), dictionary_grads=True
    )
    assert single.dcodes.dtype == single.grads["offset"].dtype == np.float32


def test_what_an_output_activation_cannot_go_with(problem):
    _, dictionary = problem
    for loss in (
        AutoencoderLoss([AuxK()], output="sigmoid"),
        AutoencoderLoss(levels=(2, None), output="sigmoid"),
    ):
        with pytest.raises(ValueError, match=r"output is 'sigmoid' but .* linear in the codes"):
            loss.init(dictionary)
    with pytest.raises(ValueError, match="output is 'tanh'; expected None or 'sigmoid'"):
        AutoencoderLoss(output="tanh").init(dictionary)
    assert "squared_norms" in Gated().signal_names
