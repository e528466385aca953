"""Tuning tasks with a resource: settings were chosen on `chosen_on`, results are of `fresh`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from sklearn.svm import SVC, SVR

R = 81  # units of the resource that a whole fit gets; a unit is a tree, an epoch, or n / 81 samples


@dataclass(frozen=True, eq=False)
class Task:
    """An estimator, a space without the resource, data in three folds, and a score."""

    estimator: object
    space: dict
    data: tuple
    resource: str
    scoring: str = "neg_log_loss"

    @property
    def unit(self):
        """Amount of the resource in a unit."""
        return len(self.data[0]) / R if self.resource == "n_samples" else 1

    @property
    def most(self):
        """Amount of the resource of a whole fit, for the searches."""
        return len(self.data[0]) if self.resource == "n_samples" else R

    @property
    def cv(self):
        """The same three folds for everybody."""
        kind = StratifiedKFold if is_classifier(self.estimator) else KFold
        return list(kind(3, shuffle=True, random_state=0).split(*self.data))

    def trial(self, params):
        """Return models of the three folds that can be given more and more."""
        return Trial(self, params)


class Trial:
    """Models of a setting, as their users let them go on by hand."""

    def __init__(self, task, params):
        self.task = task
        self.models = [clone(task.estimator).set_params(**params) for _ in task.cv]
        self.units = 0

    def score(self, units):
        """Mean score with so many units."""
        X, y = self.task.data
        scores = []
        for model, (train, test) in zip(self.models, self.task.cv, strict=True):
            self._fit(model, X[train], y[train], int(units))
            scores.append(get_scorer(self.task.scoring)(model, X[test], y[test]))
        self.units = int(units)
        return float(np.mean(scores))

    def added(self, units):
        """Units beyond the last amount; all of them where models begin anew."""
        return units if self.task.resource == "n_samples" else units - self.units

    def _fit(self, model, X, y, units):
        resource = self.task.resource
        if resource == "n_samples":
            n = len(X) * units // R
            model.fit(X[:n], y[:n])
        elif self.units and hasattr(model, "partial_fit"):
            for _ in range(self.units, units):
                model.partial_fit(X, y)
        else:
            model.set_params(**{resource: units})
            if not hasattr(model, "partial_fit"):
                model.set_params(warm_start=self.units > 0)
            model.fit(X, y)


RATES = {"learning_rate": loguniform(0.01, 1)}
BOOSTING = {"max_leaf_nodes": randint(2, 32), "min_samples_leaf": randint(1, 40)}
FOREST = {
    "max_features": uniform(0.05, 0.95),
    "min_samples_leaf": randint(1, 20),
    "max_depth": randint(2, 20),
    "criterion": ["gini", "entropy"],
}
PERCEPTRON = {
    "learning_rate_init": loguniform(1e-4, 1),
    "alpha": loguniform(1e-7, 1),
    "hidden_layer_sizes": [(4,), (8,), (16,), (8, 8)],
    "batch_size": [32, 64, 128],
    "activation": ["relu", "tanh"],
}
KERNEL = {"C": loguniform(1e-3, 1e4), "gamma": loguniform(1e-5, 1e1)}
LINEAR = {
    "alpha": loguniform(1e-7, 1e-1),
    "penalty": ["l1", "l2", "elasticnet"],
    "l1_ratio": uniform(0, 1),
    "learning_rate": ["optimal", "constant", "invscaling"],
    "eta0": loguniform(1e-4, 1),
    "average": [False, True],
}


def _digits(n=None):
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(1).permutation(len(X))[:n]
    return X[rows] / 16, y[rows]


def _cancer(n=None):
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(1).permutation(len(X))[:n]
    return scale(X[rows]), y[rows]


def _diabetes():
    X, y = load_diabetes(return_X_y=True)
    rows = np.random.default_rng(1).permutation(len(X))
    return scale(X[rows]), y[rows]


def chosen_on():
    """Tasks to choose settings on."""
    trees = {name: FOREST[name] for name in ("max_features", "min_samples_leaf", "max_depth")}
    boosting = {"max_depth": randint(1, 6), "subsample": uniform(0.3, 0.7)}
    return {
        "boosting cancer": Task(
            GradientBoostingClassifier(random_state=0),
            RATES | boosting | {"max_features": uniform(0.05, 0.95)},
            _cancer(200),
            "n_estimators",
        ),
        "extra trees diabetes": Task(
            ExtraTreesRegressor(random_state=0), trees, _diabetes(), "n_estimators", "r2"
        ),
        "perceptron digits": Task(
            MLPClassifier(random_state=0, tol=0), PERCEPTRON, _digits(200), "max_iter"
        ),
        "sgd cancer": Task(
            SGDClassifier("log_loss", random_state=0, tol=None), LINEAR, _cancer(), "max_iter"
        ),
        "svr diabetes": Task(
            SVR(), KERNEL | {"epsilon": loguniform(0.1, 100)}, _diabetes(), "n_samples", "r2"
        ),
    }


def fresh():
    """Tasks that results are of."""
    return {
        "HistGradientBoosting, diabetes": Task(
            HistGradientBoostingRegressor(random_state=0),
            RATES | BOOSTING | {"l2_regularization": loguniform(1e-3, 1e3)},
            _diabetes(),
            "max_iter",
            "r2",
        ),
        "RandomForest, digits": Task(
            RandomForestClassifier(random_state=0),
            FOREST,
            _digits(300),
            "n_estimators",
            "accuracy",
        ),
        "MLP, cancer": Task(
            MLPClassifier(random_state=0, tol=0), PERCEPTRON, _cancer(300), "max_iter"
        ),
        "SGD, digits": Task(
            SGDClassifier("log_loss", random_state=0, tol=None), LINEAR, _digits(300), "max_iter"
        ),
        "SVC, digits": Task(SVC(), KERNEL, _digits(), "n_samples", "accuracy"),
    }


def larger():
    """Tasks for the times of halving searches: at its size of the data the digits are no toy."""
    space = RATES | BOOSTING
    return {
        "HistGradientBoosting, digits": Task(
            HistGradientBoostingClassifier(random_state=0), space, _digits(900), "max_iter"
        ),
        "RandomForest, digits": Task(
            RandomForestClassifier(random_state=0), FOREST, _digits(), "n_estimators", "accuracy"
        ),
        "MLP, digits": Task(MLPClassifier(random_state=0), PERCEPTRON, _digits(), "max_iter"),
        "SVC, digits": Task(SVC(), KERNEL, _digits(), "n_samples", "accuracy"),
    }
