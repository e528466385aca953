"""Which evolutionary algorithm tunes real estimators best, beside the alternatives?

Best cross-validated score after 64, 128 and 256 candidates: mean rank over tasks and seeds, and
regret as a share of what random search of 64 candidates leaves to the best score anybody found.
The Gaussian process stops at 64. GASearchCV is its loop: DEAP's eaMuPlusLambda with the
same operators and rates, on the same spaces; optuna is asked and told.

Needs the packages `deap` and `optuna` (with `cmaes`).
"""

from __future__ import annotations

import contextlib
import random
import warnings

import numpy as np
from _common import arguments, write
from deap import algorithms, base, creator, tools
from scipy.stats import loguniform, rankdata, uniform
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import scale
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from skhpo._records import Observation
from skhpo.optimizers import (
    CMAES,
    DifferentialEvolution,
    GaussianProcess,
    GeneticAlgorithm,
    RandomSearch,
)
from skhpo.space import SearchSpace

BUDGETS = (64, 128, 256)


class Task:
    """A score on three folds as a function of a snapped point of the cube."""

    def __init__(self, estimator, space, load, n_samples):
        self.estimator, self.space, self.known = estimator, SearchSpace(space), {}
        X, y = load(return_X_y=True)
        rows = np.random.default_rng(0).permutation(len(X))[:n_samples]
        X, y = scale(X)[rows], y[rows]
        kind = StratifiedKFold if is_classifier(estimator) else KFold
        splits = kind(3, shuffle=True, random_state=0).split(X, y)
        self.folds = [(X[train], y[train], X[test], y[test]) for train, test in splits]

    def __call__(self, point):
        """Mean score at a snapped point."""
        if point.tobytes() not in self.known:
            self.estimator.set_params(**self.space.from_unit(point))
            scores = [self.fold(*fold) for fold in self.folds]
            self.known[point.tobytes()] = float(np.mean(scores))
        return self.known[point.tobytes()]

    def fold(self, X, y, X_test, y_test):
        """R2, or the area under the ROC curve, which a scorer would be slower to tell."""
        model = self.estimator.fit(X, y)
        if not is_classifier(model):
            return 1 - np.mean((y_test - model.predict(X_test)) ** 2) / np.var(y_test)
        has_proba = hasattr(model, "predict_proba")
        p = model.predict_proba(X_test)[:, 1] if has_proba else model.decision_function(X_test)
        n = y_test.sum()
        above = rankdata(p)[y_test == 1].sum() - n * (n + 1) / 2
        return above / (n * (len(y_test) - n))


def make_tasks():
    """Two tasks of numbers only and three mixed ones, one of them with dicts of a list."""
    C, gamma = loguniform(1e-3, 1e3), loguniform(1e-5, 1e2)
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
        {"kernel": ["rbf", "laplacian"], "alpha": alpha, "gamma": gamma},
        {
            "kernel": ["polynomial"],
            "alpha": alpha,
            "gamma": gamma,
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
    cancer, diabetes = (load_breast_cancer, 120), (load_diabetes, 120)
    grow = DecisionTreeClassifier(random_state=0)
    fit_svr, about = SVR(max_iter=20_000), {"C": C, "gamma": gamma}
    return {
        "svc cancer": Task(SVC(max_iter=20_000), about, *cancer),
        "svr diabetes": Task(fit_svr, about | {"epsilon": loguniform(1e-2, 1e2)}, *diabetes),
        "tree cancer": Task(grow, tree, *cancer),
        "kernel ridge diabetes": Task(KernelRidge(), kernels, *diabetes),
        "neighbours cancer": Task(KNeighborsClassifier(algorithm="brute"), neighbours, *cancer),
    }


def ours(spec, most=BUDGETS[-1]):
    """Search by one of our optimisers."""

    def search(task, evaluate, n, seed):
        running = spec.start(task.space, seed=seed, n_iter=n)
        for index in range(min(n, most)):
            rng = np.random.default_rng([seed, index])
            point = task.space.snap(running.ask((), index=index, rng=rng).point[None])[0]
            running.tell(Observation(point, evaluate(point), id=index))

    return search


def by_deap(size):
    """GASearchCV's loop; its default population is 50."""

    def search(task, evaluate, n, seed):
        random.seed(seed)
        if not hasattr(creator, "Fitness"):
            creator.create("Fitness", base.Fitness, weights=(1.0,))
            creator.create("Individual", list, fitness=creator.Fitness)
        toolbox = base.Toolbox()
        toolbox.register("one", tools.initRepeat, creator.Individual, random.random)
        toolbox.register("evaluate", lambda one: (evaluate(task.space.snap([one])[0]),))
        toolbox.register("mate", tools.cxTwoPoint)
        toolbox.register("mutate", _redraw)
        toolbox.register("select", tools.selTournament, tournsize=3)
        population = [toolbox.one(n=task.space.n_dims) for _ in range(size)]
        rates = {"mu": size, "lambda_": 2 * size, "cxpb": 0.2, "mutpb": 0.8}
        algorithms.eaMuPlusLambda(population, toolbox, ngen=1000, verbose=False, **rates)

    return search


def _redraw(one):
    """GASearchCV's mutation: one gene is drawn anew."""
    one[random.randrange(len(one))] = random.random()
    return (one,)


def by_optuna(make):
    """A sampler of optuna, on native parameters."""

    def search(task, evaluate, n, seed):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(sampler=make(optuna.samplers, seed), direction="maximize")
        for _ in range(n):
            trial = study.ask()
            score = evaluate(_suggest(trial, task.space))
            study.tell(trial, None if np.isnan(score) else score, state=_state(optuna, score))

    return search


def _state(optuna, score):
    states = optuna.trial.TrialState
    return states.FAIL if np.isnan(score) else states.COMPLETE


def _suggest(trial, space):
    point = np.full(space.n_dims, 0.5)
    for j, dim in enumerate(space.dims):
        if not space.active[space.branch(point)][j]:
            continue
        if dim.kind == "continuous":
            point[j] = trial.suggest_float(f"{j}", 0, 1)
        else:
            k = int(dim.n_levels)
            ordered = dim.kind == "ordered"
            level = (
                trial.suggest_int(f"{j}", 0, k - 1)
                if ordered
                else trial.suggest_categorical(f"{j}", list(range(k)))
            )
            point[j] = (level + 0.5) / k
    return space.snap(point[None])[0]


SEARCHES = {
    "ga": ours(GeneticAlgorithm()),
    "de": ours(DifferentialEvolution()),
    "cmaes": ours(CMAES()),
    "random": ours(RandomSearch()),
    "bayes": ours(GaussianProcess(), most=64),
    "GASearchCV": by_deap(50),
    "GASearchCV, population 10": by_deap(10),
    "optuna cmaes": by_optuna(
        lambda samplers, seed: samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    ),
    "optuna nsga2": by_optuna(lambda samplers, seed: samplers.NSGAIISampler(seed=seed)),
}


class EnoughError(Exception):
    """The evaluations are spent."""


def curve(search, task, seed):
    """Best score after each of the budgets; NaN beyond what the search does."""
    best = []

    def evaluate(point):
        if len(best) == max(BUDGETS):
            raise EnoughError
        score = task(point)
        best.append(np.fmax(score, best[-1]) if best else score)
        return score if np.isfinite(score) else np.nan

    with contextlib.suppress(EnoughError):
        search(task, evaluate, max(BUDGETS), seed)
    return [best[n - 1] if n <= len(best) else np.nan for n in BUDGETS]


def summarise(scores):
    """Mean ranks and normalised regrets from scores (tasks, searches, seeds, budgets)."""
    names = list(SEARCHES)
    top = np.nanmax(scores, axis=(1, 2, 3))[:, None, None, None]
    left = top - np.nanmedian(scores[:, names.index("random"), :, 0], axis=1)[:, None, None, None]
    regret = np.nanmean((top - scores) / left, axis=2)
    filled = np.where(np.isnan(scores), -np.inf, scores)
    ranks = rankdata(-filled, axis=1).mean(axis=(0, 2))
    by_task = {name: regret[:, i, 1].round(3).tolist() for i, name in enumerate(names)}
    return {
        name: {
            str(n): {"rank": round(ranks[i, k], 2), "regret": round(regret[:, i, k].mean(), 3)}
            for k, n in enumerate(BUDGETS)
            if np.isfinite(scores[:, i, :, k]).all()
        }
        for i, name in enumerate(names)
    }, by_task


def main():
    """Run every search on every task."""
    args = arguments(__doc__)
    tasks, seeds = make_tasks(), range(1 if args.quick else 3)
    scores = []
    for name, task in tasks.items():
        scores.append([[curve(run, task, s) for s in seeds] for run in SEARCHES.values()])
        print(name, np.round(np.median(scores[-1], axis=1)[:, 1], 4).tolist(), flush=True)
    table, by_task = summarise(np.array(scores))
    for name, row in table.items():
        print(f"{name:28s}", row)
    result = {"tasks": list(tasks), "searches": table, "regret_at_128_by_task": by_task}
    write("evolutionary", args.out, result | {"seeds": len(seeds)})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
