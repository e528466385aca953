"""Searches whose candidates go on with their models: wherever they run, whatever was lost."""

import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import joblib
import numpy as np
import pytest
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import HalvingRandomSearchCV, HyperbandSearchCV, SearchCV, run_config
from skhpo.execution import _continuation
from skhpo.schedulers import Hyperband
from skhpo.stopping import MaxFits

X, y = make_classification(150, 6, random_state=0)
DEPTHS = {"max_depth": randint(1, 20)}
MODELS = {
    "boosting": (GradientBoostingClassifier(random_state=0), DEPTHS),
    "histograms": (HistGradientBoostingClassifier(random_state=0), DEPTHS),
    "forest": (RandomForestClassifier(random_state=0), DEPTHS),
    "extra trees": (ExtraTreesClassifier(random_state=0), DEPTHS),
    "bagging": (
        BaggingClassifier(DecisionTreeClassifier(), random_state=0),
        {"estimator__max_depth": randint(1, 20)},
    ),
}
SGD = make_pipeline(StandardScaler(), SGDClassifier(random_state=0, tol=None))
OF_SGD = {"resource": "sgdclassifier__max_iter", "max_resources": 9, "min_resources": 1}
ALPHA = {"sgdclassifier__alpha": loguniform(1e-6, 1e1)}


def halving(model, space, **settings):
    name = "max_iter" if hasattr(model, "max_bins") else "n_estimators"
    settings = {"resource": name, "max_resources": 9, "n_candidates": 9, "cv": 2, **settings}
    return HalvingRandomSearchCV(model, space, random_state=0, **settings)


def hyperband(**settings):
    return HyperbandSearchCV(SGD, ALPHA, **{"cv": 2, "random_state": 0, **OF_SGD, **settings})


def assert_same(one, other, *columns):
    assert one.cv_results_["params"] == other.cv_results_["params"]
    for name in ("split0_test_score", "mean_train_score", "iter", "rank_test_score", *columns):
        np.testing.assert_array_equal(one.cv_results_[name], other.cv_results_[name])
    assert one.best_params_ == other.best_params_


@pytest.fixture
def from_zero(monkeypatch):
    """Return what lets no candidate go on."""
    return lambda: monkeypatch.setattr(
        _continuation.Continuation, "applies", lambda self, candidate: False
    )


@pytest.mark.parametrize("name", MODELS)
def test_the_same_as_from_zero(name, from_zero):
    found = halving(*MODELS[name]).fit(X, y)
    assert found.n_resources_used_ == 9 * 1 + 3 * 2 + 1 * 6
    np.testing.assert_array_equal(found.cv_results_["resumed"], found.cv_results_["iter"] > 0)
    from_zero()
    fresh = halving(*MODELS[name]).fit(X, y)
    assert fresh.n_resources_used_ == 27
    assert not fresh.cv_results_["resumed"].any()
    assert_same(found, fresh)
    np.testing.assert_array_equal(found.predict(X), fresh.predict(X))


def test_hyperband_spends_what_comes_on_top():
    made = HyperbandSearchCV(
        HistGradientBoostingClassifier(max_leaf_nodes=2, random_state=0),
        {"learning_rate": loguniform(1e-2, 1)},
        resource="max_iter",
        max_resources=27,
        min_resources=1,
        cv=[(np.arange(75), np.arange(75, 150))],
        random_state=0,
    ).fit(X, y)
    table = made.cv_results_
    units = table["n_resources"] * ~table["resumed"]
    units = units + table["resumed"] * (table["n_resources"] - table["n_resources"] // 3)
    assert made.n_resources_used_ == units.sum() == 357  # of 423


def processes():
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


EXECUTORS = {
    "threads": lambda: joblib.parallel_config("threading", n_jobs=2),
    "processes": lambda: joblib.parallel_config("loky", n_jobs=2),
    "a pool of threads": lambda: run_config(executor=ThreadPoolExecutor(2)),
    "a pool of processes": lambda: run_config(executor=processes()),
}


@pytest.mark.parametrize("name", EXECUTORS)
def test_wherever_it_runs(name):
    with EXECUTORS[name]():
        found = hyperband(pre_dispatch=4).fit(X, y)
    assert_same(found, hyperband(pre_dispatch=4).fit(X, y), "resumed")


class Fatal(SGDClassifier):
    """Kills its process once, when it is to go on."""

    def __init__(self, marker=None, alpha=1e-4, max_iter=9, random_state=0, warm_start=False):
        super().__init__(
            alpha=alpha, max_iter=max_iter, random_state=0, warm_start=warm_start, tol=None
        )
        self.marker = marker

    def partial_fit(self, X, y, **params):
        """Die when the file that is named is not there, else go on."""
        if not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().partial_fit(X, y, **params)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_worker_that_dies(tmp_path):
    settings = OF_SGD | {"resource": "max_iter", "cv": 2, "pre_dispatch": 4, "random_state": 0}
    model, space = Fatal(tmp_path / "died"), {"alpha": loguniform(1e-6, 1e1)}
    made = HyperbandSearchCV(model, space, n_jobs=2, **settings).fit(X, y)
    assert (tmp_path / "died").exists()
    assert_same(made, clone(made).set_params(n_jobs=1).fit(X, y), "resumed")


def test_a_search_that_is_resumed(tmp_path, monkeypatch):
    whole = hyperband().fit(X, y)
    made = hyperband(journal=tmp_path / "a.db")
    clone(made).set_params(stopping=MaxFits(23)).fit(X, y)
    again = clone(made).fit(X, y)
    assert_same(again, whole, "resumed")
    assert again.n_resources_used_ == whole.n_resources_used_


def test_models_that_are_lost(monkeypatch):
    whole = hyperband().fit(X, y)
    monkeypatch.setattr(_continuation.Continuation, "_load", lambda self, task: None)
    assert_same(hyperband().fit(X, y), whole, "resumed")


def test_files_stay_few_and_go(tmp_path, monkeypatch):
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    monkeypatch.setattr(_continuation, "HELD", 0)
    counts = []

    def count(history):
        counts.append(len([path for path in tmp_path.rglob("*") if path.is_file()]))
        return False

    hyperband(stopping=count).fit(X, y)
    assert 2 * 9 <= max(counts) <= 2 * (9 + 3)
    assert counts[-1] <= 2 * 3
    assert list(tmp_path.iterdir()) == []


def test_the_user_has_the_last_word_on_warm_starts():
    model = RandomForestClassifier(random_state=0, warm_start=True)
    assert halving(model, DEPTHS).fit(X, y).best_estimator_.warm_start
    model = RandomForestClassifier(random_state=0)
    assert not halving(model, DEPTHS).fit(X, y).best_estimator_.warm_start


def test_samples_are_never_added_to_a_model():
    model = RandomForestClassifier(3, random_state=0)
    made = HalvingRandomSearchCV(model, DEPTHS, n_candidates=9, cv=2, random_state=0).fit(X, y)
    assert not made.cv_results_["resumed"].any()
    rungs = zip(made.n_candidates_, made.n_resources_, strict=True)
    assert made.n_resources_used_ == sum(n * amount for n, amount in rungs)


def test_one_warning_where_models_cannot_go_on():
    with pytest.warns(match="Each rung fits its models from zero: SVC cannot go on") as caught:
        made = halving(
            SVC(), {"C": loguniform(0.1, 10)}, resource="cache_size", min_resources=3
        ).fit(X, y)
    assert len(caught) == 1
    assert made.n_resources_used_ == 9 * 3 + 3 * 9


def test_any_search_with_rungs():
    model = GradientBoostingClassifier(random_state=0)
    scheduler = Hyperband("n_estimators", max_resources=9, min_resources=1)
    made = SearchCV(model, DEPTHS, scheduler=scheduler, n_iter=9, cv=2, random_state=0)
    made.fit(X, y)
    assert made.cv_results_["resumed"].sum() == 4


def test_candidates_that_cannot_are_beside_others_that_can(from_zero):
    space = {"class_weight": [None, "balanced"], "max_depth": [1, 2, 3, 4, 5]}
    with pytest.warns(match="cannot go on with these parameters"):
        made = halving(RandomForestClassifier(random_state=0), space).fit(X, y)
    table = made.cv_results_
    climbed = table["iter"] > 0
    presets = np.array([params["class_weight"] is not None for params in table["params"]])
    np.testing.assert_array_equal(table["resumed"], climbed & ~presets)
    from_zero()
    assert_same(made, halving(RandomForestClassifier(random_state=0), space).fit(X, y))


@pytest.mark.parametrize("verbose", [0, 2])
def test_estimators_as_values_go_on(verbose, capsys):
    models = [SGDClassifier(alpha=alpha, tol=None, random_state=0) for alpha in (1e-4, 1e-3, 0.1)]
    pipeline = Pipeline([("scale", StandardScaler()), ("model", SGDClassifier())])
    settings = {"resource": "model__max_iter", "min_resources": 3, "max_resources": 9}
    search = HalvingRandomSearchCV(
        pipeline, {"model": models}, n_candidates=3, cv=3, verbose=verbose, **settings
    )
    found = clone(search).fit(X, y)
    assert found.cv_results_["resumed"].tolist() == [False, False, False, True]
    assert found.n_resources_used_ == 3 * 3 + 6
    lines = capsys.readouterr().out.splitlines()
    if verbose:
        assert "bracket: 0, iter: 1, n_candidates: 1, n_resources: 9" in lines
        assert "model__max_iter=9; total time" in lines[-1]
        assert "max_iter=3, random" not in lines[-1]  # of the value, as the user gave it
    assert found.best_estimator_["model"].t_ == 1 + 9 * len(X)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
