"""CMA-ES with margin, for mixed spaces, told one evaluation at a time.

Notation, that of [Hansen 2016] with its equation numbers; [M] is the margin of [Hamano 2022]
--------
n, K           numeric coordinates (continuous and ordered), samples drawn for a generation
lambda, mu     evaluations of a generation, those of them that pull the mean
w              weights (lambda,), best first; the sum of the first mu is one
m, sigma, C    mean (n,), step size and covariance (n, n): x ~ N(m, sigma^2 C)
B, D           C = B diag(D^2) B^T
y              (x - m) / sigma
p_sigma, p_c   evolution paths (n,)
A              scale (n,) of the ordered coordinates: evaluated is the level of m + A (x - m) [M]
q              probabilities of the levels of each categorical coordinate

One generation
--------------
1. K settings are drawn from the distribution, more than lambda: `ask` hands out one that is
   new. They depend on the seed and on what was told, so the x behind a setting, which is more
   than its levels, is known again when the setting is told, also to a search that is resumed.
2. The first lambda observations told update the distribution, whoever asked for them and
   whenever: the length of those that are not of this generation is bounded [Hansen 2011].
3. When the distribution has become a point, another search begins elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from skhpo.optimizers._population import Settings, check_population_size, parents

__all__ = ["CMAES"]

N_SPARE = 32  # samples of a generation beyond twice lambda
N_TABLES = 8  # generations whose samples are kept for evaluations that come late
N_RESAMPLE = 20  # draws of a sample that is outside of the cube, before it is clipped
N_MARGIN = 1000  # levels of an ordered coordinate from which on it counts as continuous
C_Q = 0.5  # learning rate of q
ALPHA_Q = 0.73  # probability that no categorical coordinate leaves its mode
WIDE = 0.25  # standard deviation of a start that knows nothing
MAX_DOUBLINGS = 9  # of the population size
TOL_X, TOL_UP, TOL_CONDITION = 1e-12, 1e4, 1e14
TOL_SCORE = 1e-12  # relative; what is closer are errors of rounding


@dataclass(frozen=True)
class CMAES:
    """Covariance matrix adaptation evolution strategy with margin.

    A normal distribution over the numbers moves to where good settings are and takes the shape
    of the function around them [1]_. An ordered parameter keeps a minimal chance to leave its
    level [2]_; categorical ones have a probability for each level.

    Parameters
    ----------
    population_size : int or "auto", default="auto"
        Evaluations of a generation; "auto" is ``4 + floor(3 log(n_dims))``. A number counts as
        no more than half of the search.
    mean0 : float or tuple of float, default=0.5
        Where the search begins, in the unit cube: one number for all parameters or one each.
    sigma0 : float, default=0.25
        First standard deviation, in the unit cube.
    margin : bool, default=True
        Whether ordered parameters keep a chance of ``1 / (n_dims * population_size)`` to leave
        their level. Without it they are rounded only, and may get stuck.
    restarts : {"ipop", "bipop"} or None, default="ipop"
        How to go on when the distribution has become a point: with twice the population size
        [3]_, with that or a small one in turn [4]_, or, with None, as before.

    References
    ----------
    .. [1] N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, 2016.
    .. [2] R. Hamano, S. Saito, M. Nomura, S. Shirakawa, "CMA-ES with Margin", GECCO 2022.
    .. [3] A. Auger, N. Hansen, "A Restart CMA Evolution Strategy With Increasing Population
       Size", CEC 2005.
    .. [4] N. Hansen, "Benchmarking a BI-Population CMA-ES on the BBOB-2009 Function Testbed",
       GECCO 2009.

    Examples
    --------
    >>> from skhpo.optimizers import CMAES
    >>> CMAES(sigma0=0.2).restarts
    'ipop'
    """

    adaptive: ClassVar[bool] = True

    population_size: int | str = "auto"
    mean0: float | tuple = 0.5
    sigma0: float = WIDE
    margin: bool = True
    restarts: str | None = "ipop"

    def __post_init__(self):
        check_population_size(self.population_size, least=4)
        if not np.all((np.asarray(self.mean0) >= 0) & (np.asarray(self.mean0) <= 1)):
            raise ValueError(
                f"mean0 must lie in the unit cube, got {self.mean0!r}. "
                "`space.to_unit(params)` is the place of a setting."
            )
        if not 0 < self.sigma0 < math.inf:
            raise ValueError(
                f"sigma0 must be a positive number, got {self.sigma0!r}. "
                "Around a quarter of the width of the cube, 0.25, suits most searches."
            )
        if self.restarts not in ("ipop", "bipop", None):
            raise ValueError(
                f"restarts must be 'ipop', 'bipop' or None, got {self.restarts!r}. "
                "Choose one of them."
            )

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(self, space, seed, n_iter)


@dataclass(frozen=True, eq=False)
class _Strategy:
    """Defaults that depend on n and lambda only: Table 1."""

    n: int
    lambda_: int

    @cached_property
    def mu(self):
        return self.lambda_ // 2

    @cached_property
    def w_prime(self):
        ranks = np.arange(1, self.lambda_ + 1)
        return math.log((self.lambda_ + 1) / 2) - np.log(ranks)  # (49)

    @cached_property
    def mu_eff(self):
        return _effective(self.w_prime[: self.mu])

    @cached_property
    def w(self):
        n, mu_eff, c_1, c_mu = self.n, self.mu_eff, self.c_1, self.c_mu
        alpha = min(
            1 + c_1 / c_mu if c_mu else 0.0,  # (50)
            1 + 2 * _effective(self.w_prime[self.mu :]) / (mu_eff + 2),  # (51)
            (1 - c_1 - c_mu) / (n * c_mu) if c_mu else 0.0,  # (52)
        )
        positive, negative = self.w_prime.clip(min=0), self.w_prime.clip(max=0)
        return positive / positive.sum() - alpha * negative / negative.sum()  # (53)

    @cached_property
    def c_sigma(self):
        return (self.mu_eff + 2) / (self.n + self.mu_eff + 5)  # (55)

    @cached_property
    def d_sigma(self):
        return 1 + 2 * max(0.0, math.sqrt((self.mu_eff - 1) / (self.n + 1)) - 1) + self.c_sigma

    @cached_property
    def c_c(self):
        return (4 + self.mu_eff / self.n) / (self.n + 4 + 2 * self.mu_eff / self.n)  # (56)

    @cached_property
    def c_1(self):
        return 2 / ((self.n + 1.3) ** 2 + self.mu_eff)  # (57)

    @cached_property
    def c_mu(self):
        pull = 2 * (self.mu_eff - 2 + 1 / self.mu_eff) / ((self.n + 2) ** 2 + self.mu_eff)
        return min(1 - self.c_1, pull)  # (58)

    @cached_property
    def chi_n(self):
        return math.sqrt(self.n) * (1 - 1 / (4 * self.n) + 1 / (21 * self.n**2))  # E |N(0, I)|

    @cached_property
    def c_y(self):
        return math.sqrt(self.n) + 2 * self.n / (self.n + 2)  # [Hansen 2011]

    @cached_property
    def margin(self):
        return 1 / (self.n * self.lambda_)  # [M]


def _effective(w):
    return w.sum() ** 2 / (w**2).sum()


@dataclass(frozen=True, eq=False)
class _Normal:
    """The distribution of the numeric coordinates."""

    m: np.ndarray  # (n,)
    sigma: float
    C: np.ndarray  # (n, n)
    p_sigma: np.ndarray  # (n,)
    p_c: np.ndarray  # (n,)
    A: np.ndarray  # (n,), one where continuous
    g: int = 0

    @classmethod
    def begin(cls, m, sigma):
        zeros, ones = np.zeros(len(m)), np.ones(len(m))
        return cls(m, sigma, np.diag(ones), zeros, zeros, ones)

    @cached_property
    def eigen(self):
        """B (n, n) and D (n,)."""
        D2, B = np.linalg.eigh(self.C)
        return B, np.sqrt(np.maximum(D2, 1e-300))

    def sample(self, k, rng):
        """Draw x (k, n)."""
        B, D = self.eigen
        z = rng.standard_normal((k, len(self.m)))
        return self.m + self.sigma * (z * D) @ B.T  # (38-40)

    def update(self, x, is_own, s):
        """Return the next distribution, from x (lambda, n) best first."""
        B, D = self.eigen
        y = (x - self.m) / self.sigma
        length = np.linalg.norm(y @ B / D, axis=1)  # |C^(-1/2) y|
        shrink = np.where(is_own, 1.0, s.c_y / np.maximum(length, s.c_y))  # [Hansen 2011] (4)
        y, length = y * shrink[:, None], length * shrink
        y_w = s.w[: s.mu] @ y[: s.mu]  # (41)
        p_sigma = (1 - s.c_sigma) * self.p_sigma
        p_sigma = p_sigma + _gain(s.c_sigma, s) * (B @ (B.T @ y_w / D))  # (43)
        excess = np.linalg.norm(p_sigma) / s.chi_n
        warm = math.sqrt(1 - (1 - s.c_sigma) ** (2 * (self.g + 2)))
        h_sigma = float(excess / warm < 1.4 + 2 / (s.n + 1))
        p_c = (1 - s.c_c) * self.p_c + h_sigma * _gain(s.c_c, s) * y_w  # (45)
        return replace(
            self,
            m=self.m + self.sigma * y_w,  # (42), with c_m = 1 (54)
            sigma=self.sigma * math.exp(min(1.0, s.c_sigma / s.d_sigma * (excess - 1))),  # (44)
            C=self._covariance(y, length, p_c, h_sigma, s),
            p_sigma=p_sigma,
            p_c=p_c,
            g=self.g + 1,
        )

    def _covariance(self, y, length, p_c, h_sigma, s):
        w_o = s.w * np.where(s.w >= 0, 1.0, s.n / np.maximum(length**2, 1e-8))  # (46)
        stall = (1 - h_sigma) * s.c_c * (2 - s.c_c)
        C = (1 + s.c_1 * stall - s.c_1 - s.c_mu * s.w.sum()) * self.C  # (47)
        C = C + s.c_1 * np.outer(p_c, p_c) + s.c_mu * (w_o * y.T) @ y
        return (C + C.T) / 2

    def with_margin(self, edges, alpha):
        """Return the distribution that leaves each level with probability alpha at least [M].

        ``edges[j]`` are the inner edges between the levels of coordinate j, None where it is
        continuous.
        """
        m, A = self.m.copy(), self.A.copy()
        std = self.sigma * np.sqrt(np.diag(self.C))
        for j in np.flatnonzero([e is not None for e in edges]):
            m[j], A[j] = _correct(m[j], std[j], A[j], edges[j], alpha)
        return replace(self, m=m, A=A)

    @property
    def is_point(self):
        """Whether a restart is due."""
        _, D = self.eigen
        std = self.sigma * np.sqrt(np.diag(self.C))
        return bool(
            np.all(std < TOL_X) or np.any(std > TOL_UP) or np.ptp(np.log(D)) > _LOG_CONDITION / 2
        )


_LOG_CONDITION = math.log(TOL_CONDITION)


def _gain(c, s):
    return math.sqrt(c * (2 - c) * s.mu_eff)


def _correct(m, std, A, edges, alpha):
    """Move the mean and scale of an ordered coordinate until levels are left often enough [M]."""
    level = edges.searchsorted(m)
    if level in (0, len(edges)):
        edge = edges[min(level, len(edges) - 1)]
        reach = -ndtri(alpha) * A * std  # P(x beyond m + reach) = alpha
        return min(max(m, edge - reach), edge + reach), A  # (10)
    low, up = edges[level - 1], edges[level]
    p_low, p_up = ndtr((low - m) / (A * std)), ndtr((m - up) / (A * std))
    if min(p_low, p_up) >= alpha / 2:
        return m, A
    p_mid = 1 - p_low - p_up
    q_low, q_up = max(p_low, alpha / 2), max(p_up, alpha / 2)  # (15-16)
    share = (1 - q_low - q_up - p_mid) / (q_low + p_mid + q_up - 1.5 * alpha)
    q_low, q_up = q_low + share * (q_low - alpha / 2), q_up + share * (q_up - alpha / 2)  # (17-18)
    to_low, to_up = -ndtri(q_low), -ndtri(q_up)  # in standard deviations
    A = (up - low) / ((to_low + to_up) * std)
    return (low * to_up + up * to_low) / (to_low + to_up), A


class _Choices:
    """The distribution of the categorical coordinates: independent levels."""

    def __init__(self, q):
        self.q = q  # one array of probabilities a coordinate

    @classmethod
    def begin(cls, n_levels):
        return cls([np.full(k, 1 / k) for k in n_levels])

    def sample(self, k, rng):
        """Draw levels (k, n)."""
        u = rng.random((k, len(self.q)))
        columns = [np.cumsum(q)[:-1].searchsorted(v) for q, v in zip(self.q, u.T, strict=True)]
        return np.reshape(columns, (len(self.q), k)).T

    def update(self, levels, s):
        """Return the next distribution: towards the levels of the best, and never to zero."""
        stay = ALPHA_Q ** (1 / max(len(self.q), 1))
        q = []
        for old, column in zip(self.q, levels[: s.mu].T, strict=True):
            seen = np.bincount(column, s.w[: s.mu], len(old))
            least = (1 - stay) / (len(old) - 1)
            new = np.maximum((1 - C_Q) * old + C_Q * seen, least)
            q.append(_at_least(new, least))
        return _Choices(q)


def _at_least(q, least):
    """Probabilities that sum to one with none below `least`."""
    above = q - least
    return least + above * (1 - least * len(q)) / above.sum() if above.any() else q / q.sum()


class _Running:
    """A search under way: a function of the seed and of what was told, in that order."""

    def __init__(self, spec, space, seed, n_iter):
        self._spec, self._space, self._seed = spec, space, seed
        self._settings = Settings(space, seed)
        kinds = np.array([dim.kind for dim in space.dims])
        self._numeric = np.flatnonzero(np.isin(kinds, ["continuous", "ordered"]))
        self._choice = np.flatnonzero(np.isin(kinds, ["categorical", "branch"]))
        self._edges = [_inner_edges(space.dims[j]) for j in self._numeric]
        self._is_continuous = np.array([e is None for e in self._edges], dtype=bool)
        self._lambda_0 = _population_size(spec.population_size, space.n_dims, n_iter)
        self._n_restarts = 0
        self._n_large = 0  # restarts with twice the population size
        self._used = {"large": 0, "small": 0}  # evaluations
        self._parents = ()
        self._behind = {}  # key of a setting -> (x, number of its generation)
        self._begin("large", self._lambda_0, spec.sigma0)

    def tell(self, observation):
        """Count an observation towards the generation; update when that is full."""
        self._told.append(self._settings.tell(observation))
        if len(self._told) == self._s.lambda_:
            self._update()

    def ask(self, pending, *, index, rng):
        """Suggest one point."""
        k = len(self._points)
        order = (self._points[(index + i) % k] for i in range(k))
        proposals = ((point, "cmaes", self._parents) for point in order)
        return self._settings.first_new(proposals, pending, rng)

    def _begin(self, regime, lambda_, sigma):
        """Start from a new distribution: the given mean, or after a restart a random one."""
        rng = self._rng(of=1)
        n = len(self._numeric)
        m = np.broadcast_to(self._spec.mean0, self._space.n_dims)[self._numeric].astype(float)
        self._regime, self._s = regime, _Strategy(max(n, 1), lambda_)
        self._normal = _Normal.begin(rng.random(n) if self._n_restarts else m, sigma)
        self._choices = _Choices.begin([int(self._space.dims[j].n_levels) for j in self._choice])
        self._best, self._n_flat = None, 0
        self._next_generation()

    def _next_generation(self):
        self._told = []
        rng = self._rng(self._normal.g)
        k = 2 * self._s.lambda_ + N_SPARE
        x = self._sample_numbers(k, rng)
        points = rng.random((k, self._space.n_dims))  # what is opaque stays uniform
        scaled = self._normal.m + self._normal.A * (x - self._normal.m)
        points[:, self._numeric] = np.clip(scaled, *self._space.ends[:, self._numeric])
        n_levels = np.array([len(q) for q in self._choices.q])
        points[:, self._choice] = (self._choices.sample(k, rng) + 0.5) / n_levels
        self._points = self._space.snap(points)
        self._remember(x)

    def _rng(self, generation=0, of=0):
        """What draws a generation, or what is drawn once a restart; trailing zeros do not count."""
        return np.random.default_rng((self._seed, self._n_restarts, generation, of))

    def _sample_numbers(self, k, rng):
        """x (k, n), drawn again while continuous coordinates leave the cube, then clipped."""
        x, c = self._normal.sample(k, rng), self._is_continuous
        for _ in range(N_RESAMPLE):
            outside = np.any((x[:, c] < 0) | (x[:, c] > 1), axis=1)
            if not outside.any():
                break
            x[outside] = self._normal.sample(int(outside.sum()), rng)
        x[:, c] = np.clip(x[:, c], 0, 1)
        return x

    def _remember(self, x):
        self._generation = self._n_restarts, self._normal.g
        for point, x_k in zip(self._points, x, strict=True):
            key = point.tobytes()
            self._behind.pop(key, None)  # the latest are those that come last
            self._behind[key] = x_k, self._generation
        for key in list(self._behind)[: -N_TABLES * len(x)]:
            del self._behind[key]

    def _update(self):
        ranked = sorted(self._told, key=lambda member: member.merit, reverse=True)
        x, is_own = zip(*map(self._x_of, ranked), strict=True)
        levels = np.array([self._levels(member.point) for member in ranked])
        self._parents = parents(*ranked[: self._s.mu])
        if len(self._numeric):
            normal = self._normal.update(np.array(x), np.array(is_own), self._s)
            alpha = self._s.margin
            self._normal = normal.with_margin(self._edges, alpha) if self._spec.margin else normal
        else:
            self._normal = replace(self._normal, g=self._normal.g + 1)
        self._choices = self._choices.update(levels, self._s)
        self._used[self._regime] += self._s.lambda_
        self._count_flat(ranked[0].merit)
        self._restart() if self._is_over() else self._next_generation()

    def _x_of(self, member):
        """The x behind a setting (n,), and whether it was drawn for this generation."""
        x, generation = self._behind.get(member.key, (None, None))
        if x is None:
            normal = self._normal
            u = member.point[self._numeric]
            x = np.where(np.isnan(u), normal.m, normal.m + (u - normal.m) / normal.A)
        return x, generation == self._generation

    def _levels(self, point):
        return [int(self._space.dims[j].level(point[j])) for j in self._choice]

    def _count_flat(self, best):
        """Count the generations since the best one was another than now."""
        if self._best is not None and _is_same(best, self._best):
            self._n_flat += 1
        else:
            self._best, self._n_flat = best, 0

    def _is_over(self):
        if self._spec.restarts is None:
            return False
        s = self._s
        flat = self._n_flat > 10 + math.ceil(30 * s.n / s.lambda_)
        return flat or (len(self._numeric) > 0 and self._normal.is_point)

    def _restart(self):
        """Begin elsewhere, as wide as a search that knows nothing, however narrow the first."""
        self._n_restarts += 1
        sigma = max(self._spec.sigma0, WIDE)
        large = self._lambda_0 * 2 ** min(self._n_large, MAX_DOUBLINGS)
        if self._spec.restarts == "bipop" and self._used["small"] < self._used["large"]:
            u, v = self._rng(of=2).random(2)
            small = int(self._lambda_0 * max(1.0, 0.5 * large / self._lambda_0) ** (u**2))
            self._begin("small", small, sigma * 10 ** (-2 * v))
        else:
            self._n_large += 1
            self._begin("large", min(2 * large, self._lambda_0 << MAX_DOUBLINGS), sigma)


def _is_same(merit, other):
    near = math.isclose(merit[-1], other[-1], rel_tol=TOL_SCORE)
    return near and merit[:-1] == other[:-1]


def _inner_edges(dim):
    """Quantiles (n_levels - 1,) between the levels, None for numbers that are continuous."""
    n_inner = int(dim.level(np.ones(1))[0]) if dim.kind == "ordered" else math.inf
    if n_inner >= N_MARGIN:
        return None
    low, up = np.zeros(n_inner), np.ones(n_inner)
    for _ in range(53):  # bits of a double
        middle = (low + up) / 2
        above = dim.level(middle) > np.arange(n_inner)
        low, up = np.where(above, low, middle), np.where(above, middle, up)
    return up


def _population_size(size, n_dims, n_iter):
    if size == "auto":
        return 4 + math.floor(3 * math.log(max(n_dims, 1)))  # (48)
    return min(size, max(4, n_iter // 2))
