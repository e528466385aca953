"""What do a search and its corrections claim where there is nothing to learn?

Data of pure noise, 20 samples of each of two classes, so every model errs half of the time. Varma
and Simon (2006) show how far below one half the error of a tuned model is then; here are lighter
versions of their two classifiers. Beside the best score of the search stand nested
cross-validation and, from the predictions of the same fits, BBC-CV, of a search that learns too.
"""

from __future__ import annotations

import math
import time
from functools import partial

import numpy as np
from _common import arguments, write
from scipy.stats import loguniform
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import NearestCentroid
from sklearn.svm import SVC

from skhpo import BayesSearchCV, NestedCV, SearchCV

KERNELS = {"C": np.logspace(-1, 2, 4).tolist(), "gamma": np.logspace(-5, 0, 6).tolist()}
THRESHOLDS = {"shrink_threshold": np.linspace(0.15, 3.0, 20).tolist()}


def errors(model, grid, n_features, n_folds, seed):
    """Error of the tuned model as the search claims it, nested, and corrected."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, n_features)), np.arange(40) % 2
    inner, outer = (
        StratifiedKFold(n_folds, shuffle=True, random_state=2 * seed + k) for k in (0, 1)
    )
    nested = NestedCV(GridSearchCV(model, grid, cv=inner), cv=outer).fit(X, y)
    n_iter = math.prod(map(len, grid.values()))
    search = SearchCV(model, grid, n_iter=n_iter, cv=inner, store_predictions=True).fit(X, y)
    scores = search.best_score_, nested.best_score_, search.bbc_interval(random_state=seed).estimate
    return 1 - np.array(scores)


def errors_of_bayes(seed):
    """Error of a model tuned by a search that learns, as it claims it, and corrected."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, 200)), np.arange(40) % 2
    cv = StratifiedKFold(5, shuffle=True, random_state=seed)
    space = {"C": loguniform(1e-1, 1e2), "gamma": loguniform(1e-5, 1)}
    options = {"n_iter": 24, "cv": cv, "store_predictions": True, "random_state": seed}
    search = BayesSearchCV(SVC(), space, **options).fit(X, y)
    return 1 - np.array([search.best_score_, search.bbc_interval(random_state=seed).estimate])


def claims(n_sets, names, errors):
    """Means over data sets with their standard errors, and how often less than .30 is claimed."""
    start = time.perf_counter()
    found = np.array([errors(seed=seed) for seed in range(n_sets)])
    return {
        "data_sets": n_sets,
        **{
            name: {
                "mean_error": float(column.mean()),
                "standard_error": float(column.std(ddof=1) / n_sets**0.5),
                "share_below_0.30": float(np.mean(column < 0.3)),
            }
            for name, column in zip(names, found.T, strict=True)
        },
        "seconds": round(time.perf_counter() - start, 1),
    }


def main():
    """Run both classifiers, and the search that learns."""
    args = arguments(__doc__)
    every, n_sets = ("tuned", "nested", "bbc"), 20 if args.quick else 60
    svm = partial(errors, SVC(), KERNELS, 200, 5)
    result = {
        "svm": claims(n_sets, every, svm),
        "bayes": claims(n_sets, ("tuned", "bbc"), errors_of_bayes),
    }
    if not args.quick:
        centroids = partial(errors, NearestCentroid(), THRESHOLDS, 1000, 10)
        result["centroids"] = claims(30, every, centroids)
    for name, row in result.items():
        print(name, {key: row[key]["mean_error"] for key in every if key in row})
    write("honest_nested", args.out, result)


if __name__ == "__main__":
    main()
