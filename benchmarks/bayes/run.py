"""Run methods x tasks x seeds; resumable, since every finished cell is written at once.

::

    python run.py --methods skhpo tpe --set reported --seeds 0-4
    python run.py --methods skhpo --set choosing --label trial --out /tmp/trial

A result file holds a line a cell: ``best`` lists [evaluation, best score so far, its true score]
each time it rises; ``ask_ms`` is CPU milliseconds a suggestion (median, 95 % quantile, maximum);
``cpu_ms`` all CPU of the run but that of evaluating, a candidate.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import time
import warnings
from pathlib import Path

import _threads  # noqa: F401
import numpy as np
from methods import METHODS, Ledger
from tables import RESULTS, Fits, model
from tasks import CHOOSING, REPORTED, TASKS

REAL = (  # run with real fits too: those of which 300 fits take few seconds
    *("r-svc", "r-svr", "r-knn", "r-knn-r", "r-logreg", "r-elastic", "r-tree", "r-kernel-ridge"),
    *("r-svm-kernels", "r-models", "r-regressors", "r-sgd-schedules"),
)
PACKAGES = (
    "skhpo scikit-learn numpy scipy optuna optuna-integration torch scikit-optimize smac HEBO "
    "sambo sklearn-genetic-opt"
)


def function(task, real):
    """What evaluates a candidate: (params) -> fold scores, true score."""
    if not real:
        return model(task.name)
    fits = Fits(task)

    def fold_scores(params):
        try:
            scores = np.array(fits(params))
        except ValueError:
            scores = np.full(3, np.nan)
        return scores, float(scores.mean())

    return fold_scores


def run(method, task, seed, n, real=False):
    """One cell of the table."""
    ledger = Ledger(task, function(task, real), n)
    began = time.process_time()
    METHODS[method](task, seed, n, ledger)
    cpu = time.process_time() - began - ledger.evaluating
    best, rises = -np.inf, []
    for i, (score, true) in enumerate(zip(ledger.scores[:n], ledger.true, strict=False), start=1):
        if score > best:
            best = score
            rises.append([i, *(float(f"{v:.6g}") for v in (score, true)[: 1 + task.noisy])])
    cell = {
        "n": len(ledger.scores),
        "cpu_ms": round(1e3 * cpu / len(ledger.scores), 2),
        "best": rises,
    }
    if ledger.ask_ms:
        of = (np.median(ledger.ask_ms), np.quantile(ledger.ask_ms, 0.95), max(ledger.ask_ms))
        cell["ask_ms"] = [round(float(v), 1) for v in of]
    if hasattr(ledger, "posterior_pick"):
        cell["posterior_pick"] = ledger.posterior_pick
    return cell


def load(path):
    return json.loads(path.read_text()) if path.exists() else {"versions": {}, "cells": {}}


def save(path, result):
    """Write with a line a cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = ",\n".join(
        f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(result["cells"].items())
    )
    path.write_text(
        f'{{"versions": {json.dumps(result["versions"])},\n"cells": {{\n{cells}\n}}}}\n'
    )


def versions():
    out = {"python": platform.python_version()}
    for package in PACKAGES.split():
        try:
            out[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", required=True, help=", ".join(METHODS))
    parser.add_argument("--set", default="reported", choices=("choosing", "reported"))
    parser.add_argument("--tasks", nargs="+", help="these of the set only")
    parser.add_argument("--seeds", default="0-4", help="the first and last seed, or one")
    parser.add_argument("--n", type=int, default=100, help="evaluations")
    parser.add_argument("--real", action="store_true", help=f"real fits, of {', '.join(REAL)}")
    parser.add_argument("--force", action="store_true", help="run again what has been run")
    parser.add_argument("--label", help="name of the result file, when it is not the method's")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def main():
    options = arguments()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    names = [task.name for task in (CHOOSING if options.set == "choosing" else REPORTED)]
    names = [name for name in names if name in (options.tasks or (REAL if options.real else names))]
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    for method in options.methods:
        folder = options.out / ("real" if options.real else options.set)
        path = folder / f"{(options.label or method).replace('/', '_')}.json"
        result, began = load(path), time.time()
        for name, seed in [(name, seed) for seed in seeds for name in names]:
            if options.force or f"{name}/{seed}" not in result["cells"]:
                cell = run(method, TASKS[name], seed, options.n, options.real)
                result["cells"][f"{name}/{seed}"] = cell
                result["versions"] = versions()
                save(path, result)
        print(f"{method}: {len(result['cells'])} cells, {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
