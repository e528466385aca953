"""How long does it take to tune a model of 50 ms on two workers?

100 candidates, 5 folds, 2 workers, seconds by the clock; every run is added to the file. One model
sleeps for 50 ms, the other is a support vector machine of about 50 ms. The ideal is 12.5 s.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

import _threads  # noqa: F401
import numpy as np
from run import versions
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.svm import SVC
from tables import RESULTS

N, FOLDS = 100, 5


class Sleeper(ClassifierMixin, BaseEstimator):
    """A model that takes 50 ms, and a score with an optimum."""

    def __init__(self, C=1.0, gamma=1.0, coef0=0.0):
        self.C, self.gamma, self.coef0 = C, gamma, coef0

    def fit(self, X, y):
        time.sleep(0.05)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def score(self, X, y):
        c, g = np.log10(self.C), np.log10(self.gamma)
        return float(np.exp(-((c + g) ** 2) - 0.2 * (g + 1) ** 2) - 0.05 * self.coef0**2)


MODELS = {"sleeping": (Sleeper(), 100), "SVC": (SVC(kernel="poly", degree=2, max_iter=9000), 2000)}


def skhpo(model, seed):
    from scipy.stats import loguniform, uniform

    from skhpo import BayesSearchCV

    space = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1e1), "coef0": uniform(-1, 2)}
    return BayesSearchCV(model, space, n_iter=N, cv=FOLDS, n_jobs=2, random_state=seed, refit=False)


def random(model, seed):
    from scipy.stats import loguniform, uniform
    from sklearn.model_selection import RandomizedSearchCV

    space = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-3, 1e1), "coef0": uniform(-1, 2)}
    return RandomizedSearchCV(
        model, space, n_iter=N, cv=FOLDS, n_jobs=2, random_state=seed, refit=False
    )


def optuna_search_cv(model, seed):
    import optuna
    from optuna.distributions import FloatDistribution
    from optuna_integration.sklearn import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {
        "C": FloatDistribution(1e-2, 1e2, log=True),
        "gamma": FloatDistribution(1e-3, 1e1, log=True),
        "coef0": FloatDistribution(-1, 1),
    }
    return OptunaSearchCV(
        model, space, n_trials=N, cv=FOLDS, n_jobs=2, random_state=seed, refit=False, timeout=None
    )


def skopt(model, seed):
    from skopt import BayesSearchCV
    from skopt.space import Real

    space = {
        "C": Real(1e-2, 1e2, prior="log-uniform"),
        "gamma": Real(1e-3, 1e1, prior="log-uniform"),
        "coef0": Real(-1, 1),
    }
    return BayesSearchCV(
        model, space, n_iter=N, n_points=2, cv=FOLDS, n_jobs=2, random_state=seed, refit=False
    )


SEARCHES = {
    "skhpo": skhpo,
    "optuna-search-cv": optuna_search_cv,
    "skopt": skopt,
    "RandomizedSearchCV": random,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", nargs="+", default=list(SEARCHES))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    path = RESULTS / "wall_clock.json"
    result = json.loads(path.read_text()) if path.exists() else {"seconds": {}}
    result["versions"] = versions()
    for name in options.models:
        model, n = MODELS[name]
        X, y = make_classification(n, 20, n_informative=8, flip_y=0.1, random_state=0)
        for seed in range(options.repeats):
            for search in options.searches:
                began = time.perf_counter()
                SEARCHES[search](model, seed).fit(X, y)
                spent = round(time.perf_counter() - began, 2)
                result["seconds"].setdefault(name, {}).setdefault(search, []).append(spent)
                print(name, search, spent, flush=True)
                path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
