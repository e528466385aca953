"""What the docstrings of the searches share: written once, put in place by `with_shared_docs`."""

from __future__ import annotations

from inspect import cleandoc

__all__ = ["with_shared_docs"]


def with_shared_docs(cls):
    """Replace the lines ``<estimator>``, ``<search>`` and so on of a docstring."""
    lines = cleandoc(cls.__doc__).splitlines()
    cls.__doc__ = "\n".join([*(_SHARED.get(line.strip(), line) for line in lines), ""])
    return cls


_ESTIMATOR = """
estimator : estimator object
    Implements scikit-learn's interface. It is cloned, never fitted or changed. It needs a
    ``score`` method unless `scoring` is given.
param_distributions : dict or list of dicts
    Parameter names (str) with frozen scipy distributions or lists of values, as
    ``RandomizedSearchCV`` and ``GridSearchCV`` take them. A list of numbers is taken as
    ordered, any other list as categories; a list of dicts is a choice of one dict.
"""

_RUNGS = """
initial_params : list of dict or of (dict, float), default=None
    Settings that you know, which are among the candidates; a pair of a setting and its score
    is not, the optimiser learns from it.
constraint : callable, default=None
    ``constraint(params)`` returns False for combinations that must not be tried.
stopping : callable, default=None
    A rule of ``skhpo.stopping`` that ends the search early.
fold_stopping : {"paired", "forgiving", "aggressive"} or rule, default=None
    Stop a candidate after a few folds when it will not be among those that climb: a rule of
    ``skhpo.fold_stopping``, or its name. The rungs keep their sizes.
journal : str, path or Journal, default=None
    File that keeps every finished fit, see ``skhpo.Journal``.
cv : int, cross-validation generator or iterable, default=5
    As in ``GridSearchCV``. The splits are drawn once and shared by all candidates.
scoring : str, callable, list, tuple or dict, default=None
    As in ``GridSearchCV``. The score that `refit` names decides who climbs, else the first.
refit : bool, str or callable, default=True
    Refit the best candidate on all the data, with the resource of its rung when that is a
    parameter of the estimator.
error_score : "raise" or numeric, default=np.nan
    Shown as the score of a fit that failed. "raise" raises at the first failure.
return_train_score : bool, default=True
    Whether ``cv_results_`` has train scores.
store_predictions : bool or str, default=False
    Keep what every candidate predicts for test parts, in ``out_of_fold_`` and in the journal: True
    what the score asks for, else "predict", "predict_proba" or "decision_function". It is what
    ``bbc_interval`` needs. Each prediction takes 8 bytes: 100 candidates on 10,000 samples 8 MB,
    times the number of classes for probabilities of more than two.
random_state : int, RandomState instance or None, default=None
    Seed of the candidates and of the subsamples.
n_jobs : int, default=None
    Number of fits that run at a time.
pre_dispatch : int or str, default="2*n_jobs"
    Number of fits in flight, see ``SearchCV``; with ``n_jobs=1`` the default means 1.
verbose : int, default=0
    As in ``GridSearchCV``; from 1 on a line tells of each rung that begins.
"""

_SEARCH = """
initial_params : list of dict or of (dict, float), default=None
    Settings that you know, evaluated first. They may lie outside `param_distributions`;
    what they leave out keeps the estimator's value. A pair of a setting and its score, larger
    is better, is not evaluated: the optimiser learns from it.
constraint : callable, default=None
    ``constraint(params)`` returns False for combinations that must not be tried.
stopping : callable, default=None
    A rule of ``skhpo.stopping``, such as ``MaxTime(600) | NoImprovement(20)``, that ends the
    search before `n_iter` candidates.
fold_stopping : {"paired", "forgiving", "aggressive"} or rule, default=None
    Stop a candidate after a few folds when it is lost: a rule of ``skhpo.fold_stopping``, or
    its name. With five folds or more it saves half of the fits and more of a random search, and
    about a third where an optimiser suggests good candidates.
journal : str, path or Journal, default=None
    File that keeps every finished fit. The same call of ``fit`` again goes on where it ended,
    whatever ended it; see ``skhpo.Journal``.
scoring : str, callable, list, tuple or dict, default=None
    As in ``GridSearchCV``. The score that `refit` names guides the search, else the first.
n_jobs : int, default=None
    Number of fits that run at a time. None means 1 unless in a ``joblib.parallel_config``
    context, -1 means all cores.
refit : bool, str or callable, default=True
    Refit the best candidate on all the data, as in ``GridSearchCV``.
cv : int, cross-validation generator or iterable, default=None
    As in ``GridSearchCV``. The splits are drawn once and shared by all candidates.
verbose : int, default=0
    As in ``GridSearchCV``.
pre_dispatch : int or str, default="2*n_jobs"
    Number of fits in flight. A suggestion does not know the results that are in flight, so
    the answer depends on the seed and on this number, not on timing: with the same int any
    `n_jobs` gives the same answer. With ``n_jobs=1`` the default means 1.
random_state : int, RandomState instance or None, default=None
    Seed of the search; pass an int for the same candidates at every call.
error_score : "raise" or numeric, default=np.nan
    Shown as the score of a fit that failed; the search goes on and the candidate ranks last.
    "raise" raises at the first failure.
return_train_score : bool, default=False
    Whether ``cv_results_`` has train scores.
store_predictions : bool or str, default=False
    Keep what every candidate predicts for test parts, in ``out_of_fold_`` and in the journal: True
    what the score asks for, else "predict", "predict_proba" or "decision_function". It is what
    ``bbc_interval`` needs. Each prediction takes 8 bytes: 100 candidates on 10,000 samples 8 MB,
    times the number of classes for probabilities of more than two.
"""

_ATTRIBUTES = """
cv_results_ : dict of numpy (masked) ndarrays
    One row per candidate, with the columns of ``RandomizedSearchCV``. A fold that was not
    evaluated is NaN; a candidate that failed or lacks folds ranks after complete ones. With
    `fold_stopping` also ``n_splits_evaluated`` and ``partial_mean_test_<score>``, the mean over
    these splits.
history_ : History
    Every fit: status, error, times, who proposed the candidate; see ``history_.to_frame()``.
out_of_fold_ : OutOfFold
    Only with `store_predictions`: the arrays ``predictions``, a row for each of ``cv_results_``,
    and for their columns ``samples``, ``folds``, ``y`` and ``groups``; ``classes`` and ``method``.
best_estimator_ : estimator
    The best candidate, refitted. Only with `refit`.
best_score_ : float
    Mean cross-validated score of the best candidate. Not with a callable `refit`.
best_params_ : dict
best_index_ : int
    Row of ``cv_results_`` of the best candidate.
scorer_ : callable or dict
n_splits_ : int
refit_time_ : float
    Seconds that the refit took.
multimetric_ : bool
classes_ : ndarray of shape (n_classes,)
n_features_in_ : int
feature_names_in_ : ndarray of shape (n_features_in_,)
"""

_SHARED = {
    "<estimator>": _ESTIMATOR.strip(),
    "<rungs>": _RUNGS.strip(),
    "<search>": _SEARCH.strip(),
    "<attributes>": _ATTRIBUTES.strip(),
}
