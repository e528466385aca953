"""How much memory and time do local processes cost, beside RandomizedSearchCV?

Each search runs in a process of its own. Memory: the peak of the proportional set size (shared
pages count once) of the process and its workers, with a 200 MB X. Time: seconds a fit with two
warm workers and an estimator that costs nothing. Bytes: what a task sends to its worker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from statistics import median

import numpy as np
from _common import arguments, write
from scipy.stats import uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import RandomizedSearchCV

from skhpo import SearchCV
from skhpo._records import Candidate, Task
from skhpo.execution._evaluator import Evaluator
from skhpo.execution._local import ProcessExecutor

SEARCHES = {"skhpo": SearchCV, "sklearn": RandomizedSearchCV}


class Reader(ClassifierMixin, BaseEstimator):
    """Reads its data, then holds them for some seconds."""

    def __init__(self, a=0.0, seconds=0.0):
        self.a = a
        self.seconds = seconds

    def fit(self, X, y):
        """Read and hold."""
        self.total_ = X.sum()
        if self.seconds:
            time.sleep(self.seconds)
        self.classes_ = [0, 1]
        return self

    def score(self, X, y):
        """Return the parameter."""
        return self.a


def make_search(name, n_jobs, n_iter, seconds):
    """Return a search without refit."""
    options = {"n_iter": n_iter, "cv": 4, "n_jobs": n_jobs, "refit": False, "random_state": 0}
    return SEARCHES[name](Reader(seconds=seconds), {"a": uniform()}, **options)


def child_memory(name, n_jobs, megabytes):
    """Search in data of some size (in the process that is watched)."""
    X = np.random.default_rng(0).random((megabytes * 1250, 100))
    make_search(name, n_jobs, 2 * n_jobs, seconds=0.5).fit(X, np.arange(len(X)) % 2)


def child_time(n_iter, repeats):
    """Print milliseconds a fit of both searches with warm workers, in turn."""
    X, y = np.zeros((100, 5)), np.arange(100) % 2
    searches = [make_search(name, 2, n_iter, seconds=0.0) for name in SEARCHES]
    for _ in range(1 + repeats):
        for search in searches:
            start = time.perf_counter()
            search.fit(X, y)
            print(1e3 * (time.perf_counter() - start) / (4 * n_iter))


def child(*call):
    """Start a function of this script in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps(call)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def peak_memory(name, n_jobs, megabytes):
    """Peak of the proportional set size of a search's processes, in MB."""
    peak = 0
    with child("child_memory", name, n_jobs, megabytes) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(proportional_set_size, family(process.pid))))
            time.sleep(0.05)
    return peak / 1024


def proportional_set_size(process):
    """Return it in kB."""
    with suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return int(text.split("Pss:")[1].split()[0])
    return 0


def family(process):
    """Yield a process and all below it."""
    yield process
    with suppress(OSError):
        for path in Path(f"/proc/{process}/task").glob("*/children"):
            for child in path.read_text().split():
                yield from family(int(child))


def times(n_iter, repeats):
    """Milliseconds a fit, for each search."""
    out, _ = child("child_time", n_iter, repeats).communicate()
    found = [float(line) for line in out.splitlines()][len(SEARCHES) :]  # warm by then
    return {name: found[i :: len(SEARCHES)] for i, name in enumerate(SEARCHES)}


def task_bytes(megabytes):
    """Bytes of the message that a task is, however large the data."""
    X = np.zeros((megabytes * 1250, 100))
    splits = [(np.arange(len(X)), np.arange(len(X)))] * 4
    options = dict.fromkeys(["scorer", "error_score", "return_train_score", "verbose"])
    options |= {"fit_params": {}, "score_params": {}, "n_candidates": 1}
    executor = ProcessExecutor(2)
    reference = executor.share(Evaluator(Reader(), X, None, splits, **options))
    executor.submit(reference, Task(Candidate(0, {"a": 0.5}, np.zeros(1)), split=0))
    (call,) = executor._calls.values()
    executor.close()
    return len(call.request)


def main():
    """Measure memory, bytes and time."""
    args = arguments(__doc__)
    megabytes, n_iter, repeats = (20, 50, 3) if args.quick else (200, 250, 15)
    result = {"megabytes": megabytes, "bytes_a_task": task_bytes(megabytes), "memory_mb": {}}
    for n_jobs in (2, 4):
        peaks = {name: peak_memory(name, n_jobs, megabytes) for name in SEARCHES}
        result["memory_mb"][n_jobs] = peaks
        print(n_jobs, peaks, flush=True)
    runs = times(n_iter, repeats)
    result["ms_a_fit"] = {name: median(found) for name, found in runs.items()}
    result["ms_a_fit_all"] = runs
    print(result["bytes_a_task"], "bytes a task;", result["ms_a_fit"])
    write("memory", args.out, result)


if __name__ == "__main__":
    warnings.simplefilter("error")
    if "--child" in sys.argv:
        name, *args = json.loads(sys.argv[-1])
        globals()[name](*args)
    else:
        os.environ["PYTHONWARNINGS"] = "error"
        main()
