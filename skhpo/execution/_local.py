"""Processes of this machine, each running one fit at a time.

A worker is a process and a pipe, and a thread of this process waits on each fit that runs: a
worker that dies takes its own fit with it and nothing else, and a single fit can be killed. (So
could N executors of loky with one process each, at two threads, three queues and a handful of
semaphores apiece, and three times the processor time per task.)
"""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager

from joblib import parallel

from .._sklearn import worker_env
from ._context import WithContext
from ._messages import dumps, picklability_error
from ._sharing import dump
from ._workers import POOL, WorkerDied

__all__ = ["ProcessExecutor"]

_ATTEMPTS = 2  # the first death may have been none of the fit's doing
_DEATH = (
    "A fit must leave its worker process alive; this one ended {n} of them, the last one with "
    "{how}. SIGKILL is most often the system that runs out of memory: use fewer n_jobs or a "
    "smaller model. SIGSEGV and SIGABRT are crashes in compiled code: stderr says where."
)


class ProcessExecutor:
    """Run fits in processes of this machine.

    The processes outlive the executor; the next one finds them warm.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers):
        self.n_workers = n_workers
        self._env = _start_env(n_workers)
        self._threads = ThreadPoolExecutor(n_workers, thread_name_prefix="skhpo")
        self._shared = []
        self._started = set()
        self._is_closed = False
        self._calls = {}

    def share(self, evaluator):
        """Return a reference to the evaluator.

        Raises
        ------
        pickle.PicklingError
            Names the part that cannot be pickled.
        """
        self._shared.append(_Shared(evaluator))
        return self._shared[-1]

    def submit(self, reference, task):
        """Return the future of a task.

        Raises
        ------
        pickle.PicklingError
            Names the parameter that cannot be pickled.
        """
        call = _Call(reference, task)
        # Before it can start: wherever an interrupt strikes, `close` knows what runs.
        self._started.add(call)
        future = self._threads.submit(self._evaluate, call)
        self._calls[future] = call
        future.add_done_callback(self._calls.pop)
        return future

    def kill(self, future, status="killed", error="The fit was stopped."):
        """End a fit; its evaluation gets the status and the text, unless it has finished."""
        if (call := self._calls.get(future)) is not None:
            call.kill(status, error)

    def close(self):
        """Drop fits that have not started, kill those that run, leave the workers idle."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for call in list(self._started):
            call.kill("killed", "The fit was stopped.")
        self._threads.shutdown()
        for shared in self._shared:
            shared.close()
        POOL.forget_closed()

    def _evaluate(self, call):
        try:
            return self._evaluate_alive(call)
        finally:
            self._started.discard(call)

    def _evaluate_alive(self, call):
        for _ in range(_ATTEMPTS):
            if call.verdict is None:
                try:
                    return self._evaluate_once(call)
                except WorkerDied as death:
                    how = str(death)
        verdict = call.verdict or ("killed", _DEATH.format(n=_ATTEMPTS, how=how))
        if self._is_closed:
            raise CancelledError  # no outcome: whoever listens must not take it for the fit's
        return call.shared.lost(call.task, *verdict)

    def _evaluate_once(self, call):
        with POOL.worker(self._env, call.shared) as worker, call.running_on(worker):
            return worker.evaluate(call)


def _start_env(n_workers):
    """Environment variables of a worker: as joblib, no more threads inside than cores left."""
    backend, _ = parallel.get_active_backend()
    return worker_env(backend, n_jobs=n_workers)


class _Shared:
    """An evaluator in a file that workers map, with the settings of the thread that shares it."""

    _numbers = itertools.count()

    def __init__(self, evaluator):
        self.number = next(self._numbers)
        self.lost = evaluator.lost
        try:
            self.file, self.end = dump(WithContext(evaluator))
        except OSError:
            raise
        except Exception as error:
            raise picklability_error("the evaluator", error, vars(evaluator)) from error

    def close(self):
        self.file.close()

    @property
    def closed(self):
        return self.file.closed


class _Call:
    """A task, and the worker it runs on."""

    def __init__(self, shared, task):
        self.shared = shared
        self.task = task
        self.verdict = None  # status and error text, once it is to be killed
        self._worker = None
        self._lock = threading.Lock()
        try:
            self.request = dumps(("evaluate", (shared.number, task)))
        except Exception as error:
            raise picklability_error("a task", error, task.candidate.params) from error

    @contextmanager
    def running_on(self, worker):
        self._change(worker)
        try:
            yield
        finally:
            self._change(None)

    def kill(self, *verdict):
        with self._lock:
            self.verdict = verdict
            self._kill_worker()

    def _change(self, worker):
        with self._lock:
            self._worker = worker
            self._kill_worker()

    def _kill_worker(self):
        if self.verdict is not None and self._worker is not None:
            self._worker.kill()
