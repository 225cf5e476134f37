"""Slices that nobody declared: found where they are, not found where they are not."""

from itertools import combinations, product
from math import exp, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gates.stats.cells import all_sets, count_cells, cover
from gates.stats.slices import MOST_LEVELS, SliceSearch, find_weak_slices, find_worse_slices

ROWS = 4_000
Codes = list[NDArray[np.int64]]


def columns(random: np.random.Generator, rows: int = ROWS) -> Codes:
    """Six columns of 2 to 7 levels."""
    return [random.integers(0, size, rows) for size in range(2, 8)]


def predicates(search: SliceSearch) -> list[tuple[tuple[int, int], ...]]:
    return [each.predicates for each in search.shown]


def test_a_slice_of_two_predicates_is_described_by_these_two() -> None:
    random = np.random.default_rng(1)
    codes = columns(random)
    hurt = (codes[1] == 2) & (codes[3] == 0)
    differences = random.normal(0, 0.1, ROWS) + 0.1 * hurt
    found = find_worse_slices(codes, differences, alpha=0.05)
    assert predicates(found) == [((1, 2), (3, 0))]
    [only] = found.shown
    assert only.rows == hurt.sum()
    assert only.mean == pytest.approx(differences[hurt].mean())
    assert found.significant > 5  # it overlaps wider and narrower ones, which are not shown
    assert found.complete


def test_a_weak_slice_is_found_by_its_level() -> None:
    random = np.random.default_rng(2)
    codes = columns(random)
    weak = codes[4] == 3
    losses = random.exponential(0.3 + 0.3 * weak)
    found = find_weak_slices(codes, losses, alpha=0.05)
    assert predicates(found) == [((4, 3),)]
    assert found.shown[0].mean == pytest.approx(losses[weak].mean())
    assert found.shown[0].p_value < 1e-6


def test_two_slices_are_described_by_two() -> None:
    random = np.random.default_rng(3)
    codes = columns(random)
    errors = random.random(ROWS) < 0.05 + 0.3 * (codes[2] == 1) + 0.4 * (codes[5] == 6)
    found = find_weak_slices(codes, errors.astype(np.float64), alpha=0.05)
    assert set(predicates(found)) == {((2, 1),), ((5, 6),)}


def test_a_loss_within_the_margin_is_accepted() -> None:
    random = np.random.default_rng(4)
    codes = columns(random)
    differences = random.normal(0.05, 0.1, ROWS)
    assert find_worse_slices(codes, differences, alpha=0.05).significant > 100
    assert find_worse_slices(codes, differences, alpha=0.05, margin=0.06).significant == 0


def test_all_rows_worse_are_described_within_the_limit() -> None:
    random = np.random.default_rng(5)
    found = find_worse_slices(columns(random), random.normal(0.1, 0.1, ROWS), alpha=0.05)
    assert {len(each.predicates) for each in found.shown} == {1}
    assert found.complete


def test_a_code_of_minus_one_and_a_rare_level_are_in_no_slice() -> None:
    codes = np.repeat([-1, 0, 1], [100, 49, 100])
    found = find_worse_slices([codes], np.ones(249), alpha=0.05)
    assert predicates(found) == [((0, 1),)]
    assert (found.searched, found.left_out) == (1, 0)


def test_levels_beyond_the_most_frequent_are_said() -> None:
    codes = np.repeat(np.arange(MOST_LEVELS + 3), 50)
    found = find_worse_slices([codes], np.ones(len(codes)), alpha=0.05)
    assert (found.searched, found.left_out) == (MOST_LEVELS, 3)


def test_no_column_and_no_row() -> None:
    nothing = np.zeros(0)
    assert find_worse_slices([], np.ones(3), alpha=0.05).searched == 0
    assert find_worse_slices([nothing.astype(np.int64)], nothing, alpha=0.05).searched == 0
    assert find_weak_slices([nothing.astype(np.int64)], nothing, alpha=0.05).shown == ()
    assert find_weak_slices([np.zeros(80, dtype=np.int64)], np.ones(80), alpha=0.05).shown == ()


@pytest.mark.parametrize("kind", ["normal", "errors", "heavy", "flips"])
def test_nothing_is_found_where_nothing_is(kind: str) -> None:
    random = np.random.default_rng(6)
    alarms = 0
    for _ in range(200):
        codes = columns(random, 500)[1:5]
        values = {
            "normal": random.normal(0, 1, 500),
            "errors": (random.random(500) < 0.1).astype(np.float64),
            "heavy": random.standard_t(2, 500),
            "flips": random.integers(-1, 2, 500).astype(np.float64),
        }[kind]
        alarms += find_weak_slices(codes, values, alpha=0.05).significant > 0
        if kind != "errors":  # which are not symmetric around 0
            alarms += find_worse_slices(codes, values, alpha=0.05).significant > 0
    assert alarms <= 200 * 0.05 * (1 if kind == "errors" else 2)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.integers(1, 3))
def test_joint_tables_hold_every_set(sizes: list[int], most: int) -> None:
    most = min(most, len(sizes))
    wanted = all_sets(len(sizes), most)
    joints = cover(sizes, wanted, 10_000)
    held = {
        one for joint in joints for size in range(1, most + 1) for one in combinations(joint, size)
    }
    assert held >= wanted
    assert all(len(joint) <= most or prod(sizes[c] for c in joint) <= 10_000 for joint in joints)


def test_slices_of_three_predicates_of_the_first_columns_only() -> None:
    assert all_sets(3, 2) == {(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)}
    assert all_sets(4, 3, deep=3) - all_sets(4, 2) == {(0, 1, 2)}
    assert all_sets(2, 3) == {(0,), (1,), (0, 1)}


def test_cells_by_definition() -> None:
    random = np.random.default_rng(7)
    sizes = [2, 3, 300, 300]  # of which the last two share no joint table with all others
    codes = [random.integers(0, size, 1_000) for size in sizes]
    value = random.normal(size=1_000)
    tables = {each.columns: each for each in count_cells(codes, sizes, [value], all_sets(4, 2))}
    assert len(tables) == 4 + 6
    for (one, other), cells in ((key, each) for key, each in tables.items() if len(key) == 2):
        for a, b in product(range(2), range(3)):
            rows = (codes[one] == a) & (codes[other] == b)
            assert cells.rows[a, b] == rows.sum()
            assert cells.sums[0][a, b] == pytest.approx(value[rows].sum())
    assert tables[2,].rows.tolist() == np.bincount(codes[2], minlength=300).tolist()


def test_the_bound_of_a_share_of_errors_is_close_to_its_exact_rate() -> None:
    # 25 of 50 wrong where 1 in 10 is: exp(−50 · KL(0.5 ‖ 0.1)), and never below it.
    errors = np.zeros(1_000)
    errors[:25] = errors[50:125] = 1
    codes = (np.arange(1_000) >= 50).astype(np.int64)
    [found] = find_weak_slices([codes], errors, alpha=0.05, predicates=1).shown
    exact = exp(-50 * (0.5 * np.log(0.5 / 0.1) + 0.5 * np.log(0.5 / 0.9)))
    assert 2 * exact <= found.p_value <= 2.2 * exact


def test_what_rounding_leaves_of_a_slice_is_not_found_again() -> None:
    random = np.random.default_rng(8)
    codes = [np.repeat([0, 1], 300), np.tile([0, 1, 2], 200)]
    differences = np.where(codes[1] == 1, 0.1 + random.normal(0, 0.01, 600), 0.0)
    found = find_worse_slices(codes, differences, alpha=0.05)
    assert predicates(found) == [((1, 1),)]  # on all other rows there is no difference at all
    assert found.significant == 5
    assert found.complete


def test_a_weak_slice_within_the_margin_is_accepted() -> None:
    random = np.random.default_rng(9)
    codes = columns(random)
    losses = random.exponential(0.3 + 0.3 * (codes[4] == 3))
    assert find_weak_slices(codes, losses, alpha=0.05, margin=0.1).significant > 0
    assert find_weak_slices(codes, losses, alpha=0.05, margin=0.3).significant == 0
