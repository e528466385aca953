"""The methods, each with every task in the form that suits it best.

A method is a function (task, seed, n, ledger). Those with a search estimator run it on a
`Standin` whose score is that of the ledger; the others are asked and told. What a space becomes:

============== ====================================================================================
skhpo, random  scipy distributions and lists; a list of dicts where the task is conditional
tpe            define-by-run: the branch first, then its parameters (``group=True``)
smac           ConfigSpace with ordinals, and conditions on the branch
all others     flat: the branch is a label beside the parameters of all branches, and those of other
               branches are ignored. They have no conditions, or draw what is conditional at random
============== ====================================================================================

Where a method has no ordinals, they are whole numbers: the numbers of the levels.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import tempfile
import time
import warnings
from dataclasses import dataclass

import _threads  # noqa: F401
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from spaces import Choice, Int, Ordinal, Real
from tables import N_FOLDS


class Enough(BaseException):
    """All evaluations are spent; not an Exception, so that no search takes it for a failed fit."""


class Ledger:
    """What a run evaluated: scores, true scores, and the time that suggestions took."""

    def __init__(self, task, function, n):
        self.task, self.n, self._function = task, n, function
        self.scores, self.true, self.params, self.ask_ms = [], [], [], []
        self.evaluating = 0.0  # CPU seconds
        self._key, self._folds, self._left = None, None, {}

    def evaluate(self, params):
        """The mean score of a candidate."""
        return float(np.mean([self.fold(params, k) for k in range(N_FOLDS)]))

    def fold(self, params, k):
        """The score of one fold; a candidate counts when all of its folds were asked for."""
        began = time.process_time()
        key = repr(sorted(params.items()))
        if key != self._key:
            if len(self.scores) >= self.n and key not in self._left:
                raise Enough
            self._key, (self._folds, true) = key, self._function(params)
            self._left.setdefault(key, (set(range(N_FOLDS)), true))
        left, true = self._left[key]
        left.discard(k)
        if not left:
            del self._left[key]
            self._key = None
            self.scores.append(float(np.mean(self._folds)))
            self.true.append(true)
            self.params.append(params)
        self.evaluating += time.process_time() - began
        return float(self._folds[k])

    @contextlib.contextmanager
    def asking(self):
        """Time one suggestion."""
        began = time.process_time()
        yield
        self.ask_ms.append(1e3 * (time.process_time() - began))


# ---- search estimators -----------------------------------------------------------------------

X = np.arange(N_FOLDS)[:, None]  # sample k is what fold k tests
Y = np.arange(N_FOLDS) % 2
CV = [(np.delete(np.arange(N_FOLDS), k), np.array([k])) for k in range(N_FOLDS)]
CURRENT = None  # the ledger of the run; an attribute of the stand-in would be copied with it


class Standin(ClassifierMixin, BaseEstimator):
    """A classifier whose score is the ledger's; it takes any parameters."""

    def __init__(self, flat=False, **params):
        self.flat, self.params = flat, params

    def get_params(self, deep=True):
        return {"flat": self.flat, **self.params}

    def set_params(self, **params):
        self.flat = params.pop("flat", self.flat)
        self.params = {**self.params, **params}
        return self

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return CURRENT.fold(self._settings(), int(X[0, 0]))

    def _settings(self):
        space = CURRENT.task.space
        if self.flat:
            return space.decode(self.params)
        for b, branch in enumerate(space.branches):
            if all(self.params[k] == v for k, v in space.constants(b).items()):
                return {k: self.params[k] for k in branch}
        raise ValueError("the parameters are in no branch")


def fit(search, ledger):
    """Run a search estimator until it ends or its evaluations are spent."""
    global CURRENT
    CURRENT = ledger
    with contextlib.suppress(Enough):
        search.fit(X, Y)
    CURRENT = None
    return search


def standin(task, own=True):
    """The estimator before tuning, with scikit-learn's own values as a user would have them."""
    unset = dict.fromkeys(task.space.names, "unset")
    return Standin(**unset | (task.own_params() if own else {}))


def distributions(space):
    """What scikit-learn's searches take."""
    from scipy.stats import loguniform, randint, uniform

    def convert(p):
        if isinstance(p, Real):
            return loguniform(p.low, p.high) if p.log else uniform(p.low, p.high - p.low)
        if isinstance(p, Int):
            return randint(p.low, p.high + 1)
        return list(p.values) if isinstance(p, (Choice, Ordinal)) else [p]

    dicts = [{k: convert(p) for k, p in branch.items()} for branch in space.branches]
    return dicts if space.is_conditional else dicts[0]


@dataclass(frozen=True)
class Timed:
    """An optimiser of skhpo, and the time that it takes, written into the ledger."""

    optimizer: object
    adaptive = True

    def start(self, space, *, seed, n_iter):
        return _TimedRun(self.optimizer.start(space, seed=seed, n_iter=n_iter))


class _TimedRun:
    def __init__(self, run):
        self._run = run

    def ask(self, pending, *, index, rng):
        with CURRENT.asking():
            return self._run.ask(pending, index=index, rng=rng)

    def tell(self, observation):
        self._run.tell(observation)


@contextlib.contextmanager
def patched(constants):
    """Other values of constants, named "module:NAME" below skhpo, as long as the context lasts."""
    places = []
    for key, value in constants.items():
        path, name = key.split(":")
        module = importlib.import_module("skhpo." + path)
        places.append((module, name, getattr(module, name)))
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in places:
            setattr(module, name, value)


def skhpo(task, seed, n, ledger, *, own=True, window="2*n_jobs", constants=None, **settings):
    from skhpo import BayesSearchCV
    from skhpo.optimizers import GaussianProcess

    search = BayesSearchCV(
        standin(task, own),
        distributions(task.space),
        optimizer=Timed(GaussianProcess(**settings)),
        n_iter=n,
        cv=CV,
        refit=False,
        random_state=seed,
        pre_dispatch=window,
    )
    with patched(constants or {}):
        search = fit(search, ledger)
    if task.noisy:
        _note_posterior_pick(search, ledger)


def _note_posterior_pick(search, ledger):
    """The true score of the pick by the model's mean, where the checkout has that pick."""
    if hasattr(type(search), "best_posterior_index_"):
        params = search.cv_results_["params"][search.best_posterior_index_]
        keys = [repr(sorted(p.items())) for p in ledger.params]
        ledger.posterior_pick = ledger.true[keys.index(repr(sorted(params.items())))]


def random(task, seed, n, ledger):
    from sklearn.model_selection import RandomizedSearchCV

    options = {"n_iter": n, "cv": CV, "refit": False, "random_state": seed}
    fit(RandomizedSearchCV(standin(task), distributions(task.space), **options), ledger)


def optuna_search_cv(task, seed, n, ledger):
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna_integration.sklearn import OptunaSearchCV

    _quiet_optuna()

    def convert(p):
        if isinstance(p, Real):
            return FloatDistribution(p.low, p.high, log=p.log)
        if isinstance(p, Choice):
            return CategoricalDistribution(list(range(len(p.values))))
        return IntDistribution(*_whole(p))

    space = {name: convert(p) for name, p in _flat(task.space).items()}
    search = OptunaSearchCV(
        Standin(flat=True, **dict.fromkeys(space)),
        space,
        n_trials=n,
        cv=CV,
        refit=False,
        random_state=seed,
        timeout=None,
    )
    fit(search, ledger)


def ga_search_cv(task, seed, n, ledger):
    import random as python_random

    from sklearn_genetic import GASearchCV
    from sklearn_genetic.space import Categorical, Continuous, Integer

    def convert(p):
        if isinstance(p, Real):
            return Continuous(p.low, p.high, distribution="log-uniform" if p.log else "uniform")
        if isinstance(p, Choice):
            return Categorical(list(range(len(p.values))))
        return Integer(*_whole(p))

    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the only seed that it has)
    space = {name: convert(p) for name, p in _flat(task.space).items()}
    search = GASearchCV(
        Standin(flat=True, **dict.fromkeys(space)),
        cv=CV,
        param_grid=space,
        population_size=10,
        generations=4 * n // 10,
        verbose=False,
        refit=False,
    )
    fit(search, ledger)


def sambo(task, seed, n, ledger):
    """What `SamboSearchCV` calls; that class has no seed, and draws 80 of 100 points at random."""
    from sambo import minimize

    def bounds(p):
        if isinstance(p, Real):
            return (np.log10(p.low), np.log10(p.high)) if p.log else (float(p.low), float(p.high))
        if isinstance(p, Choice):
            return [f"level {k}" for k in range(len(p.values))]
        low, high = _whole(p)
        return low, high + 1

    def raw(p, value):
        if isinstance(p, Real):
            return 10.0 ** float(value) if p.log else float(value)
        return int(value.split()[1]) if isinstance(p, Choice) else int(value)

    parameters = _flat(task.space)

    def loss(x):
        flat = {k: raw(p, v) for (k, p), v in zip(parameters.items(), x, strict=True)}
        return -ledger.evaluate(task.space.decode(flat))

    options = {"max_iter": 2 * n, "n_init": 10, "n_iter_no_change": 2 * n, "rng": seed}
    warnings.simplefilter("ignore")
    with contextlib.suppress(Enough):
        minimize(loss, bounds=[bounds(p) for p in parameters.values()], method="smbo", **options)


def _flat(space):
    """Parameters by flat names, the branch among them."""
    branch = {"branch": Choice(*range(len(space.branches)))} if space.is_conditional else {}
    return {**branch, **{c.flat: c.parameter for c in space.columns}}


def _whole(p):
    return (p.low, p.high) if isinstance(p, Int) else (0, len(p.values) - 1)


# ---- asked and told --------------------------------------------------------------------------


def asked(factory):
    """A method from a function (space, seed, n) -> (ask, tell); both speak of raw values.

    The function may take ``start``, the number of random points before its model is used.
    """

    @functools.wraps(factory)
    def method(task, seed, n, ledger):
        ask, tell = factory(task.space, seed, n)
        for _ in range(n):
            with ledger.asking():
                handle, flat = ask()
            score = ledger.evaluate(task.space.decode(flat))
            began = time.process_time()
            tell(handle, score)
            ledger.ask_ms[-1] += 1e3 * (time.process_time() - began)

    method.factory = factory
    return method


def _quiet_optuna():
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")


def _optuna(space, sampler, flat):
    import optuna

    _quiet_optuna()
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def suggest(trial, name, p):
        if isinstance(p, Real):
            return trial.suggest_float(name, p.low, p.high, log=p.log)
        if isinstance(p, Choice):
            return trial.suggest_categorical(name, list(range(len(p.values))))
        return trial.suggest_int(name, *_whole(p))

    def ask():
        trial, parameters, out = study.ask(), _flat(space), {}
        if "branch" in parameters:
            out["branch"] = suggest(trial, "branch", parameters["branch"])
        b = out.get("branch", 0)
        for c in space.columns:
            if flat or b in c.branches:
                out[c.flat] = suggest(trial, c.flat, c.parameter)
        return trial, out

    return ask, study.tell


@asked
def tpe(space, seed, n, start=10):
    from optuna.samplers import TPESampler

    options = {"multivariate": True, "group": True, "n_startup_trials": start}
    return _optuna(space, TPESampler(seed=seed, **options), flat=False)


@asked
def gp_sampler(space, seed, n, start=10):
    from optuna.samplers import GPSampler

    return _optuna(space, GPSampler(seed=seed, n_startup_trials=start), flat=True)


@asked
def skopt(space, seed, n, start=10):
    from skopt import Optimizer
    from skopt.space import Categorical, Integer
    from skopt.space import Real as Float

    def convert(p):
        if isinstance(p, Real):
            return Float(p.low, p.high, prior="log-uniform" if p.log else "uniform")
        if isinstance(p, Choice):
            return Categorical(list(range(len(p.values))))
        return Integer(*_whole(p))

    parameters = _flat(space)
    dimensions = [convert(p) for p in parameters.values()]
    optimizer = Optimizer(dimensions, "GP", random_state=seed, n_initial_points=start)
    warnings.simplefilter("ignore")

    def ask():
        x = optimizer.ask()
        return x, dict(zip(parameters, x, strict=True))

    return ask, lambda x, score: optimizer.tell(x, -score)


@asked
def smac(space, seed, n):
    import logging
    from pathlib import Path

    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory import TrialValue

    logging.getLogger("smac").setLevel(logging.ERROR)
    scenario = Scenario(
        _configuration_space(space, seed),
        deterministic=True,
        n_trials=n,
        seed=seed,
        output_directory=Path(tempfile.mkdtemp()),
    )
    options = {"overwrite": True, "logging_level": logging.ERROR}
    facade = HyperparameterOptimizationFacade(scenario, lambda config, seed: 0.0, **options)

    def ask():
        trial = facade.ask()
        return trial, dict(trial.config)

    return ask, lambda trial, score: facade.tell(trial, TrialValue(cost=-score))


def _configuration_space(space, seed):
    from ConfigSpace import (
        CategoricalHyperparameter,
        ConfigurationSpace,
        InCondition,
        OrdinalHyperparameter,
        UniformFloatHyperparameter,
        UniformIntegerHyperparameter,
    )

    def convert(name, p):
        if isinstance(p, Real):
            return UniformFloatHyperparameter(name, p.low, p.high, log=p.log)
        if isinstance(p, Int):
            return UniformIntegerHyperparameter(name, p.low, p.high)
        kind = CategoricalHyperparameter if isinstance(p, Choice) else OrdinalHyperparameter
        return kind(name, list(range(len(p.values))))

    out = ConfigurationSpace(seed=seed)
    parameters = {name: convert(name, p) for name, p in _flat(space).items()}
    out.add(list(parameters.values()))
    every = tuple(range(len(space.branches)))
    for c in space.columns:
        if c.branches != every:
            out.add(InCondition(parameters[c.flat], parameters["branch"], list(c.branches)))
    return out


@asked
def hebo(space, seed, n):
    import torch
    from hebo.design_space.design_space import DesignSpace
    from hebo.optimizers.hebo import HEBO

    def convert(name, p):
        if isinstance(p, Real):
            return {"name": name, "type": "pow" if p.log else "num", "lb": p.low, "ub": p.high}
        if isinstance(p, Choice):
            return {"name": name, "type": "cat", "categories": list(range(len(p.values)))}
        low, high = _whole(p)
        return {"name": name, "type": "int", "lb": low, "ub": high}

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the seed that it uses)
    warnings.simplefilter("ignore")
    parameters = _flat(space)
    records = [convert(name, p) for name, p in parameters.items()]
    optimizer = HEBO(DesignSpace().parse(records), scramble_seed=seed)

    def ask():
        suggestion = optimizer.suggest(n_suggestions=1)
        return suggestion, {name: suggestion[name].iloc[0] for name in parameters}

    return ask, lambda suggestion, score: optimizer.observe(suggestion, np.array([[-score]]))


# ---- the list --------------------------------------------------------------------------------

_EFFORT = [
    f"optimizers._gaussian_process:{name}" for name in ("N_GLOBAL", "N_LOCAL", "GENERATIONS")
]


METHODS = {
    "skhpo": skhpo,
    "random": random,
    "tpe": tpe,
    "optuna-search-cv": optuna_search_cv,
    "gp-sampler": gp_sampler,
    "skopt": skopt,
    "smac": smac,
    "hebo": hebo,
    "sambo": sambo,
    "ga-search-cv": ga_search_cv,
    # windows of candidates' fits under way, as more workers have them
    "skhpo/window-8": functools.partial(skhpo, window=8),
    "skhpo/window-16": functools.partial(skhpo, window=16),
    # one thing changed: transform, prior, belief, acquisition, start, effort of the search
    "skhpo/standardize": functools.partial(skhpo, transform="standardize"),
    "skhpo/no-prior": functools.partial(
        skhpo, constants={"surrogates._gaussian_process:W_PRIOR": (0.0, 30.0)}
    ),
    "skhpo/no-belief": functools.partial(
        skhpo, constants={"optimizers._gaussian_process:INSIDE": 0.0}
    ),
    "skhpo/log-ei": functools.partial(skhpo, acquisition="log_ei"),
    "skhpo/without-own": functools.partial(skhpo, own=False),
    "skhpo/start-20": functools.partial(skhpo, n_initial=20),
    "skhpo/effort-0.25": functools.partial(
        skhpo, constants=dict(zip(_EFFORT, (96, 32, 1), strict=True))
    ),
    "skhpo/effort-4": functools.partial(
        skhpo, constants=dict(zip(_EFFORT, (1536, 512, 24), strict=True))
    ),
}
