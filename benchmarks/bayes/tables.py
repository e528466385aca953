"""Evaluate random configurations of every task once, and the model that stands in for fits.

``python tables.py`` measures what is missing in ``tables/``: fold scores of ``n_rows`` random
configurations a task, and of 200 near the best. ``python tables.py --models`` also fits the
interpolators into ``cache/`` and writes how well they rank (``results/tables.json``).

A configuration is a uniform point of the unit cube; in every third one some numbers are put on a
bound, so that the model has seen the faces of the cube. 200 more are mutations of the best twenty,
so that it knows best what matters most.

The interpolator is one forest of 50 extremely randomised trees a fold, on the inputs of
`Space.encode`, grown until every leaf holds one configuration. Trees, because no method here has
that model with those inputs inside; a Gaussian process would flatter the methods that use one.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
import warnings
import zlib
from pathlib import Path

import _threads  # noqa: F401
import numpy as np
from spaces import Choice
from tasks import TASKS

HERE = Path(__file__).parent
TABLES, CACHE, RESULTS = HERE / "tables", HERE / "cache", HERE / "results"
N_FOLDS, N_TREES = 3, 50
N_NEAR, N_PARENTS = 200, 20  # configurations near the best random ones, and how many those are


def configurations(task, scores=()):
    """The parameters in each row of a task's table: random ones, then some near the best of them.

    The latter need the scores of the former.
    """
    rng = np.random.default_rng(zlib.crc32(task.name.encode()))
    cube = np.array([_point(task, rng, i) for i in range(task.n_rows)])
    yield from map(task.space.from_unit, cube)
    means = np.mean(np.asarray(scores[: task.n_rows], dtype=float)[:, :N_FOLDS], axis=1)
    best = np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable")[:N_PARENTS]
    for i in range(N_NEAR):
        yield task.space.from_unit(_near(task, rng, cube[best[i % N_PARENTS]]))


def _point(task, rng, i):
    u = rng.random(1 + len(task.space.columns))
    at_bound = rng.random(len(u)) < rng.random() * 0.5 * (i % 3 == 0)
    at_bound[0] = False
    return np.where(at_bound, np.round(u), u)


def _near(task, rng, u):
    """Half of the numbers a step away, one choice in ten another one, in the same branch."""
    step = np.clip(u + 0.1 * rng.standard_normal(len(u)), 0.0, 1.0)
    out = np.where(rng.random(len(u)) < 0.5, step, u)
    chosen = np.array([True, *(isinstance(c.parameter, Choice) for c in task.space.columns)])
    other = np.where(rng.random(len(u)) < 0.1, rng.random(len(u)), u)
    out = np.where(chosen, other, out)
    out[0] = u[0]
    return out


# ---- real fits -------------------------------------------------------------------------------


class Fits:
    """Cross-validation of a task with real fits."""

    def __init__(self, task):
        from sklearn.base import is_classifier
        from sklearn.metrics import get_scorer
        from sklearn.model_selection import KFold, StratifiedKFold

        self.task, data = task, task.data()
        self.X, self.y, self.held = data[0], data[1], data[2:]
        self.scorer = get_scorer(task.scoring)
        cv = StratifiedKFold if is_classifier(task.make()) else KFold
        self.splits = list(cv(N_FOLDS, shuffle=True, random_state=0).split(self.X, self.y))

    def __call__(self, params, seed=0):
        """Score of each fold; for noisy tasks followed by their models' held-out scores."""
        scores, held = [], []
        for k, (train, test) in enumerate(self.splits):
            model = self.task.build(params, seed=N_FOLDS * seed + k if self.task.noisy else 0)
            model.fit(self.X[train], self.y[train])
            scores.append(self.scorer(model, self.X[test], self.y[test]))
            if self.task.noisy:
                held.append(self.scorer(model, *self.held))
        return scores + held


def measure(task):
    """Fit every configuration that the table lacks; what fails is NaN."""
    fits, path, began = Fits(task), TABLES / f"{task.name}.npz", time.process_time()
    rows = list(np.load(path)["scores"]) if path.exists() else []
    width = N_FOLDS * (1 + task.noisy)
    for i, params in enumerate(configurations(task, rows)):
        if i < len(rows):
            continue
        try:
            scores = fits(params, seed=i)
        except (ValueError, FloatingPointError):
            scores = [np.nan] * width
        rows.append(np.array(scores, dtype=np.float32))
    TABLES.mkdir(exist_ok=True)
    np.savez_compressed(path, scores=np.array(rows))
    means = np.mean(np.array(rows)[:, :N_FOLDS], axis=1)
    text = np.nanquantile(means, [0, 0.1, 0.5, 0.9, 1]).round(3)
    failed = int(np.isnan(means).sum())
    print(f"{task.name} {time.process_time() - began:.0f} s, {failed} failed", text, flush=True)


def is_complete(task):
    path = TABLES / f"{task.name}.npz"
    return path.exists() and len(np.load(path)["scores"]) == task.n_rows + N_NEAR


# ---- the model -------------------------------------------------------------------------------


def squash(scores):
    """Scores below -1, such as the R2 of a model that diverged, on a logarithmic scale."""
    low = np.minimum(scores, -1.0)
    return np.where(scores < -1.0, -1.0 - np.log(-low), scores)


def unsquash(scores):
    return np.where(scores < -1.0, -np.exp(-1.0 - np.minimum(scores, -1.0)), scores)


def training_data(task):
    """Inputs (n, p) of the model, and squashed scores (n, k); a failure is its column's worst."""
    scores = np.load(TABLES / f"{task.name}.npz")["scores"].astype(float)
    X = np.array([task.space.encode(params) for params in configurations(task, scores)])
    scores = np.where(np.isnan(scores), np.nanmin(scores, axis=0), scores)
    return X, squash(scores)


def _forest(seed):
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(N_TREES, random_state=seed)


def _grow(X, scores):
    """Forests of all columns as arrays: split column, threshold, children, value of each node."""
    parts, roots, start = [], [], 0
    for k, y in enumerate(scores.T):
        for estimator in _forest(k).fit(X, y).estimators_:
            t = estimator.tree_
            children = np.where(
                t.children_left[:, None] < 0, 0, np.c_[t.children_left, t.children_right]
            )
            parts.append((t.feature, t.threshold, children + start, t.value[:, 0, 0]))
            roots.append(start)
            start += t.node_count
    feature, threshold, children, value = map(np.concatenate, zip(*parts, strict=True))
    return {
        "feature": feature.astype(np.int16),
        "threshold": threshold,
        "children": children.astype(np.int32),
        "value": value.astype(np.float32),
        "roots": np.array(roots),
    }


def fit_model(task):
    """Fit the interpolators of a task into the cache; return how well they rank."""
    from scipy.stats import spearmanr
    from sklearn.model_selection import KFold, cross_val_predict

    X, scores = training_data(task)
    cv = KFold(5, shuffle=True, random_state=0)
    left_out = np.column_stack(
        [cross_val_predict(_forest(k), X, y, cv=cv) for k, y in enumerate(scores.T)]
    )
    noise = np.zeros(N_FOLDS)
    if task.noisy:
        gap = scores[:, :N_FOLDS] - scores[:, N_FOLDS:]
        guess = [cross_val_predict(_forest(k), X, g, cv=cv) for k, g in enumerate(gap.T)]
        noise = np.std(gap - np.column_stack(guess), axis=0)
        scores = np.c_[scores[:, :N_FOLDS], scores[:, N_FOLDS:].mean(axis=1)]
    CACHE.mkdir(exist_ok=True)
    np.savez(CACHE / f"{task.name}.npz", noise=noise, **_grow(X, scores))
    mean, guess = scores[:, :N_FOLDS].mean(axis=1), left_out[:, :N_FOLDS].mean(axis=1)
    top = mean >= np.median(mean)
    out = {
        "rows": len(X),
        "columns": len(task.space.columns),
        "spearman": spearmanr(mean, guess)[0],
    }
    out["spearman_top_half"] = spearmanr(mean[top], guess[top])[0]
    if task.noisy:
        true = left_out[:, N_FOLDS:].mean(axis=1)
        out |= {"spearman_true": spearmanr(scores[:, -1], true)[0], "noise": float(noise.mean())}
    return {k: round(float(v), 3) for k, v in out.items()} | landmarks(task)


def landmarks(task):
    """Median score of the best of ten random configurations, and the best score to be found.

    The best of 3,000 random ones, and of walks from the twenty best of them: of the score that a
    search sees, and of the true one.
    """
    rng, function = np.random.default_rng(1), Model(task)
    d = 1 + len(task.space.columns)
    cube = rng.random((3000, d))
    seen = np.array([_both(function, task, u) for u in cube])
    out = {}
    for name, values, index in (("", seen[:, 0], 0), ("true_", seen[:, 1], 1)):
        best = values.max()
        for i in np.argsort(-values)[:20]:
            best = max(best, _walk(function, task, cube[i], values[i], index, rng))
        out |= {f"{name}best": best, f"{name}ten": np.median(values.reshape(-1, 10).max(axis=1))}
    picks = seen.reshape(-1, 10, 2)
    picked = picks[np.arange(len(picks)), picks[:, :, 0].argmax(axis=1), 1]
    return {k: float(v) for k, v in (out | {"true_picked": np.median(picked)}).items()}


def _both(function, task, u):
    folds, true = function(task.space.from_unit(u))
    return folds.mean(), true


def _walk(function, task, u, value, index, rng):
    for _ in range(100):
        moved = rng.random(len(u)) < 0.3
        new = np.where(moved, np.clip(u + 0.15 * rng.standard_normal(len(u)), 0, 0.999999), u)
        found = _both(function, task, new)[index]
        if found > value:
            u, value = new, found
    return value


class Model:
    """What stands in for the fits of a task: the same function in every environment."""

    def __init__(self, task):
        path = CACHE / f"{task.name}.npz"
        if not path.exists():
            raise FileNotFoundError(f"{path.name} is missing: run tables.py --models first")
        self._space = task.space
        self._forests = dict(np.load(path).items())
        self._noise = self._forests.pop("noise")

    def _predict(self, x):
        f, nodes = self._forests, self._forests["roots"]
        x = x.astype(np.float32)
        while True:
            column = f["feature"][nodes]
            inner = column >= 0
            if not inner.any():
                return f["value"][nodes].reshape(-1, N_TREES).mean(axis=1)
            step = f["children"][nodes, (x[column] > f["threshold"][nodes]).astype(int)]
            nodes = np.where(inner, step, nodes)

    def __call__(self, params):
        """Score of each fold, and the true score: held-out for noisy tasks, else the mean."""
        x = self._space.encode(params)
        out = self._predict(x)
        folds = out[:N_FOLDS]
        if self._noise.any():
            key = zlib.crc32(x.round(9).tobytes())
            folds = folds + self._noise * np.random.default_rng(key).standard_normal(N_FOLDS)
        folds = unsquash(folds)
        return folds, float(out[N_FOLDS]) if len(out) > N_FOLDS else float(folds.mean())


@functools.cache
def model(name):
    """The model of a task, loaded once."""
    return Model(TASKS[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", action="store_true", help="fit the interpolators")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name in options.tasks:
        if not is_complete(TASKS[name]):
            measure(TASKS[name])
    if options.models:
        path = RESULTS / "tables.json"
        quality = json.loads(path.read_text()) if path.exists() else {}
        for name in options.tasks:
            if name not in quality or not (CACHE / f"{name}.npz").exists():
                quality[name] = fit_model(TASKS[name])
                RESULTS.mkdir(exist_ok=True)
                path.write_text(json.dumps(quality, indent=1))


if __name__ == "__main__":
    main()
