"""Check what the statistical benchmarks found against what it must be: ``make stats``.

A figure of a simulation is a draw. It fails only where it lies outside its range by more than three
of its own standard errors, which a true one does about once in a thousand times.
"""

from __future__ import annotations

import json
import sys
from functools import reduce

from _common import arguments

NUMBERS = {
    # The best of candidates that guess, and what is left of it: the truth is .50.
    "guesses_40_50 best_cv": (0.315, 0.345),
    "guesses_40_50 bbc": (0.485, 0.515),
    "guesses_100_100 best_cv": (0.36, 0.39),
    "guesses_100_100 bbc": (0.485, 0.515),
    # Candidates of different worth.
    "mixed_40_50 bias bbc": (-0.01, 0.01),
    "mixed_100_100 bias bbc": (-0.01, 0.01),
    # How often an interval misses that should in 10 % of all cases.
    "least_squares naive": (0.18, 0.24),
    "least_squares nested_by_repeats 5": (0.09, 0.12),
    "least_squares nested_by_repeats 10": (0.09, 0.12),
    "logistic_log_loss naive": (0.18, 0.27),
    "logistic_log_loss nested_by_repeats 5": (0.0, 0.15),
    "logistic_misclassified naive": (0.13, 0.27),
    "logistic_misclassified nested_by_repeats 5": (0.0, 0.15),
    # How often models that are alike are told apart at 5 %.
    "type_one_10x10 naive": (0.5, 0.62),
    "type_one_10x10 corrected": (0.04, 0.07),
}
NESTED = {
    # BBC-CV repeats the choice and not the training, so a part of the excess may stay.
    "svm tuned": (0.40, 0.44),
    "svm nested": (0.50, 0.52),
    "svm bbc": (0.45, 0.55),
    "bayes tuned": (0.40, 0.44),
    "bayes bbc": (0.45, 0.55),
    "centroids tuned": (0.38, 0.42),
    "centroids nested": (0.50, 0.53),
    "centroids bbc": (0.45, 0.55),
}
VALUES, ERRORS = ("mean", "share", "mean_error"), ("error", "standard_error")


def verdict(found, low, high):
    """Value, its standard error, and whether it can be what it must be."""
    value = next(found[name] for name in VALUES if name in found)
    error = next(found[name] for name in ERRORS if name in found)
    return value, error, low - 3 * error <= value <= high + 3 * error


def main():
    """Check both files."""
    args = arguments(__doc__)
    failures = 0
    for name, ranges in {"honest_numbers": NUMBERS, "honest_nested": NESTED}.items():
        result = json.loads((args.out / f"{name}.json").read_text())
        for path, (low, high) in ranges.items():
            found = reduce(lambda part, key: (part or {}).get(key), path.split(), result)
            if found is None and args.quick:  # which asks fewer questions
                continue
            value, error, holds = verdict(found, low, high)
            failures += not holds
            mark = "ok  " if holds else "FAIL"
            print(f"{mark} {path:45} {value:7.4f} +- {error:.4f}  in [{low}, {high}]")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
