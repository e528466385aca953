"""Evaluators that do as a task tells them, importable in worker processes."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
from joblib import parallel

from skhpo._records import Candidate, Evaluation, Task
from skhpo.execution._evaluator import Evaluator
from skhpo.execution._executors import make_executor


class Probe(Evaluator):
    """Calls what the parameter ``do`` holds with itself; the score is what that returns."""

    def __init__(self, X=None, error_score=math.nan):
        self.X = X
        self.error_score = error_score

    def __call__(self, task):
        """Return an evaluation."""
        return Evaluation(task, {"score": task.candidate.params["do"](self)}, 0.0, 0.0)


def task(do, number=0):
    """Return a task that calls a function."""
    return Task(Candidate(number, {"do": do}), split=number)


def scores(executor, reference, *functions):
    """Run one task for each function; return the scores."""
    futures = [executor.submit(reference, task(do, i)) for i, do in enumerate(functions)]
    return [future.result().scores["score"] for future in futures]


class Sleep:
    """Sleep some seconds, return them."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self, probe):
        """Sleep."""
        time.sleep(self.seconds)
        return self.seconds


class Die:
    """Kill the process with a signal; with a marker file only the first time."""

    def __init__(self, signum=signal.SIGKILL, marker=None):
        self.signum = signum
        self.marker = marker

    def __call__(self, probe):
        """Die, or return 1."""
        if self.marker is not None and Path(self.marker).exists():
            return 1.0
        if self.marker is not None:
            Path(self.marker).touch()
        os.kill(os.getpid(), self.signum)
        return time.sleep(60)


def pid(probe):
    """Return the id of the process."""
    return os.getpid()


def alive(process):
    """Whether a process runs."""
    return bool(state := _stat(process)) and state[0] not in "ZX"


def children(parent=None):
    """Ids of the running children of a process: workers, not the trackers of resources."""
    # Not by thread: one that ends hands its children over, and between two files nobody has them.
    parent = str(os.getpid() if parent is None else parent)
    processes = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    found = [process for process in processes if _stat(process)[1:2] == [parent]]
    return [child for child in found if alive(child) and not _is_tracker(child)]


def _stat(process):
    """State and parent of a process, or nothing."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
    return []


def _is_tracker(process):
    with contextlib.suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def gone(processes, within):
    """Wait until processes are gone; whether they are after some seconds."""
    end = time.monotonic() + within
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(alive, processes))


def is_mapped(array):
    """Whether the memory of an array is a view of a file."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, memoryview)


class Told(Exception):  # noqa: N818
    """What `fail` raises."""


def fail(probe):
    """Raise."""
    raise Told("as told")


class OneWay(Exception):  # noqa: N818
    """An exception that pickles and does not come back."""

    def __init__(self, one, two):
        super().__init__(one)


def fail_one_way(probe):
    """Raise."""
    raise OneWay(1, 2)


def working_memory(probe):
    """Return a setting of scikit-learn."""
    return sklearn.get_config()["working_memory"]


def warn(probe):
    """Warn."""
    warnings.warn("as told", UserWarning, stacklevel=1)
    return 0.0


def nested(probe):
    """Return what a search and an estimator inside would run on."""
    backend, _ = parallel.get_active_backend()
    return type(make_executor(2)).__name__, type(backend).__name__


def data(probe):
    """Return the sum of the data, and whether it is writeable and a view of a file."""
    return probe.X.sum(), probe.X.flags.writeable, is_mapped(probe.X)


def environment(name):
    """Return a function that returns a variable of the environment."""
    return lambda probe: os.environ.get(name)
