"""The best of several is too good to be true: what ``cv_results_`` alone can tell."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from ._field import field_of
from ._intervals import Comparison, paired_comparison, ratio_of

__all__ = ["CorrectedScore", "TuningGain", "corrected_best_score", "selection_bias", "tuning_gain"]

_KFOLD = {  # splitters of scikit-learn that test each sample once, or as often as they repeat
    "KFold",
    "StratifiedKFold",
    "GroupKFold",
    "StratifiedGroupKFold",
    "LeaveOneOut",
    "LeaveOneGroupOut",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
}


@dataclass(frozen=True)
class CorrectedScore:
    """A best score and what is left of it when its choice is accounted for.

    Parameters
    ----------
    score : float
        The best mean score minus the bias.
    best_score : float
        The best mean score, as the search reports it.
    bias : float
        See `selection_bias`.
    best_index : int
        Row of ``cv_results_``.

    Examples
    --------
    >>> from skhpo.statistics import CorrectedScore
    >>> CorrectedScore(score=0.87, best_score=0.9, bias=0.03, best_index=4).score
    0.87
    """

    score: float
    best_score: float
    bias: float
    best_index: int


@dataclass(frozen=True)
class TuningGain(Comparison):
    """What the best candidate gained over the default.

    Parameters
    ----------
    estimate, low, high, standard_error, confidence, p_value : float
        As in `Comparison`, of the best minus the default.
    best_index, default_index : int
        Rows of ``cv_results_``.
    selection_bias : float
        How much of the gain may be due to the choice of the best; see `selection_bias`.

    Examples
    --------
    >>> from skhpo.statistics import tuning_gain
    >>> results = {"split0_test_score": [0.7, 0.8], "split1_test_score": [0.6, 0.9],
    ...            "mean_test_score": [0.65, 0.85]}
    >>> gain = tuning_gain(results, default=0)
    >>> gain.best_index, gain.default_index
    (1, 0)
    """

    best_index: int
    default_index: int
    selection_bias: float


def selection_bias(scores):
    """Estimate by how much the best mean score is too good because it is the best.

    On each fold, the best score of all minus the score of the candidate with the best mean;
    then the mean over folds.

    Parameters
    ----------
    scores : array-like of shape (n_candidates, n_folds)
        A row that is not finite throughout is left out.

    Returns
    -------
    float
        At least 0.

    Notes
    -----
    The best on one fold is chosen from fewer samples than the best on all of them, so the
    estimate is too large, the more so the smaller the folds and the more the candidates: with 50
    candidates that guess two equal classes and 40 samples, where the best error is about .33 and
    the truth .50, it leads to about .64. `bbc_interval` is nearly unbiased and needs the
    predictions.

    References
    ----------
    Tibshirani, R. J. and Tibshirani, R. (2009). A bias correction for the minimum error rate in
    cross-validation. Annals of Applied Statistics 3, 822-829.

    Examples
    --------
    >>> from skhpo.statistics import selection_bias
    >>> round(selection_bias([[0.8, 0.9, 0.7], [0.9, 0.7, 0.7]]), 9)
    0.033333333
    """
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or not scores.size:
        raise ValueError(
            "scores must have a row for each candidate and a column for each fold; got an array "
            f"of shape {scores.shape}. Stack the scores of the candidates."
        )
    scores = scores[np.isfinite(scores).all(axis=1)]
    if not len(scores):
        raise ValueError(
            "At least one candidate must have a finite score on every fold; got none. Mend what "
            "failed."
        )
    return _excess(scores, scores.mean(axis=1).argmax())


def _excess(scores, best):
    return float(np.mean(scores.max(axis=0) - scores[best]))


def corrected_best_score(search, scoring=None):
    """Correct the best score of a search for having been chosen, from ``cv_results_`` alone.

    Parameters
    ----------
    search : fitted search, or its ``cv_results_``
        Any search in scikit-learn's conventions; a DataFrame of ``cv_results_`` does as well.
    scoring : str, default=None
        Name of the score. None means the one that ``refit`` names, or the only one.

    Returns
    -------
    CorrectedScore

    Notes
    -----
    Only candidates that have a score on every fold take part, and of a successive halving those
    of the largest resource: what was chosen from in earlier rungs is not corrected for. On its
    over-correction see `selection_bias`.

    References
    ----------
    Tibshirani, R. J. and Tibshirani, R. (2009). A bias correction for the minimum error rate in
    cross-validation. Annals of Applied Statistics 3, 822-829.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skhpo.statistics import corrected_best_score
    >>> X, y = load_wine(return_X_y=True)
    >>> search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": range(1, 16)}).fit(X, y)
    >>> corrected = corrected_best_score(search)
    >>> round(corrected.best_score, 3), round(corrected.bias, 3), round(corrected.score, 3)
    (0.725, 0.034, 0.691)
    """
    field = field_of(search, scoring)
    best = field.means.argmax()
    bias, best_score = _excess(field.scores, best), float(field.means[best])
    return CorrectedScore(best_score - bias, best_score, bias, int(field.rows[best]))


def tuning_gain(
    search,
    *,
    scoring=None,
    default=None,
    n_repeats=None,
    test_train_ratio=None,
    confidence=0.95,
):
    """Measure whether tuning was worth it: the gain over the default, on the same folds.

    Parameters
    ----------
    search : fitted search, or its ``cv_results_``
    scoring : str, default=None
        Name of the score. None means the one that ``refit`` names, or the only one.
    default : int, default=None
        Row of ``cv_results_`` to compare with. None means the candidate that is the estimator's
        own setting: one of our searches took it from there, or ``initial_params`` had ``{}``.
    n_repeats : int, default=None
        How often the k-fold cross-validation was repeated; None asks the search, else means 1.
    test_train_ratio : float, default=None
        As in `corrected_t_interval`. None asks the search: it must be given where ``cv`` is
        neither k-fold nor a list of splits.
    confidence : float, default=0.95

    Returns
    -------
    TuningGain
        Of the best minus the default.

    Notes
    -----
    The corrected t accounts for the overlap of the folds, not for the choice of the best on these
    same folds; ``selection_bias`` tells, rather too high, how much of the gain that may be. For a
    gain without it compare the search with the default by nested cross-validation, or see the
    ``baseline`` of `bbc_interval`.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239-281.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.statistics import tuning_gain
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [1, 2, 3]}
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid).fit(X, y)
    >>> gain = tuning_gain(search, default=0)
    >>> gain.low > 0
    True
    """
    field = field_of(search, scoring)
    best, default = field.means.argmax(), _default_of(search, field, default)
    layout = {"test_train_ratio": test_train_ratio}
    if n_repeats is not None:
        layout["n_repeats"] = n_repeats
    elif test_train_ratio is None:
        layout = _layout_of(search)
    gain = paired_comparison(
        field.scores[best], field.scores[default], **layout, confidence=confidence
    )
    return TuningGain(
        **vars(gain),
        best_index=int(field.rows[best]),
        default_index=int(field.rows[default]),
        selection_bias=_excess(field.scores, best),
    )


def _default_of(search, field, row):
    """Place of the default among the contenders."""
    row = default_row(search) if row is None else row
    if row is None:
        raise ValueError(
            "default must tell which row of cv_results_ to compare with, since no candidate is "
            "known to be the estimator's own setting; got None. Pass the number of that row."
        )
    place = np.flatnonzero(field.rows == row)
    if not len(place):
        raise ValueError(
            "default must be a row of cv_results_ with a score on every fold, of the largest "
            f"resource if there are several; got {row!r}. Such rows are {field.rows.tolist()}."
        )
    return place[0]


def default_row(search):
    """Last row of a search of ours that is of the estimator's own setting, None without one."""
    history = getattr(search, "history_", None)
    rows = [] if history is None else history.rows
    sources = [history.candidates[id_].source for (id_, _), _ in rows]
    return max((row for row, source in enumerate(sources) if source == "default"), default=None)


def _layout_of(search):
    """How folds overlap, as `paired_comparison` is told: of k-fold splits, or of listed ones."""
    cv = getattr(search, "cv", None)
    if isinstance(cv, list | tuple):
        return {"test_train_ratio": ratio_of(cv)}
    kinds = {kind.__name__ for kind in type(cv).__mro__ if kind.__module__.startswith("sklearn.")}
    if cv is None or isinstance(cv, Integral) or kinds & _KFOLD:
        return {"n_repeats": getattr(cv, "n_repeats", 1)}
    raise ValueError(
        "test_train_ratio must be given for splits that are not known to be k-fold; got None with "
        f"cv={cv!r}. Pass the size of a test set over that of a training set."
    )
