"""Many candidates get a little, few get much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import ClassVar

from ._bracket import Plan
from ._rungs import Resource, log_floor

__all__ = ["SuccessiveHalving"]


@dataclass(frozen=True)
class SuccessiveHalving(Resource):
    """Give all candidates a little of a resource, and the best of each rung `factor` times more.

    The schedule is that of scikit-learn's ``HalvingRandomSearchCV`` [1]_, in exact arithmetic.

    Parameters
    ----------
    resource : str, default="n_samples"
        What grows: the number of samples, or an integer parameter of the estimator.
    n_candidates : "exhaust" or None, default=None
        How many enter: as many as the search may try, or "exhaust": no more than can begin so
        that the last rung gets as much as possible.
    factor : float, default=3
        One in so many climbs to the next rung, which gets so many times more; above 1.
    max_resources : int or "auto", default="auto"
        The most that a candidate gets. "auto" is the number of samples.
    min_resources : int or {"smallest", "exhaust", "auto"}, default="smallest"
        What a candidate gets at the first rung, see ``skhpo.HalvingRandomSearchCV``.
    aggressive_elimination : bool, default=False
        Whether candidates are dropped at the first rung until the resource suffices for the rest.
    subsample_test : bool, default=False
        Whether samples of the test parts are drawn as well.

    References
    ----------
    .. [1] K. Jamieson, A. Talwalkar (2016). "Non-stochastic best arm identification and
           hyperparameter optimization." AISTATS.

    Examples
    --------
    >>> from skhpo.schedulers import SuccessiveHalving
    >>> SuccessiveHalving(resource="n_estimators", max_resources=81).factor
    3
    """

    begins: ClassVar[tuple] = ("smallest", "exhaust", "auto")

    resource: str = "n_samples"
    n_candidates: str | None = None
    factor: float = 3
    max_resources: int | str = "auto"
    min_resources: int | str = "smallest"
    aggressive_elimination: bool = False
    subsample_test: bool = False

    def __post_init__(self):
        super().__post_init__()
        known = self.n_candidates is None or self.n_candidates == "exhaust"
        self._check("n_candidates", known, 'None, for n_iter of the search, or "exhaust"')
        is_number = isinstance(self.factor, Real) and math.isfinite(self.factor)
        self._check("factor", is_number and self.factor > 1, "a number above 1")

    def start(
        self,
        proposer,
        history,
        *,
        fold_sizes,
        fold_stopping=None,
        seed=0,
        n_samples=None,
        smallest=None,
        continuation=None,
    ):
        """Return the running scheduler; parameters as in `CrossValidation.start`, and three more.

        Parameters
        ----------
        n_samples : int, default=None
            Size of the data, the sum of `fold_sizes` by default.
        smallest : int, default=None
            Least sensible amount of the resource.
        continuation : object, default=None
            Says which candidates go on with their models, see ``RunningRungs``.
        """

        def plans(first, most):
            n, resources = self._rungs(proposer.n_candidates, first, most, history.schedule)
            return [Plan(n, tuple(resources))]

        return self._run(
            proposer,
            history,
            plans,
            fold_sizes,
            fold_stopping,
            n_samples,
            seed,
            smallest,
            continuation=continuation,
            keep=self.n_kept,
        )

    def n_kept(self, n):
        """How many of n candidates climb."""
        return int(-(-n // Fraction(self.factor)))

    def _rungs(self, n, first, most, schedule):
        if self.n_candidates == "exhaust":
            n = min(n, most // first)
        n_required = 1 + log_floor(n, self.factor)
        if self.min_resources == "exhaust":
            first = max(first, int(most // Fraction(self.factor) ** (n_required - 1)))
        n_possible = 1 + log_floor(most // first, self.factor)
        n_rungs = n_required if self.aggressive_elimination else min(n_required, n_possible)
        late = n_required - n_possible if self.aggressive_elimination else 0
        schedule["min_resources_"] = first
        schedule["n_required_iterations_"] = n_required
        schedule["n_possible_iterations_"] = n_possible
        powers = (Fraction(self.factor) ** max(0, i - late) for i in range(n_rungs))
        return n, [min(int(power * first), most) for power in powers]
