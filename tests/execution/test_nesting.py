"""Searches inside a search: one set of workers for all, and what is left when that ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar

import joblib
import numpy as np
import pytest
import sklearn
from _estimators import Dial
from _evaluators import Probe, Sleep, children, gone, pid, task
from joblib.externals.loky import ProcessPoolExecutor
from sklearn.model_selection import cross_val_score

from skhpo import NestedCV, SearchCV, load_history, run_config
from skhpo.execution._executors import SerialExecutor, ThreadExecutor, make_executor
from skhpo.execution._local import ProcessExecutor
from skhpo.execution._nesting import LentExecutor, NestingExecutor, lender, turn

posix = pytest.mark.skipif(os.name != "posix", reason="signals and /proc")
WHERE = ContextVar("where", default="nowhere")


@pytest.fixture(params=[ThreadExecutor, ProcessExecutor])
def outside(request):
    """Return a nesting executor over two workers."""
    executor = NestingExecutor(request.param(2))
    yield executor
    executor.close()


def call(executor, function):
    """Run a function as a task of a nesting executor."""
    return executor.submit(executor.share(lambda task: function()), None)


def inner_scores(*functions):
    """Evaluate functions in the workers that a search inside would get."""
    executor = make_executor(8)
    try:
        reference = executor.share(Probe())
        futures = [executor.submit(reference, task(do, i)) for i, do in enumerate(functions)]
        return type(executor), [future.result().scores["score"] for future in futures]
    finally:
        executor.close()


class TestNestingExecutor:
    def test_a_search_inside_borrows_the_workers(self, outside):
        kind, ids = call(outside, lambda: inner_scores(*[pid] * 6)).result()
        assert kind is LentExecutor
        in_processes = isinstance(outside.workers, ProcessExecutor)
        assert (os.getpid() in ids) is not in_processes
        assert len(set(ids)) <= 2

    def test_all_of_them_together_use_no_more_workers(self, outside):
        searches = [call(outside, lambda: inner_scores(*[Sleep(0.05)] * 4)) for _ in range(5)]
        start = time.monotonic()
        assert [search.result()[1] for search in searches] == [[0.05] * 4] * 5
        assert time.monotonic() - start > 0.4  # 20 fits of .05 s on two workers take .5 s

    def test_more_searches_than_workers_go_on_side_by_side(self, outside):
        barrier = threading.Barrier(4)
        searches = [call(outside, lambda: barrier.wait(10)) for _ in range(4)]
        assert sorted(search.result() for search in searches) == [0, 1, 2, 3]

    def test_outside_of_it_nothing_is_lent(self, outside):
        call(outside, lambda: None).result()
        assert lender() is None
        made = make_executor(1)
        assert type(made) is SerialExecutor

    def test_the_settings_of_the_caller_hold(self, outside):
        token = WHERE.set("here")
        with sklearn.config_context(working_memory=123):
            seen = call(outside, lambda: (WHERE.get(), sklearn.get_config()["working_memory"]))
        WHERE.reset(token)
        assert seen.result() == ("here", 123)

    def test_an_exception_is_that_of_the_search(self, outside):
        with pytest.raises(ZeroDivisionError):
            call(outside, lambda: 1 / 0).result()

    def test_turns_are_taken_one_at_a_time(self, outside):
        busy, peak = [], []

        def beside():
            with turn(), turn():  # a search in a search takes it twice
                busy.append(1)
                time.sleep(0.01)
                peak.append(len(busy))
                busy.pop()

        wait([call(outside, beside) for _ in range(4)])
        assert peak == [1] * 4

    def test_without_one_every_turn_is_at_once(self):
        with turn():
            assert lender() is None

    def test_close_drops_what_has_not_started(self, outside):
        searches = [call(outside, lambda: inner_scores(*[Sleep(0.2)] * 10)) for _ in range(8)]
        time.sleep(0.1)
        start = time.monotonic()
        outside.close()
        assert time.monotonic() - start < 2
        assert all(search.done() for search in searches)
        assert searches[-1].cancelled()
        with pytest.raises(CancelledError):
            searches[0].result()

    def test_close_twice_is_close(self, outside):
        outside.close()
        outside.close()


class TestLentExecutor:
    def test_takes_nothing_more_from_a_lender_that_is_closed(self, outside):
        lent = LentExecutor(outside)
        reference = lent.share(Probe())
        outside.close()
        with pytest.raises(CancelledError):
            lent.submit(reference, task(pid))

    def test_close_drops_its_own_fits_only(self, outside):
        first, second = LentExecutor(outside), LentExecutor(outside)
        reference = first.share(Probe())
        mine = [first.submit(reference, task(Sleep(0.2), i)) for i in range(6)]
        others = [second.submit(reference, task(Sleep(0.01), i)) for i in range(3)]
        first.close()
        assert [other.result(60).scores["score"] for other in others] == [0.01] * 3
        assert mine[-1].cancelled()

    def test_kills_where_the_workers_can(self, outside):
        can = isinstance(outside.workers, ProcessExecutor)
        lent = LentExecutor(outside)
        assert hasattr(lent, "kill") is can
        if can:
            future = lent.submit(lent.share(Probe()), task(Sleep(60)))
            time.sleep(0.2)
            lent.kill(future, "timeout", "too long")
            assert future.result(5).status == "timeout"


N = 24
DATA = np.arange(N, dtype=float)[:, None] + np.zeros((N, 2)), np.arange(N) % 2


def nested(**settings):
    inside = SearchCV(Dial(), {"a": [0.1, 0.3, 0.2]}, n_iter=3, cv=2, **settings)
    return NestedCV(inside, cv=3)


def check_answer(found):
    assert found.outer_results_["best_params"] == [{"a": 0.3}] * 3
    assert found.outer_results_["inner_score"] == pytest.approx([0.3] * 3)
    assert found.best_score_ == pytest.approx(0.3)
    assert found.best_params_ == {"a": 0.3}


class TestWhereFitsRun:
    def test_threads_of_the_users(self):
        with ThreadPoolExecutor(2) as pool, run_config(executor=pool):
            check_answer(nested().fit(*DATA))
            assert pool.submit(int).result() == 0

    def test_processes_of_the_users(self):
        with ProcessPoolExecutor(2) as pool, run_config(executor=pool):
            check_answer(nested().fit(*DATA))

    @pytest.mark.parametrize("in_order", [True, False])
    def test_as_they_finish(self, in_order):
        with joblib.parallel_config("threading", n_jobs=2), run_config(in_order=in_order):
            check_answer(nested().fit(*DATA))

    def test_on_a_cluster(self):
        distributed = pytest.importorskip("distributed")
        cluster = distributed.LocalCluster(
            n_workers=1, processes=False, threads_per_worker=2, dashboard_address=":0"
        )
        with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
            check_answer(nested().fit(*DATA))

    def test_in_a_parallel_loop_of_the_users(self):
        with joblib.parallel_config("threading", n_jobs=2):
            jobs = [joblib.delayed(nested().set_params(n_jobs=2).fit)(*DATA) for _ in range(2)]
            for found in joblib.Parallel()(jobs):
                check_answer(found)

    def test_two_nested_ones_at_once(self):
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(nested().set_params(n_jobs=2).fit(*DATA)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in found:
            check_answer(one)


@posix
def test_many_leave_nothing_behind():
    nested().set_params(n_jobs=2).fit(*DATA)
    before = set(children()), threading.active_count()
    for _ in range(5):
        check_answer(nested().set_params(n_jobs=2).fit(*DATA))
    # A pool that other tests left may go meanwhile; nothing may be added.
    assert set(children()) <= before[0]
    assert threading.active_count() <= before[1]


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts behind
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from skhpo import NestedCV, SearchCV

class Slow(ClassifierMixin, BaseEstimator):
    def __init__(self, seconds=0):
        self.seconds = seconds
    def fit(self, X, y):
        time.sleep(self.seconds)
        with open(sys.argv[2], "a") as log:
            log.write(f"{self.seconds} {X[:, 0].tolist()}\\n")
        self.classes_ = np.unique(y)
        return self
    def predict(self, X):
        return np.zeros(len(X))

space = {"seconds": [0.10, 0.11, 0.12, 0.13]}
search = SearchCV(
    Slow(), space, n_iter=4, cv=2, pre_dispatch=int(sys.argv[3]), journal=sys.argv[1], refit=True
)
X = np.arange(24.0)[:, None]
NestedCV(search, cv=3, n_jobs=2, refit=False).fit(X, [0, 1] * 12)
"""


@contextmanager
def script(*arguments):
    """Run it in a process group of its own."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    with subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_lines(process, log, n):
    end = time.monotonic() + 120
    while len(log.read_text().splitlines()) < n:
        assert time.monotonic() < end, process.stderr.read()
        time.sleep(0.005)


@posix
@pytest.mark.parametrize("window", [1, 4])
def test_an_interrupt_loses_nothing_and_leaves_nobody(tmp_path, window):
    """With a window of 1 all fits in flight run, and are killed; with 4 others wait as well."""
    journal, log = tmp_path / "j.db", tmp_path / "log"
    log.touch()
    with script(journal, log, window) as process:
        wait_for_lines(process, log, 7)
        family = [process.pid, *children(process.pid)]
        os.killpg(process.pid, signal.SIGINT)
        assert gone(family, within=10)
        assert process.stderr.read().count("KeyboardInterrupt") == 1
    done = [e for history in load_history(journal) for e in history.evaluations]
    assert {e.status for e in done} == {"ok"}
    # Two workers: at most two fits were written down and not yet noted.
    assert len(done) >= 5
    with script(journal, log, window) as process:
        assert process.wait(120) == 0, process.stderr.read()
    found = load_history(journal)
    assert [len(history.evaluations) for history in found] == [8] * 3
    assert {e.status for history in found for e in history.evaluations} == {"ok"}
    # 24 fits, 3 refits, and what was done again since it had not been noted.
    assert 27 <= len(log.read_text().splitlines()) <= 27 + 2


@pytest.mark.parametrize("processes", [True, False])
def test_a_search_in_a_task_of_a_cluster_does_not_wait_for_itself(processes):
    distributed = pytest.importorskip("distributed")
    shape = {"n_workers": 2, "threads_per_worker": 1} if processes else {"n_workers": 1}
    cluster = distributed.LocalCluster(
        **{"threads_per_worker": 2, **shape}, processes=processes, dashboard_address=":0"
    )
    search = SearchCV(Dial(), {"a": [0.1, 0.3]}, cv=2)
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        scores = cross_val_score(search, *DATA, cv=4)
    assert scores == pytest.approx([0.3] * 4)
