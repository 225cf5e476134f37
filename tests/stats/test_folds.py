import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gates.stats.estimate import Estimate
from gates.stats.folds import (
    FoldSpread,
    chi_square_quantile,
    chi_square_tail,
    compare_with_folds,
    mean_over_folds,
    measure_fold_spread,
    p_no_further,
)
from gates.stats.undefined import UndefinedError

FOLDS = [0.90, 0.92, 0.91, 0.93, 0.89]  # mean .91, variance .00025


@given(st.floats(0.001, 300), st.integers(1, 99))
def test_the_tail_is_that_of_scipy(value: float, degrees: int) -> None:
    assert chi_square_tail(value, degrees) == pytest.approx(
        stats.chi2.sf(value, degrees), abs=1e-12
    )


@given(st.floats(0.001, 0.999), st.integers(1, 99))
def test_the_quantile_is_that_of_scipy(probability: float, degrees: int) -> None:
    expected = stats.chi2.ppf(probability, degrees)
    assert chi_square_quantile(probability, degrees) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_corrected_error_by_hand() -> None:
    """Five folds: s² (1/5 + 1/4) = .00025 × .45, not s²/5."""
    found = mean_over_folds(FOLDS)
    assert found.value == pytest.approx(0.91)
    assert found.standard_error == pytest.approx(math.sqrt(0.00025 * 0.45))
    assert found.degrees == 4
    reach = stats.t.ppf(0.975, 4) * math.sqrt(0.00025 * 0.45)
    assert found.interval(0.95).upper == pytest.approx(0.91 + reach)


@pytest.mark.parametrize("values", [[], [0.9]])
def test_one_fold_says_nothing(values: list[float]) -> None:
    with pytest.raises(UndefinedError, match="a spread needs 2"):
        mean_over_folds(values)


def test_the_interval_of_a_deviation_is_the_textbooks() -> None:
    spread = measure_fold_spread(FOLDS)
    assert spread.deviation == pytest.approx(math.sqrt(0.00025))
    found = spread.interval(0.95)
    assert found.lower == pytest.approx(math.sqrt(4 * 0.00025 / stats.chi2.ppf(0.975, 4)), rel=1e-5)
    assert found.upper == pytest.approx(math.sqrt(4 * 0.00025 / stats.chi2.ppf(0.025, 4)), rel=1e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draws = np.random.default_rng(1).normal(0.9, 0.02, (400, 5))
    inside = sum(0.02 in measure_fold_spread(row.tolist()).interval(0.95) for row in draws)
    assert 0.92 <= inside / 400 <= 0.98


@pytest.mark.parametrize(
    ("deviation", "ceiling", "expected"), [(0.0, 0.0, 1.0), (0.0, 0.1, 1.0), (0.1, 0.0, 0.0)]
)
def test_a_deviation_at_the_edge(deviation: float, ceiling: float, expected: float) -> None:
    assert FoldSpread(deviation, 4).p_at_most(ceiling) == expected


def test_a_deviation_beyond_its_ceiling_by_scipy() -> None:
    assert FoldSpread(0.03, 4).p_at_most(0.01) == pytest.approx(stats.chi2.sf(36, 4))


def test_the_errors_of_both_add_up_by_squares() -> None:
    folds = Estimate(value=0.9, standard_error=0.03, degrees=4)
    found = compare_with_folds(0.95, 0.04, folds)
    assert (found.value, found.standard_error) == pytest.approx((0.05, 0.05))
    assert found.degrees == pytest.approx(4 * (0.0025 / 0.0009) ** 2)
    alone = compare_with_folds(0.95, 0.04, Estimate(value=0.9, standard_error=0.0, degrees=4))
    assert math.isinf(alone.degrees)


@pytest.mark.parametrize(
    ("value", "ceiling", "expected"),
    [
        (0.0, 0.0, 1.0),
        (0.02, 0.0, 2 * stats.norm.sf(2)),
        (-0.02, 0.0, 2 * stats.norm.sf(2)),
        (0.04, 0.02, stats.norm.sf(2) + stats.norm.sf(6)),
    ],
)
def test_both_sides_count_by_hand(value: float, ceiling: float, expected: float) -> None:
    difference = Estimate(value=value, standard_error=0.01)
    assert p_no_further(difference, ceiling) == pytest.approx(expected)


@pytest.mark.parametrize(("value", "expected"), [(0.1, 1.0), (-0.1, 1.0), (0.2, 0.0)])
def test_without_an_error_the_value_decides(value: float, expected: float) -> None:
    assert p_no_further(Estimate(value=value, standard_error=0.0), 0.1) == expected
