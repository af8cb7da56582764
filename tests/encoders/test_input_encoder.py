import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from sparsecode import Dictionary
from sparsecode.encoders import LISTA as UnrolledISTA
from sparsecode.encoders import LISTACP, MLP, PSD, ReLU, TopK
from sparsecode.encoders._inputs import InputEncoder
from sparsecode.losses import AutoencoderLoss, LossContext
from sparsecode.losses._transcoder import TranscoderLoss
from sparsecode.optimizers import SGD
from sparsecode.penalties import L1
from sparsecode.testing import gradcheck
from sparsecode.training import train

N_INPUTS = 5


@pytest.fixture
def dictionary():
    """Atoms of three targets."""
    atoms = np.random.default_rng(5).standard_normal((8, 3))
    return Dictionary(atoms, offset=[0.5, -1.0, 2.0])


@pytest.fixture
def pairs(rng):
    return rng.standard_normal((12, N_INPUTS)), rng.standard_normal((12, 3))


def moved(encoder, dictionary):
    """Parameters whose entries are all nonzero."""
    rng = np.random.default_rng(1)
    params = encoder.init(dictionary, random_state=0)
    return {name: a + 0.3 * rng.standard_normal(a.shape) for name, a in params.items()}


ENCODERS = [(ReLU(), False), (TopK(k=3), False), (TopK(k=3), True), (MLP(hidden=(6,)), False)]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(("encoder", "is_sparse"), ENCODERS, ids=repr)
def test_gradients_of_everything_that_is_learned(encoder, is_sparse, skip, dictionary, pairs):
    X, Y = pairs
    whole, loss = InputEncoder(encoder, N_INPUTS, skip), TranscoderLoss([L1(0.1)], skip=skip)
    params, weight = moved(whole, dictionary), np.arange(1.0, 13.0)
    assert ("skip" in params) == skip
    names, signals = list(params), ("skip",) * skip
    assert loss.needs == signals

    def evaluate(atoms, offset, *arrays):
        now = Dictionary(atoms, offset)
        given = dict(zip(names, arrays, strict=True))
        codes, cache = whole.forward(given, X, now, sparse=is_sparse, signals=signals)
        context = LossContext(signals=cache.signals)
        result = loss.evaluate(X, now, codes, Y, weight, dictionary_grads=True, context=context)
        return result, cache

    def function(*arrays):
        return np.array(evaluate(*arrays)[0].value)

    def backward(upstream, *arrays):
        result, cache = evaluate(*arrays)
        assert sparse.issparse(result.dcodes) == is_sparse
        grads = whole.backward(result.dcodes, cache, dsignals=dict(result.dsignals))
        assert grads.keys() == params.keys()
        grads |= result.grads
        return tuple(upstream * np.asarray(grads[name]) for name in ("atoms", "offset", *names))

    gradcheck(function, backward, dictionary.atoms, dictionary.offset, *params.values())


def test_signals_of_the_encoder_pass_through(dictionary, pairs):
    whole = InputEncoder(ReLU(), N_INPUTS, skip=True)
    params = moved(whole, dictionary)
    assert whole.signal_names == (*ReLU.signal_names, "skip")
    codes, cache = whole.forward(params, pairs[0], dictionary, signals=("pre", "skip"))
    np.testing.assert_allclose(codes, np.maximum(cache.signals["pre"], 0))
    np.testing.assert_allclose(cache.signals["skip"], pairs[0] @ params["skip"])
    zero, dpre = np.zeros_like(codes), np.ones_like(codes)
    grads = whole.backward(zero, cache, dsignals={"pre": dpre})
    np.testing.assert_allclose(np.asarray(grads["W"]), dpre.T @ pairs[0])
    assert not np.asarray(grads["skip"]).any()
    without = InputEncoder(ReLU(), N_INPUTS)
    with pytest.raises(ValueError, match=r"signal of ReLU is 'skip'|got 'skip'"):
        without.forward(without.init(dictionary), pairs[0], dictionary, signals=("skip",))


def test_codes_are_those_of_the_weights_without_the_offset(dictionary, pairs):
    whole = InputEncoder(ReLU(), N_INPUTS, skip=True)
    params = moved(whole, dictionary)
    expected = np.maximum(pairs[0] @ params["W"].T + params["b"], 0)
    bound = whole.bind(params)
    np.testing.assert_allclose(bound.encode(pairs[0], dictionary), expected)
    found = bound.encode(sparse.csr_array(pairs[0]), dictionary, sparse_output=True)
    np.testing.assert_allclose(found.toarray(), expected)
    single = bound.encode(pairs[0].astype(np.float32), dictionary.astype(np.float32))
    assert single.dtype == np.float32
    assert clone(bound) == bound and bound != whole
    for name in ("is_sparse", "sparse_codes", "depends_on_batch"):
        assert getattr(InputEncoder(TopK(k=2)), name) == getattr(TopK(k=2), name)


def test_weights_start_at_random_directions(dictionary):
    params = InputEncoder(TopK(k=2), N_INPUTS, skip=True).init(dictionary, random_state=0)
    np.testing.assert_allclose(np.linalg.norm(params["W"], axis=1), 1)
    assert params["W"].shape == (8, N_INPUTS)
    assert params["skip"].shape == (N_INPUTS, 3) and not params["skip"].any()
    with pytest.raises(ValueError, match=r"k=9 but the dictionary has 8 atoms"):
        InputEncoder(TopK(k=9), N_INPUTS).init(dictionary)


def test_with_the_samples_as_targets_it_is_an_untied_autoencoder(rng):
    X, atoms = rng.standard_normal((60, 4)), Dictionary.random(6, 4, random_state=0)
    options = {"optimizer": SGD(0.1), "batch_size": 20, "n_epochs": 3, "learn_dictionary": True}
    start = ReLU().init(atoms)

    def last(encoder, loss, **given):
        *_, state = train(
            encoder.bind(start), atoms, X, loss=loss, random_state=0, **options, **given
        )
        return state

    plain = last(ReLU(), AutoencoderLoss([L1(0.1)]))
    other = last(InputEncoder(ReLU(), 4), TranscoderLoss([L1(0.1)]), target=X)
    assert plain.history["loss"] == other.history["loss"]
    assert plain.dictionary == other.dictionary
    np.testing.assert_array_equal(plain.params["W"], other.params["W"])


@pytest.mark.parametrize("encoder", [ReLU(tied=True), LISTACP(), TopK(tied=True)], ids=repr)
def test_encoders_that_read_the_atoms_are_refused(encoder):
    name = type(encoder).__name__
    with pytest.raises(
        TypeError, match=rf"{name}.* which reads the atoms; expected an encoder with"
    ):
        InputEncoder(encoder, N_INPUTS).check_reads_samples(8)


@pytest.mark.parametrize("encoder", [ReLU(), TopK(), MLP(), PSD(), UnrolledISTA()], ids=repr)
def test_encoders_with_weights_of_their_own_are_taken(encoder):
    InputEncoder(encoder, N_INPUTS).check_reads_samples(8)


def test_wrong_shapes(dictionary, pairs):
    whole = InputEncoder(ReLU(), N_INPUTS)
    params = whole.init(dictionary)
    with pytest.raises(ValueError, match="X has 3 columns; expected 5"):
        whole.forward(params, pairs[1], dictionary)
    with pytest.raises(ValueError, match=r"expected \['W', 'b', 'skip'\]"):
        InputEncoder(ReLU(), N_INPUTS, skip=True).bind(params).encode(pairs[0], dictionary)
    with pytest.raises(ValueError, match="n_inputs"):
        InputEncoder(ReLU(), 0).init(dictionary)
