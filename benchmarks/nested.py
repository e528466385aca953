"""What does nested cross-validation in one object cost, beside the recipe of two calls?

The recipe is ``cross_val_score`` of a grid search and the grid search once more on all the data,
with the workers given to the outer or to the inner loop. The same fits, interleaved, on two
workers; and on four workers with fits that sleep, so that what is seen is who waits. Then three
outer folds on eight such workers, beside the time that the fits alone would take.
"""

from __future__ import annotations

import time
import warnings
from statistics import median

import numpy as np
from _common import arguments, write
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpo import NestedCV, SearchCV


class Sleeper(ClassifierMixin, BaseEstimator):
    """Sleeps in fit."""

    def __init__(self, number=0, seconds=0.1):
        self.number = number
        self.seconds = seconds

    def fit(self, X, y):
        """Sleep."""
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        """Return the first class throughout."""
        return np.repeat(self.classes_[:1], len(X))


def grid_search(model, grid, n_jobs=None):
    """Return scikit-learn's grid search."""
    return GridSearchCV(model, grid, cv=StratifiedKFold(5), n_jobs=n_jobs)


def search(model, grid):
    """Return this package's search of the same grid."""
    n_iter = int(np.prod([len(values) for values in grid.values()]))
    return SearchCV(model, grid, n_iter=n_iter, cv=StratifiedKFold(5))


def recipe(inner, outer):
    """Workers for the searches, and for the folds of ``cross_val_score``."""

    def run(model, grid, X, y, cv):
        made = grid_search(model, grid, n_jobs=inner)
        scores = cross_val_score(made, X, y, cv=cv, n_jobs=outer)
        clone(made).set_params(n_jobs=inner or outer).fit(X, y)
        return scores

    return run


def nested(make, n_jobs):
    """Nested cross-validation of a search of either kind."""

    def run(model, grid, X, y, cv):
        found = NestedCV(make(model, grid), cv=cv, n_jobs=n_jobs).fit(X, y)
        return found.outer_results_["outer_score"]

    return run


def kinds(n):
    """Ways to do the same, by name."""
    return {
        "recipe, n_jobs outside": recipe(None, n),
        "recipe, n_jobs inside": recipe(n, None),
        "NestedCV(GridSearchCV)": nested(grid_search, n),
        "NestedCV(SearchCV)": nested(search, n),
    }


def compare(n_jobs, n_runs, task):
    """Seconds of each kind, one after the other in every run; all must give the same scores."""
    ways = kinds(n_jobs)
    seconds = {name: [] for name in ways}
    expected = ways["recipe, n_jobs outside"](*task)  # the workers are warm
    for name, run in ways.items():
        np.testing.assert_array_equal(run(*task), expected, err_msg=name)
    for k in range(n_runs):
        names = list(ways)
        for name in names[k % 4 :] + names[: k % 4]:
            start = time.perf_counter()
            ways[name](*task)
            seconds[name].append(time.perf_counter() - start)
    better = min((median(s), name) for name, s in seconds.items() if "recipe" in name)[1]
    return {
        name: {
            "median_seconds": round(median(values), 3),
            # Run by run, so that a load that comes and goes hits both.
            "median_ratio_to_the_better_recipe": median(
                a / b for a, b in zip(values, seconds[better], strict=True)
            ),
            "seconds": [round(value, 3) for value in values],
        }
        for name, values in seconds.items()
    }


def utilisation(n_jobs, n_runs, task):
    """Seconds over those that the fits alone would take if no worker ever waited."""
    model, grid, X, y, cv = task
    n_fits = cv.get_n_splits() * len(grid["number"]) * 5
    found = NestedCV(search(model, grid), cv=cv, n_jobs=n_jobs, refit=False)
    found.fit(X, y)  # the workers are warm
    ratios = []
    for _ in range(n_runs):
        start = time.perf_counter()
        found.fit(X, y)
        ratios.append((time.perf_counter() - start) / (n_fits * model.seconds / n_jobs))
    return {"median_over_ideal": median(ratios), "over_ideal": ratios}


def main():
    """Run all questions."""
    args = arguments(__doc__)
    X, y = load_breast_cancer(return_X_y=True)
    svc = make_pipeline(StandardScaler(), SVC())
    grid = {"svc__C": np.logspace(-1, 2, 4).tolist(), "svc__gamma": np.logspace(-4, -1, 4).tolist()}
    working = (svc, grid, X, y, StratifiedKFold(5, shuffle=True, random_state=0))
    naps = {"number": list(range(4 if args.quick else 12))}
    sleeping = (Sleeper(), naps, X[:60], y[:60], StratifiedKFold(3))
    result = {
        "two_workers": compare(2, 2 if args.quick else 11, working),
        "four_sleeping_workers": compare(4, 1 if args.quick else 5, sleeping),
    }
    naps = {"number": list(range(4 if args.quick else 16))}
    sleeping = (Sleeper(seconds=0.2), naps, X[:60], y[:60], StratifiedKFold(3))
    busy = utilisation(8, 1 if args.quick else 5, sleeping)
    print(f"three outer folds on eight workers: {busy}")
    for question, rows in result.items():
        for name, row in rows.items():
            print(question, name, {k: v for k, v in row.items() if k != "seconds"}, flush=True)
    write("nested", args.out, {**result, "three_folds_on_eight_workers": busy})


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
