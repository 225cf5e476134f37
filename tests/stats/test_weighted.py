"""Weighted means and shares against statsmodels, by hand, and against their unweighted selves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gates.stats.paired import clustered_mean, paired_mean, tango
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import (
    clustered_change,
    effective_rows,
    mean_change,
    mean_value,
    proportion_change,
    proportion_value,
    require_weights,
    weighted_mean,
    weighted_ratio,
    weighted_tango,
    weighted_wilson,
)

Values = NDArray[np.float64]
X = np.array([0.0, 0.3, -0.27, -0.89, -0.45, -0.99, 0.06, 1.34, -0.49, -0.62, 0.49, 0.36])
W = np.array([1.0, 1.2, 2.0, 0.3, 3.2, 0.8, 0.4, 1.0, 0.2, 0.2, 1.3, 0.9])
ABOVE = np.array([1.28, 1.13, 1.02, 1.01, 0.5, 0.52, 0.97, 0.89, 0.87, 0.87, 0.37, 1.75])
BELOW = np.array([2.8, 2.3, 2.0, 2.0, 1.5, 1.0, 1.4, 2.4, 1.4, 1.7, 1.0, 2.7])


@st.composite
def weighted_rows(draw: st.DrawFn) -> tuple[Values, Values, Values]:
    """Two models' losses, and weights of which two are above 0."""
    size = draw(st.integers(2, 30))
    numbers = st.lists(st.integers(-4, 4), min_size=size, max_size=size)
    weights = [1, 2, *draw(st.lists(st.integers(0, 5), min_size=size - 2, max_size=size - 2))]
    return tuple(np.array(x, dtype=np.float64) for x in (draw(numbers), draw(numbers), weights))  # type: ignore[return-value]


def test_effective_rows_by_hand() -> None:
    assert effective_rows(np.array([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
    assert effective_rows(np.full(7, 0.3)) == pytest.approx(7, abs=1e-12)
    assert effective_rows(np.array([5.0, 0.0, 0.0])) == 1


def test_a_weighted_mean_is_statsmodels() -> None:
    # WLS on a constant, weights W, cov_type="HC0" (statsmodels 0.15.0); ours is stretched.
    estimate, rows = weighted_mean(X, W), W.sum() ** 2 / (W @ W)
    assert estimate.value == pytest.approx(-0.04607999999999999, abs=1e-12)
    expected = 0.18318907271096713 * math.sqrt(rows / (rows - 1))
    assert estimate.standard_error == pytest.approx(expected, rel=1e-10)
    assert estimate.degrees == pytest.approx(rows - 1)


def test_a_weighted_ratio_is_statsmodels() -> None:
    # WLS of ABOVE / BELOW on a constant, weights W · BELOW, cov_type="HC0" (statsmodels 0.15.0).
    estimate, rows = weighted_ratio(ABOVE, BELOW, W), W.sum() ** 2 / (W @ W)
    assert estimate.value == pytest.approx(0.4628088426527959, abs=1e-12)
    expected = 0.036678545408196664 * math.sqrt(rows / (rows - 1))
    assert estimate.standard_error == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    "weights", [None, np.full(12, 0.3), np.full(12, 1e-300), np.full(12, 1e300)]
)
def test_equal_weights_change_nothing(weights: Values | None) -> None:
    plain, estimate = paired_mean(X), weighted_mean(X, weights)
    assert estimate.value == pytest.approx(plain.value, abs=1e-12)
    assert estimate.standard_error == pytest.approx(plain.standard_error, rel=1e-12)
    gains, losses = X > 0.4, X < -0.5
    ours, tangos = weighted_tango(gains, losses, weights, 0.95), tango(2, 3, 12, 0.95)
    assert (ours.lower, ours.upper) == pytest.approx((tangos.lower, tangos.upper), abs=1e-12)
    share, wilsons = weighted_wilson(gains, weights, 0.95), wilson(2, 12, 0.95)
    assert (share.lower, share.upper) == pytest.approx((wilsons.lower, wilsons.upper), abs=1e-12)


@given(weighted_rows())
def test_a_weight_counts_as_so_many_rows(rows: tuple[Values, Values, Values]) -> None:
    old, new, weights = rows
    again = np.repeat(new - old, weights.astype(int))
    change = mean_change(old, new, confidence=0.95, weights=weights)
    assert change.candidate - change.baseline == pytest.approx(again.mean(), abs=1e-12)
    assert change.rows == np.count_nonzero(weights)


@given(weighted_rows())
def test_contributions_have_the_change_as_mean_and_flip(
    rows: tuple[Values, Values, Values],
) -> None:
    old, new, weights = rows
    change = mean_change(old, new, confidence=0.95, weights=weights)
    mirror = mean_change(new, old, confidence=0.95, weights=weights)
    assert change.contributions.mean() == pytest.approx(
        change.candidate - change.baseline, abs=1e-12
    )
    assert change.contributions == pytest.approx(-mirror.contributions, abs=1e-12)
    assert change.interval.lower == pytest.approx(-mirror.interval.upper, abs=1e-12)
    value = mean_value(new, confidence=0.95, weights=weights)
    assert value.values.mean() == pytest.approx(value.value, abs=1e-12)
    assert value.value in value.interval


@given(weighted_rows())
def test_shares_hold_their_value_and_flip(rows: tuple[Values, Values, Values]) -> None:
    old, new, weights = rows[0] > 0, rows[1] > 0, rows[2]
    everything = np.ones(len(old), dtype=np.bool_)
    change = proportion_change(old, new, everything, confidence=0.95, weights=weights)
    mirror = proportion_change(new, old, everything, confidence=0.95, weights=weights)
    delta = change.candidate - change.baseline
    assert change.contributions.mean() == pytest.approx(delta, abs=1e-12)
    assert change.interval.lower - 1e-9 <= delta <= change.interval.upper + 1e-9
    assert change.interval.lower == pytest.approx(-mirror.interval.upper, abs=1e-9)
    value = proportion_value(new, everything, confidence=0.95, weights=weights)
    assert value.values.mean() == pytest.approx(value.value, abs=1e-12)
    assert 0 <= value.interval.lower <= value.value + 1e-12
    assert value.value - 1e-12 <= value.interval.upper <= 1


def test_rows_without_weight_count_nothing() -> None:
    hits = np.array([True, False, True, True, False])
    weights = np.array([1.0, 2.0, 1.0, 0.0, 0.0])
    everything = np.ones(5, dtype=np.bool_)
    value = proportion_value(hits, everything, confidence=0.9, weights=weights)
    fewer = proportion_value(hits[:3], everything[:3], confidence=0.9, weights=weights[:3])
    assert (value.value, value.interval) == (0.5, fewer.interval)
    assert value.values[3:].tolist() == [0.5, 0.5]


def test_only_counted_rows_count() -> None:
    old = np.array([True, False, True, False])
    new = np.array([True, True, False, True])
    counted = np.array([True, True, False, False])
    change = proportion_change(old, new, counted, confidence=0.9, weights=np.array([1.0, 3, 9, 9]))
    assert (change.baseline, change.candidate, change.rows) == (0.25, 1.0, 2)
    assert change.contributions.tolist() == [0, 3, 0, 0]


def test_unequal_weights_widen() -> None:
    gains, losses = np.arange(200) % 20 == 0, np.arange(200) % 20 == 1
    weights = np.where(np.arange(200) % 3 == 0, 5.0, 1.0)
    plain, ours = tango(10, 10, 200, 0.95), weighted_tango(gains, losses, weights, 0.95)
    assert 1.1 * plain.width < ours.width < 2 * plain.width


def test_no_discordant_row_leaves_an_interval() -> None:
    nothing = np.zeros(50, dtype=np.bool_)
    interval = weighted_tango(nothing, nothing, np.arange(1.0, 51), 0.95)
    assert interval.lower == pytest.approx(-interval.upper)
    assert 0.071 < interval.upper < 0.12  # tango's 50 equal rows have 3.84 / 53.84 = 0.071


@pytest.mark.parametrize(
    ("up", "down"), [(slice(0, 50), slice(50, 50)), (slice(0, 20), slice(20, 50))]
)
def test_every_row_discordant(up: slice, down: slice) -> None:
    gains, losses = np.zeros((2, 50), dtype=np.bool_)
    gains[up] = losses[down] = True
    interval = weighted_tango(gains, losses, np.arange(1.0, 51), 0.95)
    assert -1 <= interval.lower < interval.upper <= 1


def test_the_weighted_share_covers_where_heavy_rows_change_more() -> None:
    # Kish's effective rows alone cover .87 here.
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(600):
        weights = np.where(rng.random(400) < 0.05, 20.0, 1.0)
        chance = np.where(weights > 1, 0.24, 0.06)
        draw = rng.random(400)
        interval = weighted_tango(draw < chance / 2, draw > 1 - chance / 2, weights, 0.95)
        covered.append(0 in interval)
    assert np.mean(covered) >= 0.93


def test_groups_are_centred_by_their_weight() -> None:
    rng = np.random.default_rng(3)
    values, groups = rng.normal(size=60), np.repeat(np.arange(20), 3)
    plain = clustered_mean(values, groups)
    ours = clustered_change(values, groups)
    assert (ours.value, ours.standard_error, ours.degrees) == pytest.approx(
        (plain.value, plain.standard_error, plain.degrees), abs=1e-12
    )
    weights = rng.exponential(size=60)
    shifted = weights / weights.mean() * 3.0  # the same difference in every row
    assert clustered_change(shifted, groups, weights).standard_error == pytest.approx(0, abs=1e-12)
    with pytest.raises(UndefinedError, match="2 groups"):
        clustered_change(values, np.zeros(60, dtype=np.intp))
    with pytest.raises(UndefinedError, match="finite"):
        clustered_change(np.array([0.0, math.inf]), np.array([0, 1]))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, -1.0], "negative: -1.0"),
        ([0.0, 0.0], "all 2 weights are 0"),
        ([1.0, math.nan], "not a finite"),
        ([1.0, math.inf], "not a finite"),
        ([], "no rows"),
    ],
)
def test_what_is_no_weight(weights: list[float], message: str) -> None:
    with pytest.raises(UndefinedError, match=message):
        require_weights(np.array(weights), len(weights))


def test_another_number_of_weights() -> None:
    with pytest.raises(ValueError, match="1 weights for 2 rows"):
        require_weights(np.ones(1), 2)


@pytest.mark.parametrize(
    ("values", "weights", "message"),
    [
        ([], [], "no rows"),
        ([1.0], [1.0], "2 rows with weight, found 1"),
        ([1.0, 2.0], [1.0, 0.0], "2 rows with weight, found 1"),
        ([1.0, 2.0], [1.0, 1e-20], "2 rows with weight, found 1"),
        ([1.0, 2.0], [1.0, 1e-12], "one row holds all the weight"),
        ([1.0, math.nan], [1.0, 1.0], "finite"),
    ],
)
def test_too_little_for_a_mean(values: list[float], weights: list[float], message: str) -> None:
    with pytest.raises(UndefinedError, match=message):
        weighted_mean(np.array(values), np.array(weights))


def test_no_denominator() -> None:
    with pytest.raises(UndefinedError, match="denominator is 0"):
        weighted_ratio(np.ones(3), np.array([1.0, -1.0, 0.0]))
    nothing = np.zeros(3, dtype=np.bool_)
    with pytest.raises(UndefinedError, match="counts no row"):
        proportion_value(nothing, nothing, confidence=0.95)
