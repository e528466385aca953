"""
Nested versus non-nested cross-validation
=========================================

The best score of a search was chosen, so it is too good. Nested cross-validation tunes on the
training part of each outer fold and scores on the test part. This example compares the two on the
iris data over some random splits, as scikit-learn's own example does by hand, with a third number
that needs no further fit.
"""

# %%
# Twenty trials, each with splits of its own; inside and outside they must differ. One call gives
# all numbers: the search that is refitted on all the data has the score that was chosen and, as it
# keeps its predictions, the one that bootstraps correct; the nested one is honest.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import NestedCV, SearchCV, compare_searches

X, y = load_iris(return_X_y=True)
grid = {"C": [1, 10, 100], "gamma": [0.01, 0.1]}


def trial(seed):
    """Nested cross-validation of a search of the whole grid, with splits of its own."""
    inner = KFold(4, shuffle=True, random_state=2 * seed)
    outer = KFold(4, shuffle=True, random_state=2 * seed + 1)
    search = SearchCV(SVC(kernel="rbf"), grid, cv=inner, store_predictions=True)
    return NestedCV(search, cv=outer).fit(X, y)


trials = [trial(seed) for seed in range(20)]
chosen = np.array([nested.best_estimator_.best_score_ for nested in trials])
honest = np.array([nested.best_score_ for nested in trials])
corrected = np.array(
    [nested.best_estimator_.bbc_interval(random_state=0).estimate for nested in trials]
)
print(f"chosen {chosen.mean():.4f}, corrected {corrected.mean():.4f}, nested {honest.mean():.4f}")

# %%
# What is found in one trial, in words to quote. Its inner score is a mean over the searches of the
# outer folds; the numbers above are of the search on all the data.
print(trials[0].summary())

# %%
# The scores of all trials, and by how much the chosen one exceeds the others.
fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
top.plot(chosen, color="tab:red", label="best score of the search")
top.plot(corrected, color="tab:olive", linestyle="--", label="corrected by bootstraps")
top.plot(honest, color="tab:blue", label="nested cross-validation")
top.set(ylabel="accuracy")
top.legend(ncols=3, loc="lower center", fontsize="small")
top.set_ylim(bottom=0.925)
places = np.arange(len(trials))
bottom.bar(places - 0.2, chosen - corrected, 0.4, color="tab:olive", label="the corrected score")
bottom.bar(places + 0.2, chosen - honest, 0.4, color="tab:blue", label="the nested score")
bottom.legend(title="best score minus", ncols=2, loc="upper center", fontsize="small")
bottom.axhline(0, color="black", linewidth=0.8)
bottom.set(
    xlabel="trial", ylabel="difference of accuracy", ylim=(-0.015, 0.035), xticks=places[::2]
)
plt.show()

# %%
# The difference is small here, for there are few candidates, and the classes are easily told apart.
# It grows with the number of candidates and with the noise.
#
# Several searches are compared on the same outer folds.
searches = {
    "svm": SearchCV(SVC(), grid, cv=4),
    "tree": SearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]}, cv=4),
}
comparison = compare_searches(searches, X, y, cv=KFold(5, shuffle=True, random_state=0))
print(comparison)
