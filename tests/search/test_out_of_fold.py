"""Predictions that a search keeps, and what they say about its best score."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from _estimators import Dial
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, make_classification, make_multilabel_classification
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, get_scorer, make_scorer, roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    RepeatedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from skhpo import (
    BayesSearchCV,
    EvolutionarySearchCV,
    HalvingRandomSearchCV,
    HyperbandSearchCV,
    NestedCV,
    SearchCV,
    load_history,
)
from skhpo.statistics import bbc_interval, bbc_interval_from_predictions

TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": [1, 2, 3]}
NEIGHBORS = {"n_neighbors": [1, 3, 5]}
DIABETES = tuple(part[:90] for part in load_diabetes(return_X_y=True))
ALL = {
    "SearchCV": SearchCV(TREE, DEPTHS),
    "BayesSearchCV": BayesSearchCV(TREE, DEPTHS, n_iter=3),
    "EvolutionarySearchCV": EvolutionarySearchCV(TREE, DEPTHS, n_iter=3),
    "HalvingRandomSearchCV": HalvingRandomSearchCV(TREE, DEPTHS),
    "HyperbandSearchCV": HyperbandSearchCV(TREE, DEPTHS, min_resources=10),
}


def stored(estimator=TREE, space=DEPTHS, **settings):
    return SearchCV(estimator, space, **{"cv": 3, "store_predictions": True, **settings})


class TestWhatIsKept:
    @pytest.mark.parametrize("name", ALL)
    def test_by_every_search(self, name, data):
        search = clone(ALL[name]).set_params(cv=3, store_predictions=True, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rungs with few samples
            search.fit(*data)
        kept = search.out_of_fold_
        best = search.cv_results_["params"][search.best_index_]
        expected = cross_val_predict(clone(TREE).set_params(**best), *data, cv=3)
        found = kept.predictions[search.best_index_]
        assert len(kept.predictions) == len(search.cv_results_["params"])
        if name not in ("HalvingRandomSearchCV", "HyperbandSearchCV"):  # of subsamples
            np.testing.assert_array_equal(found[np.argsort(kept.samples)], expected)
        interval = search.bbc_interval(n_bootstraps=50, random_state=0)
        assert interval.low <= interval.estimate <= interval.high

    @pytest.mark.parametrize(
        ("scoring", "method"),
        [
            (None, "predict"),
            ("f1", "predict"),
            ("neg_log_loss", "predict_proba"),
            ("roc_auc", "decision_function"),
        ],
    )
    def test_what_the_score_asks_for(self, data, scoring, method):
        search = stored(LogisticRegression(), {"C": [0.1, 1.0]}, scoring=scoring).fit(*data)
        kept = search.out_of_fold_
        assert kept.method == method
        for row, params in enumerate(search.cv_results_["params"]):
            model = LogisticRegression(**params)
            expected = cross_val_predict(model, *data, cv=3, method=method)
            expected = expected if expected.ndim == 1 else expected[:, 1]
            found = kept.predictions[row][np.argsort(kept.samples)]
            np.testing.assert_allclose(found, expected)

    def test_the_second_method_where_the_first_is_missing(self, data):
        search = stored(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, scoring="roc_auc")
        found = search.fit(*data).out_of_fold_.predictions
        assert ((found >= 0) & (found <= 1)).all()
        assert search.bbc_interval(n_bootstraps=20).estimate > 0.5

    @pytest.mark.parametrize("method", ["predict", "predict_proba"])
    def test_what_is_asked_for(self, three_classes, method):
        search = stored(store_predictions=method).fit(*three_classes)
        kept = search.out_of_fold_
        assert kept.classes.tolist() == ["high", "low", "middle"]
        best = clone(TREE).set_params(**search.best_params_)
        expected = cross_val_predict(best, *three_classes, cv=3, method=method)
        found = kept.predictions[search.best_index_][np.argsort(kept.samples)]
        if method == "predict":
            found = kept.classes[found.astype(int)]
        np.testing.assert_array_equal(found, expected)

    def test_regression_and_many_outputs(self, data):
        kept = stored(KNeighborsRegressor(), NEIGHBORS).fit(*DIABETES).out_of_fold_
        assert kept.classes is None
        assert kept.predictions.shape == (3, 90)
        X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)
        search = stored(KNeighborsClassifier(), NEIGHBORS).fit(X, Y)
        assert search.out_of_fold_.predictions.shape == (3, 60, 3)
        assert search.out_of_fold_.y.shape == (60, 3)
        assert search.bbc_interval(n_bootstraps=20).estimate > 0

    def test_repeats_of_a_sample_stand_side_by_side(self, data):
        search = stored(cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)).fit(*data)
        kept = search.out_of_fold_
        assert np.bincount(kept.samples).tolist() == [2] * 60
        assert np.bincount(kept.folds).tolist() == [20] * 6
        np.testing.assert_array_equal(kept.y, data[1][kept.samples])

    def test_a_class_that_a_fold_lacks(self):
        X, y = np.arange(30.0)[:, None], np.repeat([0, 1, 2], 10)
        for method in ("predict_proba", "decision_function"):
            model = LogisticRegression() if method == "predict_proba" else RidgeClassifier()
            space = {"C" if method == "predict_proba" else "alpha": [1.0]}
            search = stored(model, space, cv=KFold(3), store_predictions=method).fit(X, y)
            found = search.out_of_fold_.predictions[0]
            assert found.shape == (30, 3)
            for label in range(3):  # each fold tests the class that it lacks
                assert found[y == label].argmax(axis=1).tolist().count(label) == 0

    def test_a_failed_fit_leaves_nan(self, data):
        space = {"max_depth": [1, -5, 2]}
        search = stored(TREE, space)
        with pytest.warns(match="fits failed|non-finite"):
            search.fit(*data)
        missing = np.isnan(search.out_of_fold_.predictions).all(axis=1)
        assert missing.tolist() == [False, True, False]
        assert np.isfinite(search.bbc_interval(n_bootstraps=20).estimate)

    def test_masks_and_subsamples(self):
        X, y = DIABETES
        masks = [(np.arange(90) % 3 != k, np.arange(90) % 3 == k) for k in range(3)]
        search = HalvingRandomSearchCV(
            DecisionTreeRegressor(random_state=0),
            {"max_depth": [1, 2, 3, 4]},
            cv=[(np.flatnonzero(a), np.flatnonzero(b)) for a, b in masks],
            min_resources=20,
            max_resources=60,
            subsample_test=True,
            store_predictions=True,
            random_state=0,
        ).fit(X, y)
        known = (~np.isnan(search.out_of_fold_.predictions)).sum(axis=1)
        assert known.tolist() == [18, 18, 18, 60]
        plain = stored(KNeighborsRegressor(), NEIGHBORS, cv=masks).fit(X, y)
        assert np.isfinite(plain.out_of_fold_.predictions).all()
        assert np.isfinite(search.bbc_interval(n_bootstraps=20, random_state=0).estimate)

    def test_wherever_fits_run(self, data):
        alone = stored().fit(*data).out_of_fold_.predictions
        for backend in ("threading", "loky"):
            with joblib.parallel_config(backend, n_jobs=2):
                found = stored().fit(*data).out_of_fold_.predictions
            np.testing.assert_array_equal(found, alone)

    def test_only_on_request(self, data):
        search = stored(store_predictions=False).fit(*data)
        assert not hasattr(search, "out_of_fold_")
        assert all(e.predictions is None for e in search.history_.evaluations)
        with pytest.raises(ValueError, match="store_predictions=True"):
            search.bbc_interval()

    def test_after_another_fit(self, data):
        search = stored().fit(*data)
        search.set_params(store_predictions=False).fit(*data)
        assert not hasattr(search, "out_of_fold_")

    def test_nested_ones_have_no_such_thing(self):
        assert not hasattr(NestedCV(stored()), "bbc_interval")

    def test_pickle(self, data):
        search = stored().fit(*data)
        again = pickle.loads(pickle.dumps(search))
        assert again.bbc_interval(random_state=0) == search.bbc_interval(random_state=0)

    def test_pandas(self, data):
        X, y = pd.DataFrame(data[0]), pd.Series(data[1], index=np.arange(60)[::-1]).map(str)
        search = stored().fit(X, y)
        assert search.out_of_fold_.classes.tolist() == ["0", "1"]
        assert search.bbc_interval(random_state=0) == stored().fit(*data).bbc_interval(
            random_state=0
        )

    def test_check_estimator(self):
        search = stored(RidgeClassifier(), {"alpha": [0.1, 1.0]}, cv=2, error_score="raise")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_estimator(
                search,
                on_skip=None,
                expected_failed_checks={"check_requires_y_none": "as scikit-learn's searches"},
            )

    def test_in_a_nested_one(self, data):
        nested = NestedCV(stored(), cv=2, return_estimators=True).fit(*data)
        for search in [*nested.outer_results_["estimator"], nested.best_estimator_]:
            assert np.isfinite(search.bbc_interval(n_bootstraps=20).estimate)


class TestThatCannotBeKept:
    def test_without_the_method(self, data):
        with pytest.raises(ValueError, match=r"with predict_proba; got 'predict_proba'"):
            stored(RidgeClassifier(), {"alpha": [1.0]}, store_predictions="predict_proba").fit(
                *data
            )

    def test_with_a_name_that_is_none(self, data):
        with pytest.raises(ValueError, match="store_predictions"):
            stored(store_predictions="transform").fit(*data)

    def test_a_method_that_fails_is_a_failed_fit_with_its_score(self, data):
        search = stored(Mute(), {"a": [1, 2]}, scoring=by_itself)
        search.fit(*data)
        assert search.best_score_ == 2
        assert {e.status for e in search.history_.evaluations} == {"failed"}
        assert "as told" in search.history_.evaluations[0].error
        with pytest.raises(ValueError, match="as told"):
            stored(Mute(), {"a": [1]}, scoring=by_itself, error_score="raise").fit(*data)


def by_itself(estimator, X, y):
    return estimator.a


class Mute(Dial):
    """Does not predict."""

    def predict(self, X):
        """Fail."""
        raise ValueError("as told")


class TestInAJournal:
    def test_a_resumed_search_has_them(self, data, tmp_path):
        journal = tmp_path / "j.db"
        first = stored(journal=journal).fit(*data)
        again = stored(journal=journal).fit(*data)
        expected = first.out_of_fold_.predictions
        np.testing.assert_array_equal(again.out_of_fold_.predictions, expected)
        assert again.bbc_interval(random_state=0) == first.bbc_interval(random_state=0)
        (history,) = load_history(journal)
        one = history.evaluations[0]
        np.testing.assert_array_equal(
            one.predictions, expected[one.task.candidate.id, first.out_of_fold_.folds == 0]
        )

    def test_a_run_without_them_is_another_one(self, data, tmp_path):
        journal = tmp_path / "j.db"
        stored(journal=journal, store_predictions=False).fit(*data)
        with pytest.warns(UserWarning, match="its store_predictions"):
            search = stored(journal=journal).fit(*data)
        assert np.isfinite(search.out_of_fold_.predictions).all()


def noise(seed=0, n=60):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)), np.arange(n) % 2


class TestBBC:
    @pytest.mark.parametrize(
        ("scoring", "sample_scores"),
        [
            ("accuracy", lambda y, p: p == y),
            ("neg_log_loss", lambda y, p: np.log(np.where(y == 1, p, 1 - p))),
            ("neg_brier_score", lambda y, p: -((y - p) ** 2)),
        ],
    )
    def test_a_mean_over_samples(self, data, scoring, sample_scores):
        search = stored(LogisticRegression(), {"C": [0.01, 1.0]}, scoring=scoring).fit(*data)
        kept = search.out_of_fold_
        scores = sample_scores(kept.y, kept.predictions)
        expected = bbc_interval(scores, samples=kept.samples, random_state=0)
        found = search.bbc_interval(random_state=0)
        assert found.estimate == pytest.approx(expected.estimate)
        assert found.high == pytest.approx(expected.high)

    @pytest.mark.parametrize("scoring", ["neg_mean_squared_error", "neg_mean_absolute_error"])
    def test_an_error_of_a_regressor(self, scoring):
        search = stored(Ridge(), {"alpha": [0.1, 1.0]}, scoring=scoring).fit(*DIABETES)
        kept = search.out_of_fold_
        power = 2 if "squared" in scoring else 1
        expected = bbc_interval(-(abs(kept.y - kept.predictions) ** power), random_state=0)
        assert search.bbc_interval(random_state=0).low == pytest.approx(expected.low)

    def test_any_other_score_fold_by_fold(self, data):
        search = stored(RidgeClassifier(), {"alpha": [1.0, 100.0]}, scoring="roc_auc").fit(*data)
        kept = search.out_of_fold_
        expected = bbc_interval_from_predictions(
            lambda y, p: roc_auc_score(y, p) if len(set(y)) == 2 else np.nan,
            kept.y,
            kept.predictions,
            samples=kept.samples,
            folds=kept.folds,
            n_bootstraps=50,
            random_state=0,
        )
        found = search.bbc_interval(n_bootstraps=50, random_state=0)
        assert found.estimate == pytest.approx(expected.estimate)

    def test_the_default_score_of_a_regressor(self):
        search = stored(Ridge(), {"alpha": [0.1, 1.0]}).fit(*DIABETES)
        found = search.bbc_interval(n_bootstraps=50, random_state=0)
        assert 0.2 < found.estimate < search.best_score_ + 0.05

    def test_several_classes(self, three_classes):
        for scoring in ("roc_auc_ovr", "f1_macro", "neg_brier_score", "neg_log_loss", None):
            search = stored(scoring=scoring, cv=4).fit(*three_classes)
            found = search.bbc_interval(n_bootstraps=20, random_state=0)
            assert found.low < search.best_score_ < found.high + 1

    def test_the_score_that_guides_is_the_one(self, data):
        settings = {"scoring": ["roc_auc", "accuracy"], "refit": "accuracy"}
        search = stored(RidgeClassifier(), {"alpha": [1.0, 100.0]}, **settings).fit(*data)
        alone = stored(RidgeClassifier(), {"alpha": [1.0, 100.0]}, scoring="accuracy").fit(*data)
        assert search.bbc_interval(random_state=0) == alone.bbc_interval(random_state=0)

    def test_a_function_of_the_users(self, data):
        def accuracy(estimator, X, y):
            return accuracy_score(y, estimator.predict(X))

        def several(estimator, X, y):
            return {"a": accuracy(estimator, X, y), "b": 0.0}

        for settings in ({"scoring": accuracy}, {"scoring": several, "refit": "a"}):
            search = stored(**settings).fit(*data)
            found = search.bbc_interval(n_bootstraps=50, random_state=0)
            assert 0.4 < found.estimate < search.best_score_

    def test_weights_of_the_scorer(self, data):
        weights = np.random.default_rng(0).uniform(size=60)
        with sklearn.config_context(enable_metadata_routing=True):
            scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
            tree = clone(TREE).set_fit_request(sample_weight=False)
            search = stored(tree, scoring=scorer).fit(*data, sample_weight=weights)
            found = search.bbc_interval(n_bootstraps=200, random_state=0)
        plain = stored(tree, scoring="accuracy").fit(*data)
        assert found.estimate != plain.bbc_interval(random_state=0).estimate
        assert found.low < search.best_score_

    def test_groups_are_drawn_whole(self):
        # Copies of a sample must not be inside a bootstrap and outside of it at once.
        X, y = noise(n=40)
        X, y, groups = np.repeat(X, 10, axis=0), np.repeat(y, 10), np.repeat(np.arange(40), 10)
        search = stored(KNeighborsClassifier(), NEIGHBORS, cv=GroupKFold(4))
        search.fit(X, y, groups=groups)
        found = search.bbc_interval(random_state=0)
        kept = search.out_of_fold_
        right = kept.predictions == kept.y
        alone = bbc_interval(right, random_state=0)
        assert found == bbc_interval(right, samples=groups[kept.samples], random_state=0)
        assert found.high - found.low > 2 * (alone.high - alone.low)

    def test_folds_of_different_sizes_count_alike(self):
        """As in the best score: easy samples in a large fold must not raise the corrected one."""
        groups = np.repeat([0, 1, 2], [20, 20, 160])
        X, y = noise(n=200)
        X[:, 0] += np.where(groups == 2, 9 * y, 0)
        search = stored(KNeighborsClassifier(), NEIGHBORS, cv=PredefinedSplit(groups)).fit(X, y)
        kept = search.out_of_fold_
        found = search.bbc_interval(random_state=0)
        right = kept.predictions == kept.y
        assert found == bbc_interval(right, folds=kept.folds, random_state=0)
        assert found.estimate < search.best_score_ < right.mean(axis=1).max() - 0.05

    def test_the_gain_over_the_default(self, data):
        search = BayesSearchCV(
            DecisionTreeClassifier(max_depth=1, random_state=0),
            DEPTHS,
            n_iter=3,
            cv=3,
            store_predictions=True,
            random_state=0,
            initial_params=[{"max_depth": 1}],
        ).fit(*data)
        gain = search.bbc_interval(baseline=0, random_state=0)
        assert gain.low <= gain.estimate <= gain.high
        assert gain == search.bbc_interval(baseline="default", random_state=0)
        with pytest.raises(ValueError, match=r"Search with \{\} among the initial_params"):
            stored().fit(*data).bbc_interval(baseline="default")

    def test_the_default_by_name(self, data):
        model = DecisionTreeClassifier(max_depth=2, random_state=0)
        space = {"max_depth": [1, 2, 3], "ccp_alpha": loguniform(1e-4, 1)}
        model.set_params(ccp_alpha=0.01)
        search = BayesSearchCV(
            model, space, n_iter=4, cv=3, store_predictions=True, random_state=0
        ).fit(*data)
        sources = [search.history_.candidates[i].source for i in range(4)]
        row = sources.index("default")
        by_name = search.bbc_interval(baseline="default", random_state=0)
        assert by_name == search.bbc_interval(baseline=row, random_state=0)

    def test_candidates_that_were_stopped_take_no_part(self):
        X, y = make_classification(120, random_state=0)
        search = stored(
            make_pipeline(StandardScaler(), KNeighborsClassifier()),
            {"kneighborsclassifier__n_neighbors": [5, 1, 61, 67, 71]},
            cv=5,
            fold_stopping="aggressive",
        ).fit(X, y)
        assert np.isnan(search.cv_results_["mean_test_score"]).any()
        assert search.bbc_interval(random_state=0).estimate > 0.5

    def test_another_rule_of_choice(self, data):
        search = stored(refit=lambda results: 1).fit(*data)
        with pytest.raises(ValueError, match="chooses otherwise"):
            search.bbc_interval()

    def test_a_score_that_does_not_follow_from_predictions(self, data):
        class Own(DecisionTreeClassifier):
            def score(self, X, y, sample_weight=None):
                return 0.123

        with pytest.raises(ValueError, match="must follow from the predictions"):
            stored(Own(), DEPTHS).fit(*data).bbc_interval()
        search = stored(scoring="roc_auc", store_predictions="predict").fit(*data)
        with pytest.raises(ValueError, match="must follow from the predictions"):
            search.bbc_interval()

    def test_without_a_target(self, data):
        search = stored(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}).fit(data[0])
        assert search.out_of_fold_.predictions.shape == (2, 60)
        with pytest.raises(ValueError, match="needs a target"):
            search.bbc_interval()

    def test_the_number_of_bootstraps_is_checked(self, data):
        for scoring in ("accuracy", "f1"):
            with pytest.raises(ValueError, match="n_bootstraps must be a positive integer; got 0"):
                stored(scoring=scoring).fit(*data).bbc_interval(n_bootstraps=0)

    def test_before_fit(self):
        with pytest.raises(sklearn.exceptions.NotFittedError):
            stored().bbc_interval()

    def test_of_guesses_the_best_is_too_good_and_this_is_not(self):
        """Twenty candidates that guess; over many data sets .50, and about .60 for the best."""
        found = []
        for seed in range(12):
            X, y = noise(seed)
            search = stored(Guess(), {"seed": list(range(20))}, n_iter=20, cv=5).fit(X, y)
            interval = search.bbc_interval(n_bootstraps=200, random_state=0)
            found.append((search.best_score_, interval.estimate))
        best, corrected = np.mean(found, axis=0)
        # The standard error of the mean of twelve is .015.
        assert best > 0.56
        assert 0.44 < corrected < 0.56


class Guess(ClassifierMixin, BaseEstimator):
    """Guesses, by a seed and the sample."""

    def __init__(self, seed=0):
        self.seed = seed

    def fit(self, X, y):
        """Learn the classes."""
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        """Return a guess for each sample."""
        keys = (np.abs(np.asarray(X)[:, 0]) * 1e6).astype(int)
        return np.array([np.random.default_rng((self.seed, key)).integers(2) for key in keys])


class TestSeveralOutputs:
    X, Y = make_multilabel_classification(60, n_classes=3, random_state=0)

    @pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "f1_macro"])
    def test_are_scored_again(self, scoring):
        search = stored(KNeighborsClassifier(), NEIGHBORS, scoring=scoring).fit(self.X, self.Y)
        kept = search.out_of_fold_
        assert kept.predictions.shape == (3, 60, 3)
        score, row = get_scorer(scoring)._score_func, kept.predictions[1]
        test = kept.folds == 0
        found = score(kept.y[test], row[test], average="macro")
        assert found == pytest.approx(search.cv_results_["split0_test_score"][1])
        assert search.bbc_interval(random_state=0).estimate < search.best_score_ + 0.1

    def test_of_many_classes_stand_side_by_side(self):
        Y = np.column_stack([self.Y[:, 0], self.Y.sum(axis=1).clip(max=2)])
        asked = {"scoring": lambda model, X, y: 1.0, "store_predictions": "predict_proba"}
        search = stored(KNeighborsClassifier(), NEIGHBORS, **asked)
        found = search.fit(self.X, Y).out_of_fold_.predictions
        assert found.shape == (3, 60, 5)
        np.testing.assert_allclose(found.sum(axis=2), 2.0)


def test_the_method_is_the_one_that_was_asked(data):
    kept = stored(KNeighborsClassifier(), NEIGHBORS, scoring="roc_auc").fit(*data).out_of_fold_
    assert kept.method == "predict_proba"
