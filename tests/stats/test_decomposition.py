import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.stats.decomposition import (
    Combination,
    Square,
    TestSetValues,
    combine_differences,
    combine_means,
)
from gates.stats.undefined import UndefinedError

SHARES = st.floats(0, 1)


def _set(rows: list[int], values: list[float]) -> TestSetValues:
    return TestSetValues(np.array(rows, dtype=np.intp), np.array(values))


def test_effects_by_hand() -> None:
    # The model loses 2 points on both sets; the new set is 3 points easier.
    square = Square(old_on_old=0.80, new_on_old=0.78, old_on_new=0.83, new_on_new=0.81)
    assert square.model_effect == pytest.approx(-0.02)
    assert square.test_set_effect == pytest.approx(0.03)
    assert square.interaction == pytest.approx(0)


@given(SHARES, SHARES, SHARES, SHARES)
def test_effects_add_up_to_the_whole(a: float, b: float, c: float, d: float) -> None:
    square = Square(old_on_old=a, new_on_old=b, old_on_new=c, new_on_new=d)
    assert square.model_effect + square.test_set_effect == pytest.approx(d - a, abs=1e-12)


@given(SHARES, SHARES, SHARES, SHARES)
def test_swapping_the_models_mirrors_the_model_effect(
    a: float, b: float, c: float, d: float
) -> None:
    square = Square(old_on_old=a, new_on_old=b, old_on_new=c, new_on_new=d)
    swapped = Square(old_on_old=b, new_on_old=a, old_on_new=d, new_on_new=c)
    assert swapped.model_effect == pytest.approx(-square.model_effect, abs=1e-12)
    assert swapped.test_set_effect == pytest.approx(square.test_set_effect, abs=1e-12)
    assert swapped.interaction == pytest.approx(-square.interaction, abs=1e-12)


def test_combined_differences_by_hand() -> None:
    # Rows 0 removed, 1 and 2 kept, 3 added: ½ · mean(−1, 0, 1) + ½ · mean(0, 1, 1).
    combined = combine_differences(_set([0, 1, 2], [-1, 0, 1]), _set([1, 2, 3], [0, 1, 1]))
    assert combined.estimate.value == pytest.approx(1 / 3)
    assert combined.contributions == pytest.approx(np.array([-1, 0, 2, 1]) * 4 / 6)
    # Kept rows add 0 and 1/3: 2 · (1/18); the lone removed and added rows add 1/36 each.
    assert combined.estimate.standard_error**2 == pytest.approx(1 / 9 + 2 / 36)


def test_the_same_set_twice_is_the_paired_mean() -> None:
    values = np.random.default_rng(1).normal(size=40).tolist()
    rows = list(range(40))
    estimate = combine_differences(_set(rows, values), _set(rows, values)).estimate
    assert estimate.value == pytest.approx(np.mean(values))
    assert estimate.standard_error == pytest.approx(np.std(values, ddof=1) / np.sqrt(40))
    means = combine_means(_set(rows, values), _set(rows, values)).estimate
    assert (means.value, means.standard_error) == pytest.approx((0, 0), abs=1e-15)


def test_rows_of_neither_set_do_not_count() -> None:
    near = combine_differences(_set([0, 1], [1, 0]), _set([2, 3], [1, 1]))
    far = combine_differences(_set([0, 1], [1, 0]), _set([7, 9], [1, 1]))
    assert far.contributions == pytest.approx(near.contributions)
    assert far.estimate == near.estimate


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=30), st.data())
def test_contributions_have_the_effect_as_mean(values: list[float], data: st.DataObject) -> None:
    split = data.draw(st.integers(1, len(values) - 1))
    start = data.draw(st.integers(0, split))
    on_old = _set(list(range(split)), values[:split])
    on_new = _set(list(range(start, len(values))), values[start:])
    for combine in (combine_differences, combine_means):
        combined = combine(on_old, on_new)
        assert combined.contributions.mean() == pytest.approx(combined.estimate.value, abs=1e-12)


def test_an_empty_set_has_no_effect() -> None:
    with pytest.raises(UndefinedError, match="found 2 old and 0 new"):
        combine_differences(_set([0, 1], [1, 0]), _set([], []))


def test_coverage_when_easy_rows_are_added() -> None:
    # §6: the naive difference calls this an improvement; the model truly loses 2 points.
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(400):
        old_right = rng.random(2_000) < np.where(np.arange(2_000) < 1_500, 0.8, 0.95)
        chance = np.where(old_right, 0.05, 0.05 * 0.4)
        flipped = rng.random(2_000) < chance
        difference = np.where(flipped, np.where(old_right, -1.0, 1.0), 0.0)
        on_old = TestSetValues(np.arange(1_500), difference[:1_500])
        combined: Combination = combine_differences(
            on_old, TestSetValues(np.arange(2_000), difference)
        )
        easy, hard = -0.95 * 0.05 + 0.05 * 0.02, -0.8 * 0.05 + 0.2 * 0.02
        truth = hard / 2 + (0.75 * hard + 0.25 * easy) / 2
        covered.append(truth in combined.estimate.interval(0.95))
    assert 0.92 <= np.mean(covered) <= 0.98
