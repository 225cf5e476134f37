import math

import numpy as np
import pytest
from scipy import stats

from gates.stats.estimate import Estimate
from gates.stats.turns import (
    log_mean,
    log_quantile,
    log_quantile_ratio,
    log_ratio,
    seconds_to_decide,
)
from gates.stats.undefined import UndefinedError


def blocks(seed: int, factor: float = 1.0, turns: int = 10, count: int = 40) -> list[list[float]]:
    """Log-normal times on a machine whose speed wanders from block to block."""
    draws = np.random.default_rng([seed, round(factor * 100)])
    machine = np.exp(0.3 * np.random.default_rng([seed, 0]).standard_normal((turns, 1)))
    noise = np.exp(0.3 * draws.standard_normal((turns, count)))
    return [[float(ms) for ms in block] for block in 8 * factor * machine * noise]


def test_the_ratio_of_rates_by_hand_and_by_scipy() -> None:
    """Ratios 2, 2, 2, 8: the geometric mean is 2·√2, as each counts by its logarithm."""
    candidate, baseline = [2.0, 4.0, 6.0, 8.0], [1.0, 2.0, 3.0, 1.0]
    found = log_ratio(candidate, baseline)
    assert math.exp(found.value) == pytest.approx(2 * math.sqrt(2))
    oracle = stats.ttest_1samp(np.log(np.divide(candidate, baseline)), math.log(1.2))
    assert found.p_at_most(math.log(1.2)) == pytest.approx(oracle.pvalue / 2)
    interval = oracle.confidence_interval(0.95)
    assert found.interval(0.95).lower == pytest.approx(interval.low)


def test_the_quantile_is_that_of_all_values_together() -> None:
    """Blocks 1..10, 11..20, …: half of all 40 lie below 20.5."""
    made = [[float(10 * block + at + 1) for at in range(10)] for block in range(4)]
    assert math.exp(log_quantile(made, 0.5).value) == pytest.approx(20.5)


def test_drift_of_the_machine_cancels_between_the_sides() -> None:
    own, other = blocks(1, 1.5), blocks(1)
    ratio = log_quantile_ratio(own, other, 0.5)
    alone = log_quantile(own, 0.5)
    assert ratio.standard_error < alone.standard_error / 2
    assert math.log(1.5) in ratio.interval(0.95)


def test_equal_systems_are_not_blocked_and_slow_ones_are() -> None:
    """At the judge's 1 %: of 200 pairs at the limit itself hardly one is called worse."""
    limit = math.log(1.2)
    at_limit = [log_quantile_ratio(blocks(s, 1.2), blocks(s), 0.95) for s in range(200)]
    slow = [log_quantile_ratio(blocks(s, 1.5), blocks(s), 0.95) for s in range(200)]
    assert sum(one.p_at_most(limit) <= 0.01 for one in at_limit) <= 8
    assert sum(one.p_at_most(limit) <= 0.01 for one in slow) >= 120


def test_a_tail_is_told_by_blocks_put_together() -> None:
    """400 values: 4 lie beyond the quantile .99, so there are 4 sections; at the median all 10."""
    own, other = blocks(1, 1.5), blocks(1)
    assert log_quantile_ratio(own, other, 0.99).degrees == 3
    assert log_quantile_ratio(own, other, 0.5).degrees == 9


def test_the_interval_covers_as_often_as_it_says() -> None:
    covered = [
        math.log(1.2) in log_quantile_ratio(blocks(s, 1.2), blocks(s), level).interval(0.95)
        for s in range(200)
        for level in (0.5, 0.95)
    ]
    assert 0.9 <= np.mean(covered) <= 1


@pytest.mark.parametrize(
    ("candidate", "baseline", "level", "says"),
    [
        ([], [], 0.5, "0 answers"),
        ([[1.0]] * 3, [[1.0]] * 3, 0.5, "3 blocks"),
        ([[1.0]] * 10, [[]] * 10, 0.5, "0 answers"),
        ([[1.0] * 9] * 10, [[1.0] * 9] * 10, 0.99, "90 answers; at least 100"),
    ],
)
def test_too_little_says_so(
    candidate: list[list[float]], baseline: list[list[float]], level: float, says: str
) -> None:
    with pytest.raises(UndefinedError, match=says):
        log_quantile_ratio(candidate, baseline, level)


def test_a_block_without_answers_is_left_out_and_a_zero_has_a_logarithm() -> None:
    found = log_quantile_ratio([[0.0] * 4] * 9 + [[]], [[1.0] * 4] * 10, 0.5)
    assert found.degrees == 8
    assert math.isfinite(found.value)


def test_a_rate_of_nothing_has_no_ratio() -> None:
    with pytest.raises(UndefinedError, match="nothing was answered"):
        log_mean([1.0, 0.0, 1.0, 1.0])
    with pytest.raises(UndefinedError, match="0 blocks"):
        log_ratio([], [])


def test_four_times_as_long_halves_the_error() -> None:
    """An interval of ±.2 around .1 reaches the limit at .2 when it is ±.1: after 4 times 30 s."""
    estimate = Estimate(value=0.1, standard_error=0.1)
    assert seconds_to_decide(estimate, 0.2, 30.0, 2.0) == pytest.approx(120.0)
    assert seconds_to_decide(estimate, 0.1, 30.0, 2.0) == math.inf
    assert seconds_to_decide(Estimate(value=0.1, standard_error=0.0), 0.1, 30.0, 2.0) == 30.0
