"""Tuning tasks whose scores are kept, and the searches that are compared on them.

A search is given an estimator whose fit looks its score up, which takes real fits the first time.
So each search runs as its users run it, and a setting is fitted once for all of them.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from typing import ClassVar

import numpy as np
import optuna
from scipy.optimize import differential_evolution
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, is_classifier
from sklearn.model_selection import KFold, RandomizedSearchCV, StratifiedKFold
from sklearn.preprocessing import scale
from sklearn_genetic import GASearchCV
from sklearn_genetic.space import Categorical, Continuous, Integer

from skhpo import EvolutionarySearchCV
from skhpo.space import SearchSpace

ONE_SPLIT = [(np.arange(4), np.arange(4))]
NO_DATA = np.zeros((4, 1)), np.arange(4) % 2


class Named(BaseEstimator):
    """An estimator whose parameters are the names in ``defaults``."""

    defaults: ClassVar[dict] = {}

    def __init__(self, **values):
        vars(self).update(self.defaults | values)

    @classmethod
    def _get_param_names(cls):
        return list(cls.defaults)


class Task:
    """A mean score over folds as a function of parameters, kept in memory."""

    def __init__(self, estimator, space, data, n_samples=100, n_folds=2):
        self.estimator, self.space, self.kept = estimator, space, {}
        self.names = sorted({name for one in dicts(space) for name in one})
        X, y = data
        rows = np.random.default_rng(0).permutation(len(X))[:n_samples]
        X, y = scale(X[rows]), y[rows]
        kind = StratifiedKFold if is_classifier(estimator) else KFold
        splits = kind(n_folds, shuffle=True, random_state=0).split(X, y)
        self.folds = [(X[train], y[train], X[test], y[test]) for train, test in splits]

    @property
    def own(self):
        """The estimator's own parameters as a list, empty when the space has them not."""
        own = self.estimator.get_params()
        own = {name: own[name] for name in self.names}
        is_inside = isinstance(self.space, dict) and SearchSpace(self.space).contains(own)
        return [own] if is_inside else []

    def __call__(self, params):
        """Mean score of a setting; parameters that are not searched are ignored."""
        values = tuple(params[name] for name in self.names if name in params)
        key = tuple(map(repr, values))
        if key not in self.kept:
            own = self.estimator.get_params()
            self.estimator.set_params(**{n: params.get(n, own[n]) for n in self.names})
            self.kept[key] = float(np.mean([self._score(*fold) for fold in self.folds]))
            self.estimator.set_params(**{n: own[n] for n in self.names})
        return self.kept[key]

    def _score(self, X, y, X_test, y_test):
        """R2, or the area under the ROC curve, which a scorer would be slower to tell."""
        model = self.estimator.fit(X, y)
        if not is_classifier(model):
            return 1 - np.mean((y_test - model.predict(X_test)) ** 2) / np.var(y_test)
        has_proba = hasattr(model, "predict_proba")
        p = model.predict_proba(X_test)[:, 1] if has_proba else model.decision_function(X_test)
        n = y_test.sum()
        above = rankdata(p)[y_test == 1].sum() - n * (n + 1) / 2
        return above / (n * (len(y_test) - n))


class EnoughError(BaseException):
    """The evaluations are spent; no search takes it for a fit that failed."""


class Counted:
    """A function of parameters that keeps the best scores and stops after n evaluations."""

    def __init__(self, function, n):
        self.function, self.n, self.best = function, n, []

    def __call__(self, params):
        """Score of a setting; raises when there were enough."""
        if len(self.best) == self.n:
            raise EnoughError
        score = self.function(params)
        self.best.append(np.fmax(score, self.best[-1]) if self.best else score)
        return score


class _Known:
    """Before a class of estimators: a fit looks up the score of its parameters."""

    evaluate = None

    def fit(self, X, y=None):
        """Evaluate the parameters, once whatever is scored then."""
        self.score_ = type(self).evaluate(self.get_params())
        return self

    def score(self, X, y=None):
        """Score of the parameters."""
        return self.score_


def known(estimator, evaluate):
    """An estimator with the same parameters whose score is ``evaluate(params)``."""
    cls = type("Known", (_Known, type(estimator)), {"evaluate": staticmethod(evaluate)})
    return cls(**estimator.get_params(deep=False))


def curve(search, task, n, seed):
    """Best score after each of n evaluations."""
    counted = Counted(task, n)
    with contextlib.suppress(EnoughError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search(task, counted, n, seed)
    return counted.best


def by_class(cls, **settings):
    """Search by a class with scikit-learn's interface."""

    def search(task, evaluate, n, seed):
        options = {"cv": ONE_SPLIT, "refit": False, "n_iter": n, "random_state": seed}
        cls(known(task.estimator, evaluate), task.space, **options, **settings).fit(*NO_DATA)

    return search


def evolution(algorithm):
    """Search by EvolutionarySearchCV."""
    return by_class(EvolutionarySearchCV, algorithm=algorithm)


def random_search(task, evaluate, n, seed):
    """Search by RandomizedSearchCV, after the estimator's own parameters."""
    for own in task.own:
        evaluate(own)
    by_class(RandomizedSearchCV)(task, evaluate, n, seed)


def by_scipy(popsize):
    """Search by scipy's differential evolution in the unit cube of the space."""

    def search(task, evaluate, n, seed):
        space = SearchSpace(task.space)

        def loss(point):
            score = evaluate(space.from_unit(point))
            return -score if np.isfinite(score) else np.inf

        for own in task.own:
            evaluate(own)
        bounds = [(0.0, 1.0)] * space.n_dims
        options = {"popsize": popsize, "polish": False, "tol": 0.0, "maxiter": n, "rng": seed}
        differential_evolution(loss, bounds, **options)

    return search


def genetic(population_size):
    """Search by GASearchCV; its default is a population of 50."""

    def search(task, evaluate, n, seed):
        ga = GASearchCV(
            known(task.estimator, evaluate),
            cv=ONE_SPLIT,
            param_grid=_flat(task.space),
            population_size=population_size,
            generations=n,
            verbose=False,
            refit=False,
            error_score="raise",
            warm_start_configs=task.own,
        )
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002, what it draws from
        ga.fit(*NO_DATA)

    return search


def dicts(space):
    """A space as a list of dicts."""
    return space if isinstance(space, list) else [space]


def _flat(space):
    """A space for GASearchCV, which knows no conditions: everything is always there."""
    merged = {}
    for name, values in (item for one in dicts(space) for item in one.items()):
        is_new = not isinstance(values, list) or name not in merged
        merged[name] = values if is_new else merged[name] + values
    return {name: _dimension(values) for name, values in merged.items()}


def _dimension(values):
    if not isinstance(values, list):
        low, high = map(float, values.support())
        return Continuous(low, high, "log-uniform" if _is_log(values) else "uniform")
    if _is_range(values):
        return Integer(values[0], values[-1])
    return Categorical(values)


def _is_range(values):
    """Whether values are a distribution or consecutive integers."""
    if not isinstance(values, list):
        return True
    is_int = all(type(v) is int for v in values)
    return is_int and values == list(range(values[0], values[-1] + 1))


def _is_log(distribution):
    return "log" in type(distribution.dist).__name__ or "recip" in type(distribution.dist).__name__


def by_optuna(make):
    """Search by a sampler of optuna, asked and told."""

    def search(task, evaluate, n, seed):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=make(seed), direction="maximize")
        for own in task.own:
            study.enqueue_trial(_encoded(own, task.space))
        while True:
            trial = study.ask()
            score = evaluate(_suggest(trial, task.space))
            failed = np.isnan(score)
            states = optuna.trial.TrialState
            state = states.FAIL if failed else states.COMPLETE
            study.tell(trial, None if failed else score, state=state)

    return search


def _suggest(trial, space):
    choices = dicts(space)
    k = trial.suggest_categorical("dict", list(range(len(choices)))) if len(choices) > 1 else 0
    return {name: _value(trial, name, k, values) for name, values in choices[k].items()}


def _encoded(own, space):
    """What _suggest makes the estimator's own parameters of, where there are no conditions."""
    numbers = {name: own[name] for name, values in space.items() if _is_range(values)}
    lists = {name: values for name, values in space.items() if name not in numbers}
    return numbers | {f"{name} 0": values.index(own[name]) for name, values in lists.items()}


def _value(trial, name, k, values):
    if not isinstance(values, list):
        low, high = map(float, values.support())
        return trial.suggest_float(name, low, high, log=_is_log(values))
    if _is_range(values):
        return trial.suggest_int(name, values[0], values[-1])
    return values[trial.suggest_categorical(f"{name} {k}", list(range(len(values))))]


def optuna_cmaes(seed):
    """Its CMA-ES; what is not a number is drawn at random."""
    return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)


def optuna_nsga2(seed):
    """Its genetic algorithm."""
    return optuna.samplers.NSGAIISampler(seed=seed)
