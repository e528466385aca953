"""Laws of fold stopping, over every rule."""

import inspect
import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GroupKFold, RepeatedKFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import skhpo.fold_stopping as module
from skhpo import BayesSearchCV, SearchCV
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

RULES = [rule for rule in vars(module).values() if inspect.isclass(rule) and hasattr(rule, "stops")]
X, y = make_classification(120, 6, n_informative=4, flip_y=0.2, random_state=0)
SPACE = {"C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-4, 1e1)}
CV = StratifiedKFold(10, shuffle=True, random_state=0)


class Rows:
    """A proposer of the rows of a table, which notes what it is told."""

    def __init__(self, n_rows):
        self.rows = iter(range(n_rows))
        self.told = []

    def ask(self, pending):
        row = next(self.rows, None)
        return None if row is None else Candidate(row, {}, np.zeros(0))

    def tell(self, observation):
        self.told.append(observation)


def play(table, rule, window=1, weights=None, seed=0):
    """Run a table of scores through the scheduler; results are told in the order asked."""
    n_splits = table.shape[1]
    history, rows = History(n_splits, "score"), Rows(len(table))
    sizes = np.ones(n_splits) if weights is None else weights
    running = CrossValidation().start(
        rows, history, fold_sizes=sizes, fold_stopping=rule, seed=seed
    )
    flight, asked = [], []
    while True:
        while len(flight) < window and (task := running.ask()) is not None:
            in_flight = [other.candidate.id for other in flight]
            assert rule is None or task.candidate.id not in in_flight
            flight.append(task)
            asked.append(task)
        if not flight:
            return history, rows.told, asked
        task = flight.pop(0)
        score = float(table[task.candidate.id, task.split])
        status = "ok" if np.isfinite(score) else "failed"
        history.append(Evaluation(task, {"score": score}, 0.0, 0.0, status))
        running.tell(history.evaluations[-1])


tables = hnp.arrays(
    float, st.tuples(st.integers(1, 12), st.integers(2, 6)), elements=st.integers(0, 20)
).map(lambda table: table / 20)


@pytest.mark.parametrize("rule", RULES)
def test_rules_are_values(rule):
    assert pickle.loads(pickle.dumps(rule())) == rule() == clone(rule(), safe=False)
    assert rule(shuffle=True) != rule()


@settings(derandomize=True, max_examples=150, deadline=None)
@given(tables, st.integers(1, 5), st.booleans())
def test_the_exact_rule_never_changes_the_winner(table, window, shuffle):
    history, _, _ = play(table, BoundedStopping(1.0, shuffle=shuffle), window)
    complete = [i for i in range(len(table)) if len(history.folds(i)) == table.shape[1]]
    means = table.mean(axis=1)
    assert int(np.argmax(means)) in complete
    assert history.best_score == pytest.approx(means.max())


@pytest.mark.parametrize("rule", RULES)
@settings(derandomize=True, max_examples=60, deadline=None)
@given(table=tables, window=st.integers(1, 5))
def test_every_candidate_is_concluded_once_and_no_fold_runs_twice(rule, table, window):
    history, told, asked = play(table, rule(), window)
    assert sorted(observation.id for observation in told) == list(range(len(table)))
    keys = [task.key for task in asked]
    assert len(set(keys)) == len(keys) == history.n_fits
    assert len(history.best_so_far) == len(table)
    for observation in told:
        assert observation.n_folds == len(history.folds(observation.id))
        assert (observation.status == "complete") == (observation.n_folds == table.shape[1])


@pytest.mark.parametrize("rule", RULES)
def test_folds_are_run_in_the_common_order_older_candidates_first(rule):
    table = np.random.default_rng(0).uniform(0.5, 1, (20, 5))
    # `play` asserts that no second fold of a candidate starts while its first is in flight.
    _, _, asked = play(table, rule(), window=4)
    folds = {}
    for task in asked:
        folds.setdefault(task.candidate.id, []).append(task.split)
    assert all(splits == list(range(len(splits))) for splits in folds.values())
    assert list(folds) == sorted(folds)


def test_forgiving_keeps_what_aggressive_stops():
    table = np.array([[0.9, 0.7, 0.8], [0.75, 0.9, 0.9], [0.65, 1.0, 1.0]])
    counts = {}
    for rule in (ForgivingStopping(), AggressiveStopping()):
        history, _, _ = play(table, rule)
        counts[type(rule).__name__] = [len(history.folds(i)) for i in range(3)]
    assert counts == {"ForgivingStopping": [3, 3, 1], "AggressiveStopping": [3, 1, 1]}


def test_a_failed_fold_ends_a_candidate_as_failed():
    history, told, _ = play(np.array([[0.5, 0.5], [np.nan, 0.9], [0.6, 0.6]]), ForgivingStopping())
    assert [o.status for o in told] == ["complete", "failed", "complete"]
    assert len(history.folds(1)) == 1


def test_unequal_folds_are_weighted():
    # Weighted, the second candidate is at .5 after two folds: not better than the worst, .5.
    table = np.array([[0.5, 0.9, 0.9], [0.45, 0.7, 1.0]])
    for weights, n_folds in (([1, 1, 1], 3), ([8, 1, 2], 1)):
        table[1, 0] = 0.45 if n_folds == 1 else 0.55
        history, _, _ = play(table, ForgivingStopping(), weights=np.array(weights, float))
        assert len(history.folds(1)) == n_folds


def test_shuffled_folds_have_one_order_given_by_the_seed():
    table = np.tile(np.linspace(0.1, 0.6, 6), (4, 1)) + np.arange(4)[:, None] / 10
    _, _, asked = play(table, ForgivingStopping(shuffle=True), seed=3)
    orders = {}
    for task in asked:
        orders.setdefault(task.candidate.id, []).append(task.split)
    assert orders[0] != sorted(orders[0])
    assert all(order == orders[0][: len(order)] for order in orders.values())


@pytest.mark.parametrize("search", [SearchCV, BayesSearchCV])
@pytest.mark.parametrize("rule", ["forgiving", "aggressive", BoundedStopping(1.0)])
def test_results_of_stopped_candidates(search, rule):
    s = search(SVC(), SPACE, n_iter=15, cv=CV, random_state=0, fold_stopping=rule).fit(X, y)
    full = search(SVC(), SPACE, n_iter=15, cv=CV, random_state=0)
    r = s.cv_results_
    scores = np.array([r[f"split{k}_test_score"] for k in range(10)]).T
    np.testing.assert_array_equal((~np.isnan(scores)).sum(axis=1), r["n_splits_evaluated"])
    np.testing.assert_allclose(np.nanmean(scores, axis=1), r["partial_mean_test_score"])
    stopped = r["n_splits_evaluated"] < 10
    assert stopped.any()
    assert np.isnan(r["mean_test_score"][stopped]).all()
    assert r["rank_test_score"][stopped].min() > r["rank_test_score"][~stopped].max()
    assert len(r["params"]) == 15
    assert s.history_.n_fits < 150
    assert s.best_score_ == np.nanmax(r["mean_test_score"])
    assert "n_splits_evaluated" not in full.fit(X, y).cv_results_


@pytest.mark.parametrize("search", [SearchCV, BayesSearchCV])
def test_the_answer_depends_on_seed_and_window_only(search):
    def fit(n_jobs):
        with joblib.parallel_config("threading", n_jobs=n_jobs):
            return search(
                KNeighborsClassifier(),
                {"n_neighbors": list(range(1, 40)), "p": [1, 2]},
                n_iter=12,
                cv=CV,
                random_state=0,
                pre_dispatch=4,
                fold_stopping="forgiving",
            ).fit(X, y)

    one, two = fit(1).cv_results_, fit(2).cv_results_
    assert one["params"] == two["params"]
    np.testing.assert_array_equal(one["partial_mean_test_score"], two["partial_mean_test_score"])


@pytest.mark.filterwarnings("ignore:No candidate was evaluated on all")
def test_a_search_goes_on_from_its_journal_in_the_middle_of_a_candidate(tmp_path):
    def fit(n_fits, journal):
        return BayesSearchCV(
            KNeighborsClassifier(),
            {"n_neighbors": list(range(1, 40)), "p": [1, 2]},
            n_iter=11,
            cv=CV,
            random_state=0,
            pre_dispatch=3,
            fold_stopping="paired",
            stopping=MaxFits(n_fits),
            journal=journal,
        ).fit(X, y)

    whole = fit(1000, None).cv_results_
    fit(25, tmp_path / "journal.db")
    resumed = fit(1000, tmp_path / "journal.db").cv_results_
    assert resumed["params"] == whole["params"]
    for column in ("n_splits_evaluated", "partial_mean_test_score", "rank_test_score"):
        np.testing.assert_array_equal(resumed[column], whole[column])
    assert whole["n_splits_evaluated"].min() < 10


def test_losses_groups_and_several_metrics():
    options = {"n_iter": 12, "random_state": 0, "fold_stopping": "forgiving"}
    # One neighbour has a huge log loss: stopped at the first fold, whatever the sign's tricks.
    neighbours = {"n_neighbors": [30, 1, 40, 2]}
    loss = SearchCV(KNeighborsClassifier(), neighbours, cv=CV, scoring="neg_log_loss", **options)
    assert loss.fit(X, y).cv_results_["n_splits_evaluated"][1] == 1
    assert loss.best_params_["n_neighbors"] in (30, 40)
    grouped = SearchCV(SVC(), SPACE, cv=GroupKFold(6), **options)
    assert grouped.fit(X, y, groups=np.arange(120) % 6).history_.n_fits < 72
    several = SearchCV(
        SVC(),
        SPACE,
        cv=RepeatedKFold(n_splits=5, n_repeats=2, random_state=0),
        scoring=["accuracy", "f1"],
        refit="f1",
        **options,
    ).fit(X, y)
    assert {"partial_mean_test_f1", "partial_mean_test_accuracy"} <= set(several.cv_results_)
    assert several.best_score_ == np.nanmax(several.cv_results_["mean_test_f1"])


class Above(ClassifierMixin, BaseEstimator):
    """Scores 2, which no bound of 1 allows."""

    def __init__(self, a=1):
        self.a = a

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return 2.0


def test_bad_rules_are_told():
    with pytest.raises(ValueError, match="fold_stopping must be None, one of"):
        SearchCV(SVC(), SPACE, fold_stopping="gentle").fit(X, y)
    with pytest.raises(TypeError, match="Write ForgivingStopping"):
        SearchCV(SVC(), SPACE, fold_stopping=ForgivingStopping).fit(X, y)
    with pytest.raises(ValueError, match="upper of BoundedStopping must be the best possible"):
        SearchCV(Above(), {"a": [1, 2]}, fold_stopping=BoundedStopping(1.0)).fit(X, y)
    with pytest.raises(ValueError, match="finite number"):
        BoundedStopping(float("inf"))


def test_paired_never_stops_what_is_not_behind():
    incumbent = np.array([0.5, 0.9, 0.7, 0.8])
    for k in (1, 2, 3):
        assert not PairedStopping(z=0).stops(incumbent[:k], incumbent, np.ones(4))
        assert PairedStopping(z=0).stops(incumbent[:k] - 1e-9, incumbent, np.ones(4))


def test_paired_needs_less_of_a_lead_the_more_folds_are_known():
    incumbent, rule = np.array([0.5, 0.9, 0.7, 0.8, 0.6]), PairedStopping()
    leads = np.linspace(0, 1, 1001)
    needed = [
        next(lead for lead in leads if rule.stops(incumbent[:k] - lead, incumbent, np.ones(5)))
        for k in (1, 2, 3, 4)
    ]
    assert needed == sorted(needed, reverse=True)
    assert needed[0] > 3 * needed[-1]


def test_paired_uses_fewer_folds_than_forgiving_and_loses_the_best_less_often():
    """Folds that differ more than candidates do, as those of small data."""
    used = {ForgivingStopping(): [], PairedStopping(): []}
    regret = {rule: [] for rule in used}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = 0.3 * rng.normal(size=(30, 1)) + rng.normal(size=10)
        table = table + 0.3 * rng.normal(size=(30, 10))
        for rule in used:
            history, _, _ = play(table, rule)
            used[rule].append(history.n_fits / table.size)
            regret[rule].append(table.mean(axis=1).max() - history.best_score)
    forgiving, paired = used
    # .81 and .60 of the folds, with standard errors of .03 and .01; regret .004 and 0.
    assert np.mean(used[paired]) < np.mean(used[forgiving]) - 0.1
    assert np.mean(regret[paired]) <= np.mean(regret[forgiving])


@pytest.mark.parametrize("z", [-1, float("nan"), float("inf"), "2", None])
def test_a_number_of_errors_that_is_none(z):
    with pytest.raises(ValueError, match="z of PairedStopping must be a number"):
        PairedStopping(z)


def test_a_rule_cannot_change_what_the_next_question_is_about():
    class Meddles:
        def stops(self, scores, incumbent, weights):
            incumbent += 1

    with pytest.raises(ValueError, match="read-only"):
        play(np.array([[0.5, 0.5], [0.4, 0.4]]), Meddles())


def test_the_optimiser_learns_means_that_are_fair_to_the_folds():
    """The first fold is easier by .3: what is stopped there would look better than the best."""
    levels, folds = np.array([0.5, 0.51, 0.49]), np.array([0.3, 0.0, 0.0])
    history, told, _ = play(levels[:, None] + folds, PairedStopping(z=0))
    assert [o.status for o in told] == ["complete", "complete", "stopped"]
    assert told[2].n_folds == 1
    assert [o.score for o in told] == pytest.approx(levels + 0.1)
    # What the user sees is what was measured.
    assert history.observation(history.candidates[2]).score == pytest.approx(0.79)


class OnlyStops:
    """A rule of a user that has nothing but the question."""

    def stops(self, scores, incumbent, weights):
        return scores[-1] < incumbent.mean()


def test_a_rule_needs_nothing_but_the_question():
    table = np.array([[0.5, 0.5, 0.5], [0.1, 0.9, 0.9]])
    assert [o.status for o in play(table, OnlyStops())[1]] == ["complete", "stopped"]


def test_an_answer_that_is_neither_yes_nor_no():
    class Each(OnlyStops):
        def stops(self, scores, incumbent, weights):
            return scores < incumbent[: len(scores)]

    with pytest.raises(TypeError, match=r"must return True or False; .* returned array"):
        play(np.array([[0.5, 0.5], [0.4, 0.6]]), Each())
