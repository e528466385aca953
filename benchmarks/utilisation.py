"""How busy are the workers when fits differ in length?

Simulated fits that sleep, 40 candidates on 5 folds, log-normal seconds. The makespan is given over
the ideal, the sum of all fits over the number of workers. Beside each measurement stands the same
schedule computed without any process: what is above that is the price of the machinery, of which
scikit-learn's own part of a fit is about half. Takes 50 minutes, with what is in the results kept:
to go on after an interrupt, call it again; to begin anew, delete them.
"""

from __future__ import annotations

import heapq
import json
import time
import warnings
from itertools import product
from statistics import mean, stdev

import numpy as np
from _common import arguments, write
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import RandomizedSearchCV, cross_validate

from skhpo import SearchCV, run_config

N_CANDIDATES, N_FOLDS = 40, 5
SECONDS = 0.03  # between the ends of fits, whatever the number of workers
X = np.arange(float(N_FOLDS)).reshape(-1, 1)
Y = [0, 1, 0, 1, 0]
FOLDS = [([k], [k]) for k in range(N_FOLDS)]  # a fit sees by its data which fold it is


class Sleeper(ClassifierMixin, BaseEstimator):
    """Sleeps as long as its parameter says for the fold."""

    def __init__(self, seconds=None):
        self.seconds = seconds

    def fit(self, X, y):
        """Sleep."""
        time.sleep(self.seconds[int(X[0, 0])])
        self.classes_ = [0, 1]
        return self

    def score(self, X, y):
        """Return a constant."""
        return 0.0


def in_order(seconds, n_workers):
    """Makespan when results are told in the order of their start, 2 n_workers in flight."""
    told = [0.0] * (2 * n_workers)
    free = [0.0] * n_workers
    for duration in seconds:
        start = max(told[-2 * n_workers], heapq.heappop(free))
        heapq.heappush(free, start + duration)
        told.append(max(told[-1], start + duration))
    return max(free)


def as_they_finish(seconds, n_workers):
    """Makespan when no worker ever waits for a result."""
    free = [0.0] * n_workers
    for duration in seconds:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)


def with_barriers(seconds, n_workers):
    """Makespan when the folds of a candidate are waited for before the next one starts."""
    candidates = np.reshape(seconds, (N_CANDIDATES, N_FOLDS))
    return sum(as_they_finish(folds, n_workers) for folds in candidates)


def skhpo(table, n_jobs, order):
    """Run this package's search."""
    options = {"n_iter": N_CANDIDATES, "cv": FOLDS, "n_jobs": n_jobs, "refit": False}
    with run_config(in_order=order):
        SearchCV(Sleeper(), {"seconds": table}, **options).fit(X, Y)


def sklearn(table, n_jobs):
    """Run scikit-learn's random search."""
    options = {"n_iter": N_CANDIDATES, "cv": FOLDS, "n_jobs": n_jobs, "refit": False}
    RandomizedSearchCV(Sleeper(), {"seconds": table}, **options).fit(X, Y)


def barriers(table, n_jobs):
    """Cross-validate one candidate after the other."""
    for seconds in table:
        cross_validate(Sleeper(seconds), X, Y, cv=FOLDS, n_jobs=n_jobs)


KINDS = {  # how it runs, how it is simulated, of how many draws one is run
    "SearchCV": (lambda table, n: skhpo(table, n, True), in_order, 1),
    "SearchCV(as they finish)": (lambda table, n: skhpo(table, n, False), as_they_finish, 1),
    "RandomizedSearchCV": (sklearn, as_they_finish, 6),
    "barrier a candidate": (barriers, with_barriers, 6),
}


def draw(sigma, seed, seconds):
    """Seconds of each fold of each candidate."""
    z = np.random.default_rng(seed).normal(size=(N_CANDIDATES, N_FOLDS))
    return [tuple(row) for row in seconds * np.exp(sigma * z)]


def measure(n_jobs, sigma, kind, seed):
    """Return the makespans over the ideal, measured and simulated."""
    run, simulate, _ = KINDS[kind]
    table = draw(sigma, seed, n_jobs * SECONDS)
    seconds = np.ravel(table)
    ideal = float(seconds.sum()) / n_jobs
    start = time.perf_counter()
    run(table, n_jobs)
    return (time.perf_counter() - start) / ideal, float(simulate(seconds, n_jobs)) / ideal


def read(path):
    """Return what an earlier call has measured: makespans of each case."""
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    return {tuple(row["case"]): (row["measured"], row["simulated"]) for row in rows}


def table_of(known):
    """One row for each case."""
    return [
        {
            "case": case,
            "mean": mean(measured),
            "mean simulated": mean(simulated),
            "sd": stdev(measured) if len(measured) > 1 else None,
            "measured": measured,
            "simulated": simulated,
        }
        for case, (measured, simulated) in known.items()
    ]


def main():
    """Run every kind on the same draws; what an earlier call has measured is kept."""
    args = arguments(__doc__)
    n_draws = 3 if args.quick else 30
    known = {} if args.quick else read(args.out / "utilisation.json")
    for seed, n_jobs, (kind, how) in product(range(n_draws), (2, 4), KINDS.items()):
        run, _, every = how
        cases = [(n_jobs, sigma, kind) for sigma in (0.5, 1.0)]
        pairs = [known.setdefault(case, ([], [])) for case in cases]
        if seed % every or len(pairs[-1][0]) > seed // every:
            continue
        run(draw(0.0, 0, SECONDS / 10), n_jobs)  # the workers are warm
        for case, pair in zip(cases, pairs, strict=True):
            found = measure(*case, seed)
            print(*case, seed, *found, flush=True)
            for values, value in zip(pair, found, strict=True):
                values.insert(seed // every, value)
        write("utilisation", args.out, {"rows": table_of(known)})


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
