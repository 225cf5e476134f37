import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gates.stats.auc import auc_pseudo_values, delong, roc_auc
from gates.stats.binned_auc import (
    BinnedScores,
    ClassSums,
    Ranking,
    bin_scores,
    binned_difference,
    rank_bins,
)
from gates.stats.undefined import UndefinedError

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


def rank(labels: Labels, scores: Floats, bins: int) -> Ranking:
    at = bin_scores(scores, bins)
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    np.minimum.at(low, at, scores)
    np.maximum.at(high, at, scores)
    counts = [np.bincount(at[labels == label], minlength=bins) for label in (True, False)]
    return rank_bins(BinnedScores(counts[0], counts[1], low < high))


def difference(labels: Labels, old: Floats, new: Floats, bins: int) -> tuple[float, float, float]:
    before, after = rank(labels, old, bins), rank(labels, new, bins)
    at = labels.astype(int)
    moved = after.values[at, bin_scores(new, bins)] - before.values[at, bin_scores(old, bins)]
    sums = [
        ClassSums(int(part.size), float(part.sum()), float(part @ part))
        for part in (moved[~labels], moved[labels])
    ]
    found = binned_difference(before, after, *sums)
    return found.estimate.value, found.estimate.standard_error, found.bound


def test_four_rows_by_hand() -> None:
    # Bins of a quarter: 0.4 of either class share one, so the pair counts one half and may be
    # anything; (2 + 1.5) / 4 and at most an eighth off.
    labels = np.array([True, True, False, False])
    found = rank(labels, np.array([0.8, 0.4, 0.3, 0.1]), 4)
    assert (found.auc, found.bound) == (3.5 / 4, 1 / 8)
    tied = rank(labels, np.array([0.8, 0.4, 0.4, 0.1]), 4)
    assert (tied.auc, tied.bound) == (3.5 / 4, 0)  # one value in the bin: truly tied


def test_the_ends_of_the_range_have_a_bin() -> None:
    assert bin_scores(np.array([0.0, 0.5, 1.0]), 4).tolist() == [0, 2, 3]


@st.composite
def scored(draw: st.DrawFn) -> tuple[Labels, Floats, Floats]:
    size = draw(st.integers(4, 80))
    labels = [True, True, False, False, *draw(st.lists(st.booleans(), max_size=76))]
    labels = (labels * size)[:size]
    scores = st.lists(st.floats(0, 1, width=16), min_size=size, max_size=size)
    return np.array(labels), np.array(draw(scores)), np.array(draw(scores))


@given(scored(), st.sampled_from([1, 4, 64]))
def test_the_exact_area_and_error_lie_within_the_bound(
    rows: tuple[Labels, Floats, Floats], bins: int
) -> None:
    labels, old, new = rows
    found = rank(labels, old, bins)
    assert abs(found.auc - roc_auc(labels, old)) <= found.bound + 1e-12
    exact = delong(labels, auc_pseudo_values(labels, new) - auc_pseudo_values(labels, old))
    value, error, bound = difference(labels, old, new, bins)
    assert abs(value - exact.value) <= bound + 1e-12
    assert error >= exact.standard_error - 1e-9


@given(scored())
def test_discrete_scores_are_exact(rows: tuple[Labels, Floats, Floats]) -> None:
    labels, old, new = rows[0], rows[1].round(1), rows[2].round(1)
    exact = delong(labels, auc_pseudo_values(labels, new) - auc_pseudo_values(labels, old))
    value, error, bound = difference(labels, old, new, 65_536)
    assert bound == 0
    assert value == pytest.approx(exact.value, abs=1e-12)
    assert error == pytest.approx(exact.standard_error, abs=1e-7)


def test_a_large_table_is_within_two_in_100_000() -> None:
    random = np.random.default_rng(0)
    labels = random.random(50_000) < 0.3
    signal = random.normal(size=50_000) + labels
    old, new = (1 / (1 + np.exp(-signal - random.normal(0, 0.3, 50_000))) for _ in range(2))
    value, error, bound = difference(labels, old, new, 65_536)
    exact = delong(labels, auc_pseudo_values(labels, new) - auc_pseudo_values(labels, old))
    assert bound <= 2e-5
    assert abs(value - exact.value) <= 1e-6
    assert exact.standard_error <= error <= exact.standard_error * 1.05
    assert math.isfinite(error)


@pytest.mark.parametrize("labels", [[True] * 4, [False] * 4])
def test_one_class_has_no_ranking(labels: list[bool]) -> None:
    with pytest.raises(UndefinedError, match="both classes"):
        rank(np.array(labels), np.linspace(0, 1, 4), 8)


def test_a_single_positive_has_no_variance() -> None:
    one = rank(np.array([True, False, False]), np.array([0.9, 0.1, 0.2]), 8)
    with pytest.raises(UndefinedError, match="1 positives and 2 negatives"):
        binned_difference(one, one, ClassSums(2, 0, 0), ClassSums(1, 0, 0))
