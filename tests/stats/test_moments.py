import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from gates.stats.moments import Moments, find_root
from gates.stats.multiplicity import Comparison, harm_p_values

Floats = NDArray[np.float64]
DRAWS = 5_000


def nothing(family: str = "f") -> Comparison:
    return Comparison(family, np.empty(0, dtype=np.intp), np.empty(0))


def moments(values: Floats) -> Moments:
    """Of contributions (comparisons, rows)."""
    return Moments(values.sum(axis=1), values @ values.T)


def close(one: float, other: float) -> bool:
    return abs(one - other) <= 5 * math.sqrt(max(other, 1e-3) / DRAWS) + 1e-3


def test_one_comparison_by_moments_is_the_normal_test() -> None:
    # Σ = −30 and Σ² = 400, so T = −1.5.
    [p_value] = harm_p_values(
        [nothing()], seed=b"a", draws=DRAWS, rest=Moments(np.array([-30.0]), np.array([[400.0]]))
    )
    assert close(p_value, float(stats.norm.cdf(-1.5)))


def test_large_comparisons_by_moments_are_those_by_rows() -> None:
    random = np.random.default_rng(1)
    shared = random.normal(-0.02, 1, 6_000)
    values = np.stack([shared, shared + random.normal(0, 0.5, 6_000), random.normal(0, 1, 6_000)])
    values[2, :4_000] = 0
    rows = [Comparison("f", np.flatnonzero(each), each[each != 0]) for each in values]
    by_rows = harm_p_values(rows, seed=b"b", draws=DRAWS)
    by_moments = harm_p_values([nothing()] * 3, seed=b"c", draws=DRAWS, rest=moments(values))
    assert all(map(close, by_moments, by_rows))


def test_few_rows_with_real_signs_beside_many_by_moments() -> None:
    """The first comparison is 12 rows, which are also the second's; the rest of it is summed."""
    random = np.random.default_rng(2)
    values = np.zeros((2, 5_000))
    values[0, :12] = [-1] * 10 + [1] * 2
    values[1] = random.normal(-0.03, 0.4, 5_000)
    values[1, :12] += values[0, :12]
    rows = [Comparison("f", np.flatnonzero(each), each[each != 0]) for each in values]
    expected = harm_p_values(rows, seed=b"d", draws=DRAWS)
    few = [
        Comparison("f", np.arange(12), values[0, :12]),
        Comparison("f", np.arange(12), values[1, :12]),
    ]
    found = harm_p_values(few, seed=b"e", draws=DRAWS, rest=moments(values[:, 12:]))
    assert all(map(close, found, expected))


def test_what_nothing_moves_is_one_and_the_same_twice_is_not_paid_for_twice() -> None:
    alone = Moments(np.array([-2.0]), np.array([[1.0]]))
    twice = Moments(np.array([-2.0, 0.0, -2.0]), np.array([[1.0, 0, 1], [0, 0, 0], [1, 0, 1]]))
    [p_value] = harm_p_values([nothing()], seed=b"f", draws=DRAWS, rest=alone)
    found = harm_p_values([nothing()] * 3, seed=b"f", draws=DRAWS, rest=twice)
    assert found[1] == 1
    assert close(found[0], p_value)
    assert found[0] == found[2]


def test_the_same_seed_gives_the_same_p_values() -> None:
    values = np.random.default_rng(3).normal(size=(4, 900))
    both = [
        harm_p_values([nothing()] * 4, seed=b"g", draws=500, rest=moments(values)) for _ in range(2)
    ]
    assert both[0] == both[1]


def test_rounding_is_mended_and_nonsense_is_refused() -> None:
    singular = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-9]])
    root = find_root(singular)
    assert np.allclose(root @ root.T, singular, atol=1e-5)
    with pytest.raises(ValueError, match="not those of any rows"):
        find_root(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_harmless_changes_of_small_and_large_segments_are_rarely_blocked() -> None:
    """Small segments by rows, large ones by moments, as after a reduction."""
    random = np.random.default_rng(4)
    blocked = 0
    for _ in range(200):
        moved = random.choice([-1.0, 0.0, 1.0], 4_000, p=[0.05, 0.9, 0.05])
        segments = np.zeros((8, 4_000))
        for at, (start, end) in enumerate([(0, 4_000), (0, 3_000), (3_000, 4_000)]):
            segments[at, start:end] = moved[start:end]
        for at in range(3, 8):
            segments[at, 60 * at : 60 * at + 60] = moved[60 * at : 60 * at + 60]
        given = np.unique(np.concatenate([np.flatnonzero(each) for each in segments[3:]]))
        few = [
            Comparison("f", np.flatnonzero(each[given]), each[given][each[given] != 0])
            for each in segments
        ]
        rest = moments(np.delete(segments, given, axis=1))
        blocked += min(harm_p_values(few, seed=b"h", draws=199, rest=rest)) <= 0.05
    assert blocked <= 20  # 10 are expected; more than 20 has probability .002
