"""On the same candidates and folds the results are those of GridSearchCV."""

import warnings

import numpy as np
import pytest
from _estimators import Dial
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer, recall_score
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import BayesSearchCV, SearchCV

TREE = DecisionTreeClassifier(random_state=0)
STEPS = Pipeline([("scale", StandardScaler()), ("clf", SVC())])


def accuracy_and_recall(estimator, X, y):
    predicted = estimator.predict(X)
    return {"accuracy": accuracy_score(y, predicted), "recall": recall_score(y, predicted)}


def accuracy(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


def second_row(results):
    return 1


SPACES = {
    "numbers": (TREE, {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5]}),
    "unsorted": (TREE, {"min_samples_leaf": [9, 1, 5], "max_depth": [3, 1, 2]}),
    "none among numbers": (TREE, {"max_depth": [None, 1, 3]}),
    "floats and ints": (TREE, {"min_samples_leaf": [1, 0.1, 5]}),
    "words": (TREE, {"criterion": ["gini", "entropy"], "splitter": ["best", "random"]}),
    "booleans": (SVC(), {"shrinking": [True, False], "C": [1.0, 2.0]}),
    "range": (TREE, {"max_depth": range(1, 4)}),
    "array": (TREE, {"min_impurity_decrease": np.array([0.0, 0.05])}),
    "arrays as values": (
        GaussianNB(),
        {"priors": [None, np.array([0.5, 0.5]), np.array([0.1, 0.9])]},
    ),
    "dicts and words as values": (TREE, {"class_weight": ["balanced", {0: 1, 1: 3}, None]}),
    "list of dicts": (
        SVC(),
        [{"kernel": ["rbf"], "gamma": [0.1, 1.0]}, {"kernel": ["poly"], "degree": [2, 3]}],
    ),
    "estimators": (
        STEPS,
        {"scale": [MinMaxScaler(), "passthrough"], "clf": [SVC(C=0.1), GaussianNB()]},
    ),
    "parameters of a value": (
        STEPS,
        [
            {"clf": [DecisionTreeClassifier(random_state=0)], "clf__max_depth": [1, 2]},
            {"clf": [LogisticRegression()], "clf__C": [0.1, 1.0]},
        ],
    ),
    "one setting": (TREE, {"max_depth": [2]}),
}
SCORINGS = {
    "own": {},
    "name": {"scoring": "f1"},
    "scorer": {"scoring": make_scorer(accuracy_score)},
    "function": {"scoring": accuracy},
    "function, refit by function": {"scoring": accuracy, "refit": second_row},
    "name, no refit": {"scoring": "recall", "refit": False},
    "name, refit is a str": {"scoring": "accuracy", "refit": "accuracy"},
    "list": {"scoring": ["accuracy", "recall"], "refit": "recall"},
    "tuple": {"scoring": ("recall", "accuracy"), "refit": "accuracy"},
    "dict": {"scoring": {"b": "accuracy", "a": accuracy}, "refit": "a"},
    "dict, refit by function": {"scoring": {"b": "f1", "a": accuracy}, "refit": second_row},
    "dict, no refit": {"scoring": {"b": "accuracy", "a": "recall"}, "refit": False},
    "function of a dict": {"scoring": accuracy_and_recall, "refit": "recall"},
    "function of a dict, refit by function": {"scoring": accuracy_and_recall, "refit": second_row},
    "function of a dict, no refit": {"scoring": accuracy_and_recall, "refit": False},
    "train scores": {"return_train_score": True},
    "train scores of a list": {
        "scoring": ["accuracy", "recall"],
        "refit": False,
        "return_train_score": True,
    },
}


def both(estimator, space, data, ours=SearchCV, **settings):
    """Our search and scikit-learn's, fitted."""
    settings = {"cv": StratifiedKFold(3, shuffle=True, random_state=0), **settings}
    return (
        ours(estimator, space, n_iter=100, **settings).fit(*data),
        GridSearchCV(estimator, space, **settings).fit(*data),
    )


def assert_same_results(ours, theirs, but=()):
    assert list(ours) == list(theirs)
    for name in ours:
        assert type(ours[name]) is type(theirs[name]), name
        if name != "params":
            assert ours[name].dtype == theirs[name].dtype, name
            assert ours[name].shape == theirs[name].shape, name
        if not name.endswith("_time") and name not in but:
            assert_same_column(ours[name], theirs[name], name)


def assert_same_column(ours, theirs, name):
    if name.startswith(("param_", "params")):
        mask = np.ma.getmaskarray(theirs) if name != "params" else np.zeros(len(theirs), bool)
        np.testing.assert_array_equal(np.ma.getmaskarray(ours) if name != "params" else mask, mask)
        # By text: estimators and arrays have no useful ==.
        assert [repr(v) for v in ours] == [repr(v) for v in theirs]
    else:
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def assert_same_best(ours, theirs):
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_"):
        assert hasattr(ours, name) == hasattr(theirs, name), name
        assert repr(getattr(ours, name, None)) == repr(getattr(theirs, name, None)), name
    assert type(ours.scorer_) is type(theirs.scorer_)
    assert hasattr(ours, "best_estimator_") == hasattr(theirs, "best_estimator_")
    assert repr(getattr(ours, "best_estimator_", 0)) == repr(getattr(theirs, "best_estimator_", 0))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("cls", [SearchCV, BayesSearchCV])
def test_spaces(name, cls, data):
    estimator, space = SPACES[name]
    ours, theirs = both(estimator, space, data, cls)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)
    np.testing.assert_array_equal(ours.predict(data[0]), theirs.predict(data[0]))


@pytest.mark.parametrize("name", SCORINGS)
def test_scorings(name, data):
    ours, theirs = both(*SPACES["numbers"], data, **SCORINGS[name])
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)
    if theirs.refit:
        assert_same_score(ours, theirs, data)


@pytest.mark.parametrize(
    "cv",
    [None, 3, KFold(4), LeaveOneGroupOut(), [(range(40), range(40, 60)), (range(30), range(50))]],
    ids=str,
)
def test_splitters(cv, data):
    groups = {"groups": np.arange(60) % 4} if isinstance(cv, LeaveOneGroupOut) else {}
    searches = SearchCV(*SPACES["numbers"], cv=cv), GridSearchCV(*SPACES["numbers"], cv=cv)
    ours, theirs = (search.fit(*data, **groups) for search in searches)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


def assert_same_score(ours, theirs, data):
    if callable(theirs.refit) and theirs.multimetric_:
        with pytest.raises(KeyError):
            theirs.score(*data)
        with pytest.raises(KeyError):
            ours.score(*data)
    else:
        assert ours.score(*data) == theirs.score(*data)


def test_attributes_are_those_of_scikit_learn(data):
    ours, theirs = both(*SPACES["numbers"], data)
    assert public(theirs) <= public(ours)
    assert public(ours) - public(theirs) == {"history_"}


def public(search):
    return {name for name in vars(search) if name.endswith("_") and not name.startswith("_")}


class Picky(Dial):
    """Fails on the folds whose training data begin with a given sample."""

    def fit(self, X, y=None):
        if self.a == "always" or (self.a == "at times" and y[0] == 0):
            raise ValueError(f"{self.a}")
        return super().fit(X, y)

    def score(self, X, y=None):
        return float(X[0, 0]) if isinstance(self.a, str) else super().score(X, y)


# The folds of `at_times` are those of training data that begin with a 0.
FAILURES = {
    "one": [1.0, "at times", 2.0],
    "some tie": ["at times", 1.0, "always", 1.0, "at times", 0.5],
    "all but one": ["always", "always", 3.0],
    "none": [2.0, 1.0, 2.0],
}


def with_warnings(search, data):
    """Fit; return the warnings as they are counted and worded."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search.fit(*data)
    # Without the tracebacks: scikit-learn fits from another line when it has callbacks.
    return [(w.category, str(w.message).partition("-----")[0]) for w in caught]


@pytest.fixture
def unshuffled(data):
    """Return folds of which one does not begin with a 0."""
    X, y = data
    order = np.r_[np.flatnonzero(y == 1)[:20], np.flatnonzero(y == 0)[:20]]
    return X[order], y[order]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("scoring", [{}, {"scoring": ["accuracy", "f1"], "refit": "f1"}])
@pytest.mark.parametrize("name", FAILURES)
def test_failed_folds(name, scoring, train, unshuffled):
    settings = {"cv": KFold(2), "return_train_score": train, **scoring}
    ours = SearchCV(Picky(), distinct(FAILURES[name]), **settings)
    theirs = GridSearchCV(Picky(), distinct(FAILURES[name]), **settings)
    assert with_warnings(ours, unshuffled) == with_warnings(theirs, unshuffled)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


def distinct(values):
    """One dict a value, so that equal values make settings that differ."""
    return [{"a": [value], "tag": [k]} for k, value in enumerate(values)]


@pytest.mark.parametrize("error_score", [0.0, 99, -1.5])
def test_failed_folds_under_a_number_rank_last(error_score, unshuffled):
    space = {"a": [1.0, "at times", 2.0, "always", 0.5]}
    settings = {"cv": KFold(2), "error_score": error_score, "refit": False}
    with pytest.warns(match="fits failed out of a total of 10"):
        ours = SearchCV(Picky(), space, **settings).fit(*unshuffled)
    with pytest.warns(match="fits failed out of a total of 10"):
        theirs = GridSearchCV(Picky(), space, **settings).fit(*unshuffled)
    assert_same_results(ours.cv_results_, theirs.cv_results_, but=["rank_test_score"])
    assert ours.cv_results_["rank_test_score"].tolist() == [2, 4, 1, 4, 3]
    assert ours.best_params_ == {"a": 2.0}
    assert ours.cv_results_["mean_test_score"][3] == error_score


def test_a_score_equal_to_error_score_is_no_failure(data):
    search = SearchCV(Dial(), {"a": [0.0, -1.0]}, error_score=0.0, cv=2).fit(*data)
    assert search.cv_results_["rank_test_score"].tolist() == [1, 2]
    assert search.history_.n_failed == 0


def test_failed_scorers(data):
    def failing_for_2(estimator, X, y):
        return 1 / (estimator.a - 2)

    settings = {"scoring": failing_for_2, "cv": KFold(2)}
    ours = SearchCV(Dial(), {"a": [1, 2, 3]}, **settings)
    theirs = GridSearchCV(Dial(), {"a": [1, 2, 3]}, **settings)
    told, expected = with_warnings(ours, data), with_warnings(theirs, data)
    assert [kind for kind, _ in told] == [kind for kind, _ in expected]
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


def test_one_of_two_scorers_fails(data):
    def failing_for_2(estimator, X, y):
        return 1 / (estimator.a - 2)

    settings = {"scoring": {"own": Dial.score, "bad": failing_for_2}, "cv": KFold(2)}
    ours = SearchCV(Dial(), {"a": [1, 2, 3]}, refit="own", **settings)
    theirs = GridSearchCV(Dial(), {"a": [1, 2, 3]}, refit="own", **settings)
    assert len(with_warnings(ours, data)) == len(with_warnings(theirs, data))
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_infinite_scores(data):
    space = {"a": [1.0, np.inf, -np.inf, 2.0]}
    ours = SearchCV(Dial(), space, cv=2).fit(*data)
    with np.errstate(invalid="ignore"):
        theirs = GridSearchCV(Dial(), space, cv=2).fit(*data)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


def test_equal_scores_share_a_rank_and_the_first_is_best(data):
    ours, theirs = both(Dial(), {"a": [1, 3, 2, 0], "b": [0, 1]}, data)
    assert ours.cv_results_["rank_test_score"].tolist() == [6, 4, 2, 1, 4, 2, 8, 6]
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


def test_regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    data = X, X @ [1.0, 2.0, 3.0] + rng.normal(size=40)
    settings = {"scoring": ["r2", "neg_mean_squared_error"], "refit": "r2", "cv": KFold(4)}
    ours, theirs = both(Ridge(), {"alpha": [0.1, 1, 10.0]}, data, **settings)
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_best(ours, theirs)


@pytest.mark.parametrize("verbose", [0, 1, 2, 3, 10])
def test_printed_lines(verbose, data, capsys):
    def lines(search):
        search.fit(*data)
        return [line.partition("total time")[0] for line in capsys.readouterr().out.splitlines()]

    settings = {"cv": 2, "verbose": verbose, "return_train_score": True}
    space = {"max_depth": [1, 2]}
    assert lines(SearchCV(TREE, space, **settings)) == lines(GridSearchCV(TREE, space, **settings))
