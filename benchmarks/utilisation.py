"""How busy are the workers when fits differ in length?

Simulated fits that sleep, 40 candidates on 5 folds, log-normal seconds. The makespan is given over
the ideal, the sum of all fits over the number of workers. Beside each measurement stands the same
schedule computed without any process: what is above that is the price of the machinery, of which
scikit-learn's own part of a fit is about half. Takes 20 minutes.
"""

from __future__ import annotations

import heapq
import time
import warnings
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
    "SearchCV(as they finish)": (lambda table, n: skhpo(table, n, False), as_they_finish, 6),
    "RandomizedSearchCV": (sklearn, as_they_finish, 6),
    "barrier a candidate": (barriers, with_barriers, 6),
}


def draw(sigma, seed, seconds):
    """Seconds of each fold of each candidate."""
    z = np.random.default_rng(seed).normal(size=(N_CANDIDATES, N_FOLDS))
    return [tuple(row) for row in seconds * np.exp(sigma * z)]


def measure(kind, sigma, n_jobs, n_draws):
    """Return the makespans over the ideal, measured and simulated."""
    run, simulate, every = KINDS[kind]
    run(draw(0.0, 0, n_jobs * SECONDS), n_jobs)  # the workers are warm
    measured, simulated = [], []
    for seed in range(0, n_draws, every):
        table = draw(sigma, seed, n_jobs * SECONDS)
        seconds = np.ravel(table)
        ideal = float(seconds.sum()) / n_jobs
        start = time.perf_counter()
        run(table, n_jobs)
        measured.append((time.perf_counter() - start) / ideal)
        simulated.append(float(simulate(seconds, n_jobs)) / ideal)
    return measured, simulated


def main():
    """Run every kind on the same draws."""
    args = arguments(__doc__)
    n_draws = 3 if args.quick else 30
    rows = []
    for n_jobs in (2, 4):
        for sigma in (0.5, 1.0):
            for kind in KINDS:
                measured, simulated = measure(kind, sigma, n_jobs, n_draws)
                rows.append(
                    {
                        "n_jobs": n_jobs,
                        "sigma": sigma,
                        "kind": kind,
                        "draws": len(measured),
                        "measured": mean(measured),
                        "sd": stdev(measured) if len(measured) > 1 else None,
                        "simulated": mean(simulated),
                    }
                )
                print(rows[-1], flush=True)
    write("utilisation", args.out, {"rows": rows})


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
