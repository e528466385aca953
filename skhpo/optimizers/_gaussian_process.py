"""Bayesian optimisation with a Gaussian process over mixed, conditional spaces.

Notation
--------
d, n       coordinates of the space, observations
points     (n, d) snapped points, NaN where inactive
X, y, r    inputs, warped scores and noise multiples: what `skhpo.surrogates` calls so
f*         best warped score observed
m          observations since the best score rose
a          acquisition: log EI and the upper confidence bound take turns

One suggestion
--------------
1. until enough is told: the next point of a scrambled Sobol sequence;
2. hyper-parameters by maximum a posteriori, refitted at fixed counts of observations;
3. condition on what was told; candidates under evaluation are believed at the mean; scores with
   less of a resource count as what they lack on average lets expect, and as evidence that errs
   alike for settings that are alike;
4. maximise a, plus a belief that the optimum is rather inside the cube than on its faces, where
   a Gaussian process is least sure and would look first: random candidates and mutations of the
   best observations, then generations of mutations of the best candidates, then a climb along
   the gradient in the numbers;
5. the best setting that is new and allowed.

A search without progress doubts its model: from m = 6 on, half of the suggestions come from a
model of shorter length-scales, and in a list of dicts half of those are draws from the dict that
has been tried least. Otherwise one mistaken length-scale, or a plateau of equal scores, would hold
a search for ever.

What is suggested is a function of the observations in the order told, of those pending, and of
(index, rng): refits use the first observations up to their count, whenever they happen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from skhpo._records import Suggestion
from skhpo.acquisition import (
    log_expected_improvement,
    log_probability_of_improvement,
    upper_confidence_bound,
)
from skhpo.optimizers._candidates import Candidates
from skhpo.optimizers._resource_effects import ResourceEffects
from skhpo.optimizers._sobol import SobolSequence
from skhpo.surrogates import Posterior, Warping, fit_map
from skhpo.surrogates._encoding import MIDDLE, Encoding

__all__ = ["GaussianProcess"]

ACQUISITIONS = {
    "log_ei": log_expected_improvement,
    "ucb": upper_confidence_bound,
    "log_pi": log_probability_of_improvement,
}
ROTATION = "log_ei", "ucb"
INSIDE = 5.0  # observations that the belief in the inside of the cube weighs as much as
ON_FACE = 0.1  # its density on a face, added to that which is 0 there and 1 in the middle
LOG_MEAN = -0.383  # of log(4 u (1 - u) + ON_FACE) over u
EVERY_UNTIL, GROWTH = 30, 1.15  # refits: after each observation, then each time n grew by 15 %
N_MAX = 200  # observations that the model keeps
N_GLOBAL, N_LOCAL = 384, 128  # candidates at the start of a search
N_ELITE = 5  # observations that are mutated
GENERATIONS, N_PARENTS, N_CHILDREN = 6, 8, 12
STEP, SHRINK = 0.25, 0.6  # of the mutations, in units of the cube, and from one generation on
COLD, WARM = 40, 10  # iterations of a refit
N_CLIMBS, N_STEPS, FIRST_STEP = 4, 12, 0.05  # climbs of the acquisition; units of the cube
LONGER, SHORTER = 1.6, 0.3  # what a step becomes after a rise, and after a fall
N_ASKED = 40  # candidates a generation asked whether they are allowed, by the user's function
PATIENCE, GAIN = 6, 0.01  # m at which doubt begins; what counts as a rise, in standard deviations
SHORTEN, MAX_SHORTEN = 4.0, 3  # of w: a factor each time PATIENCE has passed, and how often
N_DRAWS = 4  # random points among which the least tried dict offers its best
N_TRIES = 300  # random points asked so before the model is used


@dataclass(frozen=True)
class GaussianProcess:
    """Bayesian optimisation with a Gaussian process.

    A model of the score says where a better one is to be expected [1]_ [2]_.

    Parameters
    ----------
    n_initial : int or "auto", default="auto"
        Observations before the model is asked; until then points of a scrambled Sobol
        sequence. "auto" is one more than the coordinates, at least 5 and at most 10.
    acquisition : {"rotate", "log_ei", "ucb", "log_pi"}, default="rotate"
        What a candidate is judged by: expected improvement, an optimist's score, probability
        of improvement; "rotate" lets the first two take turns.
    transform : {"auto", "power", "standardize"}, default="auto"
        How scores are made normal: by a power transform after winsorising ("auto" is that),
        or by winsorising and standardising only.

    Notes
    -----
    One model covers all dicts of a list: parameters that they share are learned together. Time
    a suggestion grows with the number of observations up to 200; beyond, the model keeps the
    better half of those 200 by score and spreads the other half over the rest. Where settings have
    different amounts of a resource, what small amounts get wrong is a second function, as smooth as
    the first, which the model tells from it where settings were seen with both [3]_.

    References
    ----------
    .. [1] J. Snoek, H. Larochelle, R. P. Adams, "Practical Bayesian Optimization of Machine
       Learning Algorithms", NeurIPS 2012.
    .. [2] A. Cowen-Rivers et al., "HEBO: Pushing The Limits of Sample-Efficient Hyper-parameter
       Optimisation", JAIR 2022.
    .. [3] A. Klein et al., "Fast Bayesian Optimization of Machine Learning Hyperparameters on
       Large Datasets", AISTATS 2017.

    Examples
    --------
    >>> from skhpo.optimizers import GaussianProcess
    >>> GaussianProcess(acquisition="log_ei")
    GaussianProcess(n_initial='auto', acquisition='log_ei', transform='auto')
    """

    adaptive: ClassVar[bool] = True

    n_initial: int | str = "auto"
    acquisition: str = "rotate"
    transform: str = "auto"

    def __post_init__(self):
        _check_n_initial(self.n_initial)
        _check_choice("acquisition", self.acquisition, ("rotate", *ACQUISITIONS))
        _check_choice("transform", self.transform, ("auto", "power", "standardize"))

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(self, space, seed)


def _check_n_initial(value):
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return
    raise ValueError(
        f"n_initial must be 'auto' or an int of at least 1, got {value!r}. "
        "Leave it at 'auto' for a number that suits the space."
    )


def _check_choice(name, value, choices):
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{name} must be one of {listed}, got {value!r}. Choose one of them.")


class _Running:
    """A search under way: the observations, and caches that could be computed from them."""

    def __init__(self, spec, space, seed):
        self._spec, self._space = spec, space
        self._encoding, self._candidates = Encoding(space), Candidates(space)
        self._design = SobolSequence(space, np.random.default_rng(seed))
        auto = max(5, min(10, space.n_dims + 1))
        self._n_initial = auto if spec.n_initial == "auto" else spec.n_initial
        self._points, self._told, self._seen = [], [], set()
        self._fits = {}  # count of observations -> Hyperparameters

    def tell(self, observation):
        """Learn an observation; of a setting told twice both count."""
        point = self._snap([observation])[0]
        self._points.append(point)
        self._told.append(observation)
        self._seen.add(point.tobytes())

    def ask(self, pending, *, index, rng):
        """Suggest one point."""
        running = self._snap(pending)
        seen = self._seen.union(row.tobytes() for row in running)
        if not len(self._encoding.groups) or self._is_early(len(running)):
            return Suggestion(self._first_new(self._explore(index, rng), seen), "sobol")
        data = self._data(len(self._told))
        doubt = _doubt(data.y) if index % 4 >= 2 else 0
        model = self._condition(data.subset(N_MAX), pending, running, doubt)
        model = self._believe(model, pending, running)
        belief = _Belief(self._encoding.numeric_columns, INSIDE / len(self._told))
        promise = _Promise(self._acquisition(index), model, data.best, belief)
        search = _Search(self._space, self._encoding, self._candidates, promise, seen, rng)
        if doubt and index % 4 == 3 and len(self._space.active) > 1:
            points = search.draw(self._least_tried())
        else:
            points = search.run(data.elite())
        return Suggestion(self._first_new(points, seen), "bayes")

    def posterior(self, points, quantile=0.5):
        """Scores below which the model believes those at points (n, d) to be, so surely.

        At least two observations must have been told.
        """
        data = self._data(len(self._told)).subset(N_MAX)
        mean, std = self._condition(data).predict(self._encoding(self._space.snap(points)))
        return data.warping.inverse(mean + ndtri(quantile) * std)

    def _snap(self, observations):
        points = [np.asarray(observation.point, dtype=float) for observation in observations]
        return self._space.snap(np.reshape(points, (len(points), self._space.n_dims)))

    def _is_early(self, n_pending):
        """Whether too little is known to ask the model."""
        n = len(self._told)
        return n < 2 or 2 * n < self._n_initial or n + n_pending < self._n_initial

    def _explore(self, index, rng):
        """Points that need no model."""
        yield self._space.snap(self._design[index][None])[0]
        yield from self._space.snap(rng.random((N_TRIES, self._space.n_dims)))

    def _first_new(self, points, seen):
        """The first of the points that is neither seen nor forbidden, else the very first."""
        points = list(points)
        new = (p for p in points if p.tobytes() not in seen and self._space.feasible(p))
        return next(new, points[0])

    def _acquisition(self, index):
        name = self._spec.acquisition
        return ACQUISITIONS[ROTATION[index % len(ROTATION)] if name == "rotate" else name]

    def _least_tried(self):
        """The number of the dict with the fewest observations."""
        tried = self._space.branch(np.array(self._points))
        return int(np.argmin(np.bincount(tried, minlength=len(self._space.active))))

    def _data(self, n):
        """The first n observations."""
        power = self._spec.transform != "standardize"
        return _Data.of(np.array(self._points[:n]), self._told[:n], power)

    def _condition(self, data, pending=(), running=(), doubt=0):
        """The model given the data, and what is known of the first folds of pending ones."""
        known = [k for k, observation in enumerate(pending) if _is_known(observation)]
        points = np.vstack([data.points, *(running[k][None] for k in known)])
        y, r, b = data.of_others([pending[k] for k in known])
        y, r, b = np.r_[data.y, y], np.r_[data.r, r], np.r_[data.b, b]
        found = self._hyperparameters(len(self._told))
        found = found.shortened(SHORTEN**doubt) if doubt else found
        return Posterior(self._encoding(points), y, self._encoding.groups, found, r, b)

    def _believe(self, posterior, pending, running):
        """The model after its own guess at the pending settings of which nothing is known."""
        unknown = [row for row, o in zip(running, pending, strict=True) if not _is_known(o)]
        for x in self._encoding(np.reshape(unknown, (len(unknown), self._space.n_dims))):
            posterior = posterior.believe(x)
        return posterior

    def _hyperparameters(self, n):
        """Those of the last refit at or before n observations.

        A refit goes on from the one before it, but for those that begin anew each time n has
        doubled: a search resumed from its observations has few refits to repeat.
        """
        counts = _refit_counts(n)
        anew = max(k for k, count in enumerate(counts) if _begins_anew(counts, k))
        found = None
        for count in counts[anew:]:
            if count not in self._fits:
                self._fits[count] = self._refit(count, found)
            found = self._fits[count]
        return found

    def _refit(self, count, start):
        data = self._data(count).subset(N_MAX)
        X, max_iter = self._encoding(data.points), COLD if start is None else WARM
        about = {"noise_scale": data.r, "lacks": data.b, "start": start, "max_iter": max_iter}
        return fit_map(X, data.y, self._encoding.groups, **about)


def _refit_counts(n):
    """The counts of observations at which the model is refitted, up to n."""
    counts = [2]
    while counts[-1] <= n:
        last = counts[-1]
        counts.append(last + 1 if last < EVERY_UNTIL else math.ceil(GROWTH * last))
    return counts[:-1]


def _begins_anew(counts, k):
    return k == 0 or counts[k].bit_length() > counts[k - 1].bit_length()


def _doubt(y):
    """How often PATIENCE has passed since the best of the scores y rose: 0 to MAX_SHORTEN."""
    best = np.maximum.accumulate(y)
    m = len(y) - 1 - int(np.argmax(best >= best[-1] - GAIN))
    return min(m // PATIENCE, MAX_SHORTEN)


def _is_known(observation):
    return observation.n_folds > 0 and math.isfinite(observation.score)


def _noise_multiples(observations, n_folds):
    """Variance of each score over that of one on all folds: it falls as one over the number."""
    return np.array([n_folds / min(max(o.n_folds, 1), n_folds) for o in observations])


@dataclass(frozen=True, eq=False)
class _Data:
    """Observations as the model sees them."""

    points: np.ndarray  # (n, d)
    y: np.ndarray  # (n,)
    r: np.ndarray  # (n,)
    b: np.ndarray  # (n,)
    warping: Warping
    effects: ResourceEffects
    n_folds: int  # the most that a score rests on

    @classmethod
    def of(cls, points, observations, power):
        effects = ResourceEffects(points, observations)
        scores, b = effects.whole_scores(observations), effects.lacks(observations)
        n_folds = max(max(observation.n_folds, 1) for observation in observations)
        warping = Warping.learn(scores, power=power)
        r = _noise_multiples(observations, n_folds)
        return cls(points, warping(scores), r, b, warping, effects, n_folds)

    def of_others(self, observations):
        """What the model would see as y, r and b of other observations."""
        y = self.warping(self.effects.whole_scores(observations))
        return y, _noise_multiples(observations, self.n_folds), self.effects.lacks(observations)

    def subset(self, n):
        """At most n of them: the best n / 2, and as many spread evenly over the others."""
        if len(self.y) <= n:
            return self
        order = np.argsort(-self.y, kind="stable")
        others = np.sort(order[n // 2 :])
        spread = others[np.linspace(0, len(others) - 1, n - n // 2).astype(int)]
        keep = np.sort(np.r_[order[: n // 2], spread])
        arrays = {name: getattr(self, name)[keep] for name in ("points", "y", "r", "b")}
        return replace(self, **arrays)

    @property
    def best(self):
        """The largest score among the surest ones, failures apart."""
        sure = self.y > self.y.min() if np.ptp(self.y) else np.full(len(self.y), True)
        for doubts in (self.b, self.r):
            sure &= doubts == doubts[sure].min()
        return self.y[sure].max()

    def elite(self):
        """Points of the best scores, to mutate."""
        return self.points[np.argsort(-self.y, kind="stable")[:N_ELITE]]


@dataclass(frozen=True, eq=False)
class _Belief:
    """Where the optimum is believed to be, as weight x log density in the numbers u [1]_.

    The density is 4 u (1 - u) + ON_FACE in each; its logarithm is nought on average, and nought
    for a number at the middle because its setting does not use it: dicts of few parameters are
    no better for that. The weight falls as one over the number of observations, so that what
    they say prevails.

    References
    ----------
    .. [1] C. Hvarfner et al., "piBO: Augmenting Acquisition Functions with User Beliefs for
       Bayesian Optimization", ICLR 2022.
    """

    columns: np.ndarray
    weight: float

    def __call__(self, X, derivatives=False):
        """Values (m,), and if asked for gradients (m, p) by the inputs."""
        u = X[:, self.columns]
        density = 4.0 * u * (1.0 - u) + ON_FACE
        value = np.where(u == MIDDLE, 0.0, np.log(density) - LOG_MEAN)
        value = self.weight * value.sum(axis=1)
        if not derivatives:
            return value
        gradient = np.zeros_like(X)
        gradient[:, self.columns] = self.weight * 4.0 * (1.0 - 2.0 * u) / density
        return value, gradient


@dataclass(frozen=True, eq=False)
class _Promise:
    """The function that a search maximises."""

    acquisition: Callable
    posterior: Posterior
    best: float
    belief: _Belief

    def __call__(self, X):
        return self.acquisition(*self.posterior.predict(X), self.best) + self.belief(X)

    def gradient(self, X):
        """Values (m,), and gradients (m, p) by the inputs."""
        mean, std, mean_gradient, std_gradient = self.posterior.predict_gradient(X)
        value, by_mean, by_std = self.acquisition(mean, std, self.best, derivatives=True)
        gradient = by_mean[:, None] * mean_gradient + by_std[:, None] * std_gradient
        belief, belief_gradient = self.belief(X, derivatives=True)
        return value + belief, gradient + belief_gradient


class _Search:
    """Maximise a promise over the new settings of a space."""

    def __init__(self, space, encoding, candidates, promise, seen, rng):
        self._space, self._encoding = space, encoding
        self._candidates, self._promise = candidates, promise
        self._seen, self._rng, self._allowed = seen, rng, {}
        self._points, self._values = np.empty((0, space.n_dims)), np.empty(0)

    def run(self, elite):
        """The most promising point that is new and allowed; or others, when there is none."""
        start = self._candidates.sample(N_GLOBAL, self._rng)
        self._add(start)
        self._add(self._children(elite[np.arange(N_LOCAL) % len(elite)], STEP))
        for generation in range(GENERATIONS):
            parents = np.repeat(self._best(N_PARENTS), N_CHILDREN, axis=0)
            self._add(self._children(parents, STEP * SHRINK**generation))
        self._add(self._climb(self._best(N_CLIMBS)))
        best = self._best(1)
        return best if len(best) else start

    def draw(self, branch):
        """The most promising of a few random points in one dict of a list.

        Random, because the doubt of a model is largest at the bounds of the cube: a search of
        the most doubtful point would see nothing else.
        """
        points = self._rng.random((N_ASKED, self._space.n_dims))
        points[:, 0] = (branch + 0.5) / len(self._space.active)
        points = self._space.snap(points)
        allowed = np.array([self._space.feasible(point) for point in points])
        self._add(points[allowed][:N_DRAWS])
        best = self._best(1)
        return best if len(best) else points

    def _children(self, parents, step):
        return self._candidates.mutate(parents, step, self._rng)

    def _best(self, n):
        """At most n new points of the largest values, of those that are known to be allowed."""
        ranked = np.argsort(-self._values, kind="stable")
        best = list(islice(self._new(ranked), n))
        if not all(map(self._is_allowed, best)):
            best = self._allowed_of(list(self._new(ranked)))[:n] or best
        return self._points[best]

    def _new(self, ranked):
        """Those that were not seen, equal ones once: of so many, only the best are compared."""
        seen = set()
        for i in ranked:
            key = self._points[i].tobytes()
            if key not in self._seen and key not in seen:
                seen.add(key)
                yield i

    def _allowed_of(self, ranked):
        """Ask about the best and, lest all of them are forbidden, about some of the others."""
        unknown = [i for i in ranked if i not in self._allowed]
        spread = max(1, 2 * len(unknown) // N_ASKED)
        for i in {*unknown[: N_ASKED // 2], *unknown[::spread]}:
            self._is_allowed(i)
        return [i for i in ranked if self._allowed.get(i)]

    def _is_allowed(self, i):
        if i not in self._allowed:
            self._allowed[i] = self._space.feasible(self._points[i])
        return self._allowed[i]

    def _add(self, points):
        """Judge points, and keep them."""
        values = self._promise(self._encoding(points))
        self._points = np.concatenate([self._points, points])
        self._values = np.concatenate([self._values, values])

    def _climb(self, starts):
        """Follow the gradient from each start, in the numbers that it uses.

        From the highest point reached, further after a rise and less far after a fall. What the
        model has no opinion on hardly moves, and stays what it is in a good setting.
        """
        X, columns = self._encoding(starts), self._encoding.numeric_columns
        free, numeric = self._encoding.moves(starts), self._encoding.numeric
        low, high = self._candidates.low[numeric], self._candidates.high[numeric]
        u = top = X[:, columns]
        highest, uphill, step = -np.inf, 0.0, FIRST_STEP
        for _ in range(N_STEPS if free.any() else 0):
            X[:, columns] = u
            value, gradient = self._promise.gradient(X)
            value = value[:, None]
            rose = value > highest
            slope = np.where(free, gradient[:, columns], 0.0)
            slope /= np.maximum(np.abs(slope).max(axis=1, keepdims=True), np.finfo(float).tiny)
            highest = np.maximum(value, highest)
            top, uphill = np.where(rose, u, top), np.where(rose, slope, uphill)
            step = step * np.where(rose, LONGER, SHORTER)
            u = np.clip(top + step * uphill, low, high)
        points = starts.copy()
        points[:, numeric] = np.where(free, top, points[:, numeric])
        return self._space.snap(points)
