"""Successive halving from few candidates with much to many with little."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from numbers import Integral

from ._bracket import Plan
from ._rungs import Resource, log_floor

__all__ = ["Hyperband"]


@dataclass(frozen=True)
class Hyperband(Resource):
    """Successive halving in brackets, each with another trade of candidates for resource.

    Brackets are those of the journal version of the paper [1]_, in integer arithmetic: with 81
    units at most, 81 candidates begin with 1 unit, 34 with 3, 15 with 9, 8 with 27, 5 with 81.

    An optimiser that learns is told of results once a candidate got everything, as the first rungs
    alone would mislead it, and one candidate in three is drawn at random, as in BOHB [3]_.

    Parameters
    ----------
    resource : str, default="n_samples"
        What grows: the number of samples, or an integer parameter of the estimator.
    max_resources : int or "auto", default="auto"
        What the best of each bracket get in the end. "auto" is the number of samples.
    min_resources : int or {"smallest", "auto"}, default="smallest"
        The least that a candidate gets, see ``skhpo.HyperbandSearchCV``.
    factor : int, default=3
        One in so many climbs to the next rung, which gets so many times more; at least 2.
    promotion : {"synchronous", "asynchronous"}, default="synchronous"
        Whether a rung waits until it is whole, or who is among the best so far climbs at
        once [2]_.
    n_sweeps : int or None, default=None
        How many times the brackets are run; None means until there are no more candidates.
    subsample_test : bool, default=False
        Whether samples of the test parts are drawn as well.

    References
    ----------
    .. [1] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar (2018). "Hyperband: a
           novel bandit-based approach to hyperparameter optimization." JMLR 18.
    .. [2] L. Li et al. (2020). "A system for massively parallel hyperparameter tuning." MLSys.
    .. [3] S. Falkner, A. Klein, F. Hutter (2018). "BOHB: robust and efficient hyperparameter
           optimization at scale." ICML.

    Examples
    --------
    >>> from skhpo.schedulers import Hyperband
    >>> brackets = Hyperband(resource="n_estimators").brackets(1, 81)
    >>> [(bracket.n_candidates, bracket.resources[0]) for bracket in brackets]
    [(81, 1), (34, 3), (15, 9), (8, 27), (5, 81)]
    """

    resource: str = "n_samples"
    max_resources: int | str = "auto"
    min_resources: int | str = "smallest"
    factor: int = 3
    promotion: str = "synchronous"
    n_sweeps: int | None = None
    subsample_test: bool = False

    def __post_init__(self):
        super().__post_init__()
        promotions = ("synchronous", "asynchronous")
        wanted = '"synchronous" or "asynchronous"'
        self._check("promotion", self.promotion in promotions, wanted)
        whole = isinstance(self.factor, Integral)
        self._check("factor", whole and self.factor >= 2, "an int >= 2")
        some = isinstance(self.n_sweeps, Integral) and self.n_sweeps >= 1
        self._check("n_sweeps", self.n_sweeps is None or some, "None or an int >= 1")

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
        """Return the running scheduler; parameters as in `SuccessiveHalving.start`."""

        def plans(first, most):
            sweep = self.brackets(first, most)
            history.schedule["brackets_"] = [(p.n_candidates, p.resources[0]) for p in sweep]
            sweeps = itertools.repeat(sweep, *(() if self.n_sweeps is None else (self.n_sweeps,)))
            return itertools.chain.from_iterable(sweeps)

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
            keep=lambda n: max(1, n // self.factor),
            is_patient=True,
            keep_early=self._n_early if self.promotion == "asynchronous" else None,
        )

    def _n_early(self, n):
        return n // self.factor

    def brackets(self, min_resources, max_resources):
        """Return the plans of one sweep, from many candidates to few (Algorithm 1).

        Parameters
        ----------
        min_resources, max_resources : int
        """
        eta, s_max = self.factor, log_floor(max_resources // min_resources, self.factor)
        return [
            Plan(
                -(-(s_max + 1) * eta**s // (s + 1)),
                tuple(max_resources // eta ** (s - i) for i in range(s + 1)),
            )
            for s in range(s_max, -1, -1)
        ]
