"""What cv_results_ alone can tell: the corrected best score and the gain of tuning."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import randint, uniform
from sklearn.datasets import load_wine
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    LeavePGroupsOut,
    RandomizedSearchCV,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skhpo import BayesSearchCV, HalvingRandomSearchCV, SearchCV
from skhpo.statistics import (
    corrected_best_score,
    paired_comparison,
    selection_bias,
    tuning_gain,
)

GRID = {"n_neighbors": list(range(1, 10))}


@pytest.fixture(scope="module")
def data():
    return load_wine(return_X_y=True)


def results_of(*rows, name="score", **columns):
    """cv_results_ of candidates with these scores on the folds."""
    scores = np.array(rows, dtype=float)
    results = {f"split{k}_test_{name}": column for k, column in enumerate(scores.T)}
    return {**results, f"mean_test_{name}": scores.mean(axis=1), **columns}


def test_the_formula():
    scores = [[0.8, 0.9, 0.7], [0.9, 0.7, 0.7], [0.1, 0.1, 0.9]]
    assert selection_bias(scores) == pytest.approx((0.1 + 0 + 0.2) / 3)
    corrected = corrected_best_score(results_of(*scores))
    assert corrected.best_index == 0
    assert corrected.best_score == pytest.approx(0.8)
    assert corrected.bias == pytest.approx(0.1)
    assert corrected.score == pytest.approx(0.7)


def test_a_single_candidate_was_not_chosen():
    assert selection_bias([[0.5, 0.9]]) == 0


def test_one_that_is_best_everywhere_needs_no_correction():
    assert selection_bias([[0.5, 0.9], [0.4, 0.8]]) == 0


def test_failed_candidates_take_no_part():
    scores = [[math.nan, 1.0, 1.0], [0.8, 0.9, 0.7], [math.nan] * 3, [0.9, 0.7, 0.7]]
    corrected = corrected_best_score(results_of(*scores))
    assert corrected.best_index == 1
    assert corrected.bias == pytest.approx(selection_bias(scores))
    assert corrected.bias == pytest.approx(0.1 / 3)


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(KNeighborsClassifier(), GRID, cv=4),
        RandomizedSearchCV(
            KNeighborsClassifier(), {"n_neighbors": randint(1, 20)}, n_iter=5, random_state=0
        ),
        HalvingGridSearchCV(KNeighborsClassifier(), GRID, cv=3, random_state=0, factor=2),
        BayesSearchCV(
            KNeighborsClassifier(), {"n_neighbors": randint(1, 20)}, n_iter=5, random_state=0
        ),
    ],
    ids=lambda search: type(search).__name__,
)
def test_any_search(search, data):
    search.fit(*data)
    corrected = corrected_best_score(search)
    assert corrected.best_index == search.best_index_
    assert corrected.best_score == search.best_score_
    assert corrected.score <= corrected.best_score
    assert corrected == corrected_best_score(search.cv_results_)
    assert corrected == corrected_best_score(pd.DataFrame(search.cv_results_))


def test_failures_take_no_part_whatever_stands_in_for_their_score(data):
    X, y = data
    grid = {"n_neighbors": [-1, 3, 5]}
    made = SearchCV(KNeighborsClassifier(), grid, scoring="neg_log_loss", error_score=0, cv=3)
    with pytest.warns(FitFailedWarning):
        made.fit(X, y)
    assert made.cv_results_["mean_test_score"][0] == 0
    corrected = corrected_best_score(made)
    assert corrected.best_index == made.best_index_ > 0
    assert corrected.bias == selection_bias([_folds(made, 1), _folds(made, 2)])
    assert corrected == corrected_best_score(made.cv_results_)


def _folds(made, row):
    return [made.cv_results_[f"split{k}_test_score"][row] for k in range(3)]


def test_only_the_largest_resource_counts():
    results = results_of([0.9, 0.9], [0.5, 0.7], [0.6, 0.5], n_resources=[10, 20, 20])
    corrected = corrected_best_score(results)
    assert corrected.best_index == 1
    assert corrected.bias == pytest.approx(0.05)


def test_several_scores(data):
    scoring = ["accuracy", "f1_macro"]
    search = GridSearchCV(KNeighborsClassifier(), GRID, scoring=scoring, refit="f1_macro")
    search.fit(*data)
    assert corrected_best_score(search).best_score == search.best_score_
    other = corrected_best_score(search, "accuracy")
    assert other.best_score == search.cv_results_["mean_test_accuracy"].max()
    with pytest.raises(ValueError, match=r"one of .*'accuracy', 'f1_macro'\]; got None"):
        corrected_best_score(search.cv_results_)
    with pytest.raises(ValueError, match="got 'roc_auc'"):
        corrected_best_score(search, "roc_auc")


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (GridSearchCV(KNeighborsClassifier(), GRID), "fitted search.*GridSearchCV. Call fit"),
        ({"mean_test_score": [0.5]}, "no column 'split0_test_score'"),
        (results_of([math.nan, 0.5]), "finite 'score' on every fold; got none of 1"),
    ],
)
def test_what_cannot_be_corrected(search, message):
    with pytest.raises(ValueError, match=message):
        corrected_best_score(search)


@pytest.mark.parametrize("scores", [[0.5, 0.6], [], [[]], [[[0.5]]]])
def test_a_bias_needs_a_table(scores):
    with pytest.raises(ValueError, match="a row for each candidate"):
        selection_bias(scores)


def test_a_bias_needs_a_candidate():
    with pytest.raises(ValueError, match="At least one candidate"):
        selection_bias([[0.5, math.nan]])


def test_the_best_of_guesses_is_too_good_and_the_correction_too_large():
    # 50 candidates that guess, 40 samples, 10 folds: 2,000 simulations give .325 and .639, with a
    # standard deviation of a simulation of .033 and .07.
    rng = np.random.default_rng(0)
    right = rng.integers(0, 2, size=(200, 50, 10, 4)).mean(axis=3)
    losses = 1 - right.mean(axis=2).max(axis=1)
    biases = [selection_bias(scores) for scores in right]
    assert np.mean(losses) == pytest.approx(0.325, abs=0.01)
    assert np.mean(losses + biases) == pytest.approx(0.64, abs=0.02)


# The gain


def test_the_gain_is_the_paired_comparison_with_the_default():
    rows = [[0.7, 0.8, 0.6], [0.8, 0.8, 0.9], [0.9, 0.7, 0.7]]
    gain = tuning_gain(results_of(*rows), default=2, confidence=0.9)
    expected = paired_comparison(rows[1], rows[2], confidence=0.9)
    assert all(value == getattr(gain, name) for name, value in vars(expected).items())
    assert (gain.best_index, gain.default_index) == (1, 2)
    assert gain.selection_bias == pytest.approx(selection_bias(rows))


def test_a_default_that_is_the_best_gained_nothing():
    gain = tuning_gain(results_of([0.9, 0.8], [0.5, 0.6]), default=0)
    assert (gain.estimate, gain.low, gain.high, gain.p_value) == (0, 0, 0, 1)


def test_our_searches_know_the_default(data):
    initial = [{"n_neighbors": 9}]
    search = BayesSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": randint(1, 30)},
        n_iter=6,
        initial_params=initial,
        random_state=0,
    )
    gain = tuning_gain(search.fit(*data))
    assert gain.default_index == 1
    assert search.cv_results_["params"][1] == {"n_neighbors": 5}


@pytest.mark.parametrize("own", [{}, {"C": 1.0, "gamma": "scale"}])
def test_the_setting_as_it_is_may_lie_outside_the_space(data, own):
    space = {"C": uniform(0.1, 9), "gamma": uniform(0.1, 9)}
    initial = [{"C": 2.0}, own]
    search = BayesSearchCV(SVC(), space, n_iter=4, initial_params=initial, random_state=0)
    assert tuning_gain(search.fit(*data)).default_index == 1


def test_the_row_where_candidates_have_several_rows_with_one_amount(data):
    search = HalvingRandomSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": randint(1, 30)},
        n_candidates=27,
        min_resources=59,
        aggressive_elimination=True,
        initial_params=[{}],
        scoring=lambda model, X, y: -abs(model.n_neighbors - 5),
        random_state=0,
    ).fit(*data)
    assert search.n_candidates_ == [27, 9, 3, 1]
    assert search.n_resources_ == [59, 59, 59, 177]
    assert tuning_gain(search).default_index == search.best_index_ == 39


def test_other_searches_are_told():
    with pytest.raises(ValueError, match=r"default must tell which row.*got None. Pass the number"):
        tuning_gain(results_of([0.9, 0.8], [0.5, 0.6]))


@pytest.mark.parametrize("default", [1, 3, -1])
def test_the_default_must_have_finished(default):
    results = results_of([0.9, 0.8], [math.nan, 0.6], [0.5, 0.6])
    with pytest.raises(ValueError, match=rf"got {default}. Such rows are \[0, 2\]"):
        tuning_gain(results, default=default)


def test_repeats_are_taken_from_the_search(data):
    cv = RepeatedKFold(n_splits=5, n_repeats=2, random_state=0)
    search = GridSearchCV(KNeighborsClassifier(), GRID, cv=cv).fit(*data)
    gain = tuning_gain(search, default=4)
    assert gain == tuning_gain(search.cv_results_, default=4, n_repeats=2)
    assert gain == tuning_gain(search, default=4, test_train_ratio=1 / 4)
    assert gain != tuning_gain(search.cv_results_, default=4)


@pytest.mark.parametrize(
    "cv", [ShuffleSplit(5, random_state=0), TimeSeriesSplit(3), LeavePGroupsOut(2)]
)
def test_other_splits_need_their_ratio(cv, data):
    order = np.random.default_rng(0).permutation(len(data[1]))
    groups = np.arange(len(order)) % 4 if hasattr(cv, "n_groups") else None
    search = GridSearchCV(KNeighborsClassifier(), GRID, cv=cv)
    search.fit(data[0][order], data[1][order], groups=groups)
    with pytest.raises(ValueError, match="test_train_ratio must be given"):
        tuning_gain(search, default=4)
    assert tuning_gain(search, default=4, test_train_ratio=1 / 9).confidence == 0.95


def test_listed_splits_tell_their_ratio(data):
    X, y = data
    for cv in (
        list(ShuffleSplit(4, test_size=0.5, random_state=0).split(X)),
        [(~mask, mask) for mask in np.arange(len(y)) % 2 == np.arange(2)[:, None]],
    ):
        search = GridSearchCV(KNeighborsClassifier(), GRID, cv=cv).fit(X, y)
        assert tuning_gain(search, default=4) == tuning_gain(search, default=4, test_train_ratio=1)


def test_a_splitter_object(data):
    cv = KFold(3, shuffle=True, random_state=0)
    search = GridSearchCV(KNeighborsClassifier(), GRID, cv=cv).fit(*data)
    assert tuning_gain(search, default=4) == tuning_gain(search.cv_results_, default=4)
