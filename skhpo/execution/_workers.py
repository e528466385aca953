"""Worker processes, seen from the main process, and those of them that nobody uses now."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.util import Finalize

from .._sklearn import start_process
from ._messages import dumps, open_answer, waiter
from ._sharing import send
from ._worker import serve

__all__ = ["POOL", "Pool", "Worker", "WorkerDied"]

PATIENCE = 300.0  # seconds that a worker waits for a fit before it goes
_A_MOMENT = 0.1  # seconds in which an idle worker is not expected to die
_LOADED = 4  # evaluators that a worker keeps loaded


class WorkerDied(Exception):  # noqa: N818
    """A worker process ended; the text says how."""


class Worker:
    """A process at the other end of a pipe. One thread at a time may talk to it.

    Parameters
    ----------
    env : dict of str -> str
        Environment variables that it has on top of those of this process.
    """

    def __init__(self, env):
        self.env = env
        self.idle_since = time.monotonic()
        self._connection, theirs = Pipe()
        self._wait = waiter(self._connection)
        with theirs:
            self._process = start_process(serve, (theirs, PATIENCE), env)
        self._is_ready = False
        self.is_dead = False
        self._loaded = []
        self._unread = 0

    def has(self, shared):
        """Whether it has an evaluator loaded."""
        return shared in self._loaded

    def is_usable(self):
        """Whether it lives, and will for long enough to get a request."""
        idle = time.monotonic() - self.idle_since
        return idle < _A_MOMENT or (idle < PATIENCE / 2 and self._process.is_alive())

    def evaluate(self, call):
        """Return the evaluation of a call.

        Raises
        ------
        WorkerDied
        """
        try:
            self._greet()
            self._load(call.shared)
            self._connection.send_bytes(call.request)
            answer = self._receive()
        except (EOFError, OSError):
            self._bury()
            raise WorkerDied(self._how_it_ended()) from None
        return replace(open_answer(answer), task=call.task)

    def _greet(self):
        if self._is_ready:
            return
        try:
            self._receive()
        except EOFError:
            self._bury()
            if (self._process.exitcode or 0) < 0:  # a signal ended it
                raise
            raise RuntimeError(
                "A worker process must be able to start Python and import skhpo; it ended with "
                f"{self._how_it_ended()}. What it wrote to stderr says why."
            ) from None
        self._is_ready = True

    def _load(self, shared):
        if self.has(shared):
            return
        for oldest in self._loaded[: 1 - _LOADED]:
            self._forget(oldest)
        request = shared.number, shared.end, os.getcwd(), sys.path
        self._connection.send_bytes(dumps(("load", request)))
        send(self._connection, shared.file, self._process.pid)
        open_answer(self._receive())
        self._loaded.append(shared)

    def forget_closed(self):
        """Let go of the evaluators that no search needs any more."""
        with suppress(OSError):
            for shared in [shared for shared in self._loaded if shared.closed]:
                self._forget(shared)

    def _forget(self, shared):
        self._loaded.remove(shared)
        self._connection.send_bytes(dumps(("forget", (shared.number,))))
        self._unread += 1

    def _receive(self):
        while True:
            # A child of the worker may keep the pipe open beyond its death.
            while not self._wait(1.0):
                if not self._process.is_alive():
                    raise EOFError
            answer = self._connection.recv_bytes()
            if self._unread == 0:
                return answer
            self._unread -= 1

    def kill(self):
        """End the process and its children; the thread that waits for an answer finds out."""
        if self.is_dead:
            return
        if os.name != "posix":
            self._process.terminate()
            return
        for kill in (os.killpg, os.kill):  # a young one has no group of its own yet
            with suppress(OSError):
                kill(self._process.pid, signal.SIGKILL)

    def _bury(self):
        self.kill()
        self.is_dead = True
        self._process.join()
        self._connection.close()

    def _how_it_ended(self):
        code = self._process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def close(self, patience=1.0):
        """End an idle process: ask, then insist."""
        self.disown()
        self._process.join(patience)
        self._bury()

    def disown(self):
        """Hang up."""
        self._connection.close()


class Pool:
    """The workers of this process that nobody uses now."""

    def __init__(self):
        self._lock = threading.Lock()
        self._idle = []
        self._owner = None  # process that closes the pool when it ends

    @contextmanager
    def worker(self, env, shared):
        """Lend a worker that was started with `env`, best one that has an evaluator loaded."""
        worker = self._take(env, shared)
        try:
            yield worker
        finally:
            self._give_back(worker)

    def _take(self, env, shared):
        if self._owner != os.getpid():
            # Processes of multiprocessing do not ask atexit, and wait for the workers.
            self._owner = os.getpid()
            Finalize(None, self.close, exitpriority=100)
        with self._lock:
            # Of equals the last one used: the others may grow old and go.
            alike = [worker for worker in self._idle if worker.env == env]
            alike.sort(key=lambda worker: worker.has(shared))
            # Where a new one starts, one of another kind goes: there are never more than needed.
            choice = alike[-1:] or self._idle[:1]
            for worker in choice:
                self._idle.remove(worker)
        for worker in choice:
            if worker.env == env and worker.is_usable():
                return worker
            worker.close()
        return self._take(env, shared) if alike else Worker(env)

    def _give_back(self, worker):
        if not worker.is_dead:
            worker.forget_closed()
            worker.idle_since = time.monotonic()
            with self._lock:
                self._idle.append(worker)

    def forget_closed(self):
        """Have the workers let go of the evaluators that no search needs any more."""
        with self._lock:
            for worker in self._idle:
                worker.forget_closed()

    def close(self):
        """End all workers."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.disown()  # they end side by side
        for worker in idle:
            worker.close()

    def reset_after_fork(self):
        """Leave the workers to the parent."""
        for worker in self._idle:
            worker.disown()
        self.__init__()


POOL = Pool()
atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.reset_after_fork)
