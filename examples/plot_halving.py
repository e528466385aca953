"""
Rungs: many settings get a little, few get much
===============================================

Successive halving begins with many settings on few samples, drops most of them, and gives the
others more. This picture shows which settings of a support vector machine climb, on the digits
data.
"""

# %%
# Two searches
# ------------
#
# Random search evaluates 27 settings on all samples. Halving begins with 81 settings: a rung has a
# third of the settings of the rung before, and each of them gets three times the samples.

import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from skhpo import HalvingRandomSearchCV, SearchCV

X, y = load_digits(return_X_y=True)
space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-6, 1e-1)}

random = SearchCV(SVC(), space, n_iter=27, cv=3, random_state=0)
halving = HalvingRandomSearchCV(
    SVC(),
    space,
    n_candidates=81,
    min_resources="exhaust",
    cv=3,
    random_state=0,
    return_train_score=False,
)

seconds = {}
for name, search in {"random": random, "halving": halving}.items():
    start = time.perf_counter()
    search.fit(X, y)
    seconds[name] = time.perf_counter() - start
    print(f"{name}: {search.best_score_:.4f} in {seconds[name]:.1f} s")

print("settings:", halving.n_candidates_, "samples:", halving.n_resources_)

# %%
# The picture
# -----------
#
# A line is a setting that climbed, a grey point one that was dropped at the first rung, the star is
# the best. The scores rise with the samples, while the order among the best changes little: that is
# why the others may be dropped. The upper end of the axis is stretched.

fig, ax = plt.subplots(layout="constrained")
table = halving.cv_results_
settings = np.array([tuple(params.values()) for params in table["params"]])
for setting in np.unique(settings, axis=0):
    rows = (settings == setting).all(axis=1)
    climbed = rows.sum() > 1
    ax.plot(
        table["n_resources"][rows],
        table["mean_test_score"][rows],
        marker="o",
        markersize=4,
        color="tab:blue" if climbed else "lightgrey",
        alpha=0.7,
        zorder=2 if climbed else 1,
    )
best = halving.best_index_
orange = {"color": "tab:orange", "linestyle": "", "zorder": 3}
ax.plot(table["n_resources"][best], halving.best_score_, "*", markersize=14, label="best", **orange)
ax.plot([], [], "o-", color="tab:blue", label="climbed")
ax.plot([], [], "o", color="lightgrey", label="dropped at the first rung")
ax.axhline(random.best_score_, color="black", linestyle=":", label="best of 27 at random")
ax.set(xscale="log", yscale="logit", xlabel="samples", ylabel="cross-validated accuracy")
ax.set_xticks(halving.n_resources_, halving.n_resources_)
scores = [0.5, 0.8, 0.9, 0.95, 0.98]
ax.set_yticks(scores, scores)
ax.set_ylim(0.4, 0.985)
ax.minorticks_off()
ax.legend(loc="lower right")
plt.show()

# %%
# Fewer folds for the lost
# ------------------------
#
# A setting that does not climb need not have all folds for one to see it. With fold stopping the
# rungs keep their sizes, and those who climb have all folds.

stopping = clone(halving).set_params(fold_stopping="paired").fit(X, y)
print(f"all folds: {halving.history_.n_fits} fits, {halving.best_score_:.4f}")
print(f"fold stopping: {stopping.history_.n_fits} fits, {stopping.best_score_:.4f}")

# %%
# Subsamples are stratified, and those of a rung are contained in those of the next, so that scores
# of neighbouring rungs are about the same samples and more. The test folds are whole at each rung.
