"""What more of a resource adds to a score, learned from settings that were seen with both."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

__all__ = ["ResourceEffects"]


class ResourceEffects:
    """Scores of settings with different amounts of a resource, made comparable.

    A score with few trees, epochs or samples is no noisy one with many: it lacks something.
    What it lacks on average is the median gain, from each amount to the next, of the settings
    that were seen with both; what one setting lacks besides is left to the surrogate.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Snapped points of the observations.
    observations : list of Observation
        One without a resource counts as one with all of it.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo._records import Observation
    >>> from skhpo.optimizers._resource_effects import ResourceEffects
    >>> points = np.array([[0.2], [0.4], [0.2]])
    >>> scores, trees = (0.5, 0.6, 0.8), (10, 10, 90)
    >>> told = [Observation(p, s, resource=t) for p, s, t in zip(points, scores, trees)]
    >>> effects = ResourceEffects(points, told)
    >>> effects.whole_scores(told).round(2), effects.lacks(told)
    (array([0.8, 0.9, 0.8]), array([1., 1., 0.]))
    """

    def __init__(self, points, observations):
        known = {}  # logarithm of the amount -> {setting: score}
        for point, observation in zip(points, observations, strict=True):
            if observation.resource is not None:
                at_amount = known.setdefault(math.log(observation.resource), {})
                at_amount[point.tobytes()] = observation.score
        self._amounts = sorted(known)
        gains = [_gain(known[less], known[more]) for less, more in pairwise(self._amounts)]
        self._missing = np.append(np.cumsum(gains[::-1])[::-1], 0.0)  # of each amount

    def whole_scores(self, observations):
        """Scores (n,) to expect with the largest amount that was seen."""
        scores = np.array([observation.score for observation in observations], dtype=float)
        if len(self._amounts) > 1:
            scores += np.interp(_log_amounts(observations), self._amounts, self._missing)
        return scores

    def lacks(self, observations):
        """How much of the resource each lacks (n,): 0 with the most, 1 with the least of it."""
        if len(self._amounts) < 2:
            return np.zeros(len(observations))
        least, *_, most = self._amounts
        return np.clip((most - _log_amounts(observations)) / (most - least), 0.0, 1.0)


def _gain(less, more):
    """Median of what the settings in both dicts gained."""
    gains = np.array([more[key] - less[key] for key in less.keys() & more.keys()])
    gains = gains[np.isfinite(gains)]
    return float(np.median(gains)) if len(gains) else 0.0


def _log_amounts(observations):
    resources = [observation.resource for observation in observations]
    return np.array([math.inf if amount is None else math.log(amount) for amount in resources])
