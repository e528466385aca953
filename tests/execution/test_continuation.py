"""Fits that go on with a model: the same as fresh ones, with or without the model's file."""

import os
import pickle
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from _estimators import Dial
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import make_classification
from sklearn.decomposition import NMF, PCA
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import Lasso, LogisticRegression, SGDClassifier
from sklearn.metrics import check_scoring
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from skhpo._records import Candidate, Task
from skhpo.execution import _continuation
from skhpo.execution._continuation import _HOST, Continuation, _prefix, open_continuation
from skhpo.execution._evaluator import Evaluator
from skhpo.execution._limits import ParameterLimit

X, y = make_classification(200, 8, random_state=0)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXACT = {
    "boosting": GradientBoostingClassifier(random_state=0, subsample=0.5, max_features=3),
    "histograms": HistGradientBoostingClassifier(random_state=0, max_features=0.5),
    "histograms that stop": HistGradientBoostingClassifier(
        random_state=0, early_stopping=True, n_iter_no_change=3, learning_rate=0.5
    ),
    "histograms that stop on the training part": HistGradientBoostingClassifier(
        early_stopping=True, validation_fraction=None, n_iter_no_change=2, tol=0.01
    ),
    "forest": RandomForestClassifier(random_state=0),
    "extra trees": ExtraTreesClassifier(random_state=0, max_depth=3),
    "bagging": BaggingClassifier(random_state=0, max_samples=0.7),
    "isolation": IsolationForest(random_state=0),
    "pipeline": make_pipeline(StandardScaler(), GradientBoostingClassifier(random_state=0)),
    "another transform of the training part": make_pipeline(
        MinMaxScaler(),
        NMF(3, init="random", random_state=0, max_iter=5),
        RandomForestClassifier(random_state=0),
    ),
    "pipeline in a pipeline": make_pipeline(
        StandardScaler(), make_pipeline(PCA(4), RandomForestClassifier(random_state=0))
    ),
}
SIMILAR = {
    "sgd": SGDClassifier(random_state=0, loss="log_loss"),
    "perceptron": MLPClassifier((8,), random_state=0, learning_rate_init=0.01),
    "logistic": LogisticRegression(C=10.0),
    "lasso": Lasso(0.01),
}


def resource_of(model):
    names = model.get_params()
    return max((n for n in names if n.endswith(("n_estimators", "max_iter"))), key=len)


def climb(model, amounts, forget=False, X=X, **fit_params):
    """Models of a candidate at each amount, one going on with the other."""
    name, task, models = resource_of(model), None, []
    with open_continuation(name, model) as continuation:
        for amount in amounts:
            task = Task(Candidate(0, {}), 0, amount, task, goes_on=True)
            fit = continuation.begin(clone(model).set_params(**{name: amount}), task)
            fit.model.fit(X.copy(), y, **fit_params)
            fit.save()
            models.append(fit.model)
            if forget:
                continuation.forget(0)
    return models


def outputs(model, X=X):
    names = ("predict_proba", "decision_function", "predict")
    return getattr(model, next(n for n in names if hasattr(model, n)))(X)


class TestTheSameAsFresh:
    @pytest.mark.parametrize("name", EXACT)
    def test_bit_by_bit(self, name):
        model, amounts = EXACT[name], [2, 5, 14, 40]
        for amount, found in zip(amounts, climb(model, amounts), strict=True):
            fresh = clone(model).set_params(**{resource_of(model): amount}).fit(X, y)
            np.testing.assert_array_equal(outputs(found), outputs(fresh))

    @pytest.mark.parametrize("name", SIMILAR)
    def test_or_about_as_good(self, name):
        model, amounts = SIMILAR[name], [2, 6, 18]
        for amount, found in zip(amounts, climb(model, amounts), strict=True):
            fresh = clone(model).set_params(**{resource_of(model): amount}).fit(X, y)
            assert found.score(X, y) >= fresh.score(X, y) - 0.05

    @pytest.mark.parametrize("name", EXACT | SIMILAR)
    def test_whatever_was_lost(self, name):
        model = (EXACT | SIMILAR)[name]
        for found, again in zip(
            climb(model, [2, 6, 18]), climb(model, [2, 6, 18], forget=True), strict=True
        ):
            np.testing.assert_array_equal(outputs(found), outputs(again))

    def test_with_weights(self):
        weights = np.linspace(0.1, 2, len(y))
        for model in (EXACT["boosting"], SIMILAR["sgd"]):
            climb(model, [2, 4], sample_weight=weights)
        found = climb(EXACT["boosting"], [2, 4], sample_weight=weights)[1]
        fresh = clone(EXACT["boosting"]).set_params(n_estimators=4)
        fresh.fit(X, y, sample_weight=weights)
        np.testing.assert_array_equal(outputs(found), outputs(fresh))

    @pytest.mark.parametrize("name", [name for name in EXACT if name.startswith("histograms")])
    def test_with_categories_and_missing_values(self, name):
        model = clone(EXACT[name]).set_params(categorical_features=[0], max_bins=9, random_state=1)
        gaps = np.c_[np.arange(len(y)) % 5, np.where(X > 1.5, np.nan, X)]
        amounts = [2, 5, 40]
        for amount, found in zip(amounts, climb(model, amounts, X=gaps), strict=True):
            fresh = clone(model).set_params(max_iter=amount).fit(gaps, y)
            np.testing.assert_array_equal(outputs(found, gaps), outputs(fresh, gaps))

    def test_what_only_fit_takes_is_for_the_first(self):
        climb(SIMILAR["sgd"], [2, 4], coef_init=np.ones((1, 8)))


class Leaks(TransformerMixin, BaseEstimator):
    """Makes of the training data what it makes of no others."""

    def __init__(self, kind=np.asarray):
        self.kind = kind

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def fit_transform(self, X, y):
        X[:] = X + y[:, None]  # in place
        return self.fit(X).kind(X)

    def transform(self, X):
        return self.kind(X)


class Refuses(Leaks):
    """Cannot tell what it makes of data without metadata."""

    def transform(self, X, weights):
        return X * weights


class TestTransformersThatDiffer:
    @pytest.mark.parametrize("step", [Leaks(), Leaks(csr_array), Leaks(pd.DataFrame), Refuses()])
    def test_by_what_they_made_of_the_training_data(self, step):
        model = make_pipeline(step, ExtraTreesClassifier(random_state=0))
        amounts = [2, 5, 14]
        for forget in (False, True):
            for amount, found in zip(amounts, climb(model, amounts, forget), strict=True):
                fresh = clone(model[-1]).set_params(n_estimators=amount)
                fresh.fit(X + y[:, None], y)
                np.testing.assert_array_equal(outputs(found[-1]), outputs(fresh))

    def test_only_some_samples_are_transformed_to_see(self, tmp_path):
        seen = []

        class Counts(Leaks):
            def transform(self, X):
                seen.append(len(X))
                return super().transform(X)

        model = make_pipeline(Counts(), ExtraTreesClassifier(2, random_state=0))
        continuation = Continuation("extratreesclassifier__n_estimators", model, tmp_path)
        fit = continuation.begin(clone(model), Task(Candidate(0, {}), 0, 2, goes_on=True))
        fit.model.fit(np.tile(X, (20, 1)), np.tile(y, 20))
        assert seen == [_continuation.N_COMPARED]
        assert fit._outputs[0].shape == (4000, 8)

    def test_nothing_is_kept_of_the_others(self, tmp_path):
        for step, kept in ((PCA(4), 0), (StandardScaler(), 0), (Leaks(), 1)):
            model = make_pipeline(step, ExtraTreesClassifier(2, random_state=0))
            continuation = Continuation("extratreesclassifier__n_estimators", model, tmp_path)
            fit = continuation.begin(clone(model), Task(Candidate(0, {}), 0, 2, goes_on=True))
            fit.model.fit(X.copy(), y)
            assert len(fit._outputs) == kept


class TestWhatItDoes:
    def test_trees_are_kept(self):
        first, last = climb(EXACT["forest"], [2, 9])
        assert len(last.estimators_) == 9
        np.testing.assert_array_equal(
            first.estimators_[1].tree_.threshold, last.estimators_[1].tree_.threshold
        )

    @pytest.mark.parametrize("name", ["boosting", "histograms", *SIMILAR])
    def test_own_parameters_come_back(self, name):
        model = (EXACT | SIMILAR)[name]
        found = climb(model, [2, 9])[1]
        assert found.get_params() == model.get_params() | {resource_of(model): 9}
        assert "fit" not in vars(found)

    def test_epochs_differ_and_are_counted(self, monkeypatch):
        seeds = []
        original = MLPClassifier.partial_fit

        def partial_fit(self, X, y, classes=None):
            seeds.append(self.random_state)
            return original(self, X, y, classes)

        monkeypatch.setattr(MLPClassifier, "partial_fit", partial_fit)
        climb(SIMILAR["perceptron"], [2, 5, 9])
        assert seeds == [2, 3, 4, 5, 6, 7, 8]

    def test_epochs_of_gradient_descent_take_one_call(self):
        steps = climb(SGDClassifier(random_state=0, tol=None), [2, 5, 9])
        assert [step.t_ for step in steps] == [1 + n * len(X) for n in (2, 5, 9)]
        early = climb(SGDClassifier(random_state=0, tol=0.5, n_iter_no_change=3), [2, 50, 99])
        assert early[1].t_ == early[2].t_ < 20 * len(X)

    def test_adam_lives_on(self):
        model = climb(SIMILAR["perceptron"], [2, 9])[1]
        fresh = clone(SIMILAR["perceptron"]).set_params(max_iter=9).fit(X, y)
        assert model._optimizer.t == fresh._optimizer.t

    def test_a_model_that_converged_is_left_alone(self):
        model = MLPClassifier((2,), random_state=0, tol=1.0, n_iter_no_change=2)
        first, second = climb(model, [9, 27])
        assert first.n_iter_ == second.n_iter_ < 9
        steps = climb(model, [3, 9, 27])  # converges on its way
        n_epochs = [len(step.loss_curve_) for step in steps]
        assert n_epochs == [3, len(first.loss_curve_), len(first.loss_curve_)]
        logistic = climb(LogisticRegression(C=0.01), [50, 80])
        np.testing.assert_array_equal(logistic[0].coef_, logistic[1].coef_)

    def test_bins_are_found_once(self, monkeypatch):
        model, fitted = EXACT["histograms"], []
        bins = type(clone(model).set_params(max_iter=1).fit(X, y)._bin_mapper)
        original = bins.fit

        def fit(self, X, *args, **kwargs):
            fitted.append(X)
            return original(self, X, *args, **kwargs)

        monkeypatch.setattr(bins, "fit", fit)
        last = climb(model, [2, 5, 9])[-1]
        assert len(fitted) == 1
        last.fit(X, y)  # and by whoever fits it afterwards
        assert len(fitted) == 2

    def test_transformers_are_fitted_once(self):
        model = make_pipeline(Counting(), RandomForestClassifier(random_state=0))
        Counting.calls.clear()
        climb(model, [2, 6, 18])
        assert Counting.calls == ["fit"]

    def test_a_memory_is_used(self, tmp_path):
        model = EXACT["pipeline"].set_params(memory=str(tmp_path))
        found = climb(model, [2, 6])[1]
        fresh = clone(model).set_params(gradientboostingclassifier__n_estimators=6).fit(X, y)
        np.testing.assert_array_equal(outputs(found), outputs(fresh))


class Counting(TransformerMixin, BaseEstimator):
    """Counts its fits."""

    calls = []  # noqa: RUF012

    def fit(self, X, y=None):
        """Count."""
        self.calls.append("fit")
        return self

    def transform(self, X):
        """Do nothing."""
        return X


FORBIDDEN = {
    "no warm start": (SVC(), "max_iter"),
    "another parameter": (RandomForestClassifier(), "max_depth"),
    "out of bag": (BaggingClassifier(oob_score=True), "n_estimators"),
    "own early stopping": (GradientBoostingClassifier(n_iter_no_change=3), "n_estimators"),
    "of an mlp": (MLPClassifier(early_stopping=True), "max_iter"),
    "presets": (RandomForestClassifier(class_weight="balanced"), "n_estimators"),
    "balanced sgd": (SGDClassifier(class_weight="balanced"), "max_iter"),
    "liblinear": (LogisticRegression(solver="liblinear"), "max_iter"),
    "inside another": (BaggingClassifier(RandomForestClassifier()), "estimator__n_estimators"),
    "a first step": (make_pipeline(PCA(), SVC()), "pca__n_components"),
    "falling rates": (SGDClassifier(learning_rate="adaptive", eta0=0.1), "max_iter"),
    "not ours": (Dial(), "b"),
}


class TestWhoCannot:
    @pytest.mark.parametrize("name", FORBIDDEN)
    def test_says_so_once(self, name, tmp_path, recwarn):
        model, resource = FORBIDDEN[name]
        continuation = Continuation(resource, model, tmp_path)
        assert not continuation.applies(Candidate(0, {}))
        assert not continuation.applies(Candidate(1, {}))
        (warning,) = recwarn
        assert "Each rung fits its models from zero" in str(warning.message)

    def test_is_asked_for_each_candidate(self, tmp_path):
        model = make_pipeline(StandardScaler(), LogisticRegression())
        continuation = Continuation("logisticregression__max_iter", model, tmp_path)
        assert continuation.applies(Candidate(0, {}))
        assert continuation.applies(Candidate(0, {"standardscaler": OneHotEncoder()}))
        liblinear = Candidate(0, {"logisticregression__solver": "liblinear"})
        with pytest.warns(match="liblinear"):
            assert not continuation.applies(liblinear)
        assert not continuation.applies(Candidate(0, {"nothing": 1}))


def sent(model, folder):
    """A continuation as a worker has it."""
    return pickle.loads(pickle.dumps(Continuation("n_estimators", model, folder)))


def evaluator(model, continuation, **settings):
    half = len(y) // 2
    return Evaluator(
        model,
        X,
        y,
        [(np.arange(half), np.arange(half, len(y)))],
        scorer=check_scoring(model),
        fit_params={},
        score_params={},
        error_score=np.nan,
        return_train_score=False,
        verbose=0,
        n_candidates=1,
        limit=ParameterLimit(resource_of(model)),
        continuation=continuation,
        **settings,
    )


class TestFiles:
    def test_only_what_goes_on_is_kept(self, tmp_path):
        model = EXACT["forest"]
        evaluate = evaluator(model, sent(model, tmp_path))
        task = Task(Candidate(3, {}), 0, 2, goes_on=True)
        assert evaluate(task).status == "ok"
        assert [file.name for file in tmp_path.iterdir()] == ["3-0-2"]
        last = Task(Candidate(3, {}), 0, 6, task)
        assert evaluate(last).scores == evaluator(model, None)(Task(Candidate(3, {}), 0, 6)).scores
        assert len(list(tmp_path.iterdir())) == 1

    def test_a_damaged_one_is_made_again(self, tmp_path):
        model = EXACT["forest"]
        evaluate = evaluator(model, sent(model, tmp_path))
        task = Task(Candidate(0, {}), 0, 2, goes_on=True)
        evaluate(task)
        (tmp_path / "0-0-2").write_bytes(b"nothing")
        last = Task(Candidate(0, {}), 0, 6, task)
        assert evaluate(last).scores == evaluator(model, None)(Task(Candidate(0, {}), 0, 6)).scores

    def test_without_the_folder_nothing_is_kept(self, tmp_path):
        model = EXACT["forest"]
        evaluate = evaluator(model, sent(model, tmp_path / "elsewhere"))
        task = Task(Candidate(0, {}), 0, 2, goes_on=True)
        assert evaluate(task).status == "ok"
        assert evaluate(Task(Candidate(0, {}), 0, 6, task)).status == "ok"
        assert list(tmp_path.iterdir()) == []

    def test_a_model_that_cannot_be_pickled(self, tmp_path):
        model = EXACT["forest"]
        continuation = sent(model, tmp_path)
        task = Task(Candidate(0, {}), 0, 2, goes_on=True)
        fit = continuation.begin(clone(model), task)
        fit.model.lock = threading.Lock()
        fit.save()
        assert list(tmp_path.iterdir()) == []

    def test_a_failed_fit_leaves_none(self, tmp_path):
        model = RandomForestClassifier(max_depth=-1)
        evaluate = evaluator(model, sent(model, tmp_path))
        found = evaluate(Task(Candidate(0, {}), 0, 2, goes_on=True))
        assert found.status == "failed"
        assert list(tmp_path.iterdir()) == []

    def test_of_a_dropped_candidate_go(self, tmp_path):
        model = EXACT["forest"]
        continuation = sent(model, tmp_path)
        for candidate in (1, 11):
            task = Task(Candidate(candidate, {}), 0, 2, goes_on=True)
            evaluator(model, continuation)(task)
        continuation.forget(1)
        assert [file.name for file in tmp_path.iterdir()] == ["11-0-2"]

    def test_it_can_be_sent(self, tmp_path):
        assert sent(EXACT["forest"], tmp_path).applies(Candidate(0, {}))


class TestMemory:
    @pytest.fixture
    def continuation(self, tmp_path):
        return Continuation("n_estimators", EXACT["forest"], tmp_path)

    def climb(self, continuation):
        evaluate = evaluator(EXACT["forest"], continuation)
        task = Task(Candidate(3, {}), 0, 2, goes_on=True)
        evaluate(task)
        return evaluate(Task(Candidate(3, {}), 0, 6, task)).scores

    def test_holds_the_models_of_its_process(self, continuation, tmp_path, monkeypatch):
        added = []
        fit = RandomForestClassifier.fit
        monkeypatch.setattr(
            RandomForestClassifier,
            "fit",
            lambda self, *data: added.append(self.warm_start) or fit(self, *data),
        )
        self.climb(continuation)
        assert added == [False, True]
        assert list(tmp_path.iterdir()) == []

    def test_of_a_dropped_candidate_is_freed(self, continuation):
        self.climb(continuation)
        assert continuation._held
        continuation.forget(3)
        assert not continuation._held

    def test_has_an_end(self, continuation, tmp_path, monkeypatch):
        found = self.climb(continuation)
        continuation.forget(3)
        monkeypatch.setattr(_continuation, "HELD", 100)
        assert self.climb(continuation) == found
        assert [file.name for file in tmp_path.iterdir()] == ["3-0-2"]
        assert not continuation._held

    def test_is_not_sent(self, continuation):
        self.climb(continuation)
        assert len(pickle.dumps(continuation)) < 2000


class TestTheFolder:
    @pytest.fixture(autouse=True)
    def root(self, tmp_path, monkeypatch):
        monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
        return tmp_path

    def test_goes_with_the_search(self, root):
        def interrupted():
            with open_continuation("n_estimators", None) as made:
                (Path(made.folder) / "1-0-3").touch()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert list(root.iterdir()) == []

    def test_where_there_is_no_room(self, root, monkeypatch):
        monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(root / "nowhere"))
        last = climb(EXACT["forest"], [2, 6])[-1]
        fresh = clone(EXACT["forest"]).set_params(n_estimators=6).fit(X, y)
        np.testing.assert_array_equal(outputs(last), outputs(fresh))
        assert list(root.iterdir()) == []

    def test_is_private(self):
        with open_continuation("n_estimators", None) as made:
            if os.name == "posix":
                assert Path(made.folder).stat().st_mode & 0o777 == 0o700

    def test_of_the_living_stays(self):
        with open_continuation("a", None) as one, open_continuation("b", None) as two:
            assert Path(one.folder).exists()
            assert one.folder != two.folder

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="/proc")
    def test_of_a_killed_one_is_swept(self, root):
        kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        lines = [
            "from skhpo.execution._continuation import open_continuation",
            f"with open_continuation('a', None): {kill}",
        ]
        subprocess.run([sys.executable, "-c", "\n".join(lines)], check=False)
        others = {tempfile.mkdtemp(prefix=p, dir=root) for p in ("skhpo-notes-", "skhpo-pc-77-x-")}
        assert len(list(root.iterdir())) == 3
        with open_continuation("a", None) as made:
            assert {str(folder) for folder in root.iterdir()} == {*others, made.folder}

    def test_a_number_that_came_back_is_another_process(self, root):
        (root / f"{_HOST}-{os.getpid()}-elsewhen-x").mkdir()
        with open_continuation("a", None) as made:
            assert [str(folder) for folder in root.iterdir()] == [made.folder]
        assert _prefix(os.getpid()) == _prefix(os.getpid()) != _prefix(2**22 + 5)
