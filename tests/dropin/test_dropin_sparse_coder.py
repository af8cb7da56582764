"""`SparseCoder` against scikit-learn's, and what scikit-learn's cannot do."""

import numpy as np
import pytest
import sklearn.decomposition
from scikit_learn_checks import of_scikit_learn_1_9
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from sparsecode.dropin import SparseCoder, sparse_encode

pytestmark = of_scikit_learn_1_9
ALGORITHMS = ["lasso_lars", "lasso_cd", "lars", "omp", "threshold"]


def test_signature_is_that_of_scikit_learn(plain_signature):
    theirs = sklearn.decomposition.SparseCoder
    assert plain_signature(SparseCoder) == plain_signature(theirs)
    assert list(SparseCoder._parameter_constraints) == list(theirs._parameter_constraints)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("split_sign", [False, True])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_output(X, frame, algorithm, split_sign, dtype):
    options = {
        "transform_algorithm": algorithm,
        "transform_n_nonzero_coefs": 2,
        "transform_alpha": None if algorithm == "omp" else 0.2,
        "split_sign": split_sign,
    }
    coder = SparseCoder(frame.astype(dtype), **options).fit(X.astype(dtype))
    theirs = sklearn.decomposition.SparseCoder(frame, **options).fit(X)
    codes = coder.transform(X.astype(dtype))
    assert codes.dtype == dtype
    np.testing.assert_allclose(codes, theirs.transform(X), atol=1e-4)
    assert coder.n_components_ == theirs.n_components_ == 9
    assert coder.n_features_in_ == 6
    X_hat = coder.inverse_transform(codes)
    assert X_hat.dtype == dtype
    np.testing.assert_allclose(X_hat, theirs.inverse_transform(codes), atol=1e-5)


def test_split_sign_in_pipelines_and_frames(X, frame):
    pandas = pytest.importorskip("pandas")
    coder = SparseCoder(frame, transform_n_nonzero_coefs=2, split_sign=True)
    names = coder.fit(X).get_feature_names_out()
    assert list(names) == [f"sparsecoder{i}" for i in range(18)]
    table = clone(coder).set_output(transform="pandas").fit_transform(X)
    assert isinstance(table, pandas.DataFrame) and list(table.columns) == list(names)
    model = make_pipeline(coder, LinearRegression()).fit(X, X[:, 0])
    assert model.predict(X).shape == (len(X),)
    assert len(model[:-1].get_feature_names_out()) == 18
    assert (table.to_numpy() >= 0).all()


def test_transform_without_fit_and_atoms_as_a_list(X, frame):
    coder = SparseCoder(frame.tolist())
    np.testing.assert_array_equal(coder.transform(X), sparse_encode(X, frame, algorithm="omp"))
    np.testing.assert_array_equal(coder.fit_transform(X), coder.transform(X))
    np.testing.assert_allclose(coder.inverse_transform(np.eye(9)), frame)


def test_omp_reaches_transform_alpha(X, frame):
    codes = SparseCoder(frame, transform_alpha=0.3).transform(X)
    assert (np.sum((X - codes @ frame) ** 2, axis=1) <= 0.3).all()


WRONG = [
    {"transform_algorithm": "lasso"},
    {"transform_alpha": -1.0},
    {"transform_n_nonzero_coefs": 0},
    {"split_sign": 2},
    {"positive_code": "no"},
    {"transform_max_iter": 1.5},
    {"n_jobs": "all"},
    {"dictionary": "atoms"},
    {"dictionary": np.ones((3, 5))},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
def test_errors_are_those_of_scikit_learn(X, frame, wrong):
    options = {"dictionary": frame} | wrong
    got, expected = (
        raised(lambda cls=cls: cls(**options).fit(X))
        for cls in (SparseCoder, sklearn.decomposition.SparseCoder)
    )
    assert type(got) is type(expected)
    assert str(got).startswith(str(expected).split("{")[0].split(":")[0][:60])


@pytest.mark.parametrize("split_sign", [False, True])
def test_codes_that_do_not_fit(X, frame, split_sign):
    got, expected = (
        raised(lambda cls=cls: cls(frame, split_sign=split_sign).inverse_transform(X))
        for cls in (SparseCoder, sklearn.decomposition.SparseCoder)
    )
    assert type(got) is type(expected)
    assert str(got)[:60] == str(expected)[:60]


def raised(call):
    try:
        call()
    except (TypeError, ValueError) as error:
        return error
    pytest.fail("accepted")
