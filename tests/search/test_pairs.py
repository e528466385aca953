"""The interval of nested cross-validation from searches that leave out two outer folds."""

import math
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from _estimators import Dial
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss, make_scorer, mean_squared_error, zero_one_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import NestedCV, SearchCV
from skhpo.search._pointwise import pointwise_of, response_methods
from skhpo.statistics import NestedInterval, fold_numbers, ncv_interval, ncv_scores, ncv_splits

TREE = DecisionTreeClassifier(random_state=0)
GRID = {"max_depth": [1, 2, 3]}
DIABETES = tuple(part[:80] for part in load_diabetes(return_X_y=True))
ALPHAS = {"alpha": [0.01, 0.1, 1.0]}


def inner(estimator=TREE, grid=GRID, **settings):
    return GridSearchCV(estimator, grid, **{"cv": 2, **settings})


def nested(search=None, **settings):
    search = inner() if search is None else search
    return NestedCV(search, **{"cv": KFold(4), "interval": "ncv", "refit": False, **settings})


def by_hand(search, splits, n_repeats, X, y, scores_of):
    """The interval, from searches fitted one after the other."""
    k = len(splits) // n_repeats
    tables, folds = [], []
    for start in range(0, len(splits), k):
        folds.append(fold_numbers(splits[start : start + k], len(y)))
        scores = []
        for train, test in ncv_splits(folds[-1]):
            fitted = clone(search).fit(X[train], y[train])
            scores.append(scores_of(y[test], fitted, X[test]))
        tables.append(ncv_scores(folds[-1], scores))
    return ncv_interval(np.array(tables), np.array(folds))


def right(y, fitted, X):
    return y == fitted.predict(X)


def squared(y, fitted, X):
    return -((y - fitted.predict(X)) ** 2)


def log_score(y, fitted, X):
    return np.log(fitted.predict_proba(X)[np.arange(len(y)), y])


def brier(y, fitted, X):
    return -((y - fitted.predict_proba(X)[:, 1]) ** 2)


class TestEqualToTheFunctions:
    @pytest.mark.parametrize(
        ("scoring", "scores_of"),
        [
            (None, right),
            ("accuracy", right),
            ("neg_log_loss", log_score),
            ("neg_brier_score", brier),
        ],
    )
    def test_classification(self, data, scoring, scores_of):
        search = inner(LogisticRegression(), {"C": [0.1, 1.0]}, scoring=scoring)
        found = nested(search).fit(*data)
        expected = by_hand(search, found.outer_splits_, 1, *data, scores_of)
        assert isinstance(found.score_interval_, NestedInterval)
        assert vars(found.score_interval_) == pytest.approx(vars(expected))

    def test_regression_with_repeats_and_shuffled_folds(self):
        search = inner(Ridge(), ALPHAS)
        settings = {"scoring": "neg_mean_squared_error", "n_repeats": 2, "random_state": 0}
        found = nested(search, cv=3, **settings).fit(*DIABETES)
        expected = by_hand(search, found.outer_splits_, 2, *DIABETES, squared)
        assert vars(found.score_interval_) == pytest.approx(vars(expected))

    def test_a_splitter_that_repeats_itself(self, data):
        cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
        found = nested(cv=cv).fit(*data)
        expected = by_hand(inner(), found.outer_splits_, 2, *data, right)
        assert vars(found.score_interval_) == pytest.approx(vars(expected))

    def test_a_pipeline_and_an_outer_score_of_its_own(self, data):
        search = make_pipeline(StandardScaler(), inner(scoring="f1"))
        found = nested(search, scoring=make_scorer(zero_one_loss, greater_is_better=False))
        found.fit(*data)
        expected = by_hand(search, found.outer_splits_, 1, *data, lambda *a: right(*a) - 1.0)
        assert vars(found.score_interval_) == pytest.approx(vars(expected))

    @pytest.mark.parametrize("backend", ["threading", "loky"])
    def test_wherever_fits_run(self, data, backend):
        search = SearchCV(TREE, GRID, cv=2)
        alone = nested(search).fit(*data).score_interval_
        with joblib.parallel_config(backend, n_jobs=2):
            assert nested(search).fit(*data).score_interval_ == alone

    def test_the_guiding_one_of_several_scores(self, data):
        one = nested(scoring="accuracy").fit(*data)
        several = nested(scoring=["roc_auc", "accuracy"], refit="accuracy").fit(*data)
        assert several.score_interval_ == one.score_interval_
        first = nested(scoring=["accuracy", "roc_auc"]).fit(*data)
        assert first.score_interval_ == one.score_interval_
        own = nested(inner(scoring=["roc_auc", "accuracy"], refit="accuracy")).fit(*data)
        expected = nested(inner(scoring="accuracy")).fit(*data)
        assert own.score_interval_ == expected.score_interval_


class TestTheRest:
    def test_is_as_without(self, data):
        """The further searches show nowhere but in the interval."""
        plain = nested(interval="corrected_t", return_estimators=True).fit(*data)
        found = nested(return_estimators=True).fit(*data)
        assert found.n_splits_ == 4
        assert found.cv_results_.keys() == plain.cv_results_.keys()
        assert found.best_score_ == plain.best_score_
        assert found.history_.n_fits == found.history_.n_splits == 4
        assert found.outer_results_.keys() == plain.outer_results_.keys()
        assert len(found.outer_results_["estimator"]) == 4
        assert vars(found.optimism_) == vars(plain.optimism_)

    def test_the_summary_says_which_interval(self, data):
        interval = (found := nested().fit(*data)).score_interval_
        expected = f"(by nested cross-validation, around {interval.estimate:.4g})"
        assert expected in found.summary()

    def test_the_cost_is_said_before_it_starts(self, data, capsys):
        nested(verbose=1).fit(*data)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == 'interval="ncv" takes 6 further searches, one for each two folds'
        assert lines[1].endswith("totalling 10 fits")

    def test_a_journal_of_the_search_keeps_them(self, data, tmp_path):
        search = SearchCV(TREE, GRID, cv=2, journal=tmp_path / "j.db")
        first = nested(search).fit(*data)
        assert nested(search).fit(*data).score_interval_ == first.score_interval_


class Own(DecisionTreeClassifier):
    """Has a score of its own."""

    def score(self, X, y, sample_weight=None):
        """Return a constant."""
        return 0.5


class TestRefused:
    @pytest.mark.parametrize(
        "scoring",
        ["roc_auc", "f1", "balanced_accuracy", make_scorer(log_loss, response_method="predict")],
    )
    def test_a_score_that_is_no_mean(self, data, scoring):
        log = []
        search = inner(Counting(log=log), {"a": [0, 1]})
        with pytest.raises(ValueError, match=r"mean over samples, one of accuracy.*corrected_t"):
            nested(search, scoring=scoring).fit(*data)
        assert log == []

    def test_the_default_score_of_a_regressor(self):
        with pytest.raises(ValueError, match="mean over samples"):
            nested(inner(Ridge(), ALPHAS)).fit(*DIABETES)

    def test_a_score_of_the_estimators_own(self, data):
        with pytest.raises(ValueError, match="mean over samples"):
            nested(inner(Own(), GRID)).fit(*data)

    def test_a_function(self, data):
        with pytest.raises(ValueError, match="mean over samples"):
            nested(scoring=lambda estimator, X, y: 1.0).fit(*data)

    @pytest.mark.parametrize(
        ("cv", "match"),
        [
            (ShuffleSplit(3, test_size=0.5, random_state=0), "exactly once"),
            (TimeSeriesSplit(3), "train on all samples"),
            (KFold(2), "at least 3 folds"),
            (LeaveOneOut(), "at least 2"),
        ],
    )
    def test_folds_that_are_none(self, data, cv, match):
        with pytest.raises(ValueError, match=match):
            nested(cv=cv).fit(*data)

    def test_weights(self, data):
        with pytest.raises(ValueError, match="got weights"):
            nested().fit(*data, sample_weight=np.ones(60))

    @pytest.mark.parametrize("routing", [False, True])
    def test_groups(self, data, routing):
        log, groups = [], np.arange(60) // 3
        search = inner(Counting(log=log), {"a": [0, 1]}, cv=GroupKFold(2), scoring="accuracy")
        with (
            sklearn.config_context(enable_metadata_routing=routing),
            pytest.raises(ValueError, match=r"independent of each other; got groups.*corrected_t"),
        ):
            nested(search, cv=GroupKFold(4)).fit(*data, groups=groups)
        assert log == []

    def test_weights_of_the_fit_alone_are_none(self, data):
        with sklearn.config_context(enable_metadata_routing=True):
            tree = TREE.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
            found = nested(inner(clone(tree))).fit(*data, sample_weight=np.ones(60))
        assert math.isfinite(found.score_interval_.low)


class Counting(Dial):
    """Writes down that it was fitted."""

    def fit(self, X, y=None):
        """Write."""
        self.log.append(1)
        return super().fit(X, y)


class FailsOnTheLast(DecisionTreeClassifier):
    """Fails where only the last samples are there to be trained on."""

    def fit(self, X, y, sample_weight=None, check_input=True):
        """Fail, or not."""
        if X.min() >= 40:
            raise ValueError("as told")
        return super().fit(X, y)


def test_a_pair_that_fails_leaves_no_interval():
    X, y = np.arange(60.0)[:, None], np.arange(60) % 2
    search = inner(FailsOnTheLast(), {"max_depth": [1]}, cv=ShuffleSplit(1, random_state=0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = nested(search, cv=KFold(3)).fit(X, y)
    (warning,) = (w for w in caught if "There is no interval" in str(w.message))
    assert "on 1 of 6 splits" in str(warning.message)
    assert warning.filename == __file__
    assert found.score_interval_ is None
    assert np.isfinite(found.best_score_)
    assert "interval" not in found.summary()


class TestPointwise:
    def test_what_is_known(self):
        assert pointwise_of(make_scorer(mean_squared_error), Ridge()).sign == 1
        scorer = make_scorer(mean_squared_error, greater_is_better=False)
        assert pointwise_of(scorer, Ridge()).sign == -1
        assert pointwise_of(make_scorer(zero_one_loss, normalize=False), SVC()) is None
        assert pointwise_of(len, SVC()) is None

    def test_what_scorers_ask(self):
        assert response_methods(len) == ("predict",)
        assert response_methods(make_scorer(len)) == ("predict",)
        assert response_methods(sklearn.metrics.get_scorer("roc_auc")) == (
            "decision_function",
            "predict_proba",
        )

    @pytest.mark.parametrize(
        "scoring",
        ["accuracy", "neg_log_loss", "neg_brier_score"],
    )
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_the_mean_is_the_score_of_a_classifier(self, scoring, n_classes):
        X, y = make_classification(
            90, n_informative=4, n_classes=n_classes, flip_y=0.2, random_state=0
        )
        if n_classes == 3 or scoring == "accuracy":  # others take two classes as numbers only
            y = np.array(["c", "a", "b"])[y]
        model = LogisticRegression().fit(X[:50], y[:50])
        scorer = sklearn.metrics.get_scorer(scoring)
        pointwise = pointwise_of(scorer, model)
        predicted = getattr(model, pointwise.method)(X[50:])
        scores = pointwise(y[50:], predicted, model.classes_)
        assert scores.shape == (40,)
        assert scores.mean() == pytest.approx(scorer(model, X[50:], y[50:]))

    @pytest.mark.parametrize("scoring", ["neg_mean_squared_error", "neg_mean_absolute_error"])
    @pytest.mark.parametrize("n_outputs", [1, 2])
    def test_the_mean_is_the_score_of_a_regressor(self, scoring, n_outputs):
        rng = np.random.default_rng(0)
        X, Y = rng.normal(size=(60, 3)), rng.normal(size=(60, n_outputs)).squeeze()
        model = Ridge().fit(X, Y)
        scorer = sklearn.metrics.get_scorer(scoring)
        scores = pointwise_of(scorer, model)(Y, model.predict(X), None)
        assert scores.shape == (60,)
        assert scores.mean() == pytest.approx(scorer(model, X, Y))

    def test_several_labels_are_right_together(self):
        model = KNeighborsClassifier(1)
        X, Y = np.arange(6.0)[:, None], np.array([[0, 1], [1, 1], [0, 0]] * 2)
        predicted = model.fit(X[:3], Y[:3]).predict(X)
        scorer = sklearn.metrics.get_scorer("accuracy")
        scores = pointwise_of(scorer, model)(Y, predicted, None)
        assert scores.mean() == pytest.approx(scorer(model, X, Y))


@pytest.mark.parametrize("scoring", ["neg_mean_squared_error", "neg_mean_absolute_error"])
def test_a_target_of_one_column(scoring):
    X, y = DIABETES
    search = inner(Ridge(), ALPHAS)
    alone = nested(search, scoring=scoring).fit(X, y).score_interval_
    column = nested(search, scoring=scoring).fit(X, y[:, None]).score_interval_
    assert column.estimate == pytest.approx(alone.estimate)
    assert column.high == pytest.approx(alone.high)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss"])
def test_a_column_of_labels_is_scored_by_sample(scoring):
    y, predicted = np.arange(6) % 2, np.linspace(0.1, 0.9, 6)
    predicted = predicted > 0.4 if scoring == "accuracy" else predicted
    score = pointwise_of(get_scorer(scoring), LogisticRegression())
    found = score(y[:, None], predicted, np.arange(2))
    np.testing.assert_array_equal(found, score(y, predicted, np.arange(2)))
