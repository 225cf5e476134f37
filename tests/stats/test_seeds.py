import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gates.stats.interval import Interval
from gates.stats.seeds import SeedSpread, discount, measure_spread, widen

NORMAL = stats.norm.ppf(0.975)
numbers = st.floats(-10, 10)


def test_the_pooled_variance_by_hand() -> None:
    spread = measure_spread([[0.9, 0.92, 0.94], [0.5, 0.52]])
    assert spread is not None
    assert spread.variance == pytest.approx((2 * 0.02**2 + 2 * 0.01**2) / 3)
    assert spread.degrees == 3
    assert spread.deviation == pytest.approx(math.sqrt(0.001 / 3))


@pytest.mark.parametrize("trainings", [[], [[]], [[0.9]], [[0.9], [0.8]]])
def test_one_training_has_no_spread(trainings: list[list[float]]) -> None:
    assert measure_spread(trainings) is None


def test_a_known_spread_adds_twice_its_variance_to_either_side() -> None:
    wide = widen(0.01, Interval(0.01 - NORMAL * 0.03, 0.01 + NORMAL * 0.05), _known(0.02), 0.95)
    assert wide.lower == pytest.approx(0.01 - NORMAL * math.sqrt(0.03**2 + 2 * 0.02**2), rel=1e-5)
    assert wide.upper == pytest.approx(0.01 + NORMAL * math.sqrt(0.05**2 + 2 * 0.02**2), rel=1e-5)


def test_without_test_noise_it_is_students_interval_of_two_trainings() -> None:
    wide = widen(0.0, Interval(0.0, 0.0), SeedSpread(0.01**2, 4), 0.95)
    assert wide.upper == pytest.approx(stats.t.ppf(0.975, 4) * math.sqrt(2) * 0.01)


def test_no_spread_changes_nothing() -> None:
    interval = Interval(-0.1, 0.2)
    kept = widen(0.0, interval, SeedSpread(0.0, 3), 0.95)
    assert (kept.lower, kept.upper) == pytest.approx((interval.lower, interval.upper))
    assert discount(-3.0, 0.1, SeedSpread(0.0, 3)) == -3.0


def test_a_statistic_is_discounted_to_the_same_tail_by_students_law() -> None:
    """The seeds alone: standard error sqrt(2) · 0.01, Student's law with their 4 degrees."""
    tempered = discount(-1.0, math.sqrt(2) * 0.01, SeedSpread(0.01**2, 4))
    degrees = 4 * 2.0**2
    assert stats.norm.cdf(tempered) == pytest.approx(stats.t.cdf(-1 / math.sqrt(2), degrees))


@given(numbers, st.floats(0, 5), st.floats(0, 5), st.integers(1, 50))
def test_doubt_never_makes_a_statistic_larger(
    statistic: float, error: float, deviation: float, degrees: int
) -> None:
    tempered = discount(statistic, error, SeedSpread(deviation**2, degrees))
    assert abs(tempered) <= abs(statistic) + 1e-9
    assert tempered * statistic >= 0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 50))
def test_an_interval_only_grows(below: float, above: float, deviation: float, degrees: int) -> None:
    wide = widen(0.0, Interval(-below, above), SeedSpread(deviation**2, degrees), 0.95)
    assert wide.lower <= -below + 1e-12
    assert wide.upper >= above - 1e-12


def test_a_tail_beyond_all_numbers_stays_finite() -> None:
    assert math.isfinite(discount(-1e6, 1.0, SeedSpread(1e-12, 3)))


def _known(deviation: float) -> SeedSpread:
    return SeedSpread(deviation**2, 10**9)
