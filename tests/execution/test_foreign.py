"""A pool of the user's, a dask cluster, any joblib backend: what is theirs alone."""

import pickle
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import joblib
import numpy as np
import pytest
from _evaluators import Die, Probe, Sleep, pid, scores, task
from joblib.parallel import BACKENDS
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from skhpo import SearchCV
from skhpo.execution import _foreign
from skhpo.execution._foreign import BatchExecutor, DaskExecutor, PoolExecutor


class Elsewhere:
    """A pool whose workers are other places, each with a memory of its own, asked in turn."""

    def __init__(self, n_workers):
        self._max_workers = n_workers
        self.memories = [{} for _ in range(n_workers)]
        self.sizes = []

    def submit(self, function, *args):
        """Call the function, all that goes in or out being pickled."""
        data = pickle.dumps((function, args))
        self.sizes.append(len(data))
        self.memories.append(self.memories.pop(0))
        future = Future()
        function, args = pickle.loads(data)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_foreign, "_opened", self.memories[0])
            future.set_result(pickle.loads(pickle.dumps(function(*args))))
        return future


class TestPoolExecutor:
    def test_sends_the_data_once_to_each_worker(self):
        pool = Elsewhere(2)
        executor = PoolExecutor(pool)
        reference = executor.share(Probe(np.zeros(10_000)))
        assert scores(executor, reference, *[Sleep(0)] * 6) == [0] * 6
        assert [size > 80_000 for size in pool.sizes] == [True, True, False, False, False, False]

    def test_sends_them_again_where_they_are_not(self):
        pool = Elsewhere(1)
        executor = PoolExecutor(pool)
        reference = executor.share(Probe(np.zeros(10_000)))
        scores(executor, reference, Sleep(0), Sleep(0))
        pool.memories[0].clear()
        assert scores(executor, reference, Sleep(0), Sleep(0)) == [0, 0]
        assert [size > 80_000 for size in pool.sizes] == [True, False, False, True, False]

    def test_workers_keep_the_last_few(self):
        pool = Elsewhere(2)
        executor = PoolExecutor(pool)
        for _ in range(10):
            scores(executor, executor.share(Probe()), Sleep(0), Sleep(0))
        assert [len(memory) for memory in pool.memories] == [4, 4]

    def test_threads_share_the_data_as_they_are(self):
        X = np.zeros(3)
        with ThreadPoolExecutor(1) as pool:
            executor = PoolExecutor(pool)
            reference = executor.share(Probe(X))
            assert scores(executor, reference, lambda probe: probe.X is X) == [True]

    def test_stays_open(self):
        with ThreadPoolExecutor(1) as pool:
            PoolExecutor(pool).close()
            assert pool.submit(int).result() == 0

    def test_that_breaks_is_an_error(self):
        class Broken:
            def submit(self, *args):
                future = Future()
                future.set_exception(BrokenProcessPool("as told"))
                return future

        executor = PoolExecutor(Broken(), 2)
        with pytest.raises(BrokenProcessPool, match="as told"):
            scores(executor, executor.share(Probe()), pid)

    def test_must_know_its_size(self):
        class Silent:
            submit = None

        assert PoolExecutor(Silent(), 3).n_workers == 3
        with pytest.raises(ValueError, match="Pass n_jobs"):
            PoolExecutor(Silent())

    def test_says_what_cannot_be_pickled(self):
        executor = PoolExecutor(Elsewhere(2))
        with pytest.raises(pickle.PicklingError, match="'X' must be picklable"):
            executor.share(Probe(threading.Lock()))
        with pytest.raises(pickle.PicklingError, match="'do' must be picklable"):
            executor.submit(executor.share(Probe()), task(threading.Lock()))


class Failing(BACKENDS["threading"]):
    """A backend that does not get as far as to run."""

    def configure(self, **kwargs):
        raise RuntimeError("as told")


def test_a_batch_that_fails_fails_its_calls():
    joblib.register_parallel_backend("failing", Failing)
    with joblib.parallel_config("failing"):
        executor = BatchExecutor(2)
    futures = [executor.submit(executor.share(Probe()), task(pid, i)) for i in range(3)]
    for future in futures:
        with pytest.raises(RuntimeError, match="as told"):
            future.result()
    executor.close()


def test_a_dead_dask_worker_is_a_killed_fit_also_when_it_was_the_one_with_the_data():
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        executor = DaskExecutor(2)
        reference = executor.share(Probe())
        for _ in range(3):  # more often than there are workers
            assert executor.submit(reference, task(Die())).result().status == "killed"
            assert scores(executor, reference, Sleep(0)) == [0]
        executor.close()


def test_a_dask_cluster_that_is_closed_is_an_error_that_says_so():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs="CRITICAL"
        ) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config("dask"),
    ):
        executor = DaskExecutor(1)
        future = executor.submit(executor.share(Probe()), task(Sleep(60)))
        client.close()
        with pytest.raises(RuntimeError, match="must stay open"):
            future.result(timeout=30)


@pytest.fixture(scope="module")
def _two_workers():
    """A dask cluster of two processes."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as it,
        distributed.Client(it),
    ):
        yield


PLACES = {  # backend of joblib, number of workers
    "two processes": ("loky", 2),
    "four processes": ("loky", 4),
    "threads": ("threading", 3),
    "dask": ("dask", 2),
}


@pytest.mark.usefixtures("_two_workers")
@pytest.mark.parametrize("optimizer", ["random", "sobol", "bayes"])
def test_the_window_decides_and_not_where_the_fits_run(optimizer):
    X, y = load_iris(return_X_y=True)
    space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1e1)}
    options = {"n_iter": 14, "cv": 3, "pre_dispatch": 4, "refit": False, "random_state": 0}
    search = SearchCV(SVC(), space, optimizer=optimizer, **options)
    expected = untimed(search.fit(X, y).cv_results_)
    for name, (backend, n_jobs) in PLACES.items():
        with joblib.parallel_config(backend, n_jobs=n_jobs):
            assert untimed(search.fit(X, y).cv_results_) == expected, name


def untimed(results):
    return {name: list(column) for name, column in results.items() if "_time" not in name}
