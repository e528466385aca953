"""The tree of callback contexts around a search, as a callback sees it."""

import pickle

import joblib
import pytest
import sklearn
from _estimators import SEARCHES, Dial, Told, fail, interrupt
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils.fixes import parse_version

from skhpo import BayesSearchCV, NestedCV, SearchCV
from skhpo._sklearn import bare_context, callback_context

pytestmark = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn has callbacks from version 1.9 on",
)
LEAF, SEARCH = "candidate-split-evaluation", "search"
REFIT = "refit-with-best-params"


class Notes:
    """A callback that writes down what it is called for."""

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        """Begin."""
        self._note("setup", estimator, context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        """Write down."""
        self._note("begin", estimator, context, X=X, y=y, metadata=metadata)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None):
        """Write down."""
        self._note("end", estimator, context, X=X, y=y, metadata=metadata)

    def teardown(self, estimator, context):
        """End."""
        self._note("teardown", estimator, context)

    def _note(self, event, estimator, context, **data):
        about = {"task": context.task_name, "id": context.task_id, "most": context.max_subtasks}
        parent = context.parent.task_name if context.parent is not None else None
        self.seen.append({"event": event, **about, "parent": parent, **data})

    def tasks(self, event):
        """Names of the tasks of which an event was seen."""
        return [one["task"] for one in self.seen if one["event"] == event]


def watched(space, cls=SearchCV, error=None, n_jobs=1, **settings):
    """A fitted search and the notes of its callback."""
    notes, X, y = Notes(), [[0.0], [1.0]] * 6, [0, 1] * 6
    made = cls(Dial(), space, **{"cv": 2, **settings}).set_callbacks(notes)
    with joblib.parallel_config("threading", n_jobs=n_jobs):
        if error is None:
            made.fit(X, y)
        else:
            with pytest.raises(error):
                made.fit(X, y)
    return made, notes


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("n_jobs", [1, 2])
class TestTree:
    def test_every_task_begins_and_ends_once(self, refit, n_jobs):
        _, notes = watched({"a": [1, 2, 3]}, n_jobs=n_jobs, refit=refit)
        expected = ["fit", SEARCH, *[LEAF] * 6, *[REFIT] * refit]
        assert sorted(notes.tasks("begin")) == sorted(notes.tasks("end")) == sorted(expected)
        assert notes.tasks("setup") == notes.tasks("teardown") == ["fit"]
        assert [notes.seen[0]["event"], notes.seen[-1]["event"]] == ["setup", "teardown"]

    def test_leaves_are_numbered_under_the_search(self, refit, n_jobs):
        _, notes = watched({"a": [1, 2, 3]}, n_jobs=n_jobs, refit=refit)
        leaves = [one for one in notes.seen if one["task"] == LEAF and one["event"] == "begin"]
        assert [one["id"] for one in leaves] == list(range(6))
        assert {one["parent"] for one in leaves} == {SEARCH}
        (search,) = [one for one in notes.seen if one["task"] == SEARCH and one["event"] == "end"]
        assert (search["parent"], search["most"]) == ("fit", 6)

    def test_is_that_of_grid_search(self, refit, n_jobs):
        trees = []
        for cls in (SearchCV, GridSearchCV):
            _, notes = watched({"a": [1, 2, 3]}, cls, n_jobs=n_jobs, refit=refit)
            events = [(one["event"], one["task"], one["parent"]) for one in notes.seen]
            trees.append(sorted(set(events), key=str))
        assert trees[0] == trees[1]


def test_the_data_and_the_weights_are_there():
    notes, X, y = Notes(), [[0.0], [1.0]] * 6, [0, 1] * 6
    SearchCV(Weighing(), {"a": [1]}, cv=2).set_callbacks(notes).fit(X, y, sample_weight=[1.0] * 12)
    for one in notes.seen:
        if one["task"] != LEAF and one["event"] in ("begin", "end"):
            assert one["X"] is X
            assert one["y"] is y
            assert one["metadata"] == {"sample_weight": [1.0] * 12}


class Weighing(Dial):
    """Takes weights."""

    def fit(self, X, y, sample_weight=None):
        """Ignore them."""
        return super().fit(X, y)

    def score(self, X, y, sample_weight=None):
        """Ignore them."""
        return super().score(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more")
def test_failed_fits_end_as_well():
    _, notes = watched({"a": [1, fail]})
    assert notes.tasks("end").count(LEAF) == 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_folds_that_are_skipped_leave_no_task_open(n_jobs):
    space, rule = {"a": [9, 1, 2, 3]}, "forgiving"
    made, notes = watched(space, n_jobs=n_jobs, cv=3, fold_stopping=rule, pre_dispatch=1)
    n_leaves = made.history_.n_fits
    assert n_leaves == 6  # of the 12 that the search announced
    assert notes.tasks("end").count(LEAF) == notes.tasks("begin").count(LEAF) == n_leaves
    assert notes.tasks("end")[n_leaves:] == [SEARCH, REFIT, "fit"]


@pytest.mark.parametrize(
    ("values", "error", "settings"),
    [
        ([1, interrupt], KeyboardInterrupt, {}),
        ([1, fail], Told, {"error_score": "raise"}),
        ([fail], ValueError, {}),
        ([1], ValueError, {"stopping": lambda history: True}),
    ],
)
def test_teardown_whatever_ends_the_search(values, error, settings):
    _, notes = watched({"a": values}, error=error, **settings)
    assert notes.tasks("setup") == notes.tasks("teardown") == ["fit"]


def test_nothing_is_set_up_for_bad_input():
    _, notes = watched({"z": [1]}, error=ValueError)
    assert notes.seen == []


def test_a_callback_sees_the_history_grow():
    seen = []

    class Watch(Notes):
        def on_fit_task_end(self, estimator, context, **data):
            if context.task_name == LEAF:
                seen.append(estimator.history_.n_fits)

    made = BayesSearchCV(Dial(), {"a": [1, 2, 3]}, cv=2).set_callbacks(Watch())
    made.fit([[0.0], [1.0]] * 6, [0, 1] * 6)
    assert seen == [1, 2, 3, 4, 5, 6]


def test_fitting_again_is_a_new_tree():
    made, notes = watched({"a": [1, 2]})
    made.fit([[0.0], [1.0]] * 6, [0, 1] * 6)
    assert notes.tasks("setup") == ["fit", "fit"]
    assert notes.tasks("end").count(LEAF) == 8


def make_any(cls, estimator, n_jobs=None):
    """A search of any class; grid search and nested cross-validation too."""
    space, options = {"C": [0.01, 0.1, 1]}, {"cv": 2, "n_jobs": n_jobs}
    if cls is NestedCV:
        return NestedCV(SearchCV(estimator, space, cv=2), **options)
    limit = {"max_resources": 75} if "max_resources" in cls._get_param_names() else {}
    return cls(estimator, space, **options, **limit)


def monitored(cls, n_jobs=None):
    """The rows that scikit-learn's monitor has of an estimator inside a search."""
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    estimator = LogisticRegression(max_iter=200).set_callbacks(monitor)
    made = make_any(cls, estimator, n_jobs).fit(*load_iris(return_X_y=True))
    (run,) = monitor.get_logs("all")
    rows = [{k: v for k, v in row.items() if k != "task_id_path"} for row in run.data]
    assert len({row["task_id_path"] for row in run.data}) == len(rows)
    return made, run.estimator_name, rows


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_monitor_inside_sees_one_run_as_in_grid_search(n_jobs):
    _, name, rows = monitored(SearchCV, n_jobs)
    assert name == "SearchCV"
    assert rows == monitored(GridSearchCV, n_jobs)[2]


@pytest.mark.parametrize("cls", [*SEARCHES, NestedCV])
def test_a_monitor_inside_sees_every_fit(cls):
    made, name, rows = monitored(cls)
    assert name == cls.__name__
    whole = [row for row in rows if row["task_name"] == "fit"]
    inside = 2 * (3 * 2 + 1) + 3 * 2 if cls is NestedCV else made.history_.n_fits
    assert len(whole) == inside + 1


@pytest.mark.parametrize("cls", [*SEARCHES, NestedCV])
def test_the_progress_bar_of_scikit_learn(cls, capsys, monkeypatch):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    monkeypatch.setenv("COLUMNS", "120")
    made = make_any(cls, LogisticRegression(max_iter=200)).set_callbacks(ProgressBar())
    made.fit(*load_iris(return_X_y=True))
    out = capsys.readouterr().out
    for words in (f"{cls.__name__} - fit", f"{cls.__name__} - search", "100%"):
        assert words in out


def test_what_travels_is_one_branch():
    made = SearchCV(Dial(), {"a": [1, 2]}).set_callbacks(Notes())
    root = callback_context(made, 1)
    search = root.subcontext(task_name=SEARCH, max_subtasks=None, sequential_subtasks=False)
    for number in range(1000):
        search.subcontext(task_name=LEAF, task_id=number)
    bare = bare_context(search)
    assert len(pickle.dumps(bare)) < 2000
    assert [bare.parent.task_name, bare.task_name] == ["fit", SEARCH]
    assert bare.root_uuid == root.root_uuid
    assert len(search._children_map) == 1000
