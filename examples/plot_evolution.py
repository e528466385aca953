"""
Populations: children of the best
=================================

An evolutionary search makes new settings from the best ones it has found. This picture shows how
the populations of three algorithms move over the landscape of a support vector machine, on the
diabetes data.
"""

# %%
# Three searches
# --------------
#
# Each evaluates 80 settings. ``history_`` tells where a setting came from: ``source`` is the
# operator that made it, ``parents`` are the candidates it was made from, and ``generation`` is one
# more than that of its youngest parent.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skhpo import EvolutionarySearchCV

X, y = load_diabetes(return_X_y=True)
model = make_pipeline(StandardScaler(), SVR())
space = {"svr__C": loguniform(1e-1, 1e4), "svr__gamma": loguniform(1e-6, 1e1)}
options = {"cv": KFold(3, shuffle=True, random_state=0)}

searches = {
    algorithm: EvolutionarySearchCV(
        model, space, algorithm=algorithm, n_iter=80, random_state=0, **options
    ).fit(X, y)
    for algorithm in ("ga", "de", "cmaes")
}
for algorithm, search in searches.items():
    print(f"{algorithm}: {search.best_score_:.4f}")

# %%
# The family of the best candidate of the genetic algorithm, back to a setting without parents:
ga = searches["ga"]
table = ga.history_.to_dict()
rows = {candidate: row for row, candidate in enumerate(table["candidate"])}
line = [ga.best_index_]
while table["parents"][rows[line[-1]]]:
    line.append(table["parents"][rows[line[-1]]][0])
for candidate in line:
    row = rows[candidate]
    score = ga.cv_results_["mean_test_score"][candidate]
    print(f"{candidate:3d}  generation {table['generation'][row]}  {score:.4f}", end="  ")
    print(table["source"][row], table["parents"][row])

# %%
# The pictures
# ------------
#
# The landscape in the background is a grid of 144 settings, bright where the score is high.

C, gamma = np.logspace(-1, 4, 12), np.logspace(-6, 1, 12)
grid = GridSearchCV(model, {"svr__C": C, "svr__gamma": gamma}, refit=False, **options).fit(X, y)
landscape = grid.cv_results_["mean_test_score"].reshape(len(C), len(gamma))


def generations(search):
    """Generation of each candidate."""
    table = search.history_.to_dict()
    return table["generation"][table["split"] == 0]


fig, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharex=True, sharey=True, layout="constrained")
for ax, (algorithm, search) in zip(axes, searches.items(), strict=True):
    ax.contourf(C, gamma, landscape.T.clip(0), levels=12, cmap="Greys_r", vmin=-0.5)
    params = search.cv_results_["params"]
    points = ax.scatter(
        [p["svr__C"] for p in params],
        [p["svr__gamma"] for p in params],
        c=generations(search),
        cmap="viridis",
        edgecolor="black",
        linewidth=0.5,
        s=24,
        vmax=8,
    )
    best = search.best_params_
    ax.plot(
        best["svr__C"],
        best["svr__gamma"],
        "*",
        color="tab:red",
        markeredgecolor="white",
        markersize=16,
    )
    ax.set(xscale="log", yscale="log", xlabel="C", title=f"{algorithm}: {search.best_score_:.4f}")
axes[0].set_ylabel("gamma")
fig.colorbar(points, ax=axes, label="generation", extend="max")
plt.show()

# %%
# The population climbs: the first generation is spread over everything, the later ones crowd where
# the scores are high. CMA-ES moves a normal distribution and takes its shape from the best; the
# genetic algorithm and differential evolution keep trying far away now and then. Ten settings at a
# time, here is how good a typical one is.

fig, ax = plt.subplots(layout="constrained")
for algorithm, search in searches.items():
    tens = search.cv_results_["mean_test_score"].reshape(8, 10)
    ax.plot(np.arange(10, 81, 10), np.median(tens, axis=1), marker="o", label=algorithm)
ax.set(xlabel="candidates", ylabel="median R² of the last ten")
ax.legend(loc="lower right")
plt.show()
