"""Several models on shared folds: who is better, and what the best of them may claim."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ._best import selection_bias
from ._intervals import corrected_t_interval, paired_comparison

__all__ = ["ScoreComparison", "compare_scores"]


@dataclass(frozen=True)
class ScoreComparison:
    """Models compared on shared folds, and what is left of the best score.

    Parameters
    ----------
    scores : dict of str -> ndarray of shape (n_folds,)
        Of each model, the best mean first.
    intervals : dict of str -> Interval
        Mean score with its interval.
    pairs : dict of (str, str) -> Comparison
        Of each two models the better one minus the other.
    adjusted_p_values : dict of (str, str) -> float
        Of all pairs together, by Holm's method.
    best : str
        The model with the best mean.
    best_score : float
        Its mean score, which may be too good, for the model was chosen by this very number.
    corrected_score : float
        What is left of it; see :func:`~skhpo.statistics.selection_bias`. Rather too low than too
        high.
    left_out : tuple of int
        Folds on which a model has no score; they take no part.

    Examples
    --------
    >>> from skhpo.statistics import compare_scores
    >>> comparison = compare_scores({"a": [0.8, 0.9, 0.7], "b": [0.7, 0.9, 0.8]})
    >>> comparison.best, round(comparison.best_score, 3), round(comparison.corrected_score, 3)
    ('a', 0.8, 0.767)
    """

    scores: dict
    intervals: dict
    pairs: dict
    adjusted_p_values: dict
    best: str
    best_score: float
    corrected_score: float
    left_out: tuple = field(default=())

    def summary(self):
        """Return what was found in words, to quote.

        Returns
        -------
        str
        """
        n_folds = len(self.scores[self.best])
        width = max(map(len, self.scores))
        lines = [f"Scores on {n_folds} shared folds, with intervals by the corrected resampled t"]
        lines += [f"{name:{width}}  {interval}" for name, interval in self.intervals.items()]
        lines += [self._in_words(pair) for pair in self.pairs]
        if self.left_out:
            folds = ", ".join(map(str, self.left_out))
            lines.append(f"Left out, because a search failed there: fold {folds}")
        lines.append(
            f"Warning: {self.best} is the best of {len(self.scores)} by these scores. To choose by "
            f"them is a selection again, and {self.best_score:.4g} may be too good; corrected for "
            f"the choice: {self.corrected_score:.4g}"
        )
        return "\n".join(lines)

    def _in_words(self, pair):
        found = self.pairs[pair]
        return (
            f"{pair[0]} - {pair[1]}: {found}, p = {found.p_value:.2g} "
            f"({self.adjusted_p_values[pair]:.2g} with Holm's correction)"
        )

    def __str__(self):
        return self.summary()

    def _repr_html_(self):
        return f"<pre>{html.escape(self.summary())}</pre>"


def compare_scores(scores, *, n_repeats=1, test_train_ratio=None, confidence=0.95):
    """Compare models by their scores on the same folds.

    Parameters
    ----------
    scores : dict of str -> array-like of shape (n_folds,)
        Of at least two models; larger is better. Folds on which one of them is NaN are left out.
    n_repeats : int, default=1
        How often the k-fold cross-validation was repeated.
    test_train_ratio : float, default=None
        As in `corrected_t_interval`. Give it where folds may be left out.
    confidence : float, default=0.95

    Returns
    -------
    ScoreComparison

    Raises
    ------
    ValueError
        When these are not scores of several models on the same folds.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239-281.

    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal
    of Statistics 6, 65-70.

    Examples
    --------
    >>> from skhpo.statistics import compare_scores
    >>> comparison = compare_scores(
    ...     {"tree": [0.90, 0.94, 0.88, 0.92], "forest": [0.95, 0.96, 0.93, 0.94]})
    >>> comparison.best
    'forest'
    >>> print(comparison.pairs["forest", "tree"])
    0.035 [-0.0071, 0.0771]
    """
    names, table = _table(scores)
    whole = np.isfinite(table).all(axis=0)
    if whole.sum() < 2:
        raise ValueError(
            f"All models must have a score on the same 2 folds at least; got {whole.sum()} such. "
            "Mend what failed."
        )
    table = table[:, whole]
    order = np.argsort(-table.mean(axis=1), kind="stable")
    names, table = [names[i] for i in order], table[order]
    settings = {
        "n_repeats": n_repeats,
        "test_train_ratio": test_train_ratio,
        "confidence": confidence,
    }
    pairs = {
        (names[i], names[j]): paired_comparison(table[i], table[j], **settings)
        for i, j in combinations(range(len(names)), 2)
    }
    best_score = float(table[0].mean())
    return ScoreComparison(
        dict(zip(names, table, strict=True)),
        {n: corrected_t_interval(row, **settings) for n, row in zip(names, table, strict=True)},
        pairs,
        _holm({pair: found.p_value for pair, found in pairs.items()}),
        names[0],
        best_score,
        best_score - selection_bias(table),
        tuple(np.flatnonzero(~whole).tolist()),
    )


def _table(scores):
    names = list(scores)
    rows = [np.asarray(scores[name], dtype=float) for name in names]
    if len(rows) < 2 or any(row.ndim != 1 or row.shape != rows[0].shape for row in rows):
        raise ValueError(
            "scores must have one score a fold for each of at least two models, on the same folds; "
            f"got arrays of shapes {[row.shape for row in rows]}. Score all on one list of splits."
        )
    return names, np.array(rows)


def _holm(p_values):
    """Holm's step-down procedure: the k-th smallest of m times m + 1 - k, never decreasing."""
    adjusted, least = {}, 0.0
    for k, pair in enumerate(sorted(p_values, key=p_values.get)):
        least = max(least, min(1.0, (len(p_values) - k) * p_values[pair]))
        adjusted[pair] = least
    return {pair: adjusted[pair] for pair in p_values}
