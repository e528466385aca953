"""Tune a pipeline on real data and say what it brought: what ``make demo`` runs."""

import time

from scipy.stats import loguniform, randint
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpo import BayesSearchCV, SearchProgress
from skhpo.statistics import tuning_gain

REPORT = """
Handwritten digits, {n_samples} images, {n_splits}-fold cross-validated accuracy
  pipeline as it is   {default:.4f}
  best of {n_candidates} settings  {best:.4f}
  gain of tuning      {gain:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}
  found with          {params}
  cost                {n_fits} fits, {seconds:.0f} s
"""


def make_search():
    """The pipeline somebody would have today, in BayesSearchCV instead of GridSearchCV."""
    search = BayesSearchCV(
        make_pipeline(StandardScaler(), PCA(random_state=0), SVC()),
        {
            "pca__n_components": randint(10, 65),
            "svc__C": loguniform(1e-2, 1e3),
            "svc__gamma": loguniform(1e-5, 1e0),
        },
        n_iter=30,
        initial_params=[{}],  # the pipeline as it is, on the same folds
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        n_jobs=2,
        random_state=0,
    )
    if hasattr(search, "set_callbacks"):  # scikit-learn 1.9 and later
        return search.set_callbacks(SearchProgress(interval=1))
    return search.set_params(verbose=2)


def report(search, seconds):
    """What the search found, in six lines."""
    scores, gain = search.cv_results_["mean_test_score"], tuning_gain(search)
    return REPORT.format(
        n_samples=len(load_digits().target),
        n_splits=search.n_splits_,
        default=scores[0],
        n_candidates=len(scores),
        best=search.best_score_,
        gain=gain.estimate,
        low=gain.low,
        high=gain.high,
        params=", ".join(f"{name}={value:.3g}" for name, value in search.best_params_.items()),
        n_fits=search.history_.n_fits,
        seconds=seconds,
    )


if __name__ == "__main__":
    start = time.perf_counter()
    search = make_search().fit(*load_digits(return_X_y=True))
    print(report(search, time.perf_counter() - start))
