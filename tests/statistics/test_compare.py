"""Several models on shared folds."""

import numpy as np
import pytest

from skhpo.statistics import (
    compare_scores,
    corrected_t_interval,
    paired_comparison,
    selection_bias,
)

SCORES = {
    "b": [0.7, 0.8, 0.75, 0.72],
    "a": [0.8, 0.85, 0.7, 0.81],
    "c": [0.6, 0.62, 0.58, 0.66],
}


def test_the_parts_are_those_of_the_functions():
    found = compare_scores(SCORES, n_repeats=2, confidence=0.9)
    settings = {"n_repeats": 2, "confidence": 0.9}
    assert list(found.scores) == ["a", "b", "c"]
    assert list(found.pairs) == [("a", "b"), ("a", "c"), ("b", "c")]
    for (x, y), pair in found.pairs.items():
        assert pair == paired_comparison(SCORES[x], SCORES[y], **settings)
    for name, interval in found.intervals.items():
        assert interval == corrected_t_interval(SCORES[name], **settings)
    assert found.best == "a"
    assert found.best_score == np.mean(SCORES["a"])
    bias = selection_bias(list(SCORES.values()))
    assert found.corrected_score == pytest.approx(found.best_score - bias)
    assert bias > 0


def test_holms_method():
    """By hand: sorted .01, .02, .03, .04 times 4, 3, 2, 1, never decreasing."""
    from skhpo.statistics._compare import _holm

    p = {"c": 0.03, "a": 0.01, "d": 0.04, "b": 0.02}
    assert _holm(p) == pytest.approx({"c": 0.06, "a": 0.04, "d": 0.06, "b": 0.06})
    assert list(_holm(p)) == list(p)
    assert _holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_folds_without_a_score_are_left_out():
    scores = {"a": [0.8, np.nan, 0.7, 0.9], "b": [0.6, 0.8, 0.65, 0.7]}
    found = compare_scores(scores, test_train_ratio=1 / 3)
    kept = compare_scores(
        {name: [row[0], row[2], row[3]] for name, row in scores.items()}, test_train_ratio=1 / 3
    )
    assert found.left_out == (1,)
    assert found.pairs == kept.pairs
    assert "Left out, because a search failed there: fold 1" in found.summary()


def test_the_summary():
    text = compare_scores(SCORES).summary()
    lines = text.splitlines()
    assert lines[0] == "Scores on 4 shared folds, with intervals by the corrected resampled t"
    # By hand: 3.182 times .0638, the standard deviation, times the root of 1/4 + 1/3.
    assert lines[1] == "a  0.79 [0.635, 0.945]"
    assert lines[4].startswith("a - b: 0.0475 [")
    assert "Holm" in lines[4]
    assert lines[-1] == (
        "Warning: a is the best of 3 by these scores. To choose by them is a selection again, and "
        "0.79 may be too good; corrected for the choice: 0.7775"
    )
    found = compare_scores(SCORES)
    assert str(found) == text
    assert "0.7775" in found._repr_html_()


def test_html_is_escaped():
    found = compare_scores({"<a>": [1, 2, 3.5], "b": [0, 1, 2]})
    assert "&lt;a&gt;" in found._repr_html_()


@pytest.mark.parametrize(
    "scores",
    [{}, {"a": [1, 2]}, {"a": [1, 2], "b": [1, 2, 3]}, {"a": [[1, 2]], "b": [[1, 2]]}],
)
def test_what_cannot_be_compared(scores):
    with pytest.raises(ValueError, match="at least two models, on the same folds"):
        compare_scores(scores)


def test_nothing_left():
    with pytest.raises(ValueError, match="on the same 2 folds at least; got 0"):
        compare_scores({"a": [1, np.nan], "b": [np.nan, 1]}, test_train_ratio=1)


def test_of_equals_the_best_is_too_good_and_this_is_not():
    """Ten models that are alike: over many draws the best seems .154 better; corrected, worse."""
    rng = np.random.default_rng(0)
    found = [
        compare_scores({str(k): row for k, row in enumerate(rng.normal(size=(10, 100)))})
        for _ in range(100)
    ]
    best, corrected = np.mean([(f.best_score, f.corrected_score) for f in found], axis=0)
    assert best == pytest.approx(0.154, abs=0.03)  # .1 times the mean of the largest of 10
    assert corrected < 0  # the known over-correction
    rejected = np.mean([min(f.adjusted_p_values.values()) < 0.05 for f in found])
    assert rejected <= 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5
