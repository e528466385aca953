"""
Grid, random and Bayesian search on one problem
===============================================

How fast do three searches get to a good score? Gradient boosting on the diabetes data has three
parameters that matter; each search may try 36 settings with three-fold cross-validation.
"""

# %%
# The problem
# -----------
#
# The grid has a few values for each of the three parameters. The other two searches get ranges
# that cover the same ground.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import GridSearchCV, KFold

from skhpo import BayesSearchCV, SearchCV

X, y = load_diabetes(return_X_y=True)
model = GradientBoostingRegressor(n_estimators=50, random_state=0)
cv = KFold(3, shuffle=True, random_state=0)

grid = {
    "learning_rate": [0.003, 0.03, 0.3],
    "max_depth": [1, 2, 4, 6],
    "subsample": [0.3, 0.6, 0.9],
}
space = {
    "learning_rate": loguniform(0.001, 1),
    "max_depth": randint(1, 7),
    "subsample": uniform(0.2, 0.8),
}

# %%
# The searches
# ------------
#
# Random and Bayesian search depend on the seed, so five of each are made. ``cv_results_`` has the
# same columns for all three, so one function makes all the curves.


def best_so_far(search):
    """Best mean score after each candidate."""
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    return np.maximum.accumulate(scores)


def five_of(search):
    """One curve a seed."""
    return [best_so_far(search.set_params(random_state=seed)) for seed in range(5)]


curves = {
    "grid": [best_so_far(GridSearchCV(model, grid, cv=cv))],
    "random": five_of(SearchCV(model, space, n_iter=36, cv=cv)),
    "bayes": five_of(BayesSearchCV(model, space, n_iter=36, cv=cv)),
}

# %%
# Score against number of fits
# ----------------------------
#
# Lines are medians over the seeds, bands reach from the worst to the best of them.

fig, ax = plt.subplots(layout="constrained")
fits = 3 * np.arange(1, 37)
for name, scores in curves.items():
    (line,) = ax.plot(fits, np.median(scores, axis=0), label=name)
    low, high = np.min(scores, axis=0), np.max(scores, axis=0)
    ax.fill_between(fits, low, high, color=line.get_color(), alpha=0.2)
ax.set(xlabel="fits", ylabel="best cross-validated R² so far", ylim=(0.35, None))
ax.legend(loc="lower right")
plt.show()

# %%
# The order in which a grid is run is not meant to find good settings early, so its curve says
# little before its end; its end says what the grid holds. What counts for the other two is how few
# fits they need for that score, and what they find beyond.

# %%
# One problem is an anecdote: how searches compare depends on the data, the model and the space.
