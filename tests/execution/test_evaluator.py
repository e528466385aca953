"""One fit: clone, set the parameters, fit, score; failures are told, not raised."""

import math
import pickle
import warnings

import numpy as np
import pytest
from _estimators import Dial, Log, Told, fail, interrupt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skhpo._records import Candidate, Task
from skhpo.execution._evaluator import Evaluator, indices_of

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10) % 2
SPLITS = [(np.arange(6), np.arange(6, 10)), (np.arange(4, 10), np.arange(4))]


def evaluator(estimator=None, **settings):
    estimator = Dial() if estimator is None else estimator
    settings = {
        "scorer": check_scoring(estimator),
        "fit_params": {},
        "score_params": {},
        "error_score": math.nan,
        "return_train_score": False,
        "verbose": 0,
        "n_candidates": 1,
        **settings,
    }
    return Evaluator(estimator, X, Y, SPLITS, **settings)


def evaluate(params, split=0, **settings):
    return evaluator(**settings)(Task(Candidate(0, params), split))


def several(error_score=math.nan, **scorers):
    return _MultimetricScorer(scorers=scorers, raise_exc=error_score == "raise")


def broken(estimator, X, y):
    return 1 / 0


def own(estimator, X, y):
    return estimator.a


def half(estimator, X, y):
    return np.float32(estimator.a / 2)


quiet = pytest.mark.filterwarnings("ignore:Scoring failed")


class TestSuccess:
    def test_evaluation(self):
        task = Task(Candidate(4, {"a": 3}), 1)
        found = evaluator()(task)
        assert found.task is task
        assert (found.scores, found.status, found.error) == ({"score": 3.0}, "ok", None)
        assert found.train_scores is None
        assert found.predictions is None
        assert not found.multimetric
        assert found.fit_time >= 0
        assert found.score_time >= 0

    @pytest.mark.parametrize("split", [0, 1])
    def test_the_data_of_the_split(self, split):
        log = Log()
        evaluate({"a": 1}, split, estimator=Dial(log=log))
        np.testing.assert_array_equal(log[0]["X"], X[SPLITS[split][0]])
        np.testing.assert_array_equal(log[0]["y"], Y[SPLITS[split][0]])

    def test_scores_of_test_and_train(self):
        def size(estimator, X, y):
            return len(X)

        found = evaluate({"a": 1}, scorer=size, return_train_score=True)
        assert (found.scores, found.train_scores) == ({"score": 4.0}, {"score": 6.0})

    def test_parameters_for_fit_and_score_are_cut(self):
        log = Log()

        def weigh(estimator, X, y, sample_weight):
            return sum(sample_weight)

        found = evaluate(
            {"a": 1},
            estimator=Dial(log=log),
            scorer=weigh,
            fit_params={"sample_weight": np.arange(10)},
            score_params={"sample_weight": np.arange(10)},
        )
        assert log[0]["sample_weight"].tolist() == list(range(6))
        assert found.scores == {"score": 6 + 7 + 8 + 9}

    @pytest.mark.parametrize(
        "scorer",
        [several(own=own, half=lambda est, X, y: est.a / 2), None],
        ids=["dict", "function"],
    )
    def test_several_scores(self, scorer):
        def function(estimator, X, y):
            return {"own": estimator.a, "half": np.float32(estimator.a / 2)}

        found = evaluate({"a": 3}, scorer=scorer or function)
        assert found.scores == {"own": 3.0, "half": 1.5}
        assert {type(score) for score in found.scores.values()} == {float}
        assert found.multimetric

    def test_a_dict_of_one_score_is_told_from_a_number(self):
        assert evaluate({"a": 3}, scorer=lambda est, X, y: {"score": 1}).multimetric
        assert not evaluate({"a": 3}, scorer=lambda est, X, y: 1).multimetric

    def test_values_are_cloned(self):
        value = LogisticRegression()
        steps = make_pipeline(StandardScaler(), LogisticRegression())
        evaluate({"logisticregression": value}, estimator=steps)
        assert not hasattr(value, "coef_")
        assert not hasattr(steps[-1], "coef_")

    def test_parameters_of_a_value_that_is_set_as_well(self):
        steps = make_pipeline(StandardScaler(), Dial())
        value = Dial()
        found = evaluate({"dial__a": 5, "dial": value}, estimator=steps)
        assert found.scores == {"score": 5.0}
        assert value.a == 0

    def test_a_scorer_that_answers_nan_did_not_fail(self):
        found = evaluate({"a": math.nan})
        assert found.status == "ok"
        assert math.isnan(found.scores["score"])

    def test_twice_the_same(self):
        both = evaluator()
        task = Task(Candidate(0, {"a": 2}), 0)
        assert both(task).scores == both(task).scores

    def test_pickle(self):
        loaded = pickle.loads(pickle.dumps(evaluator(Dial(a=7))))
        assert loaded(Task(Candidate(0, {}), 0)).scores == {"score": 7.0}


class TestFailure:
    @pytest.mark.parametrize("error_score", [math.nan, 0.0, 5])
    @pytest.mark.parametrize("train", [True, False])
    def test_fit(self, error_score, train):
        found = evaluate({"a": fail}, error_score=error_score, return_train_score=train)
        assert (found.scores, found.train_scores, found.status) == ({}, None, "failed")
        assert found.error.startswith("Traceback")
        assert "Told: as told" in found.error

    def test_set_params(self):
        found = evaluate({"nonsense": 1})
        assert (found.scores, found.status) == ({}, "failed")
        assert "Invalid parameter 'nonsense'" in found.error
        assert (found.fit_time, found.score_time) == (0, 0)

    def test_a_value_that_cannot_be_cloned(self):
        class Single:
            def __deepcopy__(self, memo):
                raise Told("only one of me")

        assert "only one of me" in evaluate({"tag": Single()}).error

    @quiet
    @pytest.mark.parametrize("error_score", [math.nan, 0.0, 5])
    def test_scorer(self, error_score):
        found = evaluate({"a": 1}, scorer=broken, error_score=error_score)
        assert math.isnan(found.scores["score"])
        assert found.status == "failed"
        assert "ZeroDivisionError" in found.error

    @quiet
    @pytest.mark.parametrize("error_score", [math.nan, 3.0])
    def test_one_of_several_scorers(self, error_score):
        scorer = several(own=own, broken=broken)
        found = evaluate(
            {"a": 3.0}, scorer=scorer, error_score=error_score, return_train_score=True
        )
        assert found.scores["own"] == found.train_scores["own"] == 3.0
        assert math.isnan(found.scores["broken"])
        assert math.isnan(found.train_scores["broken"])
        assert found.status == "failed"
        assert "ZeroDivisionError" in found.error

    @quiet
    def test_scorer_on_the_training_data_only(self):
        def small_only(estimator, X, y):
            return 1 / (len(X) == 4)

        found = evaluate({"a": 1}, scorer=small_only, return_train_score=True)
        assert found.scores == {"score": 1.0}
        assert math.isnan(found.train_scores["score"])
        assert "ZeroDivisionError" in found.error

    def test_a_failed_scorer_warns_as_in_scikit_learn(self):
        with pytest.warns(UserWarning, match="Scoring failed"):
            evaluate({"a": 1}, scorer=broken)

    def test_the_evaluators_own_scorer_is_left_alone(self):
        scorer = several(own=own, broken=broken)
        made = evaluator(scorer=scorer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(2):
                error = made(Task(Candidate(0, {"a": 1}), 0)).error
                assert error.count("ZeroDivisionError") == 1
        assert vars(scorer) == vars(several(own=own, broken=broken))

    def test_ctrl_c_is_no_failure(self):
        with pytest.raises(KeyboardInterrupt):
            evaluate({"a": interrupt})


class TestRaise:
    def test_fit(self):
        with pytest.raises(Told, match="as told"):
            evaluate({"a": fail}, error_score="raise")

    def test_set_params(self):
        with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
            evaluate({"nonsense": 1}, error_score="raise")

    @pytest.mark.parametrize("scorer", [broken, several("raise", own=own, broken=broken)])
    def test_scorer(self, scorer):
        with pytest.raises(ZeroDivisionError):
            evaluate({"a": 1}, scorer=scorer, error_score="raise")


class TestVerbose:
    @pytest.mark.parametrize(
        ("verbose", "expected"),
        [
            (1, ""),
            (2, "[CV] END ...a=1, b=2; total time="),
            (3, "[CV 2/2] END ...a=1, b=2;, score=3.000 total time="),
        ],
    )
    def test_lines(self, verbose, expected, capsys):
        evaluate({"b": 2, "a": 1}, 1, verbose=verbose)
        line = capsys.readouterr().out.strip()
        start, _, rest = expected.partition("...")
        assert line.startswith(start)
        assert rest in line

    def test_start(self, capsys):
        evaluate({"a": 1}, 1, verbose=10, n_candidates=7)
        assert capsys.readouterr().out.startswith("[CV 2/2; 1/7] START a=1")


def fit_one(split=0, resource=None, **settings):
    return evaluator(**settings)(Task(Candidate(0, {}), split, resource))


class TestWhatIsKept:
    def test_predictions_as_asked(self):
        found = fit_one(1, predict=lambda estimator, X: X[:, 0] * 2).predictions
        np.testing.assert_array_equal(found, X[SPLITS[1][1], 0] * 2)

    def test_predictions_of_a_part_stand_in_their_places(self):
        def limit(params, task, train, test):
            return params, train, test[[2, 0]]

        found = fit_one(0, 1, predict=lambda estimator, X: X[:, 0], limit=limit).predictions
        test = SPLITS[0][1]
        expected = np.full(len(test), np.nan)
        expected[[0, 2]] = X[test[[0, 2]], 0]
        np.testing.assert_array_equal(found, expected)

    def test_anything_else_of_the_task_and_its_test_part(self):
        kept = fit_one(1, keep=lambda e, task, X, y: (e.n_features_in_, task.split, len(X), len(y)))
        assert kept.kept == (2, 1, 4, 4)

    def test_nothing_of_a_failed_fit(self):
        made = evaluator(Dial(a=fail), keep=len, predict=len)(Task(Candidate(0, {}), 0))
        assert (made.kept, made.predictions) == (None, None)

    def test_masks_are_indices(self):
        np.testing.assert_array_equal(indices_of([False, True, True]), [1, 2])
        np.testing.assert_array_equal(indices_of([2, 0]), [2, 0])


def test_errors_about_a_scorer_name_it():
    def mine(estimator, X, y):
        return None

    with pytest.raises(ValueError, match=r"scorer=<function .*mine at"):
        evaluate({"a": 1}, scorer=mine, error_score="raise")
