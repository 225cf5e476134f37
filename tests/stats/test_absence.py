"""Levels that one sample has and another lacks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from gates.stats.absence import chance_of_absence, find_absent, rows_to_rule_out
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError


def test_one_row_stands_on_the_half_it_stands_on() -> None:
    assert chance_of_absence(1, 50, 50) == pytest.approx(0.5)
    assert chance_of_absence(2, 1, 1) == 0.0


@given(st.integers(1, 60), st.integers(1, 200), st.integers(1, 200))
def test_the_chance_is_the_hypergeometric_laws(count: int, rows: int, others: int) -> None:
    count = min(count, rows + others)
    expected = hypergeom(rows + others, count, others).pmf(0)
    assert chance_of_absence(count, rows, others) == pytest.approx(expected, rel=1e-6, abs=1e-290)


def test_a_level_of_many_rows_is_no_chance_and_one_of_a_row_is() -> None:
    found = find_absent(np.array([900, 99, 1]), np.array([1000, 0, 0]), 0.01, 0.95)
    assert (found.certain, found.by_chance) == ((1,), (2,))
    assert found.share == 0.099
    assert found.p_value == pytest.approx(binom.sf(98, 1000, 0.01), rel=1e-6)
    assert found.interval.lower == wilson(99, 1000, 0.95).lower


def test_many_rare_levels_are_expected_to_be_missing() -> None:
    draws = np.random.default_rng(0)
    levels = 5000
    first, second = (np.bincount(draws.integers(0, levels, 4000), minlength=levels) for _ in "ab")
    found = find_absent(first, second, 0.01, 0.95)
    assert found.certain == ()
    assert len(found.by_chance) > 1000
    assert found.interval.upper < 0.05  # of 4,000 rows; 45 % of them stand in such levels


def test_no_missing_level_of_few_rows_rules_nothing_out() -> None:
    few = find_absent(np.array([20]), np.array([20]), 0.01, 0.95)
    assert (few.share, few.p_value) == (0.0, 1.0)
    assert few.interval.upper > 0.1
    needed = rows_to_rule_out(0.0, 0.01, 0.95)
    assert needed == 381
    assert wilson(0, 381, 0.95).upper <= 0.01 < wilson(0, 380, 0.95).upper
    assert rows_to_rule_out(0.01, 0.01, 0.95) is None


def test_a_tolerance_of_nothing_and_of_everything() -> None:
    old, new = np.array([50, 50]), np.array([100, 0])
    assert find_absent(old, new, 0.0, 0.95).p_value < 1e-10
    assert find_absent(old, new, 1.0, 0.95).p_value == 1.0


def test_an_empty_sample_is_refused() -> None:
    with pytest.raises(UndefinedError, match="0 and 3 rows"):
        find_absent(np.array([0]), np.array([3]), 0.01, 0.95)


def test_it_alarms_no_more_often_than_it_says() -> None:
    """Zipf's levels, the same law on both sides: a false alarm at 1 % in at most 1 of 100."""
    draws = np.random.default_rng(1)
    law = 1 / np.arange(1, 301)
    law /= law.sum()
    alarms = 0
    for _ in range(400):
        old, new = draws.multinomial(300, law), draws.multinomial(900, law)
        alarms += find_absent(old, new, 0.01, 0.95).p_value <= 0.01
    assert alarms <= 4 + 3 * math.sqrt(4)
