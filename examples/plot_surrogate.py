"""
What a Bayesian search believes
===============================

Bayesian optimisation keeps a model of the score, a Gaussian process, and evaluates next where the
model promises most. With one parameter this can be watched: here the width of the RBF kernel of a
support vector machine.
"""

# %%
# The score everywhere
# --------------------
#
# For the picture only: a random search that is dense enough to draw the score as a curve.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from skhpo import BayesSearchCV, SearchCV
from skhpo.optimizers import GaussianProcess
from skhpo.space import SearchSpace

X, y = (a[:400] for a in load_digits(return_X_y=True))
space = {"gamma": loguniform(1e-6, 1e-1)}
dense = SearchCV(SVC(), space, optimizer="sobol", n_iter=64, cv=3, refit=False, random_state=0)
dense.fit(X, y)
gamma = dense.cv_results_["param_gamma"].astype(float)
order = np.argsort(gamma)
curve = gamma[order], dense.cv_results_["mean_test_score"][order]

# %%
# The search
# ----------

search = BayesSearchCV(SVC(), space, n_iter=12, cv=3, random_state=1).fit(X, y)
tried = np.array([params["gamma"] for params in search.cv_results_["params"]])
scores = search.cv_results_["mean_test_score"]
best = search.best_params_["gamma"]
print(f"best gamma {best:.1e}, score {search.best_score_:.3f}; densely {curve[1].max():.3f}")

# %%
# The model after 4, 6 and 12 settings
# ------------------------------------
#
# An optimiser of this package can be used by itself: it is told of points of the unit cube, where
# the search space has put the settings.

cube = SearchSpace(space)
where = np.linspace(0.001, 0.999, 200)[:, None]
at = [cube.from_unit(point)["gamma"] for point in where]


def model_after(n):
    """Tell a Gaussian process of the first n settings."""
    model = GaussianProcess().start(cube, seed=0, n_iter=12)
    for candidate in list(search.history_.candidates.values())[:n]:
        model.tell(search.history_.observation(candidate))
    return model


fig, axes = plt.subplots(3, 1, sharex=True, sharey=True, figsize=(7, 8), layout="constrained")
for ax, n in zip(axes, (4, 6, 12), strict=True):
    model = model_after(n)
    low, median, high = (model.posterior(where, q) for q in (0.05, 0.5, 0.95))
    ax.plot(*curve, color="0.6", ls=":", label="score of a dense search")
    ax.plot(at, median, label="what the model expects")
    ax.fill_between(at, low, high, alpha=0.2, label="where it is 90 % sure")
    ax.plot(tried[:n], scores[:n], "ko", label="evaluated")
    lost = scores[:n] < low.min()
    ax.plot(tried[:n][lost], scores[:n][lost], "wo", mec="k", label="evaluated, and cut off")
    ax.set(ylabel="accuracy", ylim=(0, 1.1), title=f"{n} settings evaluated")
axes[-1].legend(loc="lower center", fontsize="small")
axes[-1].set(xscale="log", xlabel="gamma")
plt.show()

# %%
# The settings gather where the score is high. In the last picture the model does not care any more
# how bad the bad settings are: scores far below the others are cut off before it learns them, so
# that they do not set the scale of the good ones. The white points are those: to the model they are
# as bad as the lower end of the band.
