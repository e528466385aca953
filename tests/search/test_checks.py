"""Bad input is an error before any fit, in a sentence: what must hold, what we got, what to do."""

import joblib
import numpy as np
import pytest
from _estimators import Dial, Log
from scipy.stats import randint, uniform
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import BayesSearchCV, SearchCV
from skhpo.optimizers import GaussianProcess, RandomSearch, Sobol
from skhpo.schedulers import CrossValidation
from skhpo.search._checks import check_names, check_stopping, resolve_window
from skhpo.stopping import MaxTime

SPACE = {"a": [1, 2], "b": uniform(0, 1)}


def forbid(params):
    return False


def needs_more(params):
    return params["depth"] > 2


def ambiguous(params):
    return np.array([True, False])


def no_arguments():
    return True


BAD = {  # what is passed -> what the message must say
    "unknown parameter": (
        {"param_distributions": {"tga": [1]}},
        ["param_distributions", "'tga'", "Dial", "Did you mean 'tag'"],
    ),
    "unknown parameter, nothing like it": (
        {"param_distributions": {"xyz": [1]}},
        ["param_distributions", "'xyz'", "Dial", "get_params()"],
    ),
    "unknown parameter in the second dict": (
        {"param_distributions": [{"a": [1]}, {"aa": [1]}]},
        ["param_distributions", "'aa'", "Did you mean 'a'?"],
    ),
    "a letter of the wrong case": (
        {"param_distributions": {"A": [1]}},
        ["param_distributions", "'A'", "Did you mean 'a'?"],
    ),
    "no name": ({"param_distributions": {3: [1]}}, ["param_distributions", "3", "str"]),
    "empty list of dicts": ({"param_distributions": []}, ["param_distributions", "[]"]),
    "no dict": ({"param_distributions": "a"}, ["param_distributions", "'a'", "dict"]),
    "list of no dicts": ({"param_distributions": ["a"]}, ["'a'", "list of dicts", "each item"]),
    "empty list of values": (
        {"param_distributions": {"a": []}},
        ["'a'", "at least one value", "leave it out"],
    ),
    "a number for a list": (
        {"param_distributions": {"a": 3}},
        ["'a'", "3", "int", "rvs", "in a list"],
    ),
    "a word for a list": (
        {"param_distributions": {"a": "three"}},
        ["'a'", "'three'", "in a list"],
    ),
    "a set for a list": ({"param_distributions": {"a": {1}}}, ["'a'", "{1}", "pass list(...)"]),
    "a generator for a list": (
        {"param_distributions": {"a": (k for k in range(3))}},
        ["'a'", "generator", "pass list(...)"],
    ),
    "a matrix of values": (
        {"param_distributions": {"a": np.zeros((2, 2))}},
        ["'a'", "(2, 2)", "list(array)"],
    ),
    "a distribution without arguments": (
        {"param_distributions": {"a": randint}},
        ["'a'", "randint", "arguments"],
    ),
    "a distribution with bad arguments": (
        {"param_distributions": {"a": randint(5, 1)}},
        ["'a'", "randint", "(5, 1)"],
    ),
    "n_iter of nothing": ({"n_iter": 0}, ["n_iter", "0", "[1, inf)"]),
    "n_iter below nothing": ({"n_iter": -3}, ["n_iter", "-3"]),
    "n_iter of a fraction": ({"n_iter": 2.5}, ["n_iter", "2.5", "int"]),
    "initial_params of a dict": ({"initial_params": {"a": 1}}, ["initial_params", "list"]),
    "initial_params of words": (
        {"initial_params": ["a"]},
        ["initial_params", "list of dicts", "'a'", "Write each setting"],
    ),
    "initial_params of pairs": (
        {"initial_params": [("a", 1)]},
        ["initial_params", "list of dicts", "('a', 1)"],
    ),
    "initial_params of an unknown name": (
        {"initial_params": [{"a": 1}, {"tagg": 2}]},
        ["initial_params", "'tagg'", "Did you mean 'tag'"],
    ),
    "an initial setting with a word for a score": (
        {"initial_params": [({"a": 1}, "good")]},
        ["initial_params", "a number", "({'a': 1}, 'good')", "Leave the score out"],
    ),
    "an initial setting with an infinite score": (
        {"initial_params": [({"a": 1}, np.inf)]},
        ["initial_params", "finite scores", "({'a': 1}, inf)", "Leave the score out"],
    ),
    "a scored setting of an unknown name": (
        {"initial_params": [({"tagg": 2}, 0.5)]},
        ["initial_params", "'tagg'", "Did you mean 'tag'"],
    ),
    "a scored setting outside the space": (
        {"initial_params": [({"a": 99}, 0.5)]},
        ["initial_params with a score", "{'a': 99}", "Widen the space"],
    ),
    "more initial_params than n_iter": (
        {"n_iter": 1, "initial_params": [{"a": 1}, {"a": 2}]},
        ["1 in all", "2 initial_params", "Raise n_iter"],
    ),
    "an initial setting that is forbidden": (
        {"initial_params": [{"a": 7}], "constraint": lambda params: params["a"] < 5},
        ["initial_params", "constraint", "{'a': 7}", "Change"],
    ),
    "a constraint that allows nothing": (
        {"constraint": forbid},
        ["constraint", "allowed none", "10000", "Loosen"],
    ),
    "a constraint that allows nothing of a grid": (
        {"constraint": forbid, "param_distributions": {"a": [1, 2, 3]}},
        ["constraint", "allowed none of its 3", "Loosen"],
    ),
    "a constraint that raises": (
        {"constraint": needs_more},
        ["constraint", "KeyError('depth')", "'a'"],
    ),
    "a constraint that is neither true nor false": (
        {"constraint": ambiguous},
        ["constraint", "True or False", "ambiguous"],
    ),
    "no constraint": ({"constraint": "a < 3"}, ["constraint", "callable", "'a < 3'"]),
    "no estimator": ({"estimator": "tree"}, ["estimator", "'fit'", "'tree'"]),
    "a class of estimators": ({"estimator": Dial}, ["estimator", "class", "Dial(...)"]),
    "an unknown optimizer": (
        {"optimizer": "byes"},
        ["optimizer", "'byes'", "'bayes'", "'random'", "'sobol'"],
    ),
    "a class of optimizers": ({"optimizer": Sobol}, ["optimizer", "class", "Sobol(...)"]),
    "no optimizer": ({"optimizer": 3}, ["optimizer", "3"]),
    "a scheduler for an optimizer": (
        {"optimizer": CrossValidation()},
        ["optimizer", "CrossValidation()", "skhpo.optimizers"],
    ),
    "bad pre_dispatch": ({"pre_dispatch": "many"}, ["pre_dispatch", "'many'", "2*n_jobs"]),
    "pre_dispatch that is cut off": (
        {"pre_dispatch": "2*n_jobs+"},
        ["pre_dispatch", "'2*n_jobs+'"],
    ),
    "pre_dispatch of nothing": ({"pre_dispatch": 0}, ["pre_dispatch", "0", "at least 1"]),
    "pre_dispatch of too little": ({"pre_dispatch": "n_jobs//9"}, ["pre_dispatch", "at least 1"]),
    "pre_dispatch of a fraction": ({"pre_dispatch": 2.5}, ["pre_dispatch", "2.5", "int"]),
    "pre_dispatch of code": (
        {"pre_dispatch": "__import__('os').getpid()"},
        ["pre_dispatch", "__import__"],
    ),
    "no stopping rule": ({"stopping": 60}, ["stopping", "60", "callable"]),
    "a list of stopping rules": ({"stopping": [MaxTime(3)]}, ["stopping", "callable"]),
    "a class of stopping rules": ({"stopping": MaxTime}, ["stopping", "class", "MaxTime(...)"]),
    "a stopping rule without arguments": (
        {"stopping": no_arguments},
        ["stopping", "the history", "def rule(history)"],
    ),
    "a stopping rule that stops at once": (
        {"stopping": lambda history: True},
        ["stopping", "at least one fit", "Loosen"],
    ),
    "no seed": ({"random_state": "x"}, ["random_state", "'x'"]),
    "a generator as a seed": (
        {"random_state": np.random.default_rng(0)},
        ["random_state", "Generator"],
    ),
    "one fold": ({"cv": 1}, ["cv", "1", "[2, inf)"]),
    "no fold": ({"cv": []}, ["cv", "at least one split"]),
    "n_jobs of nothing": ({"n_jobs": 0}, ["n_jobs"]),
    "an unknown score": ({"scoring": "acuracy"}, ["scoring", "'acuracy'", "'accuracy'"]),
    "error_score of a word": ({"error_score": "nan"}, ["error_score", "'nan'", "'raise'"]),
}
ONLY_OF_SEARCH = {
    "an unknown scheduler": ({"scheduler": "halfing"}, ["scheduler", "'halfing'", "cv"]),
    "a class of schedulers": (
        {"scheduler": CrossValidation},
        ["scheduler", "class", "CrossValidation(...)"],
    ),
    "an optimizer for a scheduler": (
        {"scheduler": RandomSearch()},
        ["scheduler", "RandomSearch()", "optimizer"],
    ),
    "no scheduler": ({"scheduler": None}, ["scheduler", "None"]),
}


def assert_refused(cls, settings, words, data):
    log = Log()
    settings = {"estimator": Dial(log=log), "param_distributions": SPACE, "cv": 2, **settings}
    made = cls(**settings)
    with pytest.raises((ValueError, TypeError)) as caught:
        made.fit(*data)
    text = str(caught.value)
    assert [word for word in words if word not in text] == [], text
    assert not log
    assert not hasattr(made, "cv_results_")


@pytest.mark.parametrize("cls", [SearchCV, BayesSearchCV])
@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, cls, data):
    assert_refused(cls, *BAD[name], data)


@pytest.mark.parametrize("name", ONLY_OF_SEARCH)
def test_bad_schedulers(name, data):
    assert_refused(SearchCV, *ONLY_OF_SEARCH[name], data)


@pytest.mark.parametrize("pre_dispatch", ["many", "0", "2*n_jobs+", -1])
def test_bad_pre_dispatch_with_workers(pre_dispatch, data):
    with joblib.parallel_config("threading", n_jobs=2):
        assert_refused(SearchCV, {"pre_dispatch": pre_dispatch}, ["pre_dispatch"], data)


def test_everything_before_any_fit_for_a_bayesian_search(data):
    words = ["pre_dispatch", "'all'", "GaussianProcess", "learn", "2*n_jobs"]
    assert_refused(BayesSearchCV, {"pre_dispatch": "all"}, words, data)
    assert_refused(SearchCV, {"pre_dispatch": "all", "optimizer": "bayes"}, words, data)


def test_an_earlier_fit_survives_bad_input(data):
    made = SearchCV(Dial(), {"a": [1, 2]}, cv=2).fit(*data)
    with pytest.raises(ValueError, match="pre_dispatch"):
        made.set_params(pre_dispatch=0).fit(*data)
    assert made.best_params_ == {"a": 2}
    assert made.history_.n_fits == 4


class TestNames:
    TREE = DecisionTreeClassifier()
    SVM = make_pipeline(StandardScaler(), SVC())

    @staticmethod
    def message(estimator, *dicts):
        with pytest.raises(ValueError, match=r"^param_distributions must name") as caught:
            check_names("param_distributions", list(dicts), estimator)
        return str(caught.value)

    def test_closest_names(self):
        text = self.message(self.TREE, {"max_deptt": [1]})
        assert "'max_deptt' is not one of DecisionTreeClassifier" in text
        assert "Did you mean 'max_depth'" in text

    def test_the_step_that_was_left_out(self):
        assert "Did you mean 'svc__C'?" in self.message(self.SVM, {"C": [1]})

    def test_the_wrong_step(self):
        assert "'svc__gamma'" in self.message(self.SVM, {"svm__gamma": [1]})

    def test_one_underscore(self):
        assert "'svc__gamma'" in self.message(self.SVM, {"svc_gamma": [1]})

    @pytest.mark.parametrize(
        "params",
        [
            {"svc__C": [1], "standardscaler__with_mean": [True]},
            {"svc": [LogisticRegression(), "passthrough"], "svc__l1_ratio": [0.5]},
            {"svc": [BaggingClassifier()], "svc__estimator": [SVC()]},
            {
                "svc": [BaggingClassifier()],
                "svc__estimator": [SVC(), DecisionTreeClassifier()],
                "svc__estimator__max_depth": [3],
            },
            {"svc__estimator__C": [1], "svc": (BaggingClassifier(SVC()),)},
            {"steps": [[("only", SVC())]]},
        ],
    )
    def test_names_that_values_bring(self, params):
        check_names("param_distributions", [params], self.SVM)

    def test_names_that_only_another_dict_brings(self):
        brings = {"svc": [LogisticRegression()], "svc__l1_ratio": [0.5]}
        assert "'svc__l1_ratio'" in self.message(self.SVM, brings, {"svc__l1_ratio": [0.5]})

    def test_estimators_that_take_any_name(self):
        class Free(BaseEstimator):
            def __init__(self, **params):
                self.params = params

            @classmethod
            def _get_param_names(cls):
                return []

            def set_params(self, **params):
                return self

        check_names("param_distributions", [{"anything": [1]}], Free())


class TestStopping:
    @pytest.mark.parametrize("rule", [no_arguments, lambda history, more: True])
    def test_the_wrong_arguments(self, rule):
        with pytest.raises(TypeError, match="stopping must be a function of one argument") as error:
            check_stopping(rule, has_rungs=False)
        assert repr(rule) in str(error.value)
        assert "skhpo.stopping" in str(error.value)

    @pytest.mark.parametrize(
        "rule", [None, MaxTime(3), lambda history: True, lambda h, more=1: True, bool, forbid, max]
    )
    def test_the_right_arguments(self, rule):
        check_stopping(rule, has_rungs=False)


class TestWindow:
    @pytest.mark.parametrize(
        ("pre_dispatch", "n_workers", "window"),
        [
            ("2*n_jobs", 1, 1),
            ("2*n_jobs", 4, 8),
            ("3 * n_jobs + 1", 2, 7),
            ("n_jobs", 2, 2),
            ("1.5*n_jobs", 3, 4),
            (5, 1, 5),
            (5, 4, 5),
            ("5", 4, 5),
            (np.int64(3), 1, 3),
        ],
    )
    def test_expressions(self, pre_dispatch, n_workers, window):
        for optimizer in (RandomSearch(), GaussianProcess()):
            assert resolve_window(pre_dispatch, n_workers, optimizer) == window

    def test_all(self):
        assert resolve_window("all", 1, RandomSearch()) == float("inf")
        with pytest.raises(ValueError, match="nothing to learn from"):
            resolve_window("all", 1, GaussianProcess())


@pytest.mark.parametrize(
    "kind", [list, lambda one: np.array(one, dtype=object)], ids=["list", "array"]
)
def test_parameters_of_estimators_among_the_values(kind):
    models = kind([DecisionTreeClassifier()])
    space = {"svc": models, "svc__max_depth": [1, 2]}
    check_names("param_distributions", [space], make_pipeline(StandardScaler(), SVC()))
    with pytest.raises(ValueError, match="'svc__depth' is not one of Pipeline"):
        check_names(
            "param_distributions",
            [{"svc": models, "svc__depth": [1]}],
            make_pipeline(StandardScaler(), SVC()),
        )
