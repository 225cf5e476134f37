import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from gates.stats.paired import paired_mean
from gates.stats.regression import KINDS, Kind, regression_change, regression_value
from gates.stats.undefined import UndefinedError

Values = NDArray[np.float64]
ORACLES = {
    "mean_absolute_error": metrics.mean_absolute_error,
    "mean_squared_error": metrics.mean_squared_error,
    "root_mean_squared_error": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
    "mean_error": lambda y, p, sample_weight: np.average(p - y, weights=sample_weight),
}
SQUARES: tuple[Kind, ...] = ("mean_squared_error", "root_mean_squared_error", "r2")


def _rows(size: int, seed: int) -> tuple[Values, Values, Values, Values]:
    rng = np.random.default_rng(seed)
    labels, shared = rng.normal(size=size) * 3, rng.normal(size=size)
    old, new = (labels + shared + 0.4 * rng.normal(size=size) for _ in range(2))
    return labels, old, new + 0.1, rng.uniform(0.5, 2, size=size)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weigh", [False, True])
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_values_are_scikit_learns_and_contributions_add_up(
    kind: Kind, weigh: bool, seed: int
) -> None:
    labels, old, new, weights = _rows(120, seed)
    given_weights = weights if weigh else None
    before, after = (
        ORACLES[kind](labels, side, sample_weight=given_weights) for side in (old, new)
    )
    value = regression_value(kind, labels, new, confidence=0.95, weights=given_weights)
    assert value.value == pytest.approx(after, abs=1e-12)
    assert value.values.mean() == pytest.approx(after, abs=1e-12)
    assert value.value in value.interval
    change = regression_change(kind, labels, old, new, confidence=0.95, weights=given_weights)
    mirror = regression_change(kind, labels, new, old, confidence=0.95, weights=given_weights)
    assert (change.baseline, change.candidate) == pytest.approx((before, after), abs=1e-12)
    assert change.contributions.mean() == pytest.approx(after - before, abs=1e-12)
    assert change.contributions == pytest.approx(-mirror.contributions, abs=1e-12)
    assert change.interval.lower == pytest.approx(-mirror.interval.upper, abs=1e-12)
    assert after - before in change.interval


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_counts_as_so_many_rows(kind: Kind) -> None:
    labels, old, new, _ = _rows(100, 1)
    times = np.arange(100) % 3 + 1
    weights = times.astype(np.float64)
    change = regression_change(kind, labels, old, new, confidence=0.95, weights=weights)
    again = regression_change(
        kind, *(np.repeat(side, times) for side in (labels, old, new)), confidence=0.95
    )
    assert change.candidate == pytest.approx(again.candidate, abs=1e-12)
    assert change.baseline == pytest.approx(again.baseline, abs=1e-12)


def test_means_have_students_interval() -> None:
    labels, old, new, _ = _rows(80, 2)
    losses = np.abs(new - labels) - np.abs(old - labels)
    change = regression_change("mean_absolute_error", labels, old, new, confidence=0.9)
    expected = paired_mean(losses).interval(0.9)
    assert (change.interval.lower, change.interval.upper) == pytest.approx(
        (expected.lower, expected.upper), abs=1e-12
    )


def test_rmse_against_the_delta_method_by_hand() -> None:
    labels, old, new, _ = _rows(80, 3)
    before, after = (old - labels) ** 2, (new - labels) ** 2
    influence = after / (2 * after.mean() ** 0.5) - before / (2 * before.mean() ** 0.5)
    error = influence.std(ddof=1) / 80**0.5
    change = regression_change("root_mean_squared_error", labels, old, new, confidence=0.95)
    assert change.interval.width / 2 == pytest.approx(1.99045 * error, rel=1e-5)  # t(79)


def test_rows_that_do_not_change_add_nothing() -> None:
    labels, old, _, _ = _rows(80, 4)
    new = old.copy()
    new[7] = labels[7]
    for kind in KINDS:
        change = regression_change(kind, labels, old, new, confidence=0.95)
        assert np.flatnonzero(change.contributions).tolist() == [7]


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_a_large_offset_does_not_cancel(offset: float) -> None:
    labels = np.round(np.arange(60.0) % 7 * 0.25, 2) + offset
    predictions = labels + np.where(np.arange(60) % 2, 0.5, -0.5)
    value = regression_value("r2", labels, predictions, confidence=0.95)
    spread = (np.arange(60) % 7 * 0.25).var()
    assert value.value == pytest.approx(1 - 0.25 / spread, abs=1e-9)


def test_perfect_predictions() -> None:
    labels, old, _, _ = _rows(60, 5)
    for kind, best in (("root_mean_squared_error", 0.0), ("r2", 1.0), ("mean_squared_error", 0.0)):
        assert kind in SQUARES
        value = regression_value(kind, labels, labels, confidence=0.95)
        assert (value.value, value.interval.width) == (best, 0)
        change = regression_change(kind, labels, old, labels, confidence=0.95)
        assert change.contributions.mean() == pytest.approx(
            change.candidate - change.baseline, abs=1e-12
        )
        same = regression_change(kind, labels, labels, labels, confidence=0.95)
        assert (same.baseline, same.candidate, same.interval.width) == (best, best, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [0, 1, 2, 29])
def test_few_rows(kind: Kind, rows: int) -> None:
    labels, old, new, _ = _rows(rows, 6)
    with pytest.raises(UndefinedError, match=f"no rows|{rows} rows; {kind} is judged from"):
        regression_change(kind, labels, old, new, confidence=0.95)
    with pytest.raises(UndefinedError, match=f"no rows|{rows} rows; {kind} is judged from"):
        regression_value(kind, labels, new, confidence=0.95)


def test_rows_without_weight_do_not_count() -> None:
    labels, old, new, _ = _rows(60, 7)
    weights = (np.arange(60) < 49).astype(np.float64)
    with pytest.raises(UndefinedError, match="49 rows of equal weight; r2 is judged from 50"):
        regression_change("r2", labels, old, new, confidence=0.95, weights=weights)


def test_constant_labels_have_no_r2() -> None:
    labels = np.full(60, 0.1)
    with pytest.raises(UndefinedError, match=r"every label is 0\.1; R² needs labels that differ"):
        regression_value("r2", labels, _rows(60, 8)[1], confidence=0.95)


@pytest.mark.parametrize("kind", SQUARES)
def test_heavy_tails_are_refused(kind: Kind) -> None:
    labels, old, new, _ = _rows(1_000, 9)
    new[0] += 100
    message = re.escape("judged up to 10.0 on so many rows); prefer mean_absolute_error")
    with pytest.raises(UndefinedError, match=message):
        regression_change(kind, labels, old, new, confidence=0.95)
    with pytest.raises(UndefinedError, match=message):
        regression_value(kind, labels, new, confidence=0.95)
    regression_change("mean_absolute_error", labels, old, new, confidence=0.95)


def test_heavy_tails_of_few_rows_are_refused_earlier() -> None:
    labels, old, new, _ = _rows(60, 10)
    new[0] = labels[0] + 5.4
    with pytest.raises(UndefinedError, match=r"judged up to 6\.0"):
        regression_change("r2", labels, old, new, confidence=0.95)
    regression_change("r2", *(np.tile(side, 20) for side in (labels, old, new)), confidence=0.95)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e80])
def test_what_is_no_number(bad: float) -> None:
    labels, old, new, _ = _rows(60, 11)
    new[3] = bad
    for kind in KINDS:
        with pytest.raises(UndefinedError, match="a prediction is not a finite number"):
            regression_change(kind, labels, old, new, confidence=0.95)
        with pytest.raises(UndefinedError, match="a label is not a finite number"):
            regression_value(kind, new, old, confidence=0.95)


@pytest.mark.parametrize("kind", SQUARES)
def test_intervals_cover_normal_errors(kind: Kind) -> None:
    rng = np.random.default_rng(12)
    truths = {"mean_squared_error": 1.16, "root_mean_squared_error": 1.16**0.5, "r2": 1 - 1.16 / 9}
    of_change, of_value = [], []
    for _ in range(500):
        labels, shared = rng.normal(size=100) * 3, rng.normal(size=100)
        old, new = (labels + shared + 0.4 * rng.normal(size=100) for _ in range(2))
        of_change.append(0 in regression_change(kind, labels, old, new, confidence=0.95).interval)
        of_value.append(
            truths[kind] in regression_value(kind, labels, new, confidence=0.95).interval
        )
    assert np.mean(of_change) >= 0.925
    assert np.mean(of_value) >= 0.92


@pytest.mark.parametrize("kind", KINDS)
def test_no_numbers_bring_forth_nan(kind: Kind) -> None:
    rng = np.random.default_rng(13)
    for size in [*range(50, 90, 2)] * 3:
        labels, old, new = (rng.choice([0, 1, 5, 1e60, 1e-60, 1e-200], size) for _ in range(3))
        weights = rng.choice([0.0, 1.0, 2.0], size)
        try:
            change = regression_change(kind, labels, old, new, confidence=0.95, weights=weights)
            values = regression_value(kind, labels, new, confidence=0.95, weights=weights).values
        except UndefinedError:
            continue
        assert np.isfinite([*change.contributions, *values, change.interval.width]).all()
