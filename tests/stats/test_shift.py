import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from gates.stats.shift import (
    cramers_v,
    kolmogorov_shift,
    population_stability_index,
    total_variation_shift,
)
from gates.stats.undefined import UndefinedError

Reference = Callable[[str], dict[str, Any]]
Counts = NDArray[np.int64]

SAMPLES = st.lists(st.integers(-4, 4), min_size=1, max_size=40).map(
    lambda values: np.array(values, dtype=np.float64)
)
COUNTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=12).map(
    lambda pairs: np.array([(1, 1), *pairs]).T
)


def _largest_gap(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    points = np.concatenate([old, new])
    return max(abs(float((old <= x).mean() - (new <= x).mean())) for x in points)


@given(SAMPLES, SAMPLES)
def test_kolmogorov_distance_by_definition(
    old: NDArray[np.float64], new: NDArray[np.float64]
) -> None:
    shift = kolmogorov_shift(old, new, 0.05, 0.05)
    assert shift.distance == pytest.approx(_largest_gap(old, new))
    assert kolmogorov_shift(new, old, 0.05, 0.05) == shift
    assert kolmogorov_shift(old[::-1], new, 0.05, 0.05) == shift


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 400), st.integers(0, 2**32))
def test_kolmogorov_distance_of_samples_with_many_stretches(
    rows: int, others: int, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    old, new = (rng.integers(0, levels, size).astype(np.float64) for size in (rows, others))
    assert kolmogorov_shift(old, new, 0.05, 0.05).distance == pytest.approx(_largest_gap(old, new))


def test_kolmogorov_limit_by_hand() -> None:
    # D = 1 with 50 rows each: 1 − 1.2239 · sqrt(2/50)
    shift = kolmogorov_shift(np.zeros(50), np.ones(50), 0.05, 0.05)
    assert shift.distance == 1
    assert shift.lower == pytest.approx(1 - 1.2238734 * 0.2)


@given(SAMPLES, SAMPLES, st.floats(0, 0.4), st.floats(0.001, 0.4))
def test_kolmogorov_limit_and_p_value_agree(
    old: NDArray[np.float64], new: NDArray[np.float64], tolerance: float, alpha: float
) -> None:
    shift = kolmogorov_shift(old, new, tolerance, alpha)
    if abs(shift.p_value - alpha) > 1e-9 and shift.lower > 0:
        assert (shift.lower > tolerance) == (shift.p_value < alpha)


@pytest.mark.parametrize("values", [[], [0.0, math.nan]])
def test_a_distance_of_nothing_is_undefined(values: list[float]) -> None:
    with pytest.raises(UndefinedError, match=r"NaN|both samples"):
        kolmogorov_shift(np.array(values), np.zeros(4), 0.05, 0.05)


def test_numbers_false_alarms_and_detection() -> None:
    rng = np.random.default_rng(1)
    alarms = {
        shift: np.mean(
            [
                kolmogorov_shift(
                    rng.normal(size=1_000), rng.normal(shift, size=1_000), 0.05, 0.05
                ).lower
                > 0.05
                for _ in range(200)
            ]
        )
        for shift in (0.0, 0.12, 0.5)
    }
    assert alarms[0.0] == 0
    assert alarms[0.12] <= 0.05  # D is 0.048, just tolerable
    assert alarms[0.5] == 1


def test_19_columns_of_52_000_rows_take_a_blink() -> None:
    rng = np.random.default_rng(2)
    old, new = rng.normal(size=52_000), rng.normal(size=52_000)
    start = time.process_time()
    for _ in range(19):
        kolmogorov_shift(old, new, 0.05, 0.05)
    assert time.process_time() - start < 1  # 0.15 s on a quiet machine


@given(COUNTS)
def test_total_variation_by_definition(counts: Counts) -> None:
    old, new = counts
    shift = total_variation_shift(old, new, 0.05, 0.05)
    assert shift.distance == pytest.approx(
        np.abs(old / old.sum() - new / new.sum()).sum() / 2, abs=1e-12
    )
    assert 0 <= shift.lower <= shift.distance
    assert 0 <= shift.p_value <= 1
    lower = shift.lower
    assert total_variation_shift(old[::-1], new[::-1], 0.05, 0.05).lower == pytest.approx(lower)
    # A level that occurs in neither sample changes nothing.
    old, new = np.append(old, 0), np.append(new, 0)
    assert total_variation_shift(old, new, 0.05, 0.05).lower == pytest.approx(lower)


@given(COUNTS, st.floats(0, 0.4), st.floats(0.001, 0.4))
def test_total_variation_limit_and_p_value_agree(
    counts: Counts, tolerance: float, alpha: float
) -> None:
    old, new = counts
    shift = total_variation_shift(old, new, tolerance, alpha)
    if abs(shift.p_value - alpha) > 1e-9 and shift.lower > 0:
        assert (shift.lower > tolerance) == (shift.p_value < alpha)


def test_kolmogorov_distance_of_many_rows_is_scipys() -> None:
    rng = np.random.default_rng(9)
    old, new = rng.normal(size=700), np.round(rng.normal(size=900), 1)
    expected = stats.ks_2samp(old, new).statistic
    assert kolmogorov_shift(old, new, 0.05, 0.05).distance == pytest.approx(expected, abs=1e-12)


def test_one_level_never_moves() -> None:
    shift = total_variation_shift(np.array([40]), np.array([900]), 0.05, 0.05)
    assert (shift.distance, shift.lower) == (0, 0)
    assert shift.p_value > 0.5


def test_disjoint_levels_are_as_far_apart_as_can_be() -> None:
    shift = total_variation_shift(np.array([500, 0]), np.array([0, 500]), 0.1, 0.05)
    assert shift.distance == 1
    assert shift.lower > 0.9
    assert shift.p_value < 1e-9


def test_an_empty_sample_has_no_distance() -> None:
    with pytest.raises(UndefinedError, match="found 0 and 3"):
        total_variation_shift(np.array([0, 0]), np.array([1, 2]), 0.05, 0.05)


def _move(shares: NDArray[np.float64], distance: float) -> NDArray[np.float64]:
    """Moves `distance` from every other level to the rest, in proportion."""
    giving = np.arange(len(shares)) % 2 == 0
    moved = shares.copy()
    moved[giving] *= 1 - distance / shares[giving].sum()
    moved[~giving] *= 1 + distance / shares[~giving].sum()
    return moved


@pytest.mark.parametrize("levels", [2, 5, 20, 60])
@pytest.mark.parametrize(
    ("rows", "others"), [(50, 50), (50, 2_000), (1_000, 1_000), (10**5, 10**5)]
)
@pytest.mark.parametrize("tolerance", [0.0, 0.05])
def test_categories_alarm_no_more_often_than_they_may(
    levels: int, rows: int, others: int, tolerance: float
) -> None:
    rng = np.random.default_rng([levels, rows, others])
    shares = 1 / np.arange(1, levels + 1)
    shares /= shares.sum()
    old = rng.multinomial(rows, shares, size=150)
    new = rng.multinomial(others, _move(shares, tolerance), size=150)
    alarms = [
        total_variation_shift(before, after, tolerance, 0.05).lower > tolerance
        for before, after in zip(old, new, strict=True)
    ]
    assert np.mean(alarms) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


def test_categories_that_moved_are_found() -> None:
    rng = np.random.default_rng(3)
    shares = np.full(10, 0.1)
    found = [
        total_variation_shift(
            rng.multinomial(2_000, shares), rng.multinomial(2_000, _move(shares, 0.15)), 0.05, 0.05
        ).lower
        > 0.05
        for _ in range(100)
    ]
    assert np.mean(found) >= 0.9


def test_cramers_v_against_deepchecks(reference: Reference) -> None:
    case = reference("cramers.deepchecks")
    assert cramers_v(np.array(case["input"])) == pytest.approx(
        case["expected"], abs=case["tolerance"]
    )


def test_cramers_v_is_bergsmas() -> None:
    table = np.array([[20, 30, 5], [40, 10, 25]])
    n, chi_square = 130, stats.chi2_contingency(table, correction=False).statistic
    squared = chi_square / n - 2 / (n - 1)
    least = min(2 - 1 / (n - 1), 3 - 4 / (n - 1)) - 1
    assert cramers_v(table) == pytest.approx(math.sqrt(squared / least))
    assert cramers_v(np.hstack([table, np.zeros((2, 1), dtype=int)])) == cramers_v(table)


@pytest.mark.parametrize("table", [[[1, 1]], [[3, 0], [5, 0]], [[0, 0], [0, 0]]])
def test_one_level_has_no_association(table: list[list[int]]) -> None:
    with pytest.raises(UndefinedError, match="2 levels"):
        cramers_v(np.array(table))


def test_no_association_is_0() -> None:
    assert cramers_v(np.full((3, 3), 10)) == 0
    assert cramers_v(np.array([[1, 0], [0, 1]])) == 0  # two rows prove nothing


def test_psi_by_hand_and_of_nothing() -> None:
    old, new = np.array([40, 60]), np.array([60, 40])
    share = 40.5 / 101
    assert population_stability_index(old, new) == pytest.approx(
        2 * (1 - 2 * share) * math.log((1 - share) / share)
    )
    assert population_stability_index(old, old) == 0
    assert math.isfinite(population_stability_index(np.array([9, 0]), np.array([0, 9])))
    with pytest.raises(UndefinedError, match="found 0 and 2"):
        population_stability_index(np.zeros(2, dtype=int), np.ones(2, dtype=int))


def test_psi_without_any_shift(reference: Reference) -> None:
    case = reference("psi.null_expectation")
    rng, bins = np.random.default_rng(4), case["input"]["B"]
    shares = np.full(bins, 1 / bins)
    mean = np.mean(
        [
            population_stability_index(*rng.multinomial(case["input"]["n"], shares, size=2))
            for _ in range(500)
        ]
    )
    assert mean == pytest.approx(case["expected"], abs=case["tolerance"])


def test_rows_that_hang_together_count_as_fewer() -> None:
    """Twenty rows of each of fifty persons say as much as fifty rows, at the same distance."""
    old, new = np.array([700, 300]), np.array([500, 500])
    together = total_variation_shift(old, new, 0.05, 0.05, (0.05, 0.05))
    assert together.distance == pytest.approx(0.2)
    fewer = total_variation_shift(np.array([35, 15]), np.array([25, 25]), 0.05, 0.05)
    assert (together.lower, together.p_value) == pytest.approx((fewer.lower, fewer.p_value))
    numbers = np.arange(1000.0), np.arange(1000.0) + 200
    found = kolmogorov_shift(*numbers, 0.05, 0.05, (0.05, 0.05))
    assert found.distance == pytest.approx(0.2)
    assert found.p_value == pytest.approx(math.exp(-2 * 0.15**2 / (2 / 50)))
