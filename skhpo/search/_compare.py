"""Searches compared: nested cross-validations that share their outer folds."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import get_routing_for_object

from ..statistics import ScoreComparison, compare_scores
from ..statistics._intervals import ratio_of
from ._checks import is_several
from ._job import draw_seed
from ._nested import NestedCV, check_is_search, repeated, search_in
from ._pointwise import own_scoring

__all__ = ["SearchComparison", "compare_searches"]


@dataclass(frozen=True)
class SearchComparison(ScoreComparison):
    """Searches compared on shared outer folds.

    Parameters
    ----------
    scores, intervals, pairs, adjusted_p_values, best, best_score, corrected_score, left_out
        As in `ScoreComparison`.
    nested : dict of str -> NestedCV
        The fitted nested cross-validation of each search.
    """

    nested: dict = None


def compare_searches(
    searches,
    X,
    y=None,
    *,
    scoring=None,
    n_jobs=None,
    refit=False,
    cv=None,
    n_repeats=1,
    confidence=0.95,
    verbose=0,
    random_state=None,
    error_score=np.nan,
    params=None,
):
    """Compare searches by nested cross-validation on shared outer folds.

    Parameters
    ----------
    searches : dict of str -> search
        At least two: of this package, of scikit-learn, or pipelines that end in one.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
    scoring : str or callable, default=None
        The one score they are compared by. None is what they go by themselves, if that is the
        same.
    n_jobs : int, default=None
        Number of fits that run at a time, see `NestedCV`.
    refit : bool, default=False
        Whether each search runs once more on all the data.
    cv : int, cross-validation generator or iterable, default=None
        The outer folds; they are drawn once.
    n_repeats : int, default=1
        How often to split anew, see `NestedCV`.
    confidence : float, default=0.95
        Of the intervals.
    verbose : int, default=0
    random_state : int, RandomState instance or None, default=None
        Seed of the repeats.
    error_score : "raise" or numeric, default=np.nan
        "raise" raises at the first failure; else a fold on which a search failed is left out for
        all of them.
    params : dict, default=None
        What goes to ``fit``, such as ``groups``.

    Returns
    -------
    SearchComparison
        A :class:`~skhpo.statistics.ScoreComparison` with ``nested``, the fitted `NestedCV` of
        each search, besides. ``print`` it for a text.

    Raises
    ------
    TypeError, ValueError
        When these are not several searches that can be compared; or one of them failed
        everywhere. What was computed before is in the attribute ``nested`` of the exception.

    Notes
    -----
    To take the best search by these scores is a selection again: its score is too good, though
    for a few searches less so than the best score within one. ``corrected_score`` allows for it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo import SearchCV, compare_searches
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = SearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]})
    >>> neighbors = SearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5, 9]})
    >>> comparison = compare_searches({"tree": tree, "neighbors": neighbors}, X, y, cv=5)
    >>> print(comparison.intervals["tree"])
    0.96 [0.9081, 1.012]
    >>> print(comparison.pairs["neighbors", "tree"])
    0.006667 [-0.0211, 0.03443]
    """
    _check(searches, scoring)
    folds = _SharedFolds(cv, y, next(iter(searches.values())), n_repeats, random_state)
    settings = {
        "scoring": scoring,
        "n_jobs": n_jobs,
        "refit": refit,
        "cv": folds,
        "confidence": confidence,
        "verbose": verbose,
        "error_score": error_score,
    }
    nested = {name: NestedCV(search, **settings) for name, search in searches.items()}
    for name, one in nested.items():
        with _kept(nested, f"This happened in the search {name!r}"):
            one.fit(X, y, **(params or {}))
    with _kept(nested, "The searches are done"):
        found = compare_scores(
            {name: one.outer_results_["outer_score"] for name, one in nested.items()},
            test_train_ratio=ratio_of(folds.splits),
            confidence=confidence,
        )
    return SearchComparison(**vars(found), nested=nested)


@contextmanager
def _kept(nested, where):
    """Let what ends a comparison carry what was computed, and say where it was."""
    try:
        yield
    except BaseException as error:
        begun = {name: one for name, one in nested.items() if hasattr(one, "history_")}
        if begun:
            error.nested = begun
            error.add_note(
                f"{where}. The nested cross-validations so far, of {list(begun)}, are in the "
                "attribute `nested` of this exception."
            )
        raise


def _check(searches, scoring):
    if not isinstance(searches, dict) or len(searches) < 2:
        raise ValueError(
            f"searches must be a dict of at least two searches by name; got {searches!r}. For one "
            "use NestedCV."
        )
    for search in searches.values():
        check_is_search(search, scoring)
    if is_several(scoring):
        raise ValueError(
            f"scoring must be one score to compare by; got {scoring!r}. Name one; the searches may "
            "have several inside."
        )
    own = [own_scoring(search_in(search)) for search in searches.values()]
    if scoring is None and any(score != own[0] for score in own):
        raise ValueError(
            "scoring must be given where searches go by different scores; got None with "
            f"{dict(zip(searches, own, strict=True))}. Name the score to compare them by."
        )


class _SharedFolds:
    """A splitter that splits once and then gives the same again."""

    def __init__(self, cv, y, search, n_repeats, random_state):
        self.random_state = getattr(cv, "random_state", None)
        self._splitter = check_cv(cv, y, classifier=is_classifier(search))
        if n_repeats > 1:
            seed = draw_seed(random_state)
            self._splitter = repeated(cv, self._splitter, n_repeats, seed)
        self.splits = None

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return how many splits there are."""
        return len(self._drawn(X, y, groups))

    def split(self, X, y=None, groups=None):
        """Return the splits."""
        return iter(self._drawn(X, y, groups))

    def get_metadata_routing(self):
        """Return what the splitter requests."""
        return get_routing_for_object(self._splitter)

    def _drawn(self, X, y, groups):
        if self.splits is None:
            self.splits = list(self._splitter.split(X, y, groups))
        return self.splits
