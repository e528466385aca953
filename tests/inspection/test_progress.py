"""What a user sees while a search runs."""

import io
import os
import pickle
import re
from itertools import pairwise
from types import SimpleNamespace

import pytest
import sklearn
from _estimators import Dial, fail
from _histories import history
from scipy.stats import uniform
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.fixes import parse_version

from skhpo import (
    HalvingRandomSearchCV,
    HyperbandSearchCV,
    NestedCV,
    SearchCV,
    SearchProgress,
)
from skhpo.inspection._progress import _cut, describe

DATA = make_classification(20, random_state=0)
NAN = float("nan")
callbacks = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn has callbacks from version 1.9 on",
)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        """Say so."""
        return True


def watch(stream, values=(1, 2, 3), interval=0, **settings):
    settings = {"cv": 2, **settings}
    made = SearchCV(Dial(), {"a": list(values)}, **settings)
    made.set_callbacks(SearchProgress(interval=interval, file=stream))
    made.fit(*DATA)
    return stream.getvalue()


@callbacks
class TestInALogFile:
    def test_a_line_a_fit_and_a_last_one(self):
        lines = watch(io.StringIO()).splitlines()
        assert len(lines) == 7
        assert lines[0].startswith("SearchCV: 0/3 candidates, best score none yet, 0 failed fits")
        assert lines[2].startswith("SearchCV: 1/3 candidates, best score 1,")
        assert lines[-1].startswith("SearchCV: 3/3 candidates, best score 3, 0 failed fits")
        assert lines[-1].endswith("0:00:00 left")

    def test_now_and_then(self):
        assert len(watch(io.StringIO(), interval=60).splitlines()) == 1

    def test_default_interval(self):
        assert len(watch(io.StringIO(), interval=None).splitlines()) == 1

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more")
    def test_failed_fits(self):
        assert "2 failed fits" in watch(io.StringIO(), [fail, 1]).splitlines()[-1]


@callbacks
class TestInATerminal:
    def test_one_line_is_rewritten(self):
        text = watch(Terminal())
        assert text.count("\r") == 7
        assert text.count("\n") == 1
        assert text.endswith("\n")

    def test_a_shorter_line_covers_the_one_before(self):
        lines = [part.rstrip("\n") for part in watch(Terminal(), [1e-9, 2]).split("\r")[1:]]
        assert len({len(line.rstrip()) for line in lines}) > 1
        assert all(len(line) >= len(before.rstrip()) for before, line in pairwise(lines))


class Narrow(Terminal):
    """A terminal that tells its width."""

    def fileno(self):
        """Return a number."""
        return 12


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (94, "BayesSearchCV: 12/12"),
        (93, "12/12 candidates"),
        (80, "12/12 candidates, best score 0.9702, 0 failed fits, 0:00:14 gone, 0:00:00 left"),
        (20, "12/12 candidates, b"),
        (0, "BayesSearchCV: 12/12"),
    ],
)
def test_a_line_is_not_wider_than_the_terminal(width, shown, monkeypatch):
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((width, 24)))
    text = (
        "BayesSearchCV: 12/12 candidates, best score 0.9702, 0 failed fits, "
        "0:00:14 gone, 0:00:00 left"
    )
    found = _cut(text, Narrow())
    assert found.startswith(shown)
    assert width == 0 or len(found) < width
    assert _cut(text, io.StringIO()) == _cut(text, Terminal()) == text


@pytest.mark.parametrize("interval", [-1, "1", NAN])
def test_an_interval_is_seconds(interval):
    with pytest.raises(ValueError, match="interval must be seconds"):
        SearchProgress(interval)


def test_a_file_is_open():
    with pytest.raises(TypeError, match=r"open text stream; got 'a\.log'"):
        SearchProgress(file="a.log")


@callbacks
def test_standard_error_is_the_default(capsys):
    made = SearchCV(Dial(), {"a": [1]}, cv=2).set_callbacks(SearchProgress())
    made.fit(*DATA)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("SearchCV: 1/1 candidates")


@callbacks
def test_a_search_that_is_interrupted_ends_with_a_line():
    stream = io.StringIO()

    def press(history):
        if history.n_fits == 3:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        watch(stream, stopping=press)
    assert stream.getvalue().count("\n") >= 3


@callbacks
def test_one_object_shows_two_fits():
    stream = io.StringIO()
    made = SearchCV(Dial(), {"a": [1, 2]}, cv=2).set_callbacks(SearchProgress(0, stream))
    for _ in range(2):
        made.fit(*DATA)
    assert stream.getvalue().count("2/2 candidates") >= 2


@callbacks
@pytest.mark.filterwarnings("ignore:Each rung fits its models from zero")
class TestRungs:
    @staticmethod
    def lines(**settings):
        stream = io.StringIO()
        made = HyperbandSearchCV(
            Dial(), {"a": uniform(0, 1)}, resource="b", cv=2, random_state=0, **settings
        )
        made.set_callbacks(SearchProgress(0, stream)).fit(*DATA)
        return stream.getvalue().splitlines(), made

    def test_candidates_resource_and_time_left(self):
        lines, _ = self.lines(max_resources=9, min_resources=1)
        assert lines[0].startswith("HyperbandSearchCV: 1/17 candidates, best score none yet")
        assert " with b=3, " in lines[20]
        assert "17/17 candidates" in lines[-1]
        assert " with b=9, " in lines[-1]
        assert all(re.search(r" 0:00:\d\d left$", line) for line in lines)

    @pytest.mark.parametrize("least", [1, "auto"])
    def test_the_plan_is_kept_to(self, least):
        lines, made = self.lines(max_resources=81, min_resources=least)
        assert made.history_.n_resources_held <= made.history_.planned["resources"]
        assert made.history_.planned["resources"] <= 1.02 * made.history_.n_resources_held
        assert made.history_.planned["candidates"] == made.history_.n_candidates
        assert lines[3].endswith("? left") == (least == "auto")

    def test_time_left_by_what_fits_get(self):
        made = history([[1, 3], [2, 4]], resource=3)
        made.elapsed, made.planned = 60.0, {"candidates": 4, "resources": 24}
        text = describe(SimpleNamespace(history_=made), None)
        assert text.endswith("0:01:00 gone, 0:03:00 left")
        assert "2/4 candidates, best score 3 with n_samples=3," in text


class TestDescribe:
    @staticmethod
    def line(table, n_fits=None, elapsed=0.0, n_splits=2):
        made = history(table, n_splits)
        made.elapsed = elapsed
        return describe(SimpleNamespace(history_=made), n_fits, last=n_fits is None)

    def test_time_left(self):
        text = self.line([[1, 2], [3, None]], 12, elapsed=3 * 60.0)
        assert re.fullmatch(
            r"SimpleNamespace: 1/6 candidates, best score 1.5, 0 failed fits, "
            r"0:03:00 gone, 0:09:00 left",
            text,
        )

    def test_hours(self):
        assert "27:46:40 gone" in self.line([[1, 2]], elapsed=100_000.0)

    def test_before_anything_is_known(self):
        text = self.line([], 10)
        assert "0/5 candidates, best score none yet, 0 failed fits, 0:00:00 gone" in text

    def test_the_end_of_a_search_that_stopped_early(self):
        assert "2/2 candidates" in self.line([[1, 2], [3, 4], [5, None]])

    def test_failures(self):
        text = self.line([[NAN, NAN]], 4)
        assert "1/2 candidates, best score none yet, 2 failed fits" in text

    @pytest.mark.parametrize(
        ("score", "shown"), [(0.98765, "0.9877"), (-1234.5, "-1234"), (1e-9, "1e-09"), (2, "2")]
    )
    def test_scores_have_four_digits(self, score, shown):
        assert f"best score {shown}," in self.line([[score, score]])


class Writer:
    """Has nothing but what it must have."""

    def __init__(self):
        self.lines = []

    def write(self, text):
        """Keep it."""
        self.lines.append(text)


class TestOddStreams:
    @callbacks
    def test_one_that_can_only_write(self):
        stream = Writer()
        SearchCV(Dial(), {"a": [1, 2]}, cv=2).set_callbacks(SearchProgress(0, stream)).fit(*DATA)
        assert len(stream.lines) == 5

    @callbacks
    def test_no_console(self, monkeypatch):
        monkeypatch.setattr("sys.stderr", None)
        search = SearchCV(Dial(), {"a": [1, 2]}, cv=2).set_callbacks(SearchProgress(0))
        assert search.fit(*DATA).best_params_ == {"a": 2}

    def test_an_open_file_does_not_travel(self, tmp_path):
        with open(tmp_path / "search.log", "w") as file:
            found = pickle.loads(pickle.dumps(SearchProgress(3, file)))
        assert (found.interval, found.file) == (3, None)


class TestTimeLeft:
    def test_what_a_journal_knew_takes_no_time(self):
        made = history([[1, 2], [3, 4], [5, 6]])
        made.elapsed = 60.0
        for evaluation in made.evaluations[:4]:
            made.recall(evaluation.task)
        text = describe(SimpleNamespace(history_=made), 12)
        assert text.endswith("0:01:00 gone, 0:03:00 left")  # two fits a minute

    def test_nothing_but_what_a_journal_knew(self):
        made = history([[1, 2]])
        for evaluation in made.evaluations:
            made.recall(evaluation.task)
        assert describe(SimpleNamespace(history_=made), 12).endswith("? left")

    def test_spared_folds_are_not_ahead(self):
        lines = []

        def rule(history):
            history.elapsed = 600.0  # lest everything be over in no time
            text = describe(SimpleNamespace(history_=history), 40)
            lines.append((text, history.n_fits, history.n_spared))
            return False

        SearchCV(
            Dial(),
            {"a": [9, *range(9)]},
            cv=4,
            n_iter=10,
            fold_stopping="aggressive",
            stopping=rule,
        ).fit(*DATA)
        text, n_fits, n_spared = lines[-1]
        assert n_spared > 0
        assert n_fits + n_spared == 40
        assert text.endswith("0:00:00 left")

    @pytest.mark.filterwarnings("ignore:Each rung fits its models from zero")
    def test_spared_resources_are_not_ahead(self):
        lines = []

        def rule(history):
            history.elapsed = 600.0  # lest everything be over in no time
            text = describe(SimpleNamespace(history_=history), None)
            lines.append((text, history.n_resources_spared))
            return False

        HalvingRandomSearchCV(
            Dial(),
            {"a": [9, *range(8)]},
            resource="b",
            max_resources=9,
            n_candidates=9,
            cv=4,
            fold_stopping="aggressive",
            stopping=rule,
        ).fit(*DATA)
        text, spared = lines[-1]
        assert spared > 0
        assert text.endswith("0:00:00 left")


@callbacks
def test_nested_cross_validation_shows_its_own_score():
    stream = io.StringIO()
    tree = DecisionTreeClassifier(random_state=0)
    search = SearchCV(tree, {"max_depth": [1, 2]}, cv=2)
    made = NestedCV(search, cv=3, interval="ncv").set_callbacks(SearchProgress(0, stream))
    made.fit(*DATA)
    assert f"best score {made.best_score_:.4g}," in stream.getvalue().splitlines()[-1]
