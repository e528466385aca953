"""Does CMAES need as many evaluations as the package `cmaes`, and does its margin work?

1. Median over 10 seeds of the evaluations until 1e-10; same box, same start, same step size.
2. An ellipsoid of 10 numbers plus 10 bits, 6 seeds, 40,000 evaluations: solved with the margin,
   and with rounding alone.

Needs the package `cmaes`.
"""

from __future__ import annotations

import math
from statistics import median

import numpy as np
from _common import arguments, write
from cmaes import CMA
from scipy.stats import uniform

from skhpo._records import Observation
from skhpo.optimizers import CMAES
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


def numbers(d, n_bits=0):
    """A space of numbers and bits."""
    bits = {f"z{i:02d}": [0, 1] for i in range(n_bits)}
    return SearchSpace({f"x{i:02d}": uniform(0, 1) for i in range(d)} | bits)


def in_cube(function):
    """The function of a point of the unit cube."""
    return lambda u: function((2 * u - 1) * WIDTH)


STARTS = {
    "sphere": (sphere, 3, 2.0),
    "ellipsoid": (ellipsoid, 3, 2.0),
    "rosenbrock": (rosenbrock, 0, 0.5),
}


def count_ours(function, space, mean0, sigma0, seed, budget, margin=True):
    """Evaluations that CMAES needs to reach 1e-10, inf when it does not."""
    spec = CMAES(mean0=mean0, sigma0=sigma0, margin=margin)
    running = spec.start(space, seed=seed, n_iter=budget)
    for index in range(budget):
        point = running.ask((), index=index, rng=np.random.default_rng([seed, index])).point
        value = function(point)
        if value < 1e-10:
            return index + 1
        running.tell(Observation(point, -value, id=index))
    return math.inf


def count_theirs(function, d, x0, sigma, seed, budget):
    """The same for the package cmaes."""
    bounds = np.tile([-WIDTH, WIDTH], (d, 1))
    cma = CMA(mean=np.full(d, float(x0)), sigma=sigma, bounds=bounds, seed=seed)
    n = 0
    while n < budget:
        told = []
        for _ in range(cma.population_size):
            x = cma.ask()
            n += 1
            told.append((x, function(x)))
            if told[-1][1] < 1e-10:
                return n
        cma.tell(told)
    return math.inf


def convergence(seeds):
    """Medians of both, and how many of the seeds solved it."""
    rows = []
    for name, (function, x0, sigma) in STARTS.items():
        for d in (5, 10):
            u0, s0 = 0.5 + x0 / (2 * WIDTH), sigma / (2 * WIDTH)
            ns = [
                count_ours(in_cube(function), numbers(d), u0, s0, s, 30_000) for s in range(seeds)
            ]
            ref = [count_theirs(function, d, x0, sigma, s, 30_000) for s in range(seeds)]
            solved = sum(map(math.isfinite, ns)), sum(map(math.isfinite, ref))
            row = {"function": name, "d": d, "skhpo": median(ns), "cmaes": median(ref)}
            rows.append(row | {"ratio": row["skhpo"] / row["cmaes"], "solved": solved})
            print(rows[-1])
    return rows


def with_bits(kind, h=10):
    """An ellipsoid of h numbers plus the bits that are not (or not leadingly) one."""

    def function(u):
        bits = np.asarray(u[h:]) > 0.5
        ones = bits.sum() if kind == "OneMax" else np.cumprod(bits).sum()
        return ellipsoid((2 * np.asarray(u[:h]) - 1) * WIDTH) + h - int(ones)

    return function


def margins(seeds, budget):
    """Evaluations of both functions with the margin, and with rounding alone."""
    space, rows = numbers(10, n_bits=10), []
    mean0 = (0.65,) * 10 + (0.5,) * 10
    for kind in ("OneMax", "LeadingOnes"):
        for margin in (True, False):
            function = with_bits(kind)
            ns = [count_ours(function, space, mean0, 0.1, s, budget, margin) for s in range(seeds)]
            solved = [n for n in ns if math.isfinite(n)]
            row = {"function": f"Ellipsoid{kind}", "margin": margin, "solved": len(solved)}
            rows.append(row | {"of": seeds, "median": median(solved) if solved else None})
            print(rows[-1])
    return rows


def main():
    """Run both parts."""
    args = arguments(__doc__)
    result = {
        "convergence": convergence(2 if args.quick else 10),
        "margin": margins(*((1, 15_000) if args.quick else (6, 40_000))),
    }
    write("cmaes_convergence", args.out, result)


if __name__ == "__main__":
    main()
