"""Every parameter of every public name: wrong values are refused by name, numbers are numbers.

The smallest calls are those of `parameter_calls`, found in `__all__`, and the values those of
`parameter_values`; ``tools/fuzz_parameters.py`` tries many more of both.
"""

import warnings
from fractions import Fraction
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import parameter_calls
import parameter_values
import pytest
from parameter_values import WRONG, as_type, frozen, judge, numbers_of
from sklearn.base import clone

from sparsecode import (
    LISTA,
    DictionaryLearning,
    SparseAutoencoder,
    coding_path,
    datasets,
    ops,
    schedules,
)
from sparsecode._plain import plain
from sparsecode.encoders import MLP, BatchTopK, ReLU
from sparsecode.losses import AutoencoderLoss
from sparsecode.metrics import density_histogram
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA
from sparsecode.training import train

COMPILED = [
    (partial(ops.soft_threshold_forward, theta=0.5), "V"),
    (partial(ops.support_threshold_forward, theta=0.5, n_selected=1), "V"),
    (partial(ops.topk_forward, k=1), "A"),
    (partial(ops.batch_topk_forward, k=1), "A"),
    (partial(ops.lifetime_topk_forward, k=1), "A"),
]
LONG_LIST = [np.full(40, 0.123)] * 20
NAMES = [name for name, value in parameter_calls.public().items() if parameter_calls.is_used(value)]


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """In a folder of its own, as some calls write files; what diverges may warn of it."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    plt.close("all")


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_call_works(name):
    call = parameter_calls.call_of(name)
    call.run(**call.arguments)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_value_is_used_or_refused_by_its_name(name):
    call = parameter_calls.call_of(name)
    found = {}
    for parameter in call.parameters:
        for label in WRONG:
            if (name, parameter) in parameter_calls.SLOW and label in ("None", "0", "True"):
                continue
            what = judge(call, parameter, label)
            if what is not None:
                found[parameter, label] = what
    assert not found


# The parameters of these are checked by scikit-learn, which words the errors.
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("dropin.")])
def test_an_error_does_not_print_a_long_array(name):
    call = parameter_calls.call_of(name)
    for parameter in call.parameters:
        for value in (np.full((40, 30), 0.123), np.full(40, 0.123), [0.123] * 50, LONG_LIST):
            try:
                call.run(**call.arguments | {parameter: value})
            except Exception as error:
                assert str(error).count("0.123") < 8 and len(str(error)) < 700, parameter


@pytest.mark.needs_jit("thousands of calls that learn")
@pytest.mark.parametrize("name", NAMES)
def test_a_number_of_another_type_is_the_plain_number(name):
    call = parameter_calls.call_of(name)
    for i, (parameter, value) in enumerate(call.parameters.items()):
        if (name, parameter) in parameter_calls.SLOW:
            continue
        for number in numbers_of(value):
            # Small integers, which overflow, and of all others two, in turn.
            fitting = [k for k in parameter_values.KINDS if as_type(number, k) is not None]
            kinds = {fitting[(i * step) % len(fitting)] for step in (1, 3)} if fitting else set()
            expected = outcome(call, parameter, number)
            for kind in kinds | ({np.uint8} & set(fitting)):
                given = as_type(number, kind)
                assert outcome(call, parameter, given) == expected, f"{parameter}={given!r}"


@pytest.mark.parametrize("kind", parameter_values.KINDS)
def test_numbers_are_plain(kind):
    number = plain(kind(3))
    assert number == 3 and type(number) in (int, float)
    assert plain(number) is number
    assert plain((kind(3), "abc")) == (3, "abc")


def test_what_is_no_number_stays_the_same_object():
    for value in (None, "abc", [1], {}, object(), (1, 2.0), np.ones(2), True, 1j):
        assert plain(value) is value
    assert plain(np.bool_(True)) is True
    assert plain(2**70) == float(2**70) and plain(-(10**400)) == -np.inf


def test_parameters_are_plain_from_when_they_are_set():
    encoder = BatchTopK(k=np.uint8(100))
    assert type(encoder.k) is int and type(encoder.set_params(decay=np.float32(0.5)).decay) is float
    assert clone(encoder).get_params() == encoder.get_params()
    assert type(FISTA(tol=Fraction(1, 8)).tol) is float
    assert type(schedules.Linear(begin=np.uint64(100)).begin) is int
    assert L1(np.uint8(200)).scaled(2).checked().alpha == 400


def test_small_integers_do_not_overflow():
    settings = {"n_nonzero": 2, "random_state": 0}
    plain_one, *others = (
        datasets.make_sparse_signals(6, 5, 4, snr_db=snr, **settings).X
        for snr in (20, np.uint32(20), np.int8(20))
    )
    for other in others:
        np.testing.assert_array_equal(other, plain_one)
    schedule = schedules.Linear(begin=np.uint64(100), n_steps=10)
    assert schedule(3) == 1.0


@pytest.mark.parametrize(
    "model", [DictionaryLearning(3), LISTA(3, n_layers=1), SparseAutoencoder(3)], ids=repr
)
def test_a_stream_without_batches_is_an_error(model):
    for _ in range(2):
        with pytest.raises(ValueError, match=r"\bX\b is an iterator that gave no batch"):
            model.partial_fit(iter([]))
        model.partial_fit(parameter_calls.X)


def test_counts_that_take_minutes_are_refused():
    with pytest.raises(ValueError, match="bins_per_decade <= 1000"):
        density_histogram(parameter_calls.CODES, bins_per_decade=10**6)
    with pytest.raises(ValueError, match="alphas <= 10000"):
        coding_path(parameter_calls.X, parameter_calls.D, alphas=10**6)


def test_the_first_value_of_a_decay_is_positive():
    with pytest.raises(ValueError, match="start > 0"):
        schedules.GeometricDecay(start=0)


@pytest.mark.parametrize("dtype", ["f2", "g", ">f8", ">f4"])
@pytest.mark.parametrize("op, name", COMPILED)
def test_compiled_primitives_take_the_types_that_kernels_know(op, name, dtype):
    with pytest.raises(TypeError, match=rf"\b{name} .* native float32 or float64 array"):
        op(np.ones((2, 3)).astype(dtype))


@pytest.mark.parametrize(
    "name, changes, words",
    [
        ("receptive_fields.fit_gabors", {"atoms": np.ones((1, 2, 7, 7))}, r"\batoms is an array"),
        ("applications.learn_patch_dictionary", {"sigma": 1e-169}, "sigma is 1e-169 and gain"),
        ("losses.AutoencoderLoss", {"levels": np.array(3.0)}, "levels is"),
        ("datasets.make_sparse_signals", {"n_components": 1}, "n_nonzero <= 1, .* n_components"),
        ("applications.inpaint_image", {"image": np.ones((12, 12), object)}, "image has dtype"),
        ("metrics.code_length", {"X": np.ones((6, 4))}, r"entries of X are equal"),
        ("metrics.code_length", {"codes": parameter_calls.CODES * 1e300}, "Multiply X, .* codes"),
        ("metrics.cosine", {"X_hat": parameter_calls.X * 1e300}, "Multiply X, .* X_hat"),
        ("metrics.loss_recovered", {"X": parameter_calls.X * 1e-300}, "ablation .* samples of X"),
        ("losses.TargetActiveUnits", {"target": 1e-279}, "target of .* >= 1e-100"),
        ("updates.ApproximateKSVD", {"n_sweeps": 10**16}, "n_sweeps <= 10000"),
        ("updates.BlockUpdate", {"n_sweeps": 10**16}, "n_sweeps <= 10000"),
        ("training.Stage", {"n_layers": 9}, "n_layers=9 but LISTA has 2"),
        ("dropin.SparseCoder", {"transform_n_nonzero_coefs": 9}, "transform_n_nonzero_coefs"),
    ],
)
def test_an_error_names_the_parameter_that_it_is_about(name, changes, words):
    call = parameter_calls.call_of(name)
    with pytest.raises(ValueError, match=words):
        call.run(**(call.arguments | changes))


def test_widths_are_a_list():
    for hidden in (np.array(3), 3, "3", iter([3])):
        with pytest.raises(TypeError, match="hidden is"):
            MLP(hidden=hidden).init(parameter_calls.D, random_state=0)


@pytest.mark.parametrize("cls", [datasets.PCAWhitening, datasets.ZCAWhitening])
def test_whitening_refuses_what_has_no_squares(cls):
    with pytest.raises(ValueError, match="X has values above"):
        cls().fit(parameter_calls.X * 1e300)


@pytest.mark.parametrize("weight", [np.nan, -1.0, "abc", 1j, [np.nan] * 6, [1j] * 6], ids=repr)
def test_weights_are_numbers(weight):
    X, D, loss = parameter_calls.X, parameter_calls.D, AutoencoderLoss([L1(0.1)])
    with pytest.raises((ValueError, TypeError), match="sample_weight"):
        list(train(ReLU(), D, X, loss=loss, sample_weight=weight))
    with pytest.raises((ValueError, TypeError), match="sample_weight"):
        DictionaryLearning(3).fit(X, sample_weight=weight)
    with pytest.raises(ValueError, match="weights of L1"):
        L1(0.1, weights=weight).prox(np.ones((1, 6)))


def outcome(call, parameter, value):
    try:
        with np.errstate(all="ignore"):
            return frozen(call.run(**(call.arguments | {parameter: value})))
    except (ValueError, TypeError, FloatingPointError) as error:
        return type(error).__name__
