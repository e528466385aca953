"""What makes two values of a hyper-parameter the same value."""

import copy
import pickle
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_selection import f_classif
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpo.space._keys import key_of


def apply_twice(x):
    return x


DIFFERENT = [
    1,
    1.0,
    True,
    "1",
    b"1",
    1j,
    None,
    0,
    False,
    "",
    float("nan"),
    float("inf"),
    np.float32(0.1),
    0.1,
    (1, 2),
    [1, 2],
    {1, 2},
    frozenset({1, 2}),
    (1.0, 2),
    {"a": 1},
    {"a": 1.0},
    np.array([1, 2]),
    np.array([1.0, 2.0]),
    np.array([[1, 2]]),
    np.array([1, None], dtype=object),
    date(2024, 1, 1),
    pd.Timestamp("2024-01-01"),
    f_classif,
    apply_twice,
    SVC,
    SVC(),
    SVC(C=1),  # an int, and SVC() has 1.0
    SVC(gamma="auto"),
    PCA(),
    make_pipeline(StandardScaler(), SVC()),
    make_pipeline(StandardScaler(), SVC(C=2.0)),
    RBF(1.0) + WhiteKernel(),
    RBF(2.0) + WhiteKernel(),
    KFold(3),
    KFold(4),
]


def test_different_values_have_different_keys():
    assert len({key_of(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize("value", DIFFERENT, ids=lambda value: type(value).__name__)
def test_the_key_of_a_copy_is_the_same(value):
    assert key_of(value) == key_of(copy.deepcopy(value))
    assert hash(key_of(value)) == hash(key_of(copy.deepcopy(value)))
    assert key_of(value) == key_of(pickle.loads(pickle.dumps(value)))
    assert pickle.loads(pickle.dumps(key_of(value))) == key_of(value)


@pytest.mark.parametrize(
    ("scalar", "python"),
    [(np.int64(3), 3), (np.float64(0.5), 0.5), (np.bool_(True), True), (np.str_("a"), "a")],
)
def test_a_numpy_scalar_is_its_python_number(scalar, python):
    assert key_of(scalar) == key_of(python)


def test_order_matters_in_sequences_alone():
    assert key_of([1, 2]) != key_of([2, 1])
    assert key_of({"a": 1, "b": [2]}) == key_of({"b": [2], "a": 1})
    assert key_of({"x", 1, None}) == key_of({None, 1, "x"})


def test_what_has_no_pickle_only_equals_itself():
    first, second = (lambda x: x), (lambda x: x)
    assert key_of(first) == key_of(first)
    assert key_of(first) != key_of(second)
    assert key_of([SVC(kernel=first)]) == key_of([SVC(kernel=first)])
    assert "function" in repr(key_of(first))


def test_a_key_keeps_its_object_so_that_an_id_is_not_reused():
    keys = {key_of(lambda x, i=i: x + i) for i in range(50)}
    assert len(keys) == 50


def test_what_a_frozen_estimator_was_fitted_to_counts():
    X, y = np.arange(8.0).reshape(-1, 1), np.repeat([0, 1], 4)
    fitted, other = FrozenEstimator(SVC().fit(X, y)), FrozenEstimator(SVC().fit(-X, y))
    assert key_of(fitted) == key_of(copy.deepcopy(fitted))
    assert key_of(fitted) != key_of(other)


def test_fitting_does_not_change_the_key():
    unfitted = SVC()
    before = key_of(unfitted)
    unfitted.fit([[0.0], [1.0]], [0, 1])
    assert key_of(unfitted) == before


def test_the_text_of_a_key_does_not_depend_on_the_order_of_a_set():
    assert list({0, 8}) != list({8, 0})  # 8 and 0 share a place of the table
    assert repr(key_of({0, 8})) == repr(key_of({8, 0}))
