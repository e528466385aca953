"""Are the evolutionary optimisers as good as their references, on functions?

Median over 20 seeds of the best value after 100 and 300 evaluations, beside the package `cmaes`,
scipy's differential evolution and GASearchCV of sklearn-genetic-opt, for which the function is the
score of an estimator that costs nothing. What takes only numbers is given a choice as the cells of
a number.

Needs the packages `cmaes`, `sklearn-genetic-opt` and `optuna`.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from types import SimpleNamespace

import numpy as np
from _common import arguments, level_or_better, write
from _tuning import EnoughError, Named, genetic
from cmaes import CMA
from scipy.optimize import differential_evolution
from scipy.stats import uniform
from sklearn.base import ClassifierMixin

from skhpo._records import Observation
from skhpo.optimizers import CMAES, DifferentialEvolution, GeneticAlgorithm, RandomSearch
from skhpo.space import SearchSpace

WIDTH = 10.0  # functions live in [-10, 10]


def sphere(x):
    """Easy."""
    return float(np.sum(x**2))


def ellipsoid(x, condition=1e6):
    """Badly scaled."""
    return float(np.sum(condition ** (np.arange(len(x)) / (len(x) - 1)) * x**2))


def rosenbrock(x):
    """Curved."""
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def rastrigin(x):
    """Many local optima."""
    return float(10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * np.pi * x)))


class Numbers:
    """A function of d numbers, its optimum moved away from the middle."""

    def __init__(self, function, d, shift=2.0):
        self.function, self.d, self.shift = function, d, shift
        self.values = {f"x{i:02d}": uniform(0, 1) for i in range(d)}
        self.space = SearchSpace(self.values)

    def __call__(self, u):
        """Value at a point of the unit cube."""
        return self.function((2 * np.asarray(u) - 1) * WIDTH - self.shift)


class Mixed:
    """Half numbers, half choices of four: each choice costs, and moves the optimum a little."""

    def __init__(self, function, d):
        self.function, self.n, self.d = function, d - d // 2, d
        numbers = {f"x{i:02d}": uniform(0, 1) for i in range(self.n)}
        choices = {f"z{i:02d}": list("abcd") for i in range(d // 2)}
        self.values = numbers | choices
        self.space = SearchSpace(self.values)

    def __call__(self, u):
        """Value at a point of the unit cube."""
        levels = np.minimum((np.asarray(u[self.n :]) * 4).astype(int), 3)
        costs = (levels - np.arange(len(levels)) % 4) % 4
        x = (2 * np.asarray(u[: self.n]) - 1) * WIDTH - 2.0 - 0.5 * np.resize(costs, self.n)
        return self.function(x) + 20.0 * float(costs.sum())


PROBLEMS = {
    "sphere 5": Numbers(sphere, 5),
    "ellipsoid 5": Numbers(ellipsoid, 5),
    "rosenbrock 5": Numbers(rosenbrock, 5),
    "rastrigin 5": Numbers(rastrigin, 5),
    "sphere 10": Numbers(sphere, 10),
    "rosenbrock 10": Numbers(rosenbrock, 10),
    "mixed sphere 6": Mixed(sphere, 6),
    "mixed rastrigin 6": Mixed(rastrigin, 6),
    "mixed sphere 12": Mixed(sphere, 12),
}


class Counted:
    """A function that remembers the best values and stops after n evaluations."""

    def __init__(self, function, n):
        self.function, self.n, self.best = function, n, []

    def __call__(self, u):
        """Value at a point; raises when there are enough."""
        if len(self.best) == self.n:
            raise EnoughError
        value = self.function(np.clip(u, 0, 1))
        self.best.append(min([value, *self.best[-1:]]))
        return value


def ours(spec):
    """Minimiser by one of our optimisers."""

    def minimise(problem, f, n, seed):
        running = spec.start(problem.space, seed=seed, n_iter=n)
        for index in range(n):
            rng = np.random.default_rng([seed, index])
            point = problem.space.snap(running.ask((), index=index, rng=rng).point[None])[0]
            running.tell(Observation(point, -f(point), id=index))

    return minimise


def by_cmaes(problem, f, n, seed):
    """The package cmaes."""
    bounds = np.tile([0.0, 1.0], (problem.d, 1))
    cma = CMA(mean=np.full(problem.d, 0.5), sigma=0.25, bounds=bounds, seed=seed)
    while True:
        asked = [cma.ask() for _ in range(cma.population_size)]
        cma.tell([(x, f(x)) for x in asked])
        if cma.should_stop():
            return


def by_scipy(popsize):
    """scipy's differential evolution; its default population is 15 for each dimension."""

    def minimise(problem, f, n, seed):
        bounds = [(0, 1)] * problem.d
        differential_evolution(f, bounds, popsize=popsize, polish=False, tol=0, rng=seed)

    return minimise


def by_gasearch(size):
    """GASearchCV; its default population is 50."""

    def minimise(problem, f, n, seed):
        free = type("Free", (ClassifierMixin, Named), {"defaults": dict.fromkeys(problem.values)})
        task = SimpleNamespace(estimator=free(), space=problem.values, own=[])
        genetic(size)(task, lambda params: -f(problem.space.to_unit(params)), n, seed)

    return minimise


SOLVERS = {
    "skhpo ga": ours(GeneticAlgorithm()),
    "skhpo de": ours(DifferentialEvolution()),
    "skhpo cmaes": ours(CMAES()),
    "random": ours(RandomSearch()),
    "cmaes": by_cmaes,
    "scipy de": by_scipy(15),
    "scipy de, popsize 2": by_scipy(2),
    "GASearchCV": by_gasearch(50),
    "GASearchCV, population 10": by_gasearch(10),
}


REFERENCES = (
    ("skhpo de", "scipy de"),
    ("skhpo de", "scipy de, popsize 2"),
    ("skhpo ga", "GASearchCV"),
    ("skhpo ga", "GASearchCV, population 10"),
)


def best_values(solver, problem, budgets, seed):
    """Best value after each of the budgets."""
    f = Counted(problem, max(budgets))
    with contextlib.suppress(EnoughError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solver(problem, f, max(budgets), seed)
    return [f.best[min(n, len(f.best)) - 1] for n in budgets]


def compare(budgets, seeds):
    """Medians over the seeds, and the mean rank of each solver."""
    table = {}
    for name, problem in PROBLEMS.items():
        table[name] = {
            solver: [
                float(m)
                for m in np.median(
                    [best_values(run, problem, budgets, seed) for seed in range(seeds)], axis=0
                )
            ]
            for solver, run in SOLVERS.items()
        }
        print(name, {s: [f"{v:.3g}" for v in values] for s, values in table[name].items()})
    return table, mean_ranks(table, budgets)


def mean_ranks(table, budgets):
    """Mean over the problems of the rank of the median: 1 is best."""
    values = np.array([[row[solver] for solver in SOLVERS] for row in table.values()])
    below = (values[:, :, None] > values[:, None]).sum(axis=2)
    ties = (values[:, :, None] == values[:, None]).sum(axis=2)
    ranks = (below + (ties + 1) / 2).mean(axis=0)
    return {
        solver: dict(zip(map(str, budgets), np.round(row, 2).tolist(), strict=True))
        for solver, row in zip(SOLVERS, ranks, strict=True)
    }


def overhead():
    """CPU milliseconds of a suggestion: d = 20, early and late, numbers only and half choices."""
    spaces = {"numbers": Numbers(sphere, 20).space, "half choices": Mixed(sphere, 20).space}
    specs = (GeneticAlgorithm(), DifferentialEvolution(), CMAES())
    found = {
        type(spec).__name__: {name: _milliseconds(spec, space) for name, space in spaces.items()}
        for spec in specs
    }
    print(found)
    return found


def _milliseconds(spec, space, marks=(100, 1000, 10_000)):
    """CPU milliseconds of ask and tell, over the last tenth before each of the marks."""
    running, begin, found = spec.start(space, seed=0, n_iter=marks[-1]), 0.0, {}
    begins = {n - n // 10 for n in marks}
    for index in range(marks[-1]):
        if index in begins:
            begin = time.process_time()
        point = running.ask((), index=index, rng=np.random.default_rng(index)).point
        running.tell(Observation(point, -float(np.sum((point - 0.3) ** 2)), id=index))
        if index + 1 in marks:
            n = (index + 1) // 10
            found[str(index + 1)] = round(1e3 * (time.process_time() - begin) / n, 3)
    return found


def main():
    """Compare at equal numbers of evaluations."""
    args = arguments(__doc__)
    table, ranks = compare((100, 300), 3 if args.quick else 20)
    for solver, row in ranks.items():
        print(f"{solver:20s} mean rank", row)
    losses = {solver: [row[solver] for row in table.values()] for solver in SOLVERS}
    level = level_or_better(losses, REFERENCES)
    result = {"medians": table, "mean_ranks": ranks, "level_or_better": level}
    result["overhead_ms"] = overhead()
    write("evolutionary_functions", args.out, result)


if __name__ == "__main__":
    main()
