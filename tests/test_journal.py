"""The journal: what was written is there again, or an error says why; never a wrong result."""

import copy
import gc
import json
import math
import os
import pickle
import secrets
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import skhpo
from skhpo._records import Candidate, Evaluation, Task
from skhpo.history import History
from skhpo.journal import Journal, JournalError, JournalLockedError, _owners, _rows, load_history

quick = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)

PARTS = {"data": "d0", "splits": "s0", "estimator": "e0", "space": "p0", "seed": "7"}
SPLITS = [
    (np.arange(10, 30), np.arange(10)),
    (np.r_[0:10, 20:30], np.arange(10, 20)),
    (np.arange(30) < 20, np.arange(30) >= 20),
]
HEADER = {
    "seed": 7,
    "window": math.inf,
    "n_iter": 20,
    "metric": "score",
    "versions": {"numpy": "2.0", "scikit-learn": "1.7"},
    "splits": SPLITS,
}
N_CANDIDATES = 8
TASKS = [(i, split) for i in range(N_CANDIDATES) for split in range(3)]


def candidate(i):
    return Candidate(i, {"C": 0.1 * i, "kernel": "rbf"}, np.array([i / 10, np.nan]), "bayes", (0,))


def evaluation(i, split, **changes):
    """A fit that is known beforehand, all that a fit can be."""
    about = {
        "scores": {"score": i / 7 + split, "lost": math.nan},
        "fit_time": i / 3,
        "score_time": math.nan,
        "status": "failed" if i == 3 else "ok",
        "error": f"Traceback {i}" if i == 3 else None,
        "train_scores": {"score": -math.inf},
        "predictions": np.array([[i, split, np.nan, -0.0]]),
        "multimetric": True,
    }
    return Evaluation(Task(candidate(i), split), **{**about, **changes})


def check_equal(got, wanted):
    assert got.task.key == wanted.task.key
    for name in ("scores", "train_scores", "fit_time", "score_time", "predictions"):
        np.testing.assert_equal(getattr(got, name), getattr(wanted, name), strict=True)
    for name in ("status", "error", "multimetric"):
        assert getattr(got, name) == getattr(wanted, name)


def begin(path, *, kind="SearchCV", header=HEADER, options=(), **parts):
    return Journal(path, **dict(options)).open(kind, {**PARTS, **parts}, header)


def fill(log, tasks=TASKS):
    for i, split in tasks:
        log.append(evaluation(i, split))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.db"


@pytest.fixture
def filled(path):
    with begin(path) as log:
        fill(log)
    return path


def beside(path):
    """Names of the files in the folder of a journal."""
    return sorted(file.name for file in path.parent.iterdir())


class TestResume:
    def test_a_new_run_knows_nothing(self, path):
        with begin(path) as log:
            assert not log.resumed
            assert log.suggestions == {}
            assert log.header is HEADER
            assert log.recall(evaluation(0, 0).task) is None

    def test_what_was_written_is_recalled(self, filled):
        with begin(filled) as log:
            assert log.resumed
            for i, split in TASKS:
                task = evaluation(i, split).task
                got = log.recall(task)
                check_equal(got, evaluation(i, split))
                assert got.task is task
            assert log.recall(evaluation(0, 3).task) is None
            assert log.recall(Task(candidate(0), 0, 2.0)) is None

    def test_suggestions_are_recalled(self, filled):
        with begin(filled) as log:
            assert list(log.suggestions) == list(range(N_CANDIDATES))
            point, source, parents, draw = log.suggestions[5]
            np.testing.assert_equal(point, [0.5, np.nan], strict=True)
            assert (source, parents, draw) == ("bayes", (0,), getattr(candidate(5), "draw", -1))

    def test_a_candidate_outside_the_space_has_no_point(self, path):
        task = Task(Candidate(0, {"a": 1}), 0)
        with begin(path) as log:
            log.append(Evaluation(task, {"score": 1.0}, 0.1, 0.1))
        with begin(path) as log:
            assert log.suggestions[0][0] is None
            assert log.recall(task).scores == {"score": 1.0}

    def test_what_is_recalled_while_it_is_written(self, path):
        with begin(path) as log:
            log.append(evaluation(1, 2))
            check_equal(log.recall(evaluation(1, 2).task), evaluation(1, 2))
            assert list(log.suggestions) == [1]

    def test_resources_are_told_apart(self, path):
        tasks = [Task(candidate(0), 0, resource) for resource in (None, 1, 2.5)]
        with begin(path) as log:
            for score, task in enumerate(tasks):
                log.append(Evaluation(task, {"score": float(score)}, 0.0, 0.0))
        with begin(path) as log:
            assert [log.recall(task).scores["score"] for task in tasks] == [0, 1, 2]

    def test_the_header_of_the_first_call_is_kept(self, filled):
        with begin(filled, header={**HEADER, "window": 3, "n_iter": 99, "seed": 1}) as log:
            header = dict(log.header)
        np.testing.assert_equal(header.pop("splits"), SPLITS, strict=True)
        assert header == {name: HEADER[name] for name in HEADER if name != "splits"}

    def test_other_versions_only_warn(self, filled):
        header = {**HEADER, "versions": {"numpy": "2.1", "scikit-learn": "1.7", "scipy": "1"}}
        with pytest.warns(UserWarning, match=r"begun with numpy 2\.0 \(now 2\.1\)") as caught:
            begin(filled, header=header).close()
        assert len(caught) == 1
        assert caught[0].filename == __file__

    def test_another_candidate_under_the_same_id(self, filled):
        with begin(filled) as log:
            for point in (np.array([0.6, np.nan]), np.array([0.5, 0.5]), None):
                task = Task(Candidate(5, {}, point), 0)
                with pytest.raises(JournalError, match="has another candidate 5 than this search"):
                    log.recall(task)
            assert log.recall(Task(Candidate(5, {}, np.array([0.5 + 1e-12, np.nan])), 0))

    def test_a_full_disk_is_told_and_can_be_mended(self, path):
        with begin(path) as log:
            log.append(evaluation(0, 0))
            (pages,) = log._connection.execute("PRAGMA page_count").fetchone()
            log._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
            with pytest.raises(JournalError, match="database or disk is full"):
                log.append(evaluation(1, 0, error="x" * 10_000))
            log._connection.execute("PRAGMA max_page_count = 10000")
            log.append(evaluation(1, 0))
        assert load_history(path)[0].n_fits == 2

    def test_a_fit_written_twice_counts_once(self, path):
        with begin(path) as log:
            log.append(evaluation(0, 0))
            log.append(evaluation(0, 0, scores={"score": 5.0}))
        (history,) = load_history(path)
        assert history.n_fits == 1
        assert history.evaluations[0].scores == {"score": 5.0}

    def test_an_interrupt_leaves_whole_fits(self, path, monkeypatch):
        def interrupt(table, row):
            if table == "fits":
                raise KeyboardInterrupt

        with begin(path) as log:
            log.append(evaluation(0, 0))
            with monkeypatch.context() as patch:
                patch.setattr(log, "_insert", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    log.append(evaluation(1, 0))
            log.append(evaluation(1, 1))
        (history,) = load_history(path)
        assert [e.task.key for e in history.evaluations] == [(0, 0, None), (1, 1, None)]

    def test_nothing_is_left_beside_the_file(self, filled):
        load_history(filled)
        begin(filled).close()
        assert beside(filled) == ["search.db"]


class _Interrupt:
    def __conform__(self, protocol):
        raise KeyboardInterrupt


class TestRetry:
    def outcome(self, path, retry, **changes):
        """What a call with `retry` finds of a failed fit; it writes down what comes of it."""
        with begin(path, options={"retry_failed": retry}) as log:
            known = log.recall(evaluation(3, 0).task)
            if known is None:
                log.append(evaluation(3, 0, **changes))
            return known

    def test_a_failed_fit_is_kept(self, filled):
        check_equal(self.outcome(filled, False), evaluation(3, 0))

    def test_on_request_it_is_repeated_once(self, filled):
        assert self.outcome(filled, True) is None
        check_equal(self.outcome(filled, True), evaluation(3, 0))
        assert self.outcome(filled, 2) is None
        check_equal(self.outcome(filled, 2), evaluation(3, 0))

    def test_what_succeeds_then_is_kept(self, filled):
        assert self.outcome(filled, True, status="ok", error=None) is None
        for retry in (False, True, 9):
            assert self.outcome(filled, retry).status == "ok"
        (history,) = load_history(filled)
        assert history.n_fits == len(TASKS)
        assert history.n_failed == 2

    def test_what_succeeded_is_never_repeated(self, filled):
        with begin(filled, options={"retry_failed": 9}) as log:
            assert [i for i, split in TASKS if log.recall(evaluation(i, split).task) is None] == [
                3
            ] * 3


numbers = st.floats(allow_subnormal=True) | st.integers(-(10**18), 10**18).map(float)


@pytest.fixture(scope="module")
def kept_open(tmp_path_factory):
    """A file that is open already: it takes long to close the last run of a file."""
    path = tmp_path_factory.mktemp("exact") / "j.db"
    with begin(path, kind="another"):
        yield path


@quick
@given(
    scores=st.dictionaries(st.text(st.characters(exclude_categories=[])), numbers),
    predictions=st.lists(numbers),
    point=st.lists(numbers),
    fit_time=numbers,
    error=st.none() | st.text(),
)
def test_every_float_and_text_is_exact(kept_open, scores, predictions, point, fit_time, error):
    begin_new = partial(begin, kept_open, seed=secrets.token_hex(4), data=secrets.token_hex(4))
    wanted = Evaluation(
        Task(Candidate(0, {}, np.array(point)), 0),
        scores,
        fit_time,
        0.0,
        "failed",
        error,
        dict(reversed(scores.items())),
        np.array(predictions),
    )
    with begin_new() as log:
        log.append(wanted)
    with begin_new() as log:
        got = log.recall(wanted.task)
        check_equal(got, wanted)
        assert list(map(repr, got.scores.values())) == list(map(repr, scores.values()))
        np.testing.assert_equal(log.suggestions[0][0], np.array(point), strict=True)


def test_text_that_utf8_cannot_hold(path):
    with begin(path) as log:
        log.append(evaluation(0, 0, error="no file \udc80\0", scores={"\udc80": 1.0}))
        got = log.recall(evaluation(0, 0).task)
    assert got.error == "no file \\udc80\0"
    assert got.scores == {"\udc80": 1.0}


@pytest.mark.parametrize(
    "splits",
    [
        [],
        [(np.arange(0), np.arange(5))],
        [(np.array([3, 1, 1, -2], dtype=np.int32), np.array([2**40]))],
        [([0, 1], [2])] * 3,
        [(np.arange(5, dtype=np.uint8) % 2 == 0, np.array([True]))],
    ],
)
def test_splits_are_kept(path, splits):
    begin(path, header={**HEADER, "splits": splits}).close()
    with begin(path) as log:
        for got, wanted in zip(log.header["splits"], splits, strict=True):
            for a, b in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(a, b)
                assert (a.dtype == bool) == (np.asarray(b).dtype == bool)


def test_splits_that_are_no_indices(path):
    with pytest.raises(ValueError, match="cv must give arrays of indices or masks"):
        begin(path, header={**HEADER, "splits": [(slice(3), np.arange(3))]})
    assert load_history(path) == []


class TestManyRuns:
    def test_runs_do_not_mix(self, path):
        with begin(path) as one, begin(path, seed="8", data="d1") as two:
            one.append(evaluation(0, 0))
            two.append(evaluation(0, 0, scores={"score": 9.0}))
            two.append(evaluation(1, 0))
        with begin(path) as one, begin(path, seed="8", data="d1") as two:
            check_equal(one.recall(evaluation(0, 0).task), evaluation(0, 0))
            assert one.recall(evaluation(1, 0).task) is None
            assert two.recall(evaluation(0, 0).task).scores == {"score": 9.0}
        assert [history.n_fits for history in load_history(path)] == [1, 2]

    def test_the_kind_tells_runs_apart(self, path):
        begin(path).close()
        with begin(path, kind="BayesSearchCV") as log:
            assert not log.resumed

    def test_the_order_of_the_parts_does_not(self, path):
        begin(path).close()
        with Journal(path).open("SearchCV", dict(reversed(PARTS.items())), HEADER) as log:
            assert log.resumed


class TestMismatch:
    def reported(self, path, on_mismatch="warn", **parts):
        """Names of the parts that opening a run with other parts reports."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            begin(path, options={"on_mismatch": on_mismatch}, **parts).close()
        assert all(issubclass(w.category, UserWarning) for w in caught)
        assert all(w.filename == __file__ for w in caught)
        return [str(w.message).partition("only, its ")[2].split(".")[0] for w in caught]

    def leave(self, path, finished, **parts):
        with begin(path, **parts) as log:
            if finished:
                log.finish(1)

    @pytest.mark.parametrize("finished", [False, True])
    @pytest.mark.parametrize(
        ("parts", "expected"),
        [
            ({}, []),
            ({"estimator": "e1"}, ["estimator"]),
            ({"seed": "8"}, ["seed"]),
            ({"another": "part"}, ["another"]),
            ({"estimator": "e1", "seed": "8"}, []),
            ({"estimator": "e1", "data": "d1"}, []),
        ],
    )
    def test_one_part_is_named(self, path, finished, parts, expected):
        self.leave(path, finished)
        assert self.reported(path, **parts) == expected

    @pytest.mark.parametrize("part", ["data", "metadata", "splits"])
    def test_folds_are_reported_only_when_one_was_interrupted(self, path, part):
        self.leave(path, True)
        assert self.reported(path, **{part: "other"}) == []
        self.leave(path, False)
        assert self.reported(path, **{part: "one more"}) == [part]

    def test_a_fold_that_is_at_work_is_not_reported(self, path):
        with begin(path):
            assert self.reported(path, data="d1") == []
            assert self.reported(path, seed="8") == ["seed"]

    def test_another_kind_is_not_reported(self, path):
        self.leave(path, False)
        assert self.reported(path, kind="BayesSearchCV", seed="8") == []

    def test_the_last_one_is_reported_once(self, path):
        self.leave(path, True)
        assert self.reported(path, seed="8") == ["seed"]
        assert self.reported(path, seed="9") == ["seed"]

    def test_it_can_be_an_error(self, filled):
        before = filled.read_bytes()
        with pytest.raises(JournalError, match="in one part only, its seed"):
            begin(filled, options={"on_mismatch": "error"}, seed="8")
        assert filled.read_bytes() == before
        assert self.reported(filled, "error") == []


# Other processes. They import the journal without the rest of the package: that takes less time.

CHILD = f"""
import sys, types
package = types.ModuleType("skhpo")
package.__path__ = {list(skhpo.__path__)!r}
sys.modules["skhpo"] = package
import math, os, numpy as np
from skhpo._records import Candidate, Evaluation, Task
from skhpo.journal import Journal
path, number = sys.argv[1], sys.argv[2]
header = dict(seed=7, window=1, n_iter=9, metric="score", versions={{}}, splits=[])
parts = {{"data": number, "seed": number}}
def evaluation(i):
    task = Task(Candidate(i, {{"C": i}}, np.array([i / 1e6])), 0)
    return Evaluation(task, {{"score": i / 3}}, 0.1, 0.1)
"""
KEEPS_WRITING = """
with Journal(path).open("SearchCV", parts, header) as log:
    for i in range(len(log.suggestions), 10**6):
        log.append(evaluation(i))
        print(i, flush=True)
"""
WRITES_SOME = """
print("ready", flush=True)
sys.stdin.readline()
with Journal(path).open("SearchCV", parts, header) as log:
    for i in range(100):
        log.append(evaluation(i))
    log.finish(100)
"""


def start(script, path, number=0):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CHILD + script, str(path), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def begin_like_a_child(path, number=0, **options):
    parts = {"data": str(number), "seed": str(number)}
    return Journal(path, **options).open("SearchCV", parts, {**HEADER, "versions": {}})


class TestProcesses:
    def test_a_killed_process_loses_no_fit_and_no_lock(self, path):
        written = 0
        for seconds in (0.0, 0.05):
            with start(KEEPS_WRITING, path) as process:
                written = int(process.stdout.readline()) + 1
                time.sleep(seconds)
                with pytest.raises(JournalLockedError, match=f"process {process.pid} is at work"):
                    begin_like_a_child(path)
                process.kill()
                written = max([written, *(int(i) + 1 for i in process.stdout)])
                # Dead but not waited for: a zombie holds no lock either.
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
                with begin_like_a_child(path) as log:
                    assert log.resumed
                    assert written <= len(log.suggestions) <= written + 1
                    for i in range(written):
                        task = Task(Candidate(i, {}, np.array([i / 1e6])), 0)
                        assert log.recall(task).scores == {"score": i / 3}
        assert beside(path) == ["search.db"]

    def test_many_processes_begin_and_write_one_file_together(self, path):
        processes = [start(WRITES_SOME, path, number) for number in range(3)]
        for process in processes:
            process.stdout.readline()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        histories = load_history(path)
        assert [history.n_fits for history in histories] == [100] * 3
        assert all(history.finished and not history.running for history in histories)
        assert beside(path) == ["search.db"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_is_kept_out(self, path):
        with begin(path) as log:
            log.append(evaluation(0, 0))
            outcome, inlet = os.pipe()
            if (child := os.fork()) == 0:
                os.write(inlet, "\n".join(map(_complaint, _what_a_child_tries(log, path))).encode())
                os._exit(0)
            os.close(inlet)
            os.waitpid(child, 0)
            with open(outcome) as told:
                append, recall, own, other, read = told.read().split("\n")
            log.append(evaluation(0, 1))
        assert f"by the process that opened it ({os.getpid()})" in append
        assert recall == "None"
        assert "open when this process was forked" in own
        assert own == other == read
        with begin(path) as log:
            assert len(load_history(path)[0].evaluations) == 2


def _what_a_child_tries(log, path):
    yield partial(log.append, evaluation(0, 2))
    yield log.close
    yield partial(begin, path)
    yield partial(begin, path, seed="8", data="d1")
    yield partial(load_history, path)


def _complaint(function):
    try:
        return repr(function())
    except JournalError as error:
        return str(error)


class TestLocks:
    def test_a_run_is_opened_once(self, path):
        with begin(path), pytest.raises(JournalLockedError, match=f"process {os.getpid()} is at"):
            begin(path)
        begin(path).close()

    def test_in_another_thread_neither(self, path):
        complaints = []
        with begin(path):
            thread = threading.Thread(
                target=lambda: complaints.append(_complaint(partial(begin, path)))
            )
            thread.start()
            thread.join()
        assert "is at work on this very search" in complaints[0]

    def test_one_that_was_forgotten_is_free(self, path):
        log = begin(path)
        with log._connection:
            pass
        connection, owner = log._connection, log._owner
        del log
        gc.collect()
        with closing(connection), begin(path) as log:
            assert log._owner != owner
            assert log.resumed

    @pytest.mark.parametrize(
        "owner",
        [
            f"{os.getpid()} another-birth aaaa",
            f"{os.getppid()} another-birth aaaa",
            "999999999 birth aaaa",
            "99999999999999999999999999 birth aaaa",
            "-1 birth aaaa",
            "one two three four",
            "nonsense",
            "",
            b"\xff\x00",
            3.5,
        ],
        # The ids must not hold process numbers, or parallel test workers disagree.
        ids=[f"owner-{i}" for i in range(10)],
    )
    def test_the_lock_of_nobody_is_taken_over(self, filled, owner):
        change(filled, "UPDATE runs SET owner = ?", owner)
        with begin(filled) as log:
            assert log.resumed
        assert not load_history(filled)[0].running

    def test_the_lock_of_somebody_is_not(self, filled):
        pid = os.getppid()
        change(filled, "UPDATE runs SET owner = ?", f"{pid} {_owners.birth(pid)} aaaa")
        with pytest.raises(JournalLockedError, match=f"search.db: process {pid} is at work"):
            begin(filled)
        assert load_history(filled)[0].running

    def test_who_was_taken_for_dead_notices(self, path):
        log = begin(path)
        change(path, "UPDATE runs SET owner = ?", "999999999 birth aaaa")
        with pytest.raises(JournalLockedError, match=r"took this one .* for dead"):
            log.append(evaluation(0, 0))
        log.close()
        with closing(sqlite3.connect(path)) as connection:
            assert (
                connection.execute("SELECT owner FROM runs").fetchone()[0] == "999999999 birth aaaa"
            )

    def test_closed_is_closed(self, path):
        log = begin(path)
        log.close()
        log.close()
        with pytest.raises(JournalError, match="is written to while it is open"):
            log.append(evaluation(0, 0))

    def test_births_without_proc(self):
        if sys.platform == "win32":
            pytest.skip("another command")
        mine = _owners._birth_by_command(os.getpid())
        if mine is None:
            pytest.skip("no ps")
        assert mine == _owners._birth_by_command(os.getpid())
        assert len(mine.split()) == 1
        assert _owners._birth_by_command(os.getppid()) is not None
        assert _owners._birth_by_command(999999999) is None

    def test_births_without_any_command(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(os, "defpath", "")
        assert _owners._birth_by_command(os.getpid()) is None


def change(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


class TestHistory:
    def test_it_is_that_of_the_search(self, filled):
        (got,) = load_history(filled)
        wanted = History(3, "score")
        for i, split in TASKS:
            wanted.append(evaluation(i, split))
        assert isinstance(got, History)
        assert got.best_so_far == wanted.best_so_far
        assert (got.n_fits, got.n_failed, got.n_candidates) == (24, 3, 8)
        got, wanted = got.to_dict(), wanted.to_dict()
        assert list(got) == list(wanted)
        for name in got:
            np.testing.assert_array_equal(got[name], wanted[name])

    def test_how_it_was_begun(self, filled):
        (history,) = load_history(filled)
        assert (history.kind, history.seed, history.n_iter) == ("SearchCV", 7, 20)
        assert history.window == math.inf
        assert history.versions == HEADER["versions"]
        assert time.strptime(history.created, "%Y-%m-%d %H:%M:%S")
        assert not history.finished
        assert not history.running

    def test_what_became_of_it(self, filled):
        with begin(filled) as log:
            assert load_history(filled)[0].running
            log.finish(N_CANDIDATES)
            assert load_history(filled)[0].finished
        assert load_history(filled)[0].finished
        with begin(filled):
            assert not load_history(filled)[0].finished

    def test_parameters_are_numbers_and_text(self, path):
        params = {
            "int": np.int64(3),
            "float": np.float64(0.1),
            "nan": math.nan,
            "none": None,
            "bool": True,
            "text": "x" * 300,
            "list": [1, 2],
            "object": Candidate,
            "bad": _Unprintable(),
        }
        with begin(path) as log:
            log.append(Evaluation(Task(Candidate(0, params), 0), {}, 0.0, 0.0, "failed"))
        got = load_history(path)[0].candidates[0].params
        assert list(got) == list(params)
        assert got.pop("text") == "x" * 197 + "..."
        assert got == {
            "int": 3,
            "float": 0.1,
            "nan": "nan",
            "none": None,
            "bool": True,
            "list": "[1, 2]",
            "object": "<class 'skhpo._records.Candidate'>",
            "bad": "<_Unprintable>",
        }

    def test_the_metric_may_be_known_late(self, path):
        with begin(path, header={**HEADER, "metric": None}) as log:
            log.append(evaluation(0, 0, scores={}))
            log.append(evaluation(1, 0, scores={"auc": 1.0, "other": 0.0}))
        assert load_history(path)[0].metric == "auc"

    def test_reading_writes_nothing(self, filled):
        before = filled.read_bytes()
        load_history(filled)
        assert filled.read_bytes() == before
        assert beside(filled) == ["search.db"]

    def test_reading_while_a_search_writes(self, path):
        with begin(path) as log:
            for n in range(3):
                log.append(evaluation(n, 0))
                assert load_history(path)[0].n_fits == n + 1


class _Unprintable:
    def __repr__(self):
        raise RuntimeError


def test_views_answer_in_the_shell(filled):
    with closing(sqlite3.connect(filled)) as connection:
        rows = connection.execute("SELECT run, kind, metric, candidate, mean, folds FROM best")
        assert rows.fetchall()[1] == (1, "SearchCV", "score", 7, 2.0, 3)
        rows = connection.execute("SELECT mean FROM means WHERE metric = 'lost'")
        assert rows.fetchall() == [(None,)] * N_CANDIDATES
        assert json.loads(connection.execute("SELECT params FROM best").fetchone()[0])


class TestValue:
    def test_it_is_a_value(self, tmp_path):
        journal = Journal(tmp_path / "j.db", "error", True)
        assert pickle.loads(pickle.dumps(journal)) == copy.deepcopy(journal) == journal
        assert hash(journal) == hash(copy.deepcopy(journal))
        assert journal != Journal(tmp_path / "j.db")
        assert beside(tmp_path / "j.db") == []

    @pytest.mark.parametrize("path", ["", ":memory:", None, 3, b"x.db", "a\0b"])
    def test_the_path_must_name_a_file(self, path):
        with pytest.raises(ValueError, match=r'path of a journal must name a file, as "search.db"'):
            Journal(path)
        with pytest.raises(ValueError, match="path of a journal must name a file"):
            load_history(path)

    @pytest.mark.parametrize(
        "options", [{"on_mismatch": "ignore"}, {"retry_failed": "yes"}, {"retry_failed": -1}]
    )
    def test_the_options(self, options):
        (name,) = options
        with pytest.raises(ValueError, match=f"{name} of Journal must be .*; got"):
            Journal("j.db", **options)

    @pytest.mark.parametrize("name", ["a b.db", "ü?mode=ro#%41.db", "file:x.db"])
    def test_any_name_will_do(self, tmp_path, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        with begin(name) as log:
            fill(log, TASKS[:1])
        assert beside(tmp_path / name) == [name]
        assert load_history(name)[0].n_fits == 1


# Files that are no journals, or damaged ones


def rejects(path, match):
    """Opening and reading are errors that leave everything as it was."""
    before = {file: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    for use in (load_history, begin):
        with pytest.raises(JournalError, match=match) as caught:
            use(path)
        assert str(path) in str(caught.value)
        assert {f: f.read_bytes() for f in path.parent.iterdir() if f.is_file()} == before


class TestForeignFiles:
    def test_text(self, path):
        path.write_text("C,score\n1,0.5\n" * 100)
        rejects(path, "file is not a database")

    def test_a_directory(self, path):
        path.mkdir()
        rejects(path, "it is no file")

    def test_a_missing_directory(self, tmp_path):
        with pytest.raises(JournalError, match=r"there is no folder .*missing"):
            begin(tmp_path / "missing" / "search.db")

    def test_a_file_as_directory(self, filled):
        with pytest.raises(JournalError, match=r"there is no folder"):
            begin(filled / "search.db")

    @pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may all")
    @pytest.mark.parametrize("mode", [0o000, 0o444])
    def test_without_permission(self, filled, mode):
        filled.chmod(mode)
        with pytest.raises(JournalError, match=r"unable to open|readonly"):
            begin(filled)
        filled.chmod(0o644)
        assert load_history(filled)[0].n_fits == len(TASKS)

    def test_nothing_to_read(self, path):
        with pytest.raises(JournalError, match="it does not exist"):
            load_history(path)
        path.touch()
        with pytest.raises(JournalError, match="it is empty"):
            load_history(path)

    @pytest.mark.parametrize("empty", [Path.touch, lambda path: change(path, "VACUUM")])
    def test_an_empty_file_is_fine(self, path, empty):
        empty(path)
        with begin(path) as log:
            fill(log, TASKS[:1])
        assert load_history(path)[0].n_fits == 1

    def test_a_database_of_another_program(self, path):
        change(path, "CREATE TABLE runs (id INTEGER PRIMARY KEY, key TEXT)")
        rejects(path, "it was made by another program")

    def test_a_database_that_another_program_left_in_the_middle(self, path):
        path, killed = path.with_name("whole.db"), path
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA cache_size = 1")
            connection.execute("CREATE TABLE t (a)")
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
            connection.execute("BEGIN")
            connection.execute("UPDATE t SET a = randomblob(100000)")
            files = {end: Path(f"{path}{end}").read_bytes() for end in ("", "-journal")}
            assert files["-journal"]
        path.unlink()
        for end, content in files.items():
            Path(f"{killed}{end}").write_bytes(content)
        rejects(killed, "it was made by another program")

    def test_another_version(self, filled):
        change(filled, "PRAGMA user_version = 2")
        rejects(filled, "it has version 2 of the format and not 1")

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TRIGGER t AFTER INSERT ON fits BEGIN DELETE FROM fits; END",
            "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN SELECT load_extension('evil'); END",
            "CREATE VIEW v AS SELECT * FROM fits",
            "CREATE TABLE other (a)",
            "CREATE INDEX i ON runs (kind)",
            "ALTER TABLE fits ADD COLUMN more",
            "DROP VIEW best",
        ],
    )
    def test_tables_that_are_not_ours(self, filled, statement):
        change(filled, statement)
        rejects(filled, "its tables are not those of a journal")

    def test_a_lost_file_whose_log_remains(self, path):
        with begin(path) as log:
            fill(log, TASKS[:1])
            wal = path.with_name("search.db-wal").read_bytes()
        path.write_bytes(b"")
        path.with_name("search.db-wal").write_bytes(wal)
        rejects(path, "it is empty while search.db-wal is not")

    @pytest.mark.parametrize(
        ("statement", "match"),
        [
            ("UPDATE fits SET scores = '{\"score\": 1e9}' WHERE candidate = 2", "row of fits"),
            ("UPDATE fits SET candidate = 77 WHERE candidate = 2", "row of fits"),
            ("UPDATE fits SET predictions = x'00' WHERE candidate = 2", "row of fits"),
            ("UPDATE fits SET status = 'ok' WHERE candidate = 3", "row of fits"),
            ("UPDATE candidates SET point = NULL WHERE candidate = 2", "row of candidates"),
            ("UPDATE runs SET header = replace(header, '7', '8')", "row of runs"),
            ("UPDATE runs SET key = 'x'", "row of runs"),
            ("UPDATE runs SET splits = x'78'", "checksum of the splits"),
            ("DELETE FROM candidates WHERE candidate = 2", r"damaged \(KeyError"),
        ],
    )
    def test_rows_that_were_changed(self, filled, statement, match):
        change(filled, statement)
        rejects(filled, match)

    def test_rows_of_another_run(self, filled):
        with begin(filled, seed="8", data="d1") as log:
            log.append(evaluation(0, 0, scores={"score": 9.0}))
        change(filled, "DELETE FROM fits WHERE run = 1 AND candidate = 0 AND split = 0")
        change(filled, "UPDATE fits SET run = 1 WHERE run = 2")
        rejects(filled, "row of fits")


PAYLOADS = [
    pickle.dumps(_Interrupt()).decode("latin-1"),
    "cos\nsystem\n(S'touch hacked'\ntR.",
    "'); DROP TABLE fits; --",
    "__import__('os').system('touch hacked')",
    "{{7*7}}${jndi:ldap://x}",
    "[" * 100_000,
    '{"score": {"__reduce__": 1}}',
    "null",
    "1e400",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_file_executes_nothing(filled, payload, monkeypatch):
    """Whatever text stands there, with a checksum that fits: an error, or just text."""
    monkeypatch.chdir(filled.parent)
    original = filled.read_bytes()
    for table, columns in {
        "runs": ("kind", "parts", "header", "splits", "created", "finished", "owner"),
        "candidates": ("params", "point", "source", "parents", "draw"),
        "fits": ("status", "scores", "train_scores", "fit_time", "error", "shape", "predictions"),
    }.items():
        for column in columns:
            filled.write_bytes(original)
            forge(filled, table, column, payload)
            before = filled.read_bytes()
            for use in (load_history, lambda path: begin(path).close()):
                try:
                    use(filled)
                except JournalError:
                    assert filled.read_bytes() == before
            assert beside(filled) == ["search.db"]


def forge(path, table, column, value):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        key = connection.execute("SELECT key FROM runs").fetchone()[0]
        row = dict(connection.execute(f"SELECT * FROM {table}").fetchone())
        connection.execute(f"DELETE FROM {table} WHERE checksum = ?", (row["checksum"],))
        row[column] = value
        _rows.insert(connection, table, key, {n: row[n] for n in row if n != "checksum"})


# Damage

CLOSED, LOGGED, LOG = "closed", "logged", "log"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The bytes of a journal that was closed, of one that was killed, and of the log of that."""
    path = tmp_path_factory.mktemp("files") / "j.db"
    with begin(path) as log:
        fill(log, TASKS[:12])
    log = begin(path)
    fill(log, TASKS[12:])
    killed = {LOGGED: path.read_bytes(), LOG: Path(f"{path}-wal").read_bytes()}
    log.close()
    return {CLOSED: path.read_bytes(), **killed}


def check_damaged(folder, main, log):
    """An error that changes nothing, or a journal that tells nothing but the truth."""
    path = folder / "j.db"
    for file in folder.iterdir():
        file.unlink()
    path.write_bytes(main)
    wal = Path(f"{path}-wal")
    if log is not None:
        wal.write_bytes(log)
    for use in (_check_history, _check_resumed):
        try:
            use(path)
        except JournalError:
            assert path.read_bytes() == main
            assert log is None or wal.read_bytes() == log


def _check_history(path):
    main = path.read_bytes()
    for history in load_history(path):
        assert history.seed == 7
        for got in history.evaluations:
            check_equal(got, evaluation(*got.task.key[:2]))
    assert path.read_bytes() == main


def _check_resumed(path):
    with begin(path) as log:
        assert log.header["seed"] == 7
        np.testing.assert_equal(log.header["splits"], SPLITS)
        for i, split in TASKS:
            wanted = evaluation(i, split)
            if (got := log.recall(wanted.task)) is None:
                log.append(wanted)
            else:
                check_equal(got, wanted)
    (history,) = load_history(path)
    assert sorted(e.task.key[:2] for e in history.evaluations) == TASKS


which = st.sampled_from([(CLOSED, None), (LOGGED, LOG), (LOG, LOG)])


def damaged(files, which, damage):
    """Main file and log after one of the two was damaged."""
    target, log = which
    main = files[LOGGED if log else CLOSED]
    if target == LOG:
        return main, damage(files[LOG])
    return damage(main), None if log is None else files[LOG]


@quick
@given(which=which, at=st.floats(0, 1), page=st.booleans())
def test_truncated_at_any_byte(files, tmp_path_factory, which, at, page):
    def truncate(content):
        end = int(at * len(content))
        return content[: end // 512 * 512 if page else end]

    check_damaged(tmp_path_factory.mktemp("cut"), *damaged(files, which, truncate))


flips = st.tuples(st.floats(0, 1, exclude_max=True) | st.floats(0, 0.004), st.integers(1, 255))


@quick
@given(which=which, flips=st.lists(flips, min_size=1, max_size=3))
def test_bytes_flipped_anywhere(files, tmp_path_factory, which, flips):
    def flip(content):
        content = bytearray(content)
        for at, mask in flips:
            content[int(at * len(content))] ^= mask
        return bytes(content)

    check_damaged(tmp_path_factory.mktemp("flip"), *damaged(files, which, flip))


@quick
@given(which=which, a=st.integers(0, 7), b=st.integers(0, 7), zeros=st.booleans())
def test_pages_lost_or_mixed_up(files, tmp_path_factory, which, a, b, zeros):
    def mix(content):
        size = 4096
        a_to, b_from = slice(a * size, (a + 1) * size), slice(b * size, (b + 1) * size)
        content = bytearray(content)
        if len(content) >= 8 * size:
            content[a_to] = bytes(size) if zeros else content[b_from]
        return bytes(content)

    check_damaged(tmp_path_factory.mktemp("mix"), *damaged(files, which, mix))
