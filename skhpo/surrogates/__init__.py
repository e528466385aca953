"""Models of the score: what is known after some evaluations, and how well."""

from skhpo.surrogates._gaussian_process import (
    Hyperparameters,
    Posterior,
    fit_map,
    negative_log_posterior,
)
from skhpo.surrogates._warping import Warping

__all__ = ["Hyperparameters", "Posterior", "Warping", "fit_map", "negative_log_posterior"]
