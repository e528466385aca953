"""Tuning tasks: settings of the optimisers were chosen on `chosen_on`, results are of `fresh`."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from _tuning import Named, Task
from scipy.stats import loguniform, uniform
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_friedman1
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

C, GAMMA = loguniform(1e-3, 1e3), loguniform(1e-5, 1e2)


class _Scaled(Named):
    """An estimator of columns times factors, which are hyper-parameters."""

    def _scale(self, X):
        factors = [value for name, value in vars(self).items() if name[0] == "x"]
        return X * np.array(factors, dtype=float)

    def fit(self, X, y):
        """Fit."""
        self.estimator.fit(self._scale(X), y)
        return self

    def predict(self, X):
        """Predict."""
        return self.estimator.predict(self._scale(X))

    def predict_proba(self, X):
        """Predict."""
        return self.estimator.predict_proba(self._scale(X))


class WideRegressor(RegressorMixin, _Scaled):
    """A kernel of ten widths."""

    defaults: ClassVar[dict] = {"estimator": None, **{f"x{i}": 1.0 for i in range(10)}}


class ChosenRegressor(RegressorMixin, _Scaled):
    """A choice of columns out of twenty."""

    defaults: ClassVar[dict] = {"estimator": None, **{f"x{i}": True for i in range(20)}}


class ChosenClassifier(ClassifierMixin, _Scaled):
    """A choice of columns out of thirty."""

    defaults: ClassVar[dict] = {"estimator": None, **{f"x{i}": True for i in range(30)}}


def chosen_on():
    """Two tasks of numbers only, four mixed ones, one of them with a list of dicts, and choices."""
    tree = {
        "max_depth": [None, *range(1, 20)],
        "min_samples_leaf": list(range(1, 30)),
        "min_samples_split": list(range(2, 40)),
        "max_features": uniform(0.05, 0.95),
        "ccp_alpha": loguniform(1e-5, 1e-1),
        "criterion": ["gini", "entropy"],
        "splitter": ["best", "random"],
    }
    alpha = loguniform(1e-5, 1e2)
    kernels = [
        {"kernel": ["rbf", "laplacian"], "alpha": alpha, "gamma": GAMMA},
        {
            "kernel": ["polynomial"],
            "alpha": alpha,
            "gamma": GAMMA,
            "degree": [1, 2, 3, 4],
            "coef0": uniform(0, 5),
        },
    ]
    neighbours = {
        "n_neighbors": list(range(1, 40)),
        "p": uniform(1, 4),
        "weights": ["uniform", "distance"],
        "metric": ["minkowski", "chebyshev", "canberra", "cosine"],
    }
    cancer, diabetes = load_breast_cancer(return_X_y=True), load_diabetes(return_X_y=True)
    svr = {"C": C, "gamma": GAMMA, "epsilon": loguniform(1e-2, 1e2)}
    return {
        "svc cancer": Task(SVC(max_iter=20_000), {"C": C, "gamma": GAMMA}, cancer),
        "svr diabetes": Task(SVR(max_iter=20_000), svr, diabetes),
        "tree cancer": Task(DecisionTreeClassifier(random_state=0), tree, cancer),
        "kernel ridge diabetes": Task(KernelRidge(), kernels, diabetes),
        "neighbours cancer": Task(KNeighborsClassifier(algorithm="brute"), neighbours, cancer),
        "sgd cancer": _sgd(cancer),
        "columns cancer": _columns_cancer(cancer),
    }


def _columns_cancer(data):
    columns = {f"x{i}": [False, True] for i in range(30)}
    return Task(ChosenClassifier(estimator=GaussianNB()), columns, data)


def fresh():
    """Three tasks of numbers only, three mixed ones, and two of choices."""
    return {
        "polynomial kernel digits": _polynomial(),
        "ten widths diabetes": _widths(),
        "svr friedman": _svr(),
        "sgd digits": _sgd(_digits()),
        "kernels friedman": _kernels(),
        "tree friedman": _tree(),
        "columns friedman": _columns(),
        "extra tree digits": _extra_tree(),
    }


def _digits():
    X, y = load_digits(return_X_y=True)
    return X, y % 2


def _polynomial():
    space = {"C": C, "gamma": loguniform(1e-4, 1), "coef0": uniform(0, 5), "degree": [2, 3, 4, 5]}
    return Task(SVC(kernel="poly", max_iter=5000), space, _digits())


def _widths():
    widths = {f"x{i}": loguniform(1e-3, 1e1) for i in range(10)}
    space = widths | {"estimator__alpha": loguniform(1e-5, 1e2)}
    ridge = WideRegressor(estimator=KernelRidge(kernel="rbf"))
    return Task(ridge, space, load_diabetes(return_X_y=True))


def _svr():
    space = {"C": C, "gamma": GAMMA, "epsilon": loguniform(1e-3, 1e1)}
    return Task(SVR(max_iter=5000), space, make_friedman1(100, random_state=4))


def _sgd(data):
    space = {
        "loss": ["hinge", "log_loss", "modified_huber", "squared_hinge"],
        "penalty": ["l2", "l1", "elasticnet"],
        "learning_rate": ["optimal", "constant", "invscaling", "adaptive"],
        "average": [False, True],
        "alpha": loguniform(1e-6, 1),
        "l1_ratio": uniform(0, 1),
        "eta0": loguniform(1e-5, 1),
        "power_t": uniform(0, 1),
    }
    return Task(SGDClassifier(max_iter=20, tol=None, random_state=0), space, data)


def _kernels():
    both = {"C": C, "gamma": GAMMA, "epsilon": loguniform(1e-3, 1)}
    space = [
        {"kernel": ["rbf"], **both},
        {"kernel": ["poly"], **both, "degree": [2, 3, 4], "coef0": uniform(0, 5)},
        {"kernel": ["sigmoid"], **both, "coef0": uniform(0, 5)},
    ]
    return Task(SVR(max_iter=5000), space, make_friedman1(100, random_state=3))


def _tree():
    space = {
        "max_depth": [None, *range(1, 12)],
        "min_samples_leaf": list(range(1, 30)),
        "min_samples_split": list(range(2, 40)),
        "max_features": uniform(0.1, 0.9),
        "ccp_alpha": loguniform(1e-4, 10),
        "criterion": ["squared_error", "absolute_error"],
        "splitter": ["best", "random"],
    }
    return Task(DecisionTreeRegressor(random_state=0), space, make_friedman1(100, random_state=1))


def _columns():
    columns = {f"x{i}": [False, True] for i in range(20)}
    space = columns | {"estimator__weights": ["uniform", "distance"]}
    neighbours = KNeighborsRegressor(5, algorithm="brute")
    data = make_friedman1(100, n_features=20, random_state=2)
    return Task(ChosenRegressor(estimator=neighbours), space, data)


def _extra_tree():
    space = {
        "criterion": ["gini", "entropy"],
        "splitter": ["random", "best"],
        "class_weight": [None, "balanced"],
        "max_features": ["sqrt", "log2", None],
        "max_depth": [None, *range(1, 12)],
        "min_samples_leaf": list(range(1, 20)),
    }
    return Task(ExtraTreeClassifier(random_state=0), space, _digits())
