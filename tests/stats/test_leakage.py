import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score

from gates.stats.leakage import (
    PureValue,
    auc_interval,
    excess_p_value,
    find_pure_values,
    separate,
)
from gates.stats.undefined import UndefinedError


@given(st.data())
def test_excess_is_fishers_exact_test(data: st.DataObject) -> None:
    rows, others = (data.draw(st.integers(1, 300)) for _ in range(2))
    hits, chance = data.draw(st.integers(0, rows)), data.draw(st.integers(0, others))
    table = np.array([[hits, rows - hits], [chance, others - chance]])
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert excess_p_value(hits, rows, chance, others) == pytest.approx(expected, rel=1e-8)


def test_excess_of_many_rows() -> None:
    expected = stats.hypergeom.sf(11_199, 41_000, 22_300, 20_000)
    assert excess_p_value(11_200, 20_000, 11_100, 21_000) == pytest.approx(expected, rel=1e-6)


def test_nothing_twice_is_no_excess() -> None:
    assert excess_p_value(0, 40, 0, 40) == 1
    with pytest.raises(UndefinedError, match="found 0"):
        excess_p_value(0, 0, 0, 40)
    with pytest.raises(ValueError, match="41 of 40"):
        excess_p_value(41, 40, 0, 40)


def test_5_percent_copied_rows_are_found_above_chance_and_chance_is_not() -> None:
    rng = np.random.default_rng(1)
    twins = rng.binomial(2_000, 0.3, size=(300, 2))
    copied = rng.binomial(2_000, 0.3 + 0.7 * 0.05, size=300)
    false = [excess_p_value(int(a), 2_000, int(b), 2_000) <= 0.05 for a, b in twins]
    found = [
        excess_p_value(int(a), 2_000, int(b), 2_000) <= 0.05
        for a, b in zip(copied, twins[:, 1], strict=True)
    ]
    assert np.mean(false) <= 0.08
    assert np.mean(found) >= 0.65


def test_a_column_separates_either_way_round() -> None:
    rng = np.random.default_rng(2)
    labels = rng.random(400) < 0.2
    values = rng.normal(size=400) + 2 * labels
    up, down = separate(labels, values, 0.9), separate(labels, -values, 0.9)
    assert up.auc == pytest.approx(roc_auc_score(labels, values), abs=1e-12)
    assert (down.auc, down.interval.lower) == pytest.approx((up.auc, up.interval.lower))
    assert up.auc in up.interval


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("prevalence", [0.02, 0.1, 0.5])
def test_a_copy_of_the_label_is_caught_at_any_prevalence(noise: float, prevalence: float) -> None:
    rng = np.random.default_rng(3)
    labels = np.arange(20_000) < 20_000 * prevalence
    copy = np.where(rng.random(20_000) < noise, ~labels, labels).astype(float)
    assert separate(labels, copy, 0.9).interval.lower > 0.95


def test_a_perfect_column_of_few_rows_proves_little() -> None:
    assert auc_interval(1.0, 3, 3, 0.9).lower < 0.7
    assert auc_interval(1.0, 3, 3, 0.9).upper == 1
    assert auc_interval(0.0, 3, 3, 0.9).lower == 0


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_auc_intervals_hold_the_estimate_and_grow(auc: float, hits: int, misses: int) -> None:
    narrow, wide = (auc_interval(auc, hits, misses, level) for level in (0.8, 0.99))
    assert 0 <= wide.lower <= narrow.lower + 1e-9 <= auc + 2e-9
    assert auc - 2e-9 <= narrow.upper - 1e-9 <= wide.upper <= 1


def test_the_limits_solve_their_equation() -> None:
    interval = auc_interval(0.9, 20, 60, 0.95)
    for true in (interval.lower, interval.upper):
        factor = 1 + 39 * (1 - true) / (2 - true) + 39 * true / (1 + true)
        error = math.sqrt(true * (1 - true) * factor / (20 * 60))
        assert abs(0.9 - true) / error == pytest.approx(stats.norm.ppf(0.975), rel=1e-9)


def test_one_class_separates_nothing() -> None:
    with pytest.raises(UndefinedError, match="both classes"):
        separate(np.ones(4, dtype=np.bool_), np.arange(4.0), 0.9)
    with pytest.raises(UndefinedError, match="both classes"):
        auc_interval(1.0, 0, 4, 0.9)


def pure_values(labels: NDArray[np.bool_], codes: NDArray[np.intp]) -> tuple[PureValue, ...]:
    size = int(codes.max(initial=-1)) + 1
    hits, misses = (np.bincount(codes[part], minlength=size) for part in (labels, ~labels))
    return find_pure_values(hits, misses, 0.9, 0.05)


def test_a_status_set_after_the_event_is_pure() -> None:
    labels = np.repeat([True, False], [100, 900])
    codes = np.repeat([2, 0, 1], [95, 105, 800])
    [value] = pure_values(labels, codes)
    assert value == PureValue(2, 95, 95, value.lower)
    assert value.lower == pytest.approx(95 / (95 + 1.6448536**2))


@pytest.mark.parametrize(
    ("rows", "hits", "found"),
    [(29, 29, False), (30, 30, True), (30, 29, False), (200, 187, True), (200, 180, False)],
)
def test_purity_needs_rows_and_a_limit_above_it(rows: int, hits: int, found: bool) -> None:
    codes = np.repeat([0, 1], [rows, 2_000])
    labels = np.arange(rows + 2_000) < hits
    assert bool(pure_values(labels, codes)) is found


def test_the_rarer_class_may_be_the_negative_one() -> None:
    labels = np.repeat([False, True], [100, 900])
    codes = np.repeat([1, 0], [60, 940])
    assert [value.code for value in pure_values(labels, codes)] == [1]


def test_at_a_prevalence_of_one_half_pure_values_are_normal() -> None:
    labels = np.repeat([True, False], 500)
    assert pure_values(labels, labels.astype(np.intp)) == ()


def test_no_rows_no_pure_value() -> None:
    empty = np.zeros(0, dtype=np.bool_)
    assert pure_values(empty, empty.astype(np.intp)) == ()
