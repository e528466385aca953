"""How many fits and seconds until the best score of a GridSearchCV is reached?

GridSearchCV runs its whole grid. RandomizedSearchCV and BayesSearchCV search the same ranges as
distributions, and stop where they reach the grid's best score, at the grid's own number of
candidates at the latest. Median over seeds; "reached" counts the seeds that got there.
"""

from __future__ import annotations

import time
import warnings
from statistics import median

import numpy as np
from _common import arguments, write
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpo import BayesSearchCV, loguniform_int
from skhpo.stopping import TargetScore

STRATIFIED = StratifiedKFold(5, shuffle=True, random_state=0)
SHUFFLED = KFold(5, shuffle=True, random_state=0)

TASKS = {
    "SVC, breast_cancer, accuracy": (
        load_breast_cancer,
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": np.logspace(-2, 5, 8), "svc__gamma": np.logspace(-6, 1, 8)},
        {"svc__C": loguniform(1e-2, 1e5), "svc__gamma": loguniform(1e-6, 1e1)},
        {"cv": STRATIFIED},
    ),
    "HistGradientBoosting, diabetes, R2": (
        load_diabetes,
        HistGradientBoostingRegressor(max_iter=60, random_state=0),
        {
            "learning_rate": np.logspace(-2, -0.5, 4),
            "max_leaf_nodes": [3, 7, 15, 31],
            "l2_regularization": np.logspace(-3, 2, 4),
        },
        {
            "learning_rate": loguniform(1e-2, 10**-0.5),
            "max_leaf_nodes": loguniform_int(3, 31),
            "l2_regularization": loguniform(1e-3, 1e2),
        },
        {"cv": SHUFFLED},
    ),
    "kNN, digits, accuracy": (
        load_digits,
        make_pipeline(PCA(random_state=0), KNeighborsClassifier()),
        {
            "pca__n_components": [8, 16, 32, 48],
            "kneighborsclassifier__n_neighbors": [1, 3, 5, 9],
            "kneighborsclassifier__weights": ["uniform", "distance"],
            "kneighborsclassifier__p": [1, 2],
        },
        {
            "pca__n_components": randint(8, 49),
            "kneighborsclassifier__n_neighbors": randint(1, 10),
            "kneighborsclassifier__weights": ["uniform", "distance"],
            "kneighborsclassifier__p": [1, 2],
        },
        {"cv": STRATIFIED},
    ),
    "LogisticRegression, wine, log loss": (
        load_wine,
        make_pipeline(
            StandardScaler(),
            LogisticRegression(solver="saga", l1_ratio=0.5, max_iter=2000, random_state=0),
        ),
        {
            "logisticregression__C": np.logspace(-3, 3, 13),
            "logisticregression__l1_ratio": [0.01, 0.25, 0.5, 0.75, 0.99],
        },
        {
            "logisticregression__C": loguniform(1e-3, 1e3),
            "logisticregression__l1_ratio": uniform(0, 1),
        },
        {"cv": STRATIFIED, "scoring": "neg_log_loss"},
    ),
}


def timed(search, X, y):
    """Fit; return the search and the seconds it took."""
    start = time.perf_counter()
    search.fit(X, y)
    return search, time.perf_counter() - start


def until(search, seconds, target, n_splits):
    """Fits and seconds until the target, and whether it was reached."""
    scores = search.cv_results_["mean_test_score"]
    reached = np.flatnonzero(scores >= target)
    n_candidates = reached[0] + 1 if reached.size else len(scores)
    fits = int(n_candidates * n_splits)
    return fits, seconds * n_candidates / len(scores), bool(reached.size)


def run_task(load, estimator, grid, space, options, seeds):
    """One row of the table."""
    X, y = load(return_X_y=True)
    options = {**options, "refit": False}
    best, seconds = timed(GridSearchCV(estimator, grid, **options), X, y)
    target, n_candidates = best.best_score_, len(best.cv_results_["params"])
    row = {"target": target, "grid": {"fits": n_candidates * 5, "seconds": seconds}}
    for name in ("random", "bayes"):
        runs = []
        for seed in seeds:
            extra = {"n_iter": n_candidates, "random_state": seed, **options}
            if name == "random":
                search = RandomizedSearchCV(estimator, space, **extra)
            else:
                stopping = TargetScore(target)
                search = BayesSearchCV(estimator, space, stopping=stopping, **extra)
            runs.append(until(*timed(search, X, y), target, 5))
        fits, times, reached = zip(*runs, strict=True)
        row[name] = {"fits": median(fits), "seconds": median(times), "reached": sum(reached)}
    return row


def main():
    """Run every task."""
    args = arguments(__doc__)
    seeds = range(2 if args.quick else 5)
    rows = []
    for name, task in TASKS.items():
        rows.append({"task": name, **run_task(*task, seeds)})
        print(rows[-1], flush=True)
    write("main_job", args.out, {"seeds": len(seeds), "rows": rows})


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    main()
