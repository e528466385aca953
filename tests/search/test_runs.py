"""Searches that share a journal."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.svm import SVC

from skhpo import BayesSearchCV, Journal, SearchCV, load_history
from skhpo.stopping import MaxFits

X, y = load_iris(return_X_y=True)
SPACE = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1e1)}


class FailsWhile(ClassifierMixin, BaseEstimator):
    """Fails while a file is there."""

    def __init__(self, switch, C=1.0):
        self.switch = switch
        self.C = C

    def fit(self, X, y):
        if Path(self.switch).exists():
            raise ValueError("switched off")
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return self.C


def columns(search):
    """What must be equal after a resume: everything but times."""
    return {name: v for name, v in search.cv_results_.items() if "time" not in name}


def same(a, b):
    """Assert equal results."""
    a, b = columns(a), columns(b)
    assert a.keys() == b.keys()
    assert a.pop("params") == b.pop("params")
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize("search", [SearchCV, BayesSearchCV])
@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("window", [1, 4])
def test_the_same_fit_goes_on(tmp_path, search, random_state, window):
    options = {"n_iter": 8, "cv": 3, "pre_dispatch": window, "random_state": random_state}
    journal = tmp_path / "j.db"
    first = search(SVC(), SPACE, journal=journal, stopping=MaxFits(10), **options).fit(X, y)
    assert first.history_.n_fits < 24
    before = {e.task.key for e in load_history(journal)[0].evaluations}
    second = search(SVC(), SPACE, journal=journal, **options).fit(X, y)
    assert second.history_.n_fits == 24
    assert len(load_history(journal)) == 1
    again = search(SVC(), SPACE, journal=journal, **options).fit(X, y)
    same(second, again)
    assert before < {e.task.key for e in second.history_.evaluations}
    if random_state is not None:
        same(second, search(SVC(), SPACE, **options).fit(X, y))


def test_more_candidates_go_on_as_if_they_had_been_asked_for_at_once(tmp_path):
    journal = tmp_path / "j.db"
    options = {"cv": 3, "random_state": 0, "pre_dispatch": 4}
    BayesSearchCV(SVC(), SPACE, n_iter=6, journal=journal, **options).fit(X, y)
    more = BayesSearchCV(SVC(), SPACE, n_iter=12, journal=journal, **options).fit(X, y)
    assert more.history_.n_candidates == 12
    same(more, BayesSearchCV(SVC(), SPACE, n_iter=12, **options).fit(X, y))


def test_splits_that_were_drawn_without_a_seed_are_kept(tmp_path):
    cv = KFold(3, shuffle=True)
    options = {"n_iter": 4, "cv": cv, "journal": tmp_path / "j.db"}
    first = SearchCV(SVC(), SPACE, **options).fit(X, y)
    same(first, SearchCV(SVC(), SPACE, **options).fit(X, y))


def test_the_window_of_the_first_call_is_kept(tmp_path):
    options = {"n_iter": 10, "cv": 3, "random_state": 0}
    journal = tmp_path / "j.db"
    stop = MaxFits(12)
    BayesSearchCV(SVC(), SPACE, journal=journal, pre_dispatch=5, stopping=stop, **options).fit(X, y)
    resumed = BayesSearchCV(SVC(), SPACE, journal=journal, pre_dispatch=1, **options).fit(X, y)
    same(resumed, BayesSearchCV(SVC(), SPACE, pre_dispatch=5, **options).fit(X, y))


def test_one_part_that_differs_is_named(tmp_path):
    journal = tmp_path / "j.db"
    search = SearchCV(SVC(), SPACE, n_iter=2, cv=3, journal=journal, random_state=0).fit(X, y)
    with pytest.warns(UserWarning, match="in one part only, its space"):
        search.set_params(param_distributions={"C": [1, 2]}).fit(X, y)
    search.set_params(journal=Journal(journal, on_mismatch="error"), random_state=1)
    with pytest.raises(RuntimeError, match="seed"):
        search.fit(X, y)


def test_searches_in_searches_and_in_cross_validation_share_a_file(tmp_path):
    journal = tmp_path / "j.db"
    options = {"n_iter": 2, "cv": 2, "random_state": 0}
    inner = SearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1]}, journal=journal, **options)
    outer = SearchCV(inner, {"estimator__fit_intercept": [True, False]}, journal=journal, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = outer.fit(X, y)
        n_runs = len(load_history(journal))
        assert n_runs == 1 + 4 + 1  # the outer one, two candidates on two folds, the refit
        same(first, outer.fit(X, y))
        assert len(load_history(journal)) == n_runs
        scores = cross_val_score(inner, X, y, cv=3)
        np.testing.assert_array_equal(scores, cross_val_score(inner, X, y, cv=3))
    assert len(load_history(journal)) == n_runs + 3


def test_failed_fits_are_repeated_on_request_only(tmp_path):
    switch = tmp_path / "broken"
    switch.touch()
    space = {"C": [1.0, 2.0]}
    options = {"n_iter": 2, "cv": 3, "error_score": np.nan, "refit": False}
    journal = tmp_path / "j.db"
    search = SearchCV(FailsWhile(str(switch)), space, journal=journal, **options)
    with pytest.raises(ValueError, match="All the 6 fits failed"):
        search.fit(X, y)
    switch.unlink()
    with pytest.raises(ValueError, match="All the 6 fits failed"):
        search.fit(X, y)
    search.set_params(journal=Journal(journal, retry_failed=True)).fit(X, y)
    assert search.history_.n_failed == 0
