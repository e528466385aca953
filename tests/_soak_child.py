"""A search that is killed at any moment and started again; run by test_resume.py.

Arguments: journal, log of fits, file of the answer, optimizer, n_jobs, whether fits fail.
"""

import json
import os
import sys
import time
import warnings

import numpy as np
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin

from skhpo import SearchCV

N_ITER, N_SPLITS = 12, 3


class Logged(ClassifierMixin, BaseEstimator):
    """Notes each fit in a file; fails where it is told to."""

    def __init__(self, log, fails=False, C=1.0):
        self.log = log
        self.fails = fails
        self.C = C

    def fit(self, X, y):
        """Note the parameters and the split, which the sum of the row numbers tells."""
        with open(self.log, "a") as file:
            file.write(json.dumps([self.C, int(np.sum(X[:, 0]))]) + "\n")
        time.sleep(0.004)
        if self.fails and int(np.log10(self.C) * 7 + X[:, 0].sum()) % 4 == 0:
            raise ValueError("this one fails")
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        """A smooth function of C, a little different on each fold."""
        return float(-((np.log10(self.C) - 0.7) ** 2) + 1e-3 * X[:, 0].mean())


def data():
    """Numbered rows."""
    return np.arange(30.0)[:, None], np.arange(30) % 2


def search(journal, log, optimizer, n_jobs, fails):
    """The search that both the killed and the uninterrupted runs make."""
    return SearchCV(
        Logged(log, fails),
        {"C": loguniform(1e-3, 1e3)},
        optimizer=optimizer,
        n_iter=N_ITER,
        cv=N_SPLITS,
        n_jobs=n_jobs,
        pre_dispatch=4,
        journal=journal,
        random_state=0,
        refit=False,
    )


def answer(fitted):
    """What must be equal: all of cv_results_ but times."""
    table = {k: v for k, v in fitted.cv_results_.items() if "time" not in k}
    return {k: np.ma.filled(v, None).tolist() if k != "params" else v for k, v in table.items()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    journal, log, out, optimizer, n_jobs, fails = sys.argv[1:]
    fitted = search(journal, log, optimizer, int(n_jobs), fails == "True").fit(*data())
    with open(out + ".part", "w") as file:
        json.dump(answer(fitted), file)
    os.replace(out + ".part", out)
