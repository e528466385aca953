"""How many fits does fold stopping save, and does it lose the best candidate?

Part 1 replays tables of fold scores (10 folds, 60 random candidates, five draws of folds and
candidates) in 50 random orders each: share of the folds used, share of orders in which the best
candidate is found, mean regret.
Part 2 runs BayesSearchCV on a dozen tasks, 50 candidates without stopping, and with stopping as
many candidates as the same number of fits allows: how many fits the run with stopping needs for
the best score of the run without, as a share of what the latter needed, and of all its fits. A
search without stopping and with another seed stands beside: to meet the best of one search is hard
for any other.

Finished cells are kept in a file until all are there, so a run that was interrupted goes on.
"""

from __future__ import annotations

import json
import warnings
from statistics import mean, median

import numpy as np
from _common import arguments, write
from scipy.stats import loguniform, randint, uniform, wilcoxon
from sklearn.base import is_classifier
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_friedman1,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import ElasticNet, LogisticRegression, SGDClassifier
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skhpo import BayesSearchCV, SearchCV, loguniform_int
from skhpo._records import Candidate, Evaluation
from skhpo.fold_stopping import (
    AggressiveStopping,
    BoundedStopping,
    ForgivingStopping,
    PairedStopping,
)
from skhpo.history import History
from skhpo.schedulers import CrossValidation
from skhpo.stopping import MaxFits

SVC_SPACE = {"svc__C": loguniform(1e-2, 1e4), "svc__gamma": loguniform(1e-6, 1e1)}
TREE_SPACE = {
    "max_depth": randint(1, 20),
    "min_samples_leaf": loguniform_int(1, 60),
    "min_samples_split": randint(2, 30),
}


def part_1_tasks():
    """Name -> estimator, space, data, scoring."""
    digits = [a[:600] for a in load_digits(return_X_y=True)]
    cancer = load_breast_cancer(return_X_y=True)
    svc = make_pipeline(StandardScaler(), SVC(random_state=0))
    forest = RandomForestClassifier(20, random_state=0)
    forest_space = {"max_features": uniform(0.05, 0.9), "min_samples_leaf": loguniform_int(1, 60)}
    unscaled = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-6, 1e1)}
    four = {
        "max_depth": randint(1, 20),
        "min_samples_leaf": loguniform_int(1, 60),
        "max_features": uniform(0.05, 0.95),
        "criterion": ["gini", "entropy"],
    }
    tree = DecisionTreeClassifier(random_state=0)
    return {
        "unscaled SVC, breast_cancer, accuracy": (SVC(), unscaled, cancer, "accuracy"),
        "unscaled SVC, breast_cancer, AUC": (SVC(), unscaled, cancer, "roc_auc"),
        "tree of 4 parameters, digits, accuracy": (tree, four, digits, "accuracy"),
        "tree of 4 parameters, digits, AUC": (tree, four, digits, "roc_auc_ovr"),
        "tree, digits, AUC": (
            DecisionTreeClassifier(random_state=0),
            TREE_SPACE,
            digits,
            "roc_auc_ovr",
        ),
        "tree, digits, accuracy": (
            DecisionTreeClassifier(random_state=0),
            TREE_SPACE,
            digits,
            "accuracy",
        ),
        "SVC, breast_cancer, accuracy": (svc, SVC_SPACE, cancer, "accuracy"),
        "SVC, breast_cancer, AUC": (svc, SVC_SPACE, cancer, "roc_auc"),
        "forest, breast_cancer, AUC": (forest, forest_space, cancer, "roc_auc"),
    }


class Replay:
    """A proposer of known rows, in a given order."""

    def __init__(self, order):
        self.rows = iter(order)

    def ask(self, pending):
        """Next row as a candidate."""
        row = next(self.rows, None)
        return None if row is None else Candidate(int(row), {})

    def tell(self, observation):
        """Learn nothing."""


def replay(table, order, rule):
    """Number of folds used, and mean score of the candidate chosen."""
    n_splits = table.shape[1]
    history = History(n_splits, "score")
    running = CrossValidation().start(
        Replay(order), history, fold_sizes=np.ones(n_splits), fold_stopping=rule
    )
    while (task := running.ask()) is not None:
        score = float(table[task.candidate.id, task.split])
        history.append(Evaluation(task, {"score": score}, 0.0, 0.0))
        running.tell(history.evaluations[-1])
    return history.n_fits, history.best_score


RULES = {
    "paired": PairedStopping(),
    "forgiving": ForgivingStopping(),
    "aggressive": AggressiveStopping(),
    "bounded": BoundedStopping(upper=1.0),
}
CONTROL = "none, another seed"


class Cells:
    """What was computed already, by name, in a file that is there until all of it is."""

    def __init__(self, path):
        self.path = path
        self.known = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name, compute, *args):
        """A cell, computed unless it is known."""
        if name not in self.known:
            self.known[name] = compute(*args)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.known))
            print(name, flush=True)
        return self.known[name]


def part_1(cells, n_candidates, n_orders):
    """Rows of the first table."""
    for name, task in part_1_tasks().items():
        draws = [
            cells.get(f"replay | {name} | {seed}", draw, task, seed, n_candidates, n_orders)
            for seed in range(5)
        ]
        for rule in RULES:
            of_rule = [one[rule] for one in draws]
            means = {key: mean(one[key] for one in of_rule) for key in of_rule[0]}
            yield {"task": name, "rule": rule, **means, "draws": of_rule}


def draw(task, seed, n_candidates, n_orders):
    """One draw of folds and candidates: what each rule makes of it, over random orders."""
    table, found = score_table(*task, n_candidates, seed), {}
    for name, rule in RULES.items():
        rng = np.random.default_rng(seed)
        runs = [replay(table, rng.permutation(len(table)), rule) for _ in range(n_orders)]
        regret = [table.mean(axis=1).max() - best for _, best in runs]
        found[name] = {
            "folds_used": mean(n_fits / table.size for n_fits, _ in runs),
            "found_best": mean(float(r < 1e-12) for r in regret),
            "mean_regret": float(mean(regret)),
        }
    return found


def score_table(estimator, space, data, scoring, n_candidates, seed):
    """Fold scores of random candidates, one a row."""
    cv = StratifiedKFold(10, shuffle=True, random_state=seed)
    options = {"n_iter": n_candidates, "cv": cv, "scoring": scoring, "random_state": seed}
    results = SearchCV(estimator, space, refit=False, **options).fit(*data).cv_results_
    return np.array([results[f"split{k}_test_score"] for k in range(10)]).T


def part_2_tasks():
    """Name -> estimator, space, data."""
    made = make_classification(300, 15, n_informative=6, flip_y=0.1, random_state=1)
    friedman = make_friedman1(250, noise=1.0, random_state=1)
    digits = [a[:500] for a in load_digits(return_X_y=True)]
    scaled = lambda model: make_pipeline(StandardScaler(), model)  # noqa: E731
    knn = {"n_neighbors": randint(1, 40), "p": uniform(1, 2), "weights": ["uniform", "distance"]}
    linear = {"logisticregression__C": loguniform(1e-4, 1e4)}
    sgd = {
        "sgdclassifier__alpha": loguniform(1e-6, 1e1),
        "sgdclassifier__l1_ratio": uniform(0, 1),
        "sgdclassifier__loss": ["hinge", "log_loss", "modified_huber"],
    }
    return {
        "SVC, breast_cancer": (scaled(SVC()), SVC_SPACE, load_breast_cancer(return_X_y=True)),
        "SVC, made": (scaled(SVC()), SVC_SPACE, made),
        "SVC, wine": (scaled(SVC()), SVC_SPACE, load_wine(return_X_y=True)),
        "tree, digits": (DecisionTreeClassifier(random_state=0), TREE_SPACE, digits),
        "kNN, digits": (KNeighborsClassifier(), knn, digits),
        "logistic, made": (scaled(LogisticRegression(max_iter=500)), linear, made),
        "SGD, breast_cancer": (
            scaled(SGDClassifier(penalty="elasticnet", random_state=0)),
            sgd,
            load_breast_cancer(return_X_y=True),
        ),
        "SVR, diabetes": (
            scaled(SVR()),
            {"svr__C": loguniform(1e-2, 1e4), "svr__gamma": loguniform(1e-5, 1e0)},
            load_diabetes(return_X_y=True),
        ),
        "tree, friedman": (DecisionTreeRegressor(random_state=0), TREE_SPACE, friedman),
        "elastic net, diabetes": (
            scaled(ElasticNet()),
            {"elasticnet__alpha": loguniform(1e-4, 1e2), "elasticnet__l1_ratio": uniform(0, 1)},
            load_diabetes(return_X_y=True),
        ),
        "SVC, iris": (scaled(SVC()), SVC_SPACE, load_iris(return_X_y=True)),
        "kNN, friedman": (KNeighborsRegressor(), knn, friedman),
    }


def share_until(history, target):
    """Fits after which a complete candidate has the target, None when none has."""
    seen = History(history.n_splits, history.metric)
    for evaluation in history.evaluations:
        seen.append(evaluation)
        if seen.best_score >= target - 1e-12:
            return seen.n_fits
    return None


def part_2(cells, n_iter, seeds):
    """Rows of the second table."""
    for name, task in part_2_tasks().items():
        runs = [cells.get(f"bayes | {name} | {seed}", race, *task, seed, n_iter) for seed in seeds]
        for rule in runs[0]:
            found = [run[rule] for run in runs]
            yield {"task": name, "rule": rule, **summarise(found), "runs": found}


def race(estimator, space, data, seed, n_iter):
    """A search without stopping, and what others make of as many fits."""
    splitter = StratifiedKFold if is_classifier(estimator) else KFold
    options = {"cv": splitter(10, shuffle=True, random_state=seed), "refit": False}
    full = BayesSearchCV(estimator, space, n_iter=n_iter, random_state=seed, **options).fit(*data)
    others = {
        "paired": ("paired", seed),
        "forgiving": ("forgiving", seed),
        CONTROL: (None, 99 + seed),
    }
    options.update(n_iter=6 * n_iter, stopping=MaxFits(full.history_.n_fits))
    found = {}
    for name, (rule, state) in others.items():
        options.update(fold_stopping=rule, random_state=state)
        found[name] = compare(full, BayesSearchCV(estimator, space, **options).fit(*data))
    return found


def compare(full, less):
    """What a run with stopping needs for the best score of the run without, and what it finds."""
    until = share_until(less.history_, full.best_score_)
    first = share_until(full.history_, full.best_score_)
    return {
        "candidates": less.history_.n_candidates,
        "until_best": None if until is None else until / first,
        "share_of_budget": None if until is None else until / full.history_.n_fits,
        "own_share": first / full.history_.n_fits,
        "difference": float(less.best_score_ - full.best_score_),
    }


def summarise(runs):
    """Medians over runs; one that never reached the best score needs for ever.

    `own_share` is what the search without stopping needed for its own best score.
    """
    return {
        "candidates": median(run["candidates"] for run in runs),
        "reached": mean(float(run["until_best"] is not None) for run in runs),
        "until_best": median(run["until_best"] or float("inf") for run in runs),
        "share_of_budget": median(run["share_of_budget"] or float("inf") for run in runs),
        "own_share": median(run["own_share"] for run in runs),
        "difference": median(run["difference"] for run in runs),
    }


def summary_of(rows, rule):
    """One rule over all tasks."""
    runs = [run for row in rows if row["rule"] == rule for run in row["runs"]]
    differences = [run["difference"] for run in runs]
    p_worse = float(wilcoxon(differences, alternative="less").pvalue)
    counts = {"better": sum(d > 1e-12 for d in differences)}
    counts["worse"] = sum(d < -1e-12 for d in differences)
    return {"rule": rule, **summarise(runs), **counts, "p_worse": p_worse}


def replay_means(rows):
    """Of each rule over all tasks."""
    keys = "folds_used", "found_best", "mean_regret"
    return [
        {
            "rule": rule,
            **{key: mean(row[key] for row in rows if row["rule"] == rule) for key in keys},
        }
        for rule in RULES
    ]


def main():
    """Run both parts."""
    args = arguments(__doc__)
    cells = Cells(args.out / "fold_stopping_unfinished.json")
    rows_1 = list(part_1(cells, *((20, 10) if args.quick else (60, 50))))
    rows_2 = list(part_2(cells, *((15, range(1)) if args.quick else (50, range(5)))))
    for row in rows_1 + rows_2:
        print({name: value for name, value in row.items() if name not in ("runs", "draws")})
    summary = [summary_of(rows_2, rule) for rule in ("paired", "forgiving", CONTROL)]
    means = replay_means(rows_1)
    print(summary, means)
    found = {"replay": rows_1, "replay_means": means, "bayes": rows_2, "summary": summary}
    write("fold_stopping", args.out, found)
    cells.path.unlink()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
