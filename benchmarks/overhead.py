"""What does the search itself cost, around an estimator that costs nothing?

CPU seconds of SearchCV with the random optimiser and of RandomizedSearchCV, in turn, in one
process; the ratio of their medians.
"""

from __future__ import annotations

import time
import warnings
from statistics import median

from _common import arguments, write
from scipy.stats import loguniform, randint, uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import RandomizedSearchCV

from skhpo import SearchCV


class Free(ClassifierMixin, BaseEstimator):
    """A classifier that does nothing."""

    def __init__(self, a=1.0, b=1.0, c=1, d="x"):
        self.a = a
        self.b = b
        self.c = c
        self.d = d

    def fit(self, X, y):
        """Do nothing."""
        self.classes_ = [0, 1]
        return self

    def score(self, X, y):
        """Return something that depends on the parameters."""
        return self.a / (1 + self.b)


SPACE = {
    "a": loguniform(1e-3, 1e3),
    "b": uniform(0, 1),
    "c": randint(1, 1000),
    "d": ["x", "y", "z"],
}


def cpu(search, X, y):
    """CPU seconds of a fit, this process."""
    start = time.process_time()
    search.fit(X, y)
    return time.process_time() - start


def main():
    """Time both at growing numbers of candidates."""
    args = arguments(__doc__)
    X, y = [[0.0]] * 20, [0, 1] * 10
    sizes, repeats = ([100, 300], 3) if args.quick else ([300, 1000, 3000], 5)
    rows = []
    for n_iter in sizes:
        ours, theirs = [], []
        for seed in range(repeats):
            options = {"n_iter": n_iter, "cv": 5, "refit": False, "random_state": seed}
            ours.append(cpu(SearchCV(Free(), SPACE, **options), X, y))
            theirs.append(cpu(RandomizedSearchCV(Free(), SPACE, **options), X, y))
        rows.append(
            {
                "candidates": n_iter,
                "skhpo_s": median(ours),
                "sklearn_s": median(theirs),
                "ratio": median(a / b for a, b in zip(ours, theirs, strict=True)),
                "skhpo_ms_per_candidate": 1e3 * median(ours) / n_iter,
            }
        )
        print(rows[-1])
    write("overhead", args.out, {"rows": rows})


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
