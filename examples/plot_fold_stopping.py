"""
Which folds does fold stopping skip?
====================================

Most candidates of a search are lost after one or two folds. With ``fold_stopping`` a search gives
them up and spends its fits elsewhere. This example shows the folds that a random search runs and
skips, and that it finds the same candidate.
"""

# %%
# A random search with ten folds, once as always, once with paired stopping.
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skhpo import SearchCV

X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), SVC())
space = {"svc__C": loguniform(1e-2, 1e4), "svc__gamma": loguniform(1e-6, 1e1)}
options = {"n_iter": 40, "cv": 10, "random_state": 0}

full = SearchCV(model, space, **options).fit(X, y)
less = SearchCV(model, space, fold_stopping="paired", **options).fit(X, y)
for name, search in (("all folds", full), ("paired", less)):
    print(f"{name}: {search.history_.n_fits} fits, best score {search.best_score_:.4f}")


# %%
# One row a candidate, in the order they were tried; what is blank was skipped. A candidate is
# given up when it is behind the best one on the same folds by more than chance.
def scores(search):
    """Fold scores, one row a candidate."""
    return np.array([search.cv_results_[f"split{k}_test_score"] for k in range(10)]).T


fig, axes = plt.subplots(1, 2, figsize=(7, 6), sharey=True, layout="constrained")
for ax, search, title in ((axes[0], full, "all folds"), (axes[1], less, "paired")):
    image = ax.imshow(scores(search), aspect="auto", vmin=0.6, vmax=1, cmap="viridis")
    ax.axhline(search.best_index_, color="tab:red", lw=1)
    ax.set(title=f"{title}: {search.history_.n_fits} fits", xlabel="fold")
axes[0].set_ylabel("candidate")
fig.colorbar(image, ax=axes, label="accuracy", shrink=0.6)
plt.show()

# %%
# The red line is the best candidate: the same in both.
assert full.best_params_ == less.best_params_
