import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.finding import State
from gates.stats.disparity import GroupRate, compare_to_rest, judge_difference, judge_ratio
from gates.stats.proportion import koopman_ratio, newcombe_difference
from gates.stats.undefined import UndefinedError

Pairs = list[tuple[int, int]]


def _groups(*pairs: tuple[int, int]) -> tuple[GroupRate, ...]:
    return tuple(GroupRate(chr(97 + i), hits, rows) for i, (hits, rows) in enumerate(pairs))


@st.composite
def rates(draw: st.DrawFn) -> tuple[GroupRate, ...]:
    rows = draw(st.lists(st.integers(30, 500), min_size=2, max_size=5))
    return _groups(*((draw(st.integers(0, size)), size) for size in rows))


@pytest.mark.parametrize(
    ("pairs", "state"),
    [
        ([(500, 1_000), (300, 1_000)], State.FAILED),
        ([(500, 5_000), (520, 5_000)], State.PASSED),
        ([(20, 40), (12, 40)], State.UNDECIDED),
        ([(1_100, 2_000), (900, 2_000)], State.UNDECIDED),
    ],
    ids=["proven", "shown equal", "too few rows", "exactly at the limit"],
)
def test_difference_has_three_answers(pairs: Pairs, state: State) -> None:
    assert judge_difference(_groups(*pairs), 0.1, 0.05).state is state


def test_two_groups_need_no_correction() -> None:
    disparity = judge_difference(_groups((30, 100), (60, 120)), 0.1, 0.05)
    expected = newcombe_difference(60, 120, 30, 100, 0.9)
    assert disparity.interval == expected
    assert (disparity.lowest, disparity.highest) == ("a", "b")
    assert disparity.value == pytest.approx(0.2)


def test_three_groups_pay_for_three_pairs_when_failing_but_not_when_passing() -> None:
    disparity = judge_difference(_groups((30, 100), (60, 120), (60, 120)), 0.1, 0.05)
    assert disparity.interval.lower == newcombe_difference(60, 120, 30, 100, 1 - 0.1 / 3).lower
    assert disparity.interval.upper == newcombe_difference(60, 120, 30, 100, 0.9).upper


def test_small_groups_are_named_and_not_judged() -> None:
    disparity = judge_difference(_groups((50, 100), (55, 100), (0, 29), (0, 0)), 0.5, 0.05)
    assert disparity.too_small == ("c", "d")
    assert disparity.lowest == "a"
    assert disparity.state is State.PASSED


@pytest.mark.parametrize("judge", [judge_difference, judge_ratio])
def test_without_two_large_groups_the_counts_are_told(judge: type) -> None:
    with pytest.raises(UndefinedError, match="a: 100, b: 29"):
        judge(_groups((50, 100), (0, 29)), 0.1, 0.05)
    with pytest.raises(UndefinedError, match="found none"):
        judge((), 0.1, 0.05)


@given(rates(), st.floats(0.01, 0.5))
def test_order_of_groups_does_not_matter(groups: tuple[GroupRate, ...], limit: float) -> None:
    here, there = (judge_difference(part, limit, 0.05) for part in (groups, groups[::-1]))
    assert (here.value, here.state, here.interval) == (there.value, there.state, there.interval)


@given(rates(), st.floats(0.01, 0.5))
def test_states_follow_the_limits(groups: tuple[GroupRate, ...], limit: float) -> None:
    disparity = judge_difference(groups, limit, 0.05)
    assert (disparity.state is State.FAILED) == (disparity.interval.lower > limit)
    if disparity.state is State.FAILED:
        assert disparity.value > limit
    if disparity.state is State.PASSED:
        assert disparity.value < limit


@pytest.mark.parametrize(
    ("pairs", "state"),
    [
        ([(500, 1_000), (200, 1_000)], State.FAILED),
        ([(5_000, 10_000), (4_900, 10_000)], State.PASSED),
        ([(20, 40), (15, 40)], State.UNDECIDED),
        ([(0, 1_000), (200, 1_000)], State.FAILED),
        ([(0, 40), (1, 40)], State.UNDECIDED),
    ],
    ids=["proven", "shown equal", "too few rows", "nobody selected", "nobody of few"],
)
def test_four_fifths_has_three_answers(pairs: Pairs, state: State) -> None:
    assert judge_ratio(_groups(*pairs), 0.8, 0.05).state is state


def test_ratio_by_hand() -> None:
    disparity = judge_ratio(_groups((60, 120), (30, 100)), 0.8, 0.05)
    assert disparity.value == pytest.approx(0.6)
    assert (disparity.lowest, disparity.highest) == ("b", "a")
    expected = koopman_ratio(30, 100, 60, 120, 0.9)
    assert disparity.interval.lower == pytest.approx(expected.lower)
    assert disparity.interval.upper == pytest.approx(expected.upper)


def test_a_ratio_of_nothing_is_undefined() -> None:
    with pytest.raises(UndefinedError, match="found none"):
        judge_ratio(_groups((0, 100), (0, 100)), 0.8, 0.05)


def test_each_group_against_the_rest_by_hand() -> None:
    gaps = compare_to_rest(_groups((50, 100), (20, 100), (3, 10)), 0.05)
    assert [gap.name for gap in gaps] == ["a", "b"]
    assert gaps[0].difference == pytest.approx(0.5 - 23 / 110)
    assert gaps[0].interval == newcombe_difference(50, 100, 23, 110, 0.95)


def test_unequal_samples_of_equal_groups_are_not_blocked() -> None:
    # §4.1: the plain gap > .10 blocks half of these, the plain four fifths 41 %.
    rng = np.random.default_rng(1)
    sizes = [5_000, 1_000, 300, 100, 30]
    gaps, ratios = [], []
    for _ in range(300):
        groups = _groups(*((int(rng.binomial(size, 0.5)), size) for size in sizes))
        gaps.append(judge_difference(groups, 0.1, 0.01).state is State.FAILED)
        ratios.append(judge_ratio(groups, 0.8, 0.01).state is State.FAILED)
    assert np.mean(gaps) <= 0.02
    assert np.mean(ratios) <= 0.02


def test_a_gap_at_the_limit_is_rarely_blocked() -> None:
    rng = np.random.default_rng(2)
    blocked = [
        judge_difference(
            _groups((int(rng.binomial(400, 0.5)), 400), (int(rng.binomial(400, 0.4)), 400)),
            0.1,
            0.05,
        ).state
        is State.FAILED
        for _ in range(1_000)
    ]
    assert np.mean(blocked) <= 0.05 + 3 * 0.007
