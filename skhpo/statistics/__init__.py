"""What a search may claim: corrected scores, intervals, refit rules.

Pure functions of ``cv_results_``, of scores on folds or of out-of-fold predictions; they fit
nothing and work on the results of scikit-learn's searches as on ours. Scores have scikit-learn's
sign, larger is better: hand in losses negated.
"""

from ._bbc import bbc_interval, bbc_interval_from_predictions
from ._best import CorrectedScore, TuningGain, corrected_best_score, selection_bias, tuning_gain
from ._compare import ScoreComparison, compare_scores
from ._intervals import Comparison, Interval, corrected_t_interval, optimism, paired_comparison
from ._nested import NestedInterval, fold_numbers, ncv_interval, ncv_scores, ncv_splits
from ._refit import BestPosteriorMean, OneStandardError
from ._stability import parameter_stability

__all__ = [
    "BestPosteriorMean",
    "Comparison",
    "CorrectedScore",
    "Interval",
    "NestedInterval",
    "OneStandardError",
    "ScoreComparison",
    "TuningGain",
    "bbc_interval",
    "bbc_interval_from_predictions",
    "compare_scores",
    "corrected_best_score",
    "corrected_t_interval",
    "fold_numbers",
    "ncv_interval",
    "ncv_scores",
    "ncv_splits",
    "optimism",
    "paired_comparison",
    "parameter_stability",
    "selection_bias",
    "tuning_gain",
]
