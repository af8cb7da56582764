"""Every broken encoder is seen, and the message names what is broken."""

from dataclasses import dataclass

import numpy as np
import pytest

from sparsecode.encoders import LISTA, LISTACP, Exact
from sparsecode.encoders._gradients import Gradients
from sparsecode.penalties import L1
from sparsecode.testing import check_encoder


def mutant(method, change, base=LISTACP):
    """An encoder whose `method` does what ``change(original, self, *args, **options)`` does."""

    def changed(self, *args, **options):
        return change(getattr(base, method).__get__(self), self, *args, **options)

    cls = dataclass(eq=False)(type("Mutant", (base,), {method: changed}))
    return cls(L1(0.2))


def scaled_gradient(name, factor):
    def change(backward, self, *args, **options):
        grads = backward(*args, **options)
        if name in grads:
            grads[name] = factor * grads[name]
        return grads

    return change


def no_offset(encode, self, X, dictionary, **options):
    return encode(X, getattr(dictionary, "atoms", dictionary), **options)


def always_double(encode, self, X, dictionary, **options):
    return encode(X, dictionary, **options).astype(np.float64)


def always_dense(encode, self, X, dictionary, *, sparse_output=False, **options):
    return encode(X, dictionary, **options)


def depends_on_threads(encode, self, X, dictionary, *, n_jobs=None, **options):
    codes = encode(X, dictionary, n_jobs=n_jobs, **options)
    return codes * (1 + 1e-14 * (n_jobs == 2))


def depends_on_the_batch(encode, self, X, dictionary, **options):
    codes = encode(X, dictionary, **options)
    return codes * (1 + 1e-6 * (X.shape[0] > 300))


def ignores_n_layers(encode, self, X, dictionary, *, n_layers=None, **options):
    return encode(X, dictionary, **options)


def starts_elsewhere(init, self, dictionary, **options):
    params = init(dictionary, **options)
    params["theta"] = params["theta"] * (1 + 1e-9)
    return params


def draws_without_a_seed(init, self, dictionary, **options):
    params = init(dictionary, **options)
    params["theta"] = params["theta"] * np.random.default_rng().random()
    return params


def takes_any_params(check, self, params, dictionary):
    try:
        return check(params, dictionary)
    except ValueError:
        return self.init(dictionary)


def refuses_without_a_name(check, self):
    if not isinstance(self.penalty, L1):
        raise TypeError("no")
    check()


MUTANTS = [
    ("backward", scaled_gradient("W", 1.001), "gradient of array 2"),
    ("backward", scaled_gradient("theta", -1.0), "gradient of array 3"),
    ("backward", scaled_gradient("atoms", 0.0), "gradient of array 0"),
    ("backward", scaled_gradient("offset", 2.0), "gradient of array 1"),
    ("encode", no_offset, "codes of centred samples"),
    ("encode", always_double, "codes of float32 are float64"),
    ("encode", always_dense, "sparse_output=True is not CSR"),
    ("encode", depends_on_threads, "n_jobs=2 gives other codes"),
    ("encode", depends_on_the_batch, "codes of rows"),
    ("encode", ignores_n_layers, "layer 1 of init against ISTA"),
    ("init", starts_elsewhere, "layer 1 of init against ISTA"),
    ("init", draws_without_a_seed, "codes of sparse samples|sparse codes"),
    ("_check_params", takes_any_params, "no ValueError was raised"),
    ("_check_parameters", refuses_without_a_name, "the refusal of a penalty does not say Mutant"),
]


@pytest.mark.parametrize(
    ("method", "change", "message"), MUTANTS, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_broken_encoder_is_seen(method, change, message):
    with pytest.raises(AssertionError, match=message):
        check_encoder(mutant(method, change))


def test_a_right_one_passes():
    check_encoder(mutant("encode", lambda encode, self, *args, **options: encode(*args, **options)))


def test_shared_weights_must_be_summed(monkeypatch):
    """The mistake of keeping the gradient of one layer only."""

    def forget_the_others(self, name, t, A, B):
        self.arrays[name][min(t, len(self.arrays[name]) - 1)] = A.T @ B
        self._written.add((name, min(t, len(self.arrays[name]) - 1)))

    monkeypatch.setattr(Gradients, "add_product", forget_the_others)
    check_encoder(LISTA(L1(0.2)))
    with pytest.raises(AssertionError, match="gradient of array 3"):
        check_encoder(LISTA(L1(0.2), tied=True))


def test_exact_encoders_and_what_is_none():
    check_encoder(Exact(L1(0.3)))
    with pytest.raises(AssertionError, match="not an instance of Encoder"):
        check_encoder(L1(0.3))
