"""The laws of every executor, and which one `make_executor` makes."""

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

import joblib
import numpy as np
import pytest
import sklearn
from _evaluators import Probe, Sleep, Told, data, fail, nested, scores, task, working_memory
from joblib.externals.loky import ProcessPoolExecutor
from joblib.parallel import BACKENDS

from skhpo.execution import _executors, _foreign, _local, run_config
from skhpo.execution._executors import SerialExecutor, ThreadExecutor, make_executor
from skhpo.execution._foreign import BatchExecutor, DaskExecutor, PoolExecutor
from skhpo.execution._local import ProcessExecutor


class CustomBackend(BACKENDS["threading"]):
    """A backend that this package knows nothing of."""


joblib.register_parallel_backend("custom", CustomBackend)


@pytest.fixture(scope="module")
def _cluster():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, processes=False, threads_per_worker=2, dashboard_address=":0"
    )
    with cluster, distributed.Client(cluster):
        yield


@pytest.fixture(scope="module")
def pool():
    """Return processes of the user's."""
    with ProcessPoolExecutor(2) as pool:
        yield pool


def in_backend(name, kind):
    with joblib.parallel_config(name):
        return kind(2)


def on_cluster(request):
    request.getfixturevalue("_cluster")
    return in_backend("dask", DaskExecutor)


MAKERS = {
    "SerialExecutor": lambda request: SerialExecutor(),
    "ThreadExecutor": lambda request: ThreadExecutor(2),
    "ProcessExecutor": lambda request: ProcessExecutor(2),
    "PoolExecutor": lambda request: PoolExecutor(request.getfixturevalue("pool"), 2),
    "BatchExecutor": lambda request: in_backend("custom", BatchExecutor),
    "DaskExecutor": on_cluster,
}


@pytest.fixture(params=MAKERS)
def executor(request):
    """Return one of every kind."""
    executor = MAKERS[request.param](request)
    yield executor
    executor.close()


def test_every_executor_is_tested():
    modules = _executors, _foreign, _local
    names = {name for module in modules for name in module.__all__}
    assert names - {"make_executor"} == set(MAKERS)


def test_a_future_ends_with_the_evaluation_of_its_task(executor):
    reference = executor.share(Probe())
    tasks = [task(lambda probe, i=i: i, i) for i in range(7)]
    futures = [executor.submit(reference, t) for t in tasks]
    assert all(isinstance(future, Future) for future in futures)
    assert wait(futures, timeout=60).not_done == set()
    for i, (future, t) in enumerate(zip(futures, tasks, strict=True)):
        assert future.result().task is t
        assert future.result().scores == {"score": i}


def test_several_evaluators_are_kept_apart(executor):
    references = [executor.share(Probe(np.full(3, i))) for i in range(6)]
    for _ in range(2):
        futures = [executor.submit(reference, task(data)) for reference in references]
        assert [future.result().scores["score"][0] for future in futures] == [0, 3, 6, 9, 12, 15]


def test_an_exception_keeps_its_type_and_tells_where_it_was(executor):
    reference = executor.share(Probe())
    futures = [executor.submit(reference, task(do)) for do in (Sleep(0), fail, Sleep(0))]
    with pytest.raises(Told, match="as told") as raised:
        futures[1].result()
    where = [entry.name for entry in raised.traceback]
    assert "fail" in where or "in fail" in str(raised.value.__cause__)
    assert futures[0].result().scores == futures[2].result().scores == {"score": 0}


def test_the_configuration_of_the_sharing_thread_holds(executor):
    with sklearn.config_context(working_memory=123):
        reference = executor.share(Probe())
    if not isinstance(executor, SerialExecutor):
        assert scores(executor, reference, working_memory) == [123]


def test_a_search_inside_is_serial(executor):
    if not isinstance(executor, SerialExecutor):
        found = scores(executor, executor.share(Probe()), nested)
        assert found == [("SerialExecutor", "ThreadingBackend")]


def test_close_drops_what_has_not_started(executor):
    if isinstance(executor, SerialExecutor):
        return  # it has nothing that has not started
    reference = executor.share(Probe())
    scores(executor, reference, Sleep(0), Sleep(0))
    start = time.monotonic()
    futures = [executor.submit(reference, task(Sleep(0.3), i)) for i in range(20)]
    executor.close()
    assert time.monotonic() - start < 2
    assert futures[-1].cancelled()


def test_a_future_can_be_cancelled(executor):
    reference = executor.share(Probe())
    futures = [executor.submit(reference, task(Sleep(0.1), i)) for i in range(8)]
    if futures[-1].cancel():
        assert futures[-1].cancelled()
    assert [future.result().scores["score"] for future in futures[:-1]] == [0.1] * 7


def test_close_twice_is_close(executor):
    executor.close()
    executor.close()


@pytest.mark.parametrize(
    ("backend", "kind"),
    [
        ("loky", ProcessExecutor),
        ("multiprocessing", ProcessExecutor),
        ("threading", ThreadExecutor),
        ("sequential", SerialExecutor),
        ("custom", BatchExecutor),
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_the_active_backend_decides(backend, kind, inside):
    with joblib.parallel_config(backend, n_jobs=2 if inside else None):
        executor = make_executor(None if inside else 2)
    executor.close()
    assert type(executor) is kind
    assert executor.n_workers == (1 if kind is SerialExecutor else 2)


@pytest.mark.usefixtures("_cluster")
def test_the_dask_backend_decides():
    with joblib.parallel_config("dask"):
        executor = make_executor(None)
    assert type(executor) is DaskExecutor
    assert executor.n_workers == 2


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_serial_by_default(n_jobs):
    assert type(make_executor(n_jobs)) is SerialExecutor


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_serial_inside_a_parallel_loop(backend):
    inside, n_jobs = BACKENDS[backend](nesting_level=0).get_nested_backend()
    with joblib.parallel_config(inside, n_jobs=n_jobs):
        assert type(make_executor(2)) is SerialExecutor


def test_the_run_config_goes_before_the_backend():
    with ThreadPoolExecutor(3) as pool, run_config(executor=pool), joblib.parallel_config("loky"):
        executor = make_executor(None)
        assert type(executor) is PoolExecutor
        assert executor.n_workers == 3
        assert make_executor(2).n_workers == 2
