"""How far a mean moved between tables that have rows in common."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.stats.growth import (
    Halves,
    Overlap,
    Sample,
    gap_growth,
    gap_level,
    mean_growth,
    overlap_of,
)
from gates.stats.undefined import UndefinedError

NOWHERE = overlap_of(np.array([-1, -1, -1, -1]), 4)


def same(rows: int) -> Overlap:
    """All rows are in both tables, in one order."""
    return overlap_of(np.arange(rows), rows)


def sample(*values: float) -> Sample:
    return Sample(np.array(values, float), np.ones(len(values)))


def test_the_same_rows_with_the_same_values_leave_no_doubt() -> None:
    table = sample(0, 1, 1, 0)
    found = mean_growth(table, table, same(4))
    assert (found.value, found.standard_error) == (0.0, 0.0)


def test_other_rows_are_two_samples_and_a_row_of_doubt_each() -> None:
    """Means .5 and .25 of four rows: variances .25 / 4 and .1875 / 4, and 1 / 4 squared twice."""
    found = mean_growth(sample(0, 1, 1, 0), sample(0, 0, 0, 1), NOWHERE)
    assert found.value == -0.25
    assert found.standard_error**2 == pytest.approx(0.25 / 4 + 0.1875 / 4 + 2 / 16)
    assert found.degrees == 3


def test_what_both_have_cancels_out() -> None:
    """One of a thousand rows changes: the error is that of one row, not of a thousand."""
    old = np.tile([0.0, 1.0], 500)
    new = old.copy()
    new[0] = 1.0
    found = mean_growth(sample(*old), sample(*new), same(1000))
    assert found.value == pytest.approx(0.001)
    assert found.standard_error == pytest.approx(math.sqrt(3) / 1000, rel=0.01)


def test_rows_that_hang_together_count_once() -> None:
    values, ones = np.repeat([0.0, 1.0], 4), np.ones(8)
    apart = Sample(values, ones)
    together = Sample(values, ones, np.repeat([0, 1, 2, 3], 2))
    nowhere = overlap_of(np.full(8, -1), 8)
    errors = [
        mean_growth(each, each, nowhere).standard_error ** 2 - 2 / 64 for each in (apart, together)
    ]
    assert errors[1] == pytest.approx(2 * errors[0])


def test_nothing_counted_has_no_growth() -> None:
    nothing = Sample(np.zeros(4), np.zeros(4))
    with pytest.raises(UndefinedError):
        mean_growth(sample(0, 1, 1, 0), nothing, NOWHERE)
    assert mean_growth(nothing, sample(0, 1, 1, 0), NOWHERE).value == 0.5


def test_the_interval_holds_the_truth() -> None:
    """Half of the rows are new: of 300 draws, the growth of .1 lies in most intervals."""
    draws, inside = np.random.default_rng(4), 0
    for _ in range(300):
        old = draws.random(400) < 0.2
        new = np.concatenate([old[:200], draws.random(200) < 0.4])
        kept = np.concatenate([np.arange(200), np.full(200, -1)])
        found = mean_growth(sample(*old), sample(*new), overlap_of(kept, 400))
        inside += 0.1 in found.interval(0.95)
    assert inside >= 280


@given(
    st.lists(st.booleans(), min_size=1, max_size=8),
    st.lists(st.tuples(st.booleans(), st.integers(-1, 7)), min_size=1, max_size=8),
)
def test_any_rows_have_a_finite_error(old: list[bool], new: list[tuple[bool, int]]) -> None:
    kept = np.array([at if at < len(old) else -1 for _, at in new])
    values = sample(*(value for value, _ in new))
    found = mean_growth(sample(*old), values, overlap_of(kept, len(old)))
    assert math.isfinite(found.standard_error)
    assert found.value == pytest.approx(np.mean([value for value, _ in new]) - np.mean(old))


def halves(inside: list[float], outside: list[float]) -> Halves:
    values = np.array([*inside, *outside])
    return Halves(values, np.arange(len(values)) < len(inside))


def test_a_gap_by_hand() -> None:
    """Half against a quarter; Welch's variance, and one row of doubt in either part."""
    table = halves([0, 1, 1, 0], [0, 0, 0, 1])
    found = gap_level(table)
    assert (table.gap, found.value) == (0.25, 0.25)
    assert found.standard_error**2 == pytest.approx(0.25 / 4 + 0.1875 / 4 + 2 / 16)


def test_a_gap_by_weight_by_hand() -> None:
    """Weights 3 and 1 inside: a mean of 3/4; of equal ones outside 1/4."""
    table = Halves(
        np.array([1.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
        np.array([True, True, False, False, False, False]),
        np.array([3.0, 1.0, 2.0, 2.0, 2.0, 2.0]),
    )
    found = gap_level(table)
    assert found.value == 0.5
    inside = (3 / 4 * 1 / 4) ** 2 + (1 / 4 * 3 / 4) ** 2
    doubt = (10 / 16) ** 2 + 1 / 16  # of 16 / 10 and 4 effective rows
    assert found.standard_error**2 == pytest.approx(inside + 0.1875 / 4 + doubt)
    assert found.degrees == 1.0


def test_a_gap_of_rows_that_hang_together_by_hand() -> None:
    """Two persons of two equal rows each inside and outside: their sums are squared."""
    values = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    persons = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    alone = Halves(values, np.arange(8) < 4)
    found = gap_level(Halves(values, np.arange(8) < 4, None, persons))
    assert gap_level(alone).standard_error ** 2 == pytest.approx(2 * 4 / 64 + 2 / 16)
    assert found.standard_error**2 == pytest.approx(2 * 2 / 16 + 2 / 16)
    assert found.degrees == 1.0


def test_a_mean_by_weight_counts_as_many_rows_as_are_as_certain() -> None:
    new = Sample(np.array([1.0, 0.0, 0.0]), np.array([2.0, 1.0, 1.0]))
    found = mean_growth(Sample(np.zeros(0), np.zeros(0)), new, overlap_of(np.full(3, -1), 0))
    assert (found.value, new.effective) == (0.5, 16 / 6)
    assert found.standard_error**2 == pytest.approx(0.25**2 + 2 * 0.125**2 + (6 / 16) ** 2)


def test_a_gap_grows_by_its_distance_whichever_way_round() -> None:
    old, new = halves([0, 1], [1, 1]), halves([1, 1], [0, 1])
    assert gap_growth(old, new, same(4)).value == 0.0
    assert gap_growth(old, old, same(4)).standard_error == 0.0
    with pytest.raises(UndefinedError, match="no row in the group"):
        gap_growth(old, halves([], [0, 1]), same(2))
