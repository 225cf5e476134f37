import pytest
from scipy import stats

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval


def test_normal_interval_by_hand() -> None:
    interval = Estimate(value=1.0, standard_error=0.5).interval(0.95)
    assert interval.lower == pytest.approx(1 - 0.98, abs=2e-5)
    assert interval.upper == pytest.approx(1 + 0.98, abs=2e-5)


def test_p_values_are_the_tails_of_student() -> None:
    estimate = Estimate(value=-0.02, standard_error=0.01, degrees=12)
    assert estimate.p_at_least(0) == pytest.approx(stats.t.cdf(-2, 12), rel=1e-10)
    assert estimate.p_at_most(-0.05) == pytest.approx(stats.t.sf(3, 12), rel=1e-10)


@pytest.mark.parametrize(("alpha", "inside"), [(0.0228, False), (0.0227, True)])
def test_interval_and_test_agree(alpha: float, inside: bool) -> None:
    estimate = Estimate(value=-0.02, standard_error=0.01)
    assert (0 in estimate.interval(1 - 2 * alpha)) is inside
    assert (estimate.p_at_least(0) > alpha) is inside


def test_without_spread_the_interval_is_a_point_and_the_test_a_comparison() -> None:
    estimate = Estimate(value=-0.02, standard_error=0.0, degrees=3)
    assert estimate.interval(0.95) == Interval(-0.02, -0.02)
    assert estimate.p_at_least(0) == 0
    assert estimate.p_at_least(-0.02) == 1
    assert estimate.p_at_most(-0.05) == 0
