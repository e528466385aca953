"""Estimators that do as a test tells them: a parameter is the score, fits are written down."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from skhpo import search

# All that give every candidate the same, for the contracts that hold for each of them.
SEARCHES = [
    cls
    for cls in vars(search).values()
    if isinstance(cls, type) and "n_iter" in cls._get_param_names()
]


class Log(list):
    """A list that a clone shares with its original."""

    def __deepcopy__(self, memo):
        return self


class Dial(ClassifierMixin, BaseEstimator):
    """A classifier whose score is ``a + b``; an ``a`` that can be called is called in fit."""

    def __init__(self, a=0.0, b=0.0, tag=None, log=None):
        self.a = a
        self.b = b
        self.tag = tag
        self.log = log

    def fit(self, X, y=None, **fit_params):
        """Write down the call, then do what ``a`` says."""
        if self.log is not None:
            self.log.append({"a": self.a, "b": self.b, "X": X, "y": y, **fit_params})
        if callable(self.a):
            self.a()
        self.classes_ = np.unique(y)
        self.n_features_in_ = np.shape(X)[1]
        return self

    def predict(self, X):
        """Return the first class throughout."""
        check_is_fitted(self)
        return np.repeat(self.classes_[:1], len(X))

    def score(self, X, y=None):
        """Return what the parameters say."""
        return float(self.a) + float(self.b)


class Told(Exception):  # noqa: N818
    """What `fail` raises."""


def fail():
    """Fail, as a fit may."""
    raise Told("as told")


def interrupt():
    """Press Ctrl-C."""
    raise KeyboardInterrupt
