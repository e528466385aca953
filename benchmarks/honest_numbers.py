"""Do the corrections keep their word where the truth is known?

Simulations of the functions of ``skhpo.statistics`` without a search: how biased the best of many
guesses is and what is left of it, how often intervals miss the truth, how often a test rejects a
true null hypothesis.
"""

from __future__ import annotations

import math
import time
from functools import partial

import numpy as np
from _common import arguments, write
from scipy import stats
from scipy.special import expit

from skhpo.statistics import (
    bbc_interval,
    ncv_interval,
    ncv_scores,
    ncv_splits,
    paired_comparison,
    selection_bias,
)

N_FOLDS = 10


def share(hits):
    """A share with its standard error."""
    p = float(np.mean(hits))
    return {"share": p, "error": math.sqrt(p * (1 - p) / len(hits))}


def mean(values):
    """A mean with its standard error."""
    return {"mean": float(np.mean(values)), "error": float(np.std(values) / len(values) ** 0.5)}


def random_folds(n, rng):
    return rng.permutation(n) % N_FOLDS


# The best of many candidates


def best_of_many(losses, n_samples, n_simulations, rng):
    """Candidates that err independently: what the best seems to lose, and what corrections say."""
    found = {"best_cv": [], "tibshirani": [], "bbc": []}
    truths, covered = [], []
    for _ in range(n_simulations):
        right = rng.random((len(losses), n_samples)) >= losses[:, None]
        best = right.mean(axis=1).argmax()
        by_fold = right.reshape(len(losses), N_FOLDS, -1).mean(axis=2)
        interval = bbc_interval(right, random_state=rng)
        truths.append(losses[best])
        covered.append(1 - interval.high <= losses[best] <= 1 - interval.low)
        found["best_cv"].append(1 - right[best].mean())
        found["tibshirani"].append(found["best_cv"][-1] + selection_bias(by_fold))
        found["bbc"].append(1 - interval.estimate)
    return {
        "candidates": len(losses),
        "samples": n_samples,
        "simulations": n_simulations,
        "true_loss": mean(truths),
        **{name: mean(values) for name, values in found.items()},
        "bias": {name: mean(np.subtract(found[name], truths)) for name in found},
        "bbc_covers_at_95": share(covered),
    }


# Intervals of nested cross-validation


def least_squares(X, y, weights):
    """Predictions of every sample by a linear model for each row of weights: (n_models, n)."""
    n, p = X.shape
    products = (X[:, :, None] * X[:, None]).reshape(n, p * p)
    gram = (weights @ products).reshape(-1, p, p)
    moments = weights @ (X * y[:, None])
    return np.linalg.solve(gram, moments[..., None])[..., 0] @ X.T


def logistic(X, y, weights, penalty=1e-3, n_steps=12):
    """Linear predictors of a logistic model for each row of weights, by Newton's method."""
    n, p = X.shape
    products = (X[:, :, None] * X[:, None]).reshape(n, p * p)
    coef = np.zeros((len(weights), p))
    for _ in range(n_steps):
        probability = expit(coef @ X.T)
        gradient = (weights * (y - probability)) @ X - penalty * coef
        curvature = (weights * probability * (1 - probability)) @ products
        curvature = curvature.reshape(-1, p, p) + penalty * np.eye(p)
        coef = coef + np.linalg.solve(curvature, gradient[..., None])[..., 0]
    return coef @ X.T


def squared_error(y, predicted):
    return (y - predicted) ** 2


def misclassified(y, predicted):
    return (predicted > 0) != y


def log_loss(y, predicted):
    return np.logaddexp(0, np.where(y, -predicted, predicted))


def regression(rng):
    """100 samples, 20 features that say nothing; the loss of a model is known exactly."""
    X, y = rng.normal(size=(100, 20)), rng.normal(size=100)
    coef = np.linalg.lstsq(X, y, rcond=None)[0]
    return X, y, 1 + coef @ coef


def classification(loss, n_new=5000):
    """100 samples, an intercept and 10 features of which one counts; the loss is of new samples."""

    def draw(rng):
        X = rng.normal(size=(100 + n_new, 11))
        X[:, 0] = 1
        X, new = X[:100], X[100:]
        y = rng.random(100) < expit(X[:, 1])
        fitted = logistic(X, y, np.ones((1, 100)))[0]
        predicted = new @ np.linalg.lstsq(X, fitted, rcond=None)[0]  # fitted = X @ coef
        p = expit(new[:, 1])
        return X, y, np.mean(p * loss(True, predicted) + (1 - p) * loss(False, predicted))

    return draw


def nested_table(X, y, folds, fit, loss):
    """Losses of all models that `ncv_interval` wants, and those of ordinary cross-validation."""
    splits = ncv_splits(folds)
    weights = np.ones((len(splits), len(y)))
    for weight, (_, test) in zip(weights, splits, strict=True):
        weight[test] = 0
    losses = loss(y, fit(X, y, weights)).astype(float)
    scores = [row[test] for row, (_, test) in zip(losses, splits, strict=True)]
    return ncv_scores(folds, scores)


def miscoverage(draw, fit, loss, n_repeats, n_simulations, rng, confidence=0.9):
    """How often the naive and the nested interval miss the loss of the model at hand."""
    z = stats.norm.ppf((1 + confidence) / 2)
    naive, nested, widths = [], {r: [] for r in n_repeats}, {r: [] for r in n_repeats}
    for _ in range(n_simulations):
        X, y, truth = draw(rng)
        folds = np.array([random_folds(len(y), rng) for _ in range(max(n_repeats))])
        tables = np.array([nested_table(X, y, fold, fit, loss) for fold in folds])
        losses = tables[0][np.arange(len(y)), folds[0]]
        half = z * losses.std(ddof=1) / math.sqrt(len(y))
        naive.append(abs(losses.mean() - truth) > half)
        for r in n_repeats:
            interval = ncv_interval(tables[:r], folds[:r], confidence=confidence)
            nested[r].append(not interval.low <= truth <= interval.high)
            widths[r].append((interval.high - interval.low) / (2 * half))
    return {
        "simulations": n_simulations,
        "nominal": round(1 - confidence, 9),
        "naive": share(naive),
        "nested_by_repeats": {r: share(missed) for r, missed in nested.items()},
        "width_over_naive_by_repeats": {r: mean(values) for r, values in widths.items()},
    }


# Tests between two models


def exchangeable(rng, noise, n=100, p=5):
    """Two blocks of features that count alike: a model of one is as good as one of the other."""
    X = rng.normal(size=(n, 2 * p))
    return X[:, :p], X[:, p:], X.sum(axis=1) / math.sqrt(2 * p) + noise * rng.normal(size=n)


def fold_scores(X, y, folds):
    """Negative mean squared error on every fold of every repeat."""
    tests = np.concatenate([fold == np.arange(N_FOLDS)[:, None] for fold in folds])
    losses = squared_error(y, least_squares(X, y, (~tests).astype(float)))
    return -(losses * tests).sum(axis=1) / tests.sum(axis=1)


def type_one_error(n_simulations, rng, *, noise=0.3, n_repeats=10, level=0.05):
    """How often a test finds a difference between two models that are alike."""
    naive, corrected = [], []
    for _ in range(n_simulations):
        first, second, y = exchangeable(rng, noise)
        folds = [random_folds(len(y), rng) for _ in range(n_repeats)]
        a, b = fold_scores(first, y, folds), fold_scores(second, y, folds)
        naive.append(stats.ttest_rel(a, b).pvalue < level)
        corrected.append(paired_comparison(a, b, n_repeats=n_repeats).p_value < level)
    return {
        "noise": noise,
        "repeats": n_repeats,
        "simulations": n_simulations,
        "nominal": level,
        "naive": share(naive),
        "corrected": share(corrected),
    }


def main():
    """Run all simulations."""
    args = arguments(__doc__)
    n, rng = (50 if args.quick else 2000), np.random.default_rng(0)
    nested = {"n_repeats": (1, 2) if args.quick else (1, 5, 10, 20), "n_simulations": n, "rng": rng}
    guesses, mixed = (lambda c: np.full(c, 0.5)), (lambda c: np.linspace(0.25, 0.5, c))
    questions = {
        "guesses_40_50": lambda: best_of_many(guesses(50), 40, n, rng),
        "guesses_100_100": lambda: best_of_many(guesses(100), 100, n, rng),
        "guesses_500_100": lambda: best_of_many(guesses(100), 500, n, rng),
        "mixed_40_50": lambda: best_of_many(mixed(50), 40, n, rng),
        "mixed_100_100": lambda: best_of_many(mixed(100), 100, n, rng),
        "type_one_10x10": lambda: type_one_error(n, rng),
        "type_one_10x10_noisy": lambda: type_one_error(n, rng, noise=3),
        "type_one_1x10": lambda: type_one_error(n, rng, n_repeats=1),
        "least_squares": lambda: miscoverage(regression, least_squares, squared_error, **nested),
        **{
            f"logistic_{loss.__name__}": partial(
                miscoverage, classification(loss), logistic, loss, **nested
            )
            for loss in (log_loss, misclassified)
        },
    }
    result = {}
    for name, answer in questions.items():
        start = time.perf_counter()
        result[name] = answer()
        print(f"{name} ({time.perf_counter() - start:.0f} s): {result[name]}", flush=True)
    write("honest_numbers", args.out, result)


if __name__ == "__main__":
    main()
