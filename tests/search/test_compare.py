"""Searches on shared outer folds."""

import warnings

import joblib
import numpy as np
import pytest
import sklearn
from _estimators import Dial, fail
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import NestedCV, SearchCV, compare_searches
from skhpo.statistics import compare_scores

TREE = DecisionTreeClassifier(random_state=0)


def searches(**settings):
    settings = {"cv": 2, **settings}
    neighbors = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, **settings)
    return {
        "tree": SearchCV(TREE, {"max_depth": [1, 2]}, **settings),
        "neighbors": make_pipeline(StandardScaler(), neighbors),
    }


def outer(found, name):
    return found.nested[name].outer_results_["outer_score"]


def test_each_is_nested_cross_validation(data):
    found = compare_searches(searches(), *data, cv=4)
    for name, search in searches().items():
        alone = NestedCV(search, cv=4, refit=False).fit(*data)
        np.testing.assert_array_equal(outer(found, name), alone.outer_results_["outer_score"])
    expected = compare_scores({name: outer(found, name) for name in searches()})
    assert found.summary() == expected.summary()
    assert found.best == expected.best
    assert not hasattr(found.nested["tree"], "best_estimator_")


@pytest.mark.parametrize(
    "cv",
    [
        KFold(3, shuffle=True),
        ShuffleSplit(3),
        RepeatedKFold(n_splits=2, n_repeats=2),
        StratifiedKFold(3, shuffle=True, random_state=np.random.RandomState(0)),
    ],
)
def test_folds_are_drawn_once(data, cv):
    found = compare_searches(searches(), *data, cv=cv)
    first, second = (nested.outer_splits_ for nested in found.nested.values())
    assert [test.tolist() for _, test in first] == [test.tolist() for _, test in second]
    again = compare_searches(searches(), *data, cv=cv).nested["tree"].outer_splits_
    assert [test.tolist() for _, test in first] != [test.tolist() for _, test in again]


def test_folds_may_come_as_they_are(data):
    splits = list(KFold(3).split(data[0]))
    found = compare_searches(searches(), *data, cv=iter(splits))
    for nested in found.nested.values():
        for (_, test), (_, expected) in zip(nested.outer_splits_, splits, strict=True):
            np.testing.assert_array_equal(test, expected)


def test_repeats(data):
    made = [
        compare_searches(searches(), *data, cv=3, n_repeats=2, random_state=0) for _ in range(2)
    ]
    assert len(outer(made[0], "tree")) == 6
    np.testing.assert_array_equal(outer(made[0], "tree"), outer(made[1], "tree"))
    expected = compare_scores({n: outer(made[0], n) for n in searches()}, n_repeats=2)
    assert made[0].pairs.keys() == expected.pairs.keys()
    for pair, comparison in made[0].pairs.items():
        assert comparison.p_value == pytest.approx(expected.pairs[pair].p_value)
    with pytest.raises(ValueError, match="shuffles and has no seed"):
        compare_searches(searches(), *data, cv=KFold(3), n_repeats=2)


def test_settings_reach_the_nested_ones(data):
    settings = {"scoring": "f1", "refit": True, "confidence": 0.8, "cv": 3}
    found = compare_searches(searches(), *data, **settings)
    for nested in found.nested.values():
        assert nested.predict(data[0]).shape == (60,)
        assert nested.score_interval_.confidence == 0.8
        assert nested.scoring == "f1"


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_wherever_fits_run(data, backend):
    alone = compare_searches(searches(), *data, cv=3)
    with joblib.parallel_config(backend):
        found = compare_searches(searches(), *data, cv=3, n_jobs=2)
    assert found.summary() == alone.summary()


def test_regressors_without_a_target_of_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    pair = {
        "ridge": SearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
        "neighbors": SearchCV(KNeighborsRegressor(), {"n_neighbors": [1, 5]}, cv=2),
    }
    assert compare_searches(pair, X, X @ [1.0, 2.0, 3.0], cv=3).best == "ridge"


GROUPS = np.arange(60) // 4


@pytest.mark.parametrize("routing", [False, True])
def test_groups(data, routing):
    with sklearn.config_context(enable_metadata_routing=routing):
        made = searches(cv=GroupKFold(2))
        if routing:  # a scaler in front must let them pass
            made["neighbors"] = made["neighbors"][-1]
        found = compare_searches(made, *data, cv=GroupKFold(3), params={"groups": GROUPS})
    for nested in found.nested.values():
        for train, test in nested.outer_splits_:
            assert not set(GROUPS[train]) & set(GROUPS[test])


def test_the_same_seed_inside_is_warned_about(data):
    made = searches(cv=KFold(2, shuffle=True, random_state=3))
    with pytest.warns(UserWarning, match="same random_state=3"):
        compare_searches(made, *data, cv=KFold(3, shuffle=True, random_state=3))


class FailsOnAFold(Dial):
    """Fails without the first sample."""

    def fit(self, X, y=None):
        """Fail, or not."""
        if X[0, 0] != 0:
            raise ValueError("as told")
        return super().fit(X, y)


def test_a_fold_on_which_one_fails_is_left_out():
    X, y = np.arange(60.0)[:, None], np.arange(60) % 2
    inner = ShuffleSplit(1, test_size=1, random_state=0)
    made = {
        "a": SearchCV(FailsOnAFold(), {"a": [0.3, 0.4]}, cv=[(np.arange(20), np.arange(20, 30))]),
        "b": SearchCV(Dial(), {"a": [0.1]}, cv=inner),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = compare_searches(made, X, y, cv=KFold(3))
    assert found.left_out == (0,)
    assert found.best == "a"
    made["a"].set_params(error_score="raise")
    with pytest.raises(ValueError, match="as told"):
        compare_searches(made, X, y, cv=KFold(3), error_score="raise")


class TestRefused:
    @pytest.mark.parametrize("given", [{}, {"a": searches()["tree"]}, list(searches().values())])
    def test_too_few(self, data, given):
        with pytest.raises(ValueError, match="at least two searches by name"):
            compare_searches(given, *data)

    def test_what_is_no_search(self, data):
        with pytest.raises(TypeError, match="must be a search"):
            compare_searches({**searches(), "svc": SVC()}, *data)

    def test_different_scores(self, data):
        made = searches()
        made["tree"].set_params(scoring="f1")
        with pytest.raises(ValueError, match=r"scoring must be given .* \{'tree': 'f1'"):
            compare_searches(made, *data)
        assert compare_searches(made, *data, cv=3, scoring="f1").best in made

    def test_the_default_score_is_no_other(self, data):
        made = searches()
        made["tree"].set_params(scoring="accuracy")
        assert compare_searches(made, *data, cv=3).best in made

    def test_several_scores(self, data):
        with pytest.raises(ValueError, match="scoring must be one score"):
            compare_searches(searches(), *data, scoring=["f1", "accuracy"])


def test_forest_beats_a_stump():
    from sklearn.datasets import load_wine

    X, y = load_wine(return_X_y=True)
    made = {
        "stump": SearchCV(TREE, {"max_depth": [1]}, cv=3),
        "forest": SearchCV(RandomForestClassifier(10, random_state=0), {"max_depth": [3, 5]}, cv=3),
    }
    found = compare_searches(made, X, y, cv=StratifiedKFold(4, shuffle=True, random_state=0))
    assert found.best == "forest"
    assert found.adjusted_p_values["forest", "stump"] < 0.05
    assert found.corrected_score == found.best_score  # it wins on every fold


def test_what_was_computed_before_a_failure_is_there(data):
    bad = SearchCV(Dial(a=fail), {"b": [1, 2]}, cv=2)  # as the last one, after all the others
    with pytest.raises(ValueError, match="failed") as caught:
        compare_searches({**searches(), "bad": bad}, *data, cv=3, scoring="accuracy")
    assert "in the search 'bad'" in caught.value.__notes__[0]
    assert list(caught.value.nested) == ["tree", "neighbors", "bad"]
    assert np.isfinite(caught.value.nested["neighbors"].best_score_)


def test_what_cannot_be_compared_is_there_too(data):
    with pytest.raises(ValueError, match="same 2 folds at least") as caught:
        compare_searches(searches(), *data, cv=[(np.arange(40), np.arange(40, 60))])
    assert "The searches are done" in caught.value.__notes__[0]
    assert list(caught.value.nested) == ["tree", "neighbors"]
