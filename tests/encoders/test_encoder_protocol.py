"""One protocol for all trainable encoders: the same options, checked in one place."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, encoders
from sparsecode.encoders import (
    LISTA,
    MLP,
    BatchTopK,
    Gated,
    JumpReLU,
    Refined,
    ReLU,
    TopK,
    TrainableEncoder,
)
from sparsecode.encoders._inputs import InputEncoder

DICTIONARY = Dictionary(np.random.default_rng(0).standard_normal((12, 6)), np.arange(6.0))
X = np.random.default_rng(1).standard_normal((5, 6))
PUBLIC = [getattr(encoders, name) for name in encoders.__all__]
ENCODERS = [cls() for cls in PUBLIC if issubclass(cls, TrainableEncoder)]
ENCODERS = [encoder for encoder in ENCODERS if type(encoder) is not TrainableEncoder]
ENCODERS += [InputEncoder(ReLU(), 6, skip=True), InputEncoder(MLP(), 6)]
ENCODERS += [Refined(cls(), 2) for cls in (ReLU, JumpReLU, BatchTopK, Gated)]
each = pytest.mark.parametrize("encoder", ENCODERS, ids=repr)


@each
def test_every_encoder_takes_every_option(encoder):
    params = encoder.init(DICTIONARY, random_state=0)
    codes, cache = encoder.forward(
        params, X, DICTIONARY, n_layers=1, training=True, sparse=False, signals=()
    )
    np.testing.assert_array_equal(codes, cache.codes)
    assert cache.signals == {}
    encoder.backward(codes, cache, with_dictionary=True, out=None, dsignals=None)
    _, cache = encoder.forward(
        params, X, DICTIONARY, training=True, signals=list(encoder.signal_names)
    )
    assert cache.signals.keys() == set(encoder.signal_names)
    none = {name: np.zeros_like(signal) for name, signal in cache.signals.items()}
    plain = encoder.backward(codes, cache)
    for name, grad in encoder.backward(codes, cache, dsignals=none).items():
        np.testing.assert_allclose(np.asarray(grad), np.asarray(plain[name]), err_msg=name)


@each
def test_options_that_an_encoder_has_not_are_refused(encoder):
    name = encoder._name
    params = encoder.init(DICTIONARY, random_state=0)
    codes, cache = encoder.forward(params, X, DICTIONARY, training=True)
    with pytest.raises(ValueError, match=f"signal of {name} is 'other'"):
        encoder.forward(params, X, DICTIONARY, training=True, signals=("other",))
    with pytest.raises(ValueError, match=f"signal of {name} is 'other'"):
        encoder.backward(codes, cache, dsignals={"other": codes})
    with pytest.raises(ValueError, match="training"):
        encoder.forward(params, X, DICTIONARY, training="yes")
    if not encoder.sparse_codes:
        with pytest.raises(ValueError, match=f"sparse is True but the gradients of {name}"):
            encoder.forward(params, X, DICTIONARY, training=True, sparse=True)
    with pytest.raises(ValueError, match=r"dcodes is a CSR array .* expected an array"):
        encoder.backward(sparse.csr_array(codes), cache)
    with pytest.raises(ValueError, match=r"dcodes is an array of shape \(4, 12\)"):
        encoder.backward(codes[:-1], cache)


def test_dense_gradients_of_sparse_codes_are_refused():
    encoder = TopK(k=2)
    codes, cache = encoder.forward(encoder.init(DICTIONARY), X, DICTIONARY, sparse=True)
    with pytest.raises(ValueError, match=r"dcodes is an array .* expected a CSR array"):
        encoder.backward(codes.toarray(), cache)


def test_codes_are_those_of_the_forward_pass_that_a_subclass_defines():
    @dataclass(eq=False)
    class Doubled(LISTA):
        def _forward(self, params, x, dictionary, n_layers):
            codes, tape = super()._forward(params, x, dictionary, n_layers)
            return 2 * codes, tape

    encoder, plain = Doubled(), LISTA()
    expected = 2 * plain.encode(X, DICTIONARY)
    np.testing.assert_array_equal(encoder.encode(X, DICTIONARY), expected)
    forward = encoder.forward(plain.init(DICTIONARY), X, DICTIONARY)[0]
    np.testing.assert_allclose(forward, expected, rtol=1e-12, atol=1e-12)

    @dataclass(eq=False)
    class Whole(ReLU):
        def _run_forward(self, params, x, dictionary, **options):
            codes, tape, signals = super()._run_forward(params, x, dictionary, **options)
            return 3 * codes, tape, signals

    np.testing.assert_array_equal(Whole().encode(X, DICTIONARY), 3 * ReLU().encode(X, DICTIONARY))


@pytest.mark.parametrize("hook", ["_forward", "_backward"])
def test_hooks_that_would_never_be_called_are_refused(hook):
    message = f"Own defines {hook}, which is never called: LinearEncoder defines _run{hook}"
    with pytest.raises(TypeError, match=message):
        type("Own", (ReLU,), {hook: lambda self, *args: None})


@pytest.mark.parametrize(
    "ability", [{"sparse_codes": True}, {"signal_names": ("pre",)}, {"depends_on_batch": True}]
)
def test_abilities_need_a_forward_pass_that_has_them(ability):
    with pytest.raises(TypeError, match=r"Own declares .* Define _run_forward"):
        type("Own", (TrainableEncoder,), ability)
