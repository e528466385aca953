"""What does one suggestion cost, at 100 and at 1,000 observations?

CPU milliseconds of asking and telling in a space of 14 mixed parameters, one thread. Around
``n`` = 100 each method has chosen its own points from the start; so have skhpo and TPE around
1,000, while the others are given random points first (their own would take hours).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings

import _threads  # noqa: F401
import numpy as np
from methods import METHODS, distributions
from run import versions
from spaces import Choice, Int, Ordinal, Real, Space
from tables import RESULTS

FAST = ("skhpo", "tpe")
SPACE = Space(
    {
        **{f"x{i}": Real(0, 1) for i in range(5)},
        **{f"l{i}": Real(1e-5, 1e2, log=True) for i in range(3)},
        **{"n": Int(1, 500), "m": Int(2, 20), "depth": Ordinal(None, 2, 4, 8, 16)},
        **{"a": Choice("a", "b", "c"), "b": Choice("a", "b"), "c": Choice(*"abcde")},
    }
)


def score(p):
    """A function of some of the parameters, with interactions."""
    x = np.array([p[f"x{i}"] for i in range(5)])
    out = -np.sum((x - 0.3) ** 2) - 0.05 * (np.log10(p["l0"]) + 2 + x[0]) ** 2
    out -= 0.2 * (p["a"] == "a") + 0.1 * (p["depth"] is None) + 0.01 * abs(p["m"] - 7)
    return float(out + 0.05 * np.sin(20 * x[1]))


def skhpo(space, seed, n):
    """The optimiser of `BayesSearchCV`, asked and told without the search around it."""
    from skhpo._records import Observation
    from skhpo.optimizers import GaussianProcess
    from skhpo.space import SearchSpace

    space = SearchSpace(distributions(space))
    run = GaussianProcess().start(space, seed=seed, n_iter=n)
    count = iter(range(10**9))

    def ask():
        index = next(count)
        suggestion = run.ask((), index=index, rng=np.random.default_rng((seed, index)))
        point = space.snap(suggestion.point[None])[0]
        return point, space.from_unit(point)

    return ask, lambda point, value: run.tell(Observation(point, value))


def milliseconds(ask, tell, decode, n, last):
    """Of the last suggestions out of n."""
    out = []
    for _ in range(n):
        began = time.process_time()
        handle, values = ask()
        spent = time.process_time() - began
        value = score(decode(values))
        began = time.process_time()
        tell(handle, value)
        out.append(1e3 * (spent + time.process_time() - began))
    return out[-last:]


def summary(values):
    names = ("median", "p95", "max")
    found = np.median(values), np.quantile(values, 0.95), max(values)
    return {k: round(float(v), 1) for k, v in zip(names, found, strict=True)}


def player(method):
    """What makes a pair of ask and tell, and what turns what is asked into parameters."""
    if method == "skhpo":
        return skhpo, lambda values: values
    return METHODS[method].factory, SPACE.decode


def around_100(method, seed):
    """Milliseconds of the last 40 suggestions out of 120."""
    factory, decode = player(method)
    return milliseconds(*factory(SPACE, seed, 120), decode, 120, 40)


def in_turns(n_turns):
    """skhpo and TPE around 100, one after the other: a busy machine is busy for both."""
    ms = np.array([[around_100(method, seed) for method in FAST] for seed in range(n_turns)])
    ours, theirs = np.median(ms, axis=2).T
    ratio = round(float(np.median(ours / theirs)), 2)
    return {"ratio": ratio, **{method: summary(ms[:, i].ravel()) for i, method in enumerate(FAST)}}


def measure(method, quick):
    """Around 100, and around 1,000 observations."""
    factory, decode = player(method)
    values = []
    for seed in range(3 if method in FAST and not quick else 1):
        values += around_100(method, seed)
    out = {"100": summary(values)}
    if quick:
        return out
    if method in FAST:
        values = milliseconds(*factory(SPACE, 0, 1100), decode, 1100, 1100)
        out |= {"1000": summary(values[-200:]), "1 to 1100": summary(values)}
    else:
        values = milliseconds(*factory(SPACE, 0, 1100, start=998), decode, 1003, 3)
        out["1000"] = summary(values)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=["skhpo", "tpe", "gp-sampler", "skopt"])
    parser.add_argument("--quick", action="store_true", help="around 100 only, one seed")
    parser.add_argument("--turns", type=int, help="only skhpo and TPE, in so many turns")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    path = RESULTS / "overhead.json"
    result = json.loads(path.read_text()) if path.exists() else {"versions": {}, "ms": {}}
    if options.turns:
        options.methods, result["in turns"] = [], in_turns(options.turns)
        print(result["in turns"])
        path.write_text(json.dumps(result, indent=1) + "\n")
    for method in options.methods:
        result["ms"][method] = measure(method, options.quick)
        print(method, result["ms"][method], flush=True)
        result["versions"] = {**result["versions"], **versions()}
        path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
