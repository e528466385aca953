"""
Nested versus non-nested cross-validation
=========================================

The best score of a search was chosen, so it is too good. Nested cross-validation tunes on the
training part of each outer fold and scores on the test part. This example compares the two on the
iris data over some random splits, as scikit-learn's own example does by hand.
"""

# %%
# Twenty trials, each with splits of its own; inside and outside they must differ. One call gives
# both numbers: the search that is refitted on all the data has the score that was chosen, the
# nested cross-validation the honest one.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.svm import SVC

from skhpo import NestedCV

X, y = load_iris(return_X_y=True)
grid = {"C": [1, 10, 100], "gamma": [0.01, 0.1]}


def trial(seed):
    """Nested cross-validation of a grid search, with splits of its own."""
    inner = KFold(4, shuffle=True, random_state=2 * seed)
    outer = KFold(4, shuffle=True, random_state=2 * seed + 1)
    return NestedCV(GridSearchCV(SVC(kernel="rbf"), grid, cv=inner), cv=outer).fit(X, y)


trials = [trial(seed) for seed in range(20)]
chosen = np.array([nested.best_estimator_.best_score_ for nested in trials])
honest = np.array([nested.best_score_ for nested in trials])
difference = chosen - honest
print(f"The chosen score is too good by {difference.mean():.4f} on average.")

# %%
# What is found in one trial, in words to quote.
print(trials[0].summary())

# %%
# The two scores of all trials, and their difference.
fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
top.plot(chosen, color="tab:red", label="best score of the search")
top.plot(honest, color="tab:blue", label="nested cross-validation")
top.set(ylabel="accuracy")
top.legend()
bottom.bar(range(len(trials)), difference, color="tab:gray")
bottom.set(xlabel="trial", ylabel="difference")
plt.show()

# %%
# The difference is small here, for there are few candidates and many samples. It grows with the
# number of candidates and with the noise.
