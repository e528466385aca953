"""Workers that are not ours: a pool of the user's, a dask cluster, any joblib backend."""

from __future__ import annotations

import pickle
import uuid
import warnings
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from joblib import Parallel, delayed, effective_n_jobs, parallel, parallel_config

from ._context import WithContext
from ._messages import answer, dumps, open_answer, picklability_error

__all__ = ["BatchExecutor", "DaskExecutor", "PoolExecutor"]


class _Call:
    """A task on its way, and the future that its searcher waits for."""

    def __init__(self, shared, task):
        self.shared = shared
        self.task = task
        self.future = Future()
        try:
            self.request = dumps(task)
        except Exception as error:
            raise picklability_error("a task", error, task.candidate.params) from error

    def follow(self, inner, settle):
        """Call ``settle(self, inner)`` when another future has ended; what it raises counts."""
        self.future.add_done_callback(lambda outer: outer.cancelled() and inner.cancel())
        inner.add_done_callback(partial(self._settle, settle))

    def _settle(self, settle, inner):
        try:
            settle(self, inner)
        except BaseException as error:
            self.fail(error)

    def finish(self, data):
        """Set the outcome from an answer."""
        try:
            evaluation = replace(open_answer(data), task=self.task)
        except BaseException as error:
            self.fail(error)
        else:
            self.succeed(evaluation)

    def succeed(self, evaluation):
        """Set the result, unless nobody waits for it any more."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(evaluation)

    def fail(self, error):
        """Set the exception, unless nobody waits for it any more."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


def _answer(evaluator, request):
    """Evaluate a pickled task: what runs in the worker."""
    return answer(lambda: replace(evaluator(pickle.loads(request)), task=None))


class _ForeignExecutor:
    """What they share: calls that are dropped on close, and cannot be killed."""

    def __init__(self, n_workers):
        self.n_workers = n_workers
        self._futures = set()

    def _track(self, future):
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def close(self):
        """Drop fits that have not started; what runs goes on unheard."""
        for future in list(self._futures):
            future.cancel()


class PoolExecutor(_ForeignExecutor):
    """Run fits in a pool of the user's.

    Parameters
    ----------
    pool : concurrent.futures.Executor
        Or whatever else has its ``submit``. Stays open.
    n_jobs : int or None
        How many fits run at a time; None asks the pool.
    """

    def __init__(self, pool, n_jobs=None):
        super().__init__(_n_workers(pool, n_jobs))
        self._pool = pool

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        if isinstance(self._pool, ThreadPoolExecutor):
            return WithContext(evaluator, filters=False)
        return _Parcel(evaluator, self.n_workers)

    def submit(self, reference, task):
        """Return the future of a task."""
        if isinstance(reference, WithContext):
            return self._track(self._pool.submit(reference, task))
        call = _Call(reference, task)
        self._send(call, reference.next())
        return self._track(call.future)

    def _send(self, call, content):
        inner = self._pool.submit(_evaluate_parcel, call.shared.name, content, call.request)
        call.follow(inner, self._settle)

    def _settle(self, call, inner):
        data = inner.result()
        if data is None:
            self._send(call, call.shared.content)
        else:
            call.finish(data)


def _n_workers(pool, n_jobs):
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    n_workers = getattr(pool, "_max_workers", None)
    if n_workers is None:
        raise ValueError(
            "n_jobs must say how many fits run at a time in an executor that does not tell; got "
            f"n_jobs=None with {pool!r}. Pass n_jobs to the search."
        )
    return n_workers


def _content(evaluator, **options):
    """Pickle an evaluator with the context of its searcher."""
    try:
        return dumps(WithContext(evaluator, **options))
    except Exception as error:
        raise picklability_error("the evaluator", error, vars(evaluator)) from error


class _Parcel:
    """A pickled evaluator that travels once to each worker, as far as that can be known.

    The first tasks carry it, one for each worker. A worker that gets a later task and never saw
    the parcel asks for it.
    """

    def __init__(self, evaluator, n_workers):
        self.name = uuid.uuid4().hex
        self._n_unsent = n_workers
        self.content = _content(evaluator)

    def next(self):
        """Return the content for the first tasks, then None."""
        self._n_unsent -= 1
        return self.content if self._n_unsent >= 0 else None


_KEPT = 4  # parcels that a worker keeps open
_opened = {}


def _evaluate_parcel(name, content, request):
    """Return the answer, or None when the parcel has to be sent (in the worker)."""
    if name not in _opened:
        if content is None:
            return None
        _opened[name] = pickle.loads(content)
        for oldest in list(_opened)[:-_KEPT]:
            del _opened[oldest]
    return _answer(_opened[name], request)


def is_in_dask_task():
    """Whether this is run by a worker of a dask cluster."""
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


class DaskExecutor(_ForeignExecutor):
    """Run fits on the dask cluster of the active joblib backend.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers):
        super().__init__(n_workers)
        backend, _ = parallel.get_active_backend()
        self._client = backend.client
        self._cluster = self._client.get_executor()
        self._options = {"pure": False, **getattr(backend, "submit_kwargs", {})}

    def share(self, evaluator):
        """Send the evaluator to the cluster, once, and return a reference to it."""
        return _Sent(evaluator, self._client)

    def submit(self, reference, task):
        """Return the future of a task."""
        call = _Call(reference, task)
        inner = self._cluster.submit(_answer, reference.future, call.request, **self._options)
        call.follow(inner, self._settle)
        return self._track(call.future)

    def _settle(self, call, inner):
        from distributed import KilledWorker

        try:
            call.finish(inner.result())
        except KilledWorker as error:
            call.succeed(call.shared.lost(call.task, "killed", str(error)))
        except CancelledError as error:
            raise RuntimeError(
                "The dask cluster must stay open while a search runs; it cancelled a fit."
            ) from error


class _Sent:
    """An evaluator that is the result of a task, so that a cluster which loses it makes it again.

    Scattered data die with the last worker that holds them, and a cluster keeps one copy.
    """

    def __init__(self, evaluator, client):
        self.lost = evaluator.lost
        # Several fits run in one worker at a time, and threads share the warning filters.
        content = _content(evaluator, filters=False)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            self.future = client.submit(pickle.loads, content, pure=False)


_BATCH = 4  # fits a worker in a batch, at most


class BatchExecutor(_ForeignExecutor):
    """Run fits through ``joblib.Parallel`` with the active backend, a batch at a time.

    What is submitted while a batch runs makes the next one.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers):
        super().__init__(n_workers)
        self._backend, _ = parallel.get_active_backend()
        self._thread = ThreadPoolExecutor(1)
        self._waiting = deque()

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        return WithContext(evaluator)

    def submit(self, reference, task):
        """Return the future of a task."""
        call = _Call(reference, task)
        self._waiting.append(call)
        self._thread.submit(self._run_batch)
        return self._track(call.future)

    def _run_batch(self):
        n_calls = min(len(self._waiting), _BATCH * self.n_workers)
        calls = [self._waiting.popleft() for _ in range(n_calls)]
        calls = [call for call in calls if not call.future.cancelled()]
        if calls:
            self._run(calls)

    def _run(self, calls):
        tasks = [delayed(_answer)(call.shared, call.request) for call in calls]
        try:
            with parallel_config(self._backend, n_jobs=self.n_workers):
                answers = Parallel()(tasks)
        except BaseException as error:
            for call in calls:
                call.fail(error)
        else:
            for call, data in zip(calls, answers, strict=True):
                call.finish(data)

    def close(self):
        """Drop fits that have not started, wait for the batch that runs."""
        super().close()
        self._thread.shutdown()
