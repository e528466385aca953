"""Does it pay to give many settings a little? Rungs against whole fits, on five tasks.

A whole fit gets 81 units: trees, epochs, or parts of the samples; three folds. All searches but
the halving ones and dask-ml's spend what one round of Hyperband spends, 1,581 units, and the best
settings that had whole fits are compared: regret is the distance to the best score that anybody
found, as a share of the distance of the median outcome. Settings of ours were chosen on other
tasks.

Seconds are those of the processor. A run that was interrupted goes on where it ended. Peers that
are not installed are left out: `optuna`, `dask-ml` (with `dask` and `distributed` 2025.1), and
`dehb`, which asks for numpy 1 and runs with 2.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
import tempfile
import time
import warnings

import numpy as np
from _common import arguments, write
from _fidelity_tasks import R, fresh, larger
from scipy.stats import rankdata, wilcoxon
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import HalvingRandomSearchCV as TheirHalving
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier

from skhpo import HalvingRandomSearchCV, HyperbandSearchCV
from skhpo.stopping import MaxResources

BUDGET = 1581  # units
LOG = "loguniform", "reciprocal"  # names of one distribution


class Recorder:
    """Best setting with a whole fit so far, against units and seconds."""

    def __init__(self):
        self.start, self.units, self.best, self.steps = time.process_time(), 0.0, -math.inf, []

    def spend(self, units):
        """Count units."""
        self.units += units

    def whole(self, score, params):
        """Learn of a whole fit."""
        if score > self.best:
            self.best = score
            self.steps.append((self.units, time.process_time() - self.start, score, params))


def ours(optimizer="random", **settings):
    """Return Hyperband, again and again until the budget is spent."""

    def search(task, seed):
        record, read = Recorder(), [0]

        def watch(history):
            record.units = history.n_resources_used / task.unit
            for evaluation in history.evaluations[read[0] :]:
                key = evaluation.task.candidate.id, evaluation.task.resource
                folds = history.folds(*key)
                if key[1] == task.most and len(folds) == 3 and evaluation is folds[2]:
                    params = evaluation.task.candidate.params
                    record.whole(np.mean([fold.scores["score"] for fold in folds.values()]), params)
            read[0] = history.n_fits
            return False

        HyperbandSearchCV(
            task.estimator,
            task.space,
            resource=task.resource,
            max_resources=task.most,
            optimizer=optimizer,
            n_sweeps=99,
            stopping=MaxResources(BUDGET * task.unit) | watch,
            cv=task.cv,
            scoring=task.scoring,
            refit=False,
            return_train_score=False,
            random_state=seed,
            **settings,
        ).fit(*task.data)
        return record

    return search


def random_search(task, seed):
    """scikit-learn's, of whole fits."""
    record, n = Recorder(), round(BUDGET / R)
    made = RandomizedSearchCV(
        _whole(task), task.space, n_iter=n, cv=task.cv, scoring=task.scoring, refit=False
    ).set_params(random_state=seed)
    made.fit(*task.data)
    seconds = time.process_time() - record.start
    for i, score in enumerate(made.cv_results_["mean_test_score"]):
        if score > record.best:
            record.best = score
            share = (i + 1) / n
            record.steps.append(
                (BUDGET * share, seconds * share, score, made.cv_results_["params"][i])
            )
    return record


def _whole(task):
    model = clone(task.estimator)
    return model if task.resource == "n_samples" else model.set_params(**{task.resource: R})


def by_optuna(task, seed):
    """TPE with Hyperband's pruner; models go on by hand."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    record = Recorder()

    def objective(trial):
        if record.units >= BUDGET:
            trial.study.stop()
            raise optuna.TrialPruned
        params = {name: _suggest(trial, name, values) for name, values in task.space.items()}
        models, rungs = task.trial(params), [1, 3, 9, 27, 81]
        rungs = rungs[1:] if task.resource == "n_samples" else rungs  # one class in a unit
        for units in rungs:
            record.spend(models.added(units))
            score = models.score(units)
            trial.report(score, units)
            if units < R and trial.should_prune():
                raise optuna.TrialPruned
        record.whole(score, params)
        return score

    sampler = optuna.samplers.TPESampler(seed=seed)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=R, reduction_factor=3)
    optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner).optimize(
        objective, n_trials=10_000
    )
    return record


def _suggest(trial, name, values):
    if isinstance(values, list):
        i = trial.suggest_categorical(name, list(range(len(values))))
        return values[i]
    low, high = (float(v) for v in values.support())
    if values.dist.name == "randint":
        return trial.suggest_int(name, int(low), int(high))
    return trial.suggest_float(name, low, high, log=values.dist.name in LOG)


def by_dehb(task, seed):
    """DEHB's own package; each fit begins from zero."""
    from ConfigSpace import ConfigurationSpace
    from dehb import DEHB

    record, space = Recorder(), ConfigurationSpace(seed=seed)
    space.add([_dimension(name, values) for name, values in task.space.items()])

    with tempfile.TemporaryDirectory() as folder:
        made = DEHB(
            cs=space,
            min_fidelity=3 if task.resource == "n_samples" else 1,
            max_fidelity=R,
            eta=3,
            seed=seed,
            n_workers=1,
            output_path=folder,
            log_level="ERROR",
            save_freq="end",
        )
        while record.units < BUDGET:
            job = made.ask()
            units, config = round(job["fidelity"]), job["config"]
            params = {
                name: values[config[name]] if isinstance(values, list) else config[name]
                for name, values in task.space.items()
            }
            record.spend(units)
            score = task.trial(params).score(units)
            if units == R:
                record.whole(score, params)
            made.tell(job, {"fitness": -score, "cost": units})
    return record


def _dimension(name, values):
    from ConfigSpace import Categorical, Float, Integer

    if isinstance(values, list):
        return Categorical(name, list(range(len(values))))
    low, high = (float(v) for v in values.support())
    if values.dist.name == "randint":
        return Integer(name, (int(low), int(high)))
    return Float(name, (low, high), log=values.dist.name in LOG)


def by_dask(task, seed):
    """dask-ml's Hyperband: epochs only, one split; it spends what it spends."""
    layers = {np.size(value) for value in task.space.get("hidden_layer_sizes", [()])}
    if not hasattr(task.estimator, "partial_fit") or len(layers) > 1:
        return None  # its results cannot hold tuples of several lengths
    from dask.distributed import Client
    from dask_ml.model_selection import HyperbandSearchCV as Theirs

    record = Recorder()
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None):
        made = Theirs(
            task.estimator, task.space, max_iter=R, random_state=seed, scoring=task.scoring
        )
        made.fit(*task.data, classes=np.unique(task.data[1]))
    record.spend(made.metadata_["partial_fit_calls"] / 3)  # one split, not three
    record.whole(0.0, made.best_params_)
    return record


SEARCHES = {
    "RandomizedSearchCV": random_search,
    "Hyperband random": ours(),
    "Hyperband random, fold stopping": ours(fold_stopping="paired"),
    "Hyperband random, asynchronous": ours(promotion="asynchronous"),
    "Hyperband tpe (BOHB)": ours("tpe"),
    "Hyperband de (DEHB)": ours("de"),
    "Hyperband bayes": ours("bayes"),
    "Hyperband bayes, fold stopping": ours("bayes", fold_stopping="paired"),
    "optuna TPE + HyperbandPruner": by_optuna,
    "DEHB": by_dehb,
    "dask-ml HyperbandSearchCV": by_dask,
}


def true_score(task, params, known):
    """Score of a setting after a whole fit from zero: epochs in parts are not quite the same."""
    key = repr(sorted(params.items()))
    if key not in known:
        known[key] = task.trial(params).score(R)
    return known[key]


def run(task, search, seed, known):
    """Outcome and curve (units, seconds, score) of a search; None for what cannot be run."""
    try:
        record = search(task, seed)
    except ImportError as error:
        print(f"{error}: left out", flush=True)
        return None
    if record is None:
        return None
    seconds = time.process_time() - record.start
    steps = record.steps
    if hasattr(task.estimator, "partial_fit"):
        steps = [(u, s, true_score(task, params, known), params) for u, s, _, params in steps]
    return {
        "seconds": seconds,
        "units": record.units or float(BUDGET),
        "score": steps[-1][2] if steps else math.nan,
        "curve": [[float(u), s, score] for u, s, score, _ in steps],
    }


def halving(task, seed):
    """The same candidates in scikit-learn's halving search and in ours."""
    numbers = (9, 27, 81) if task.resource == "n_samples" else (R,)
    return {str(n): _halving(task, seed, n) for n in numbers}


def _halving(task, seed, n):
    candidates = list(ParameterSampler(task.space, n, random_state=seed))
    common = {
        "resource": task.resource,
        "max_resources": task.most,
        "min_resources": "exhaust",
        "n_candidates": n,
        "cv": task.cv,
        "scoring": task.scoring,
        "return_train_score": False,
        "refit": False,
        "random_state": seed,
    }
    ours = HalvingRandomSearchCV(task.estimator, task.space, initial_params=candidates, **common)
    searches = {
        "theirs": TheirHalving(task.estimator, task.space, **common),
        "ours": ours,
        "ours, fold stopping": clone(ours).set_params(fold_stopping="paired"),
    }
    if task.resource == "n_samples":  # test parts as scikit-learn has them
        searches["ours, subsample_test"] = clone(ours).set_params(subsample_test=True)
    result = {}
    for name, search in searches.items():
        start = time.process_time()
        search.fit(*task.data)
        seconds = time.process_time() - start
        result[name] = {"seconds": seconds, "score": true_score(task, _own(task, search), {})}
    return result


def describe(runs):
    """Median seconds, median ratio to scikit-learn's, mean score: by number and search."""
    table = {}
    for n in runs[0]:
        theirs = np.array([run[n]["theirs"]["seconds"] for run in runs])
        for name in runs[0][n]:
            seconds = np.array([run[n][name]["seconds"] for run in runs])
            table[f"{n} candidates, {name}"] = {
                "seconds": float(np.median(seconds)),
                "ratio": float(np.median(seconds / theirs)),
                "score": float(np.mean([run[n][name]["score"] for run in runs])),
            }
    return table


def _own(task, search):
    return {name: value for name, value in search.best_params_.items() if name in task.space}


MODELS = {
    "GradientBoosting": (GradientBoostingClassifier(), "n_estimators", 243),
    "HistGradientBoosting": (HistGradientBoostingClassifier(), "max_iter", 81),
    "RandomForest": (RandomForestClassifier(), "n_estimators", 243),
    "ExtraTrees": (ExtraTreesClassifier(), "n_estimators", 243),
    "Bagging": (BaggingClassifier(), "n_estimators", 81),
    "SGDClassifier": (SGDClassifier(tol=None), "max_iter", 243),
    "MLPClassifier": (MLPClassifier(tol=0), "max_iter", 81),
    "LogisticRegression, saga": (LogisticRegression(solver="saga", tol=0), "max_iter", 243),
}


def climbing(n_repeats):
    """Seconds of climbing all rungs with one model, going on, over those from zero."""
    from skhpo._records import Candidate, Task
    from skhpo.execution._continuation import open_continuation

    X, y = fresh()["RandomForest, digits"].data
    table = {}
    for name, (model, resource, most) in MODELS.items():
        model = clone(model).set_params(random_state=0)
        amounts = [most // 3**k for k in (4, 3, 2, 1, 0)]
        ratios = []
        for _ in range(n_repeats):
            with open_continuation(resource, model) as continuation:
                task, seconds = None, [0.0, 0.0]
                for amount in amounts:
                    task = Task(Candidate(0, {}), 0, amount, task, goes_on=True)
                    start = time.process_time()
                    fit = continuation.begin(clone(model).set_params(**{resource: amount}), task)
                    fit.model.fit(X, y)
                    fit.save()
                    middle = time.process_time()
                    clone(model).set_params(**{resource: amount}).fit(X, y)
                    seconds = [
                        seconds[0] + middle - start,
                        seconds[1] + time.process_time() - middle,
                    ]
            ratios.append(seconds[0] / seconds[1])
        table[name] = {"rungs": amounts, "ratio": float(np.median(ratios))}
        print(f"{name:26s} {table[name]['ratio']:.2f}", flush=True)
    return table


def summarise(results):
    """Mean rank and median regret over tasks and seeds, and each search against the others.

    Random is the first of the searches.
    """
    names = [name for name in SEARCHES if all(results[t][name][0] for t in results)]
    ranks, regrets, medians = [], [], []
    for runs in results.values():
        scores = np.array([[run["score"] for run in runs[name]] for name in names])
        scores = np.where(np.isnan(scores), scores[np.isfinite(scores)].min(), scores)
        scale = scores.max() - np.median(scores) or np.ptp(scores) or 1.0
        regret = (scores.max() - scores) / scale
        ranks.append(rankdata(-scores, axis=0))
        regrets.append(regret)
        medians.append(np.median(regret, axis=1))
    ranks, pooled = np.hstack(ranks).mean(axis=1), np.hstack(regrets)
    return {
        name: {
            "rank": round(float(ranks[i]), 2),
            "regret": round(float(np.median(pooled[i])), 3),
            "regret_by_task": [round(float(m[i]), 3) for m in medians],
            "better_than_random": round(float(np.mean(pooled[i] < pooled[0])), 2),
            "p_worse_than_random": _p_worse(pooled[i], pooled[0]),
            "seconds": _seconds(results, name, names[0]),
            "versus": {
                other: [
                    int(np.sum(pooled[i] < pooled[j] - 1e-12)),
                    int(np.sum(pooled[i] > pooled[j] + 1e-12)),
                    _p_worse(pooled[j], pooled[i]),
                ]
                for j, other in enumerate(names)
                if i != j
            },
        }
        for i, name in enumerate(names)
    }


def _seconds(results, name, other):
    """Over another's: the median over tasks of the ratio of medians over seeds."""
    ratios = [
        np.median([run["seconds"] for run in runs[name]])
        / np.median([run["seconds"] for run in runs[other]])
        for runs in results.values()
    ]
    return round(float(np.median(ratios)), 2)


def _p_worse(regrets, others):
    """One-sided p of a signed rank test over tasks and seeds that the regrets are the larger."""
    if np.allclose(regrets, others):
        return 1.0
    return round(float(wilcoxon(regrets, others, alternative="greater").pvalue), 3)


def compare(tasks, n_seeds, path):
    """Outcomes by task, search and seed; what the file has is not run again."""
    results = {name: {title: [] for title in SEARCHES} for name in tasks}
    done = {}
    if path.exists():
        rows = map(json.loads, path.read_text().splitlines())
        done = {tuple(row["key"]): row["found"] for row in rows}
    known = {name: {} for name in tasks}
    with path.open("a") as file:
        for key in itertools.product(range(n_seeds), tasks, SEARCHES):
            seed, name, title = key
            if key not in done:
                done[key] = run(tasks[name], SEARCHES[title], seed, known[name])
                file.write(json.dumps({"key": key, "found": done[key]}, default=float) + "\n")
                file.flush()
            results[name][title].append(done[key])
    return results


def show(table):
    """Print what `summarise` found."""
    for name, row in table.items():
        print(f"{name:32s}", *list(row.values())[:-1])
        for other, (better, worse, p) in row["versus"].items():
            print(f"    better than {other:32s} {better:2d}, worse {worse:2d}, p {p}")


def once(path, make):
    """What the file has, else what is made now."""
    if not path.exists():
        path.write_text(json.dumps(make()))
    return json.loads(path.read_text())


def main():
    """Compare, and write."""
    args = arguments(__doc__)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    n_seeds = 1 if args.quick else 6
    args.out.mkdir(parents=True, exist_ok=True)
    parts = [args.out / f"fidelity-{n_seeds}-{k}.part" for k in range(3)]
    models = once(parts[0], lambda: climbing(1 if args.quick else 5))
    tasks = larger()
    n_halving = 1 if args.quick else 10
    halvings = once(
        parts[1],
        lambda: {name: [halving(t, k) for k in range(n_halving)] for name, t in tasks.items()},
    )
    halving_table = {name: describe(runs) for name, runs in halvings.items()}
    for name, rows in halving_table.items():
        for title, row in rows.items():
            print(f"{name:32s} {title:36s}", *(f"{value:.3f}" for value in row.values()))
    results = compare(fresh(), n_seeds, parts[2])
    table = summarise(results)
    show(table)
    about = {
        "seeds": dict.fromkeys(results, n_seeds),
        "budget": BUDGET,
        "going_on": models,
        "halving": halvings,
        "halving_summary": halving_table,
    }
    write("fidelity", args.out, {**about, "summary": table, "results": results})
    for part in parts:
        part.unlink()


if __name__ == "__main__":
    main()
