"""Which evolutionary algorithm tunes real estimators best, beside the alternatives?

Best cross-validated score after 64, 128 and 256 candidates, 20 seeds: mean rank over tasks and
seeds, and regret as a share of what random search of 64 candidates leaves to the best score that
anybody found. All begin with the estimator's own parameters where the space has them. Settings of
the optimisers were chosen on other tasks. BayesSearchCV, which takes longer for its choices, runs
with the first five; its rank is the one it would have beside the others.

A run that was interrupted goes on where it ended. Needs the packages `sklearn-genetic-opt`,
`optuna` and `cmaes`.
"""

from __future__ import annotations

import json
import time

import numpy as np
import sklearn
from _common import arguments, level_or_better, write
from _tasks import fresh
from _tuning import (
    by_class,
    by_optuna,
    by_scipy,
    curve,
    evolution,
    genetic,
    optuna_cmaes,
    optuna_nsga2,
    random_search,
)
from scipy.stats import rankdata

from skhpo import BayesSearchCV

BUDGETS = (64, 128, 256)
SEARCHES = {
    "EvolutionarySearchCV auto": evolution("auto"),
    "EvolutionarySearchCV ga": evolution("ga"),
    "EvolutionarySearchCV de": evolution("de"),
    "EvolutionarySearchCV cmaes": evolution("cmaes"),
    "RandomizedSearchCV": random_search,
    "GASearchCV": genetic(50),
    "GASearchCV, population 10": genetic(10),
    "scipy differential evolution": by_scipy(15),
    "scipy, popsize 2": by_scipy(2),
    "optuna CmaEsSampler": by_optuna(optuna_cmaes),
    "optuna NSGAIISampler": by_optuna(optuna_nsga2),
}


REFERENCES = (
    ("EvolutionarySearchCV de", "scipy differential evolution"),
    ("EvolutionarySearchCV de", "scipy, popsize 2"),
    ("EvolutionarySearchCV ga", "GASearchCV"),
    ("EvolutionarySearchCV ga", "GASearchCV, population 10"),
)
BAYES = {"BayesSearchCV": by_class(BayesSearchCV)}


def run(tasks, searches, n_seeds, path):
    """Best scores (tasks, searches, seeds, budgets); what the file has is not run again."""
    done = {}
    if path.exists():
        rows = map(json.loads, path.read_text().splitlines())
        done = {tuple(row["key"]): row["best"] for row in rows}
    with path.open("a") as file:
        for seed in range(n_seeds):
            for name, task in tasks.items():
                for key in ((name, search, seed) for search in searches):
                    if key not in done:
                        done[key] = _best(key, task)
                        file.write(json.dumps({"key": key, "best": done[key]}) + "\n")
                        file.flush()
                task.kept.clear()
            print(f"seed {seed}: {time.process_time():.0f} s", flush=True)
    seeds = range(n_seeds)
    return np.array([[[done[t, s, seed] for seed in seeds] for s in searches] for t in tasks])


def _best(key, task):
    _, search, seed = key
    best = curve((SEARCHES | BAYES)[search], task, max(BUDGETS), seed)
    return [float(best[min(n, len(best)) - 1]) for n in BUDGETS]


def summarise(scores, bayes):
    """Mean rank, and the median over seeds of the regret: mean over tasks, and each task."""
    chance = list(SEARCHES).index("RandomizedSearchCV")
    top = np.maximum(scores.max(axis=(1, 2, 3)), bayes.max(axis=(1, 2, 3)))[:, None, None, None]
    left = top - np.median(scores[:, chance, :, 0], axis=1)[:, None, None, None]
    table = _describe(SEARCHES, rankdata(-scores, axis=1), (top - scores) / left)
    beside = np.concatenate([bayes, scores[:, :, : bayes.shape[2]]], axis=1)
    return table | _describe(BAYES, rankdata(-beside, axis=1)[:, :1], (top - bayes) / left)


def _describe(names, ranks, regrets):
    """Row of the table for each name, from (tasks, names, seeds, budgets)."""
    regret = np.median(regrets, axis=2)
    return {
        name: {
            str(n): {
                "rank": round(ranks[:, i, :, k].mean(), 2),
                "regret": round(regret[:, i, k].mean(), 3),
                "rank_by_task": ranks[:, i, :, k].mean(axis=1).round(2).tolist(),
                "regret_by_task": regret[:, i, k].round(3).tolist(),
            }
            for k, n in enumerate(BUDGETS)
        }
        for i, name in enumerate(names)
    }


def main():
    """Run every search on every task."""
    args = arguments(__doc__)
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    n_seeds, n_bayes, tasks = *((1, 1) if args.quick else (20, 5)), fresh()
    args.out.mkdir(parents=True, exist_ok=True)
    part = args.out / f"evolutionary-{n_seeds}.part"
    scores = run(tasks, SEARCHES, n_seeds, part)
    bayes = run(tasks, BAYES, n_bayes, part)
    table = summarise(scores, bayes)
    for name, row in table.items():
        print(f"{name:28s}", {n: (cell["rank"], cell["regret"]) for n, cell in row.items()})
    sizes = {name: len(task.names) for name, task in tasks.items()}
    medians = np.median(scores, axis=2).round(5).swapaxes(0, 1)
    losses = dict(zip(SEARCHES, -medians, strict=True))
    about = {"tasks": sizes, "seeds": n_seeds, "seeds of BayesSearchCV": n_bayes}
    about |= {"searches": table, "level_or_better": level_or_better(losses, REFERENCES)}
    about |= {"median_best": dict(zip(SEARCHES, medians.tolist(), strict=True))}
    write("evolutionary", args.out, about)
    part.unlink()


if __name__ == "__main__":
    main()
