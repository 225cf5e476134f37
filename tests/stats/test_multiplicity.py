import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from gates.stats.multiplicity import Comparison, Doubt, harm_p_values, hochberg, holm
from gates.stats.paired import mcnemar_exact
from gates.stats.seeds import SeedSpread
from gates.stats.undefined import UndefinedError

Reference = Callable[[str], dict[str, Any]]
Floats = NDArray[np.float64]


def _comparison(
    values: Floats, rows: NDArray[np.intp] | None = None, family: str = "segments"
) -> Comparison:
    return Comparison(family, np.arange(len(values)) if rows is None else rows, values)


def _votes(gains: int, losses: int) -> Floats:
    return np.concatenate([np.ones(gains), -np.ones(losses)])


@pytest.mark.parametrize(("name", "method"), [("holm", holm), ("hochberg", hochberg)])
def test_adjustments_are_rs(
    name: str, method: Callable[[list[float]], list[float]], reference: Reference
) -> None:
    case = reference(name)
    assert method(case["input"]) == pytest.approx(case["expected"], abs=case["tolerance"])
    assert method(case["input"][::-1]) == pytest.approx(case["expected"][::-1])


def test_not_a_number_hides_no_other_p_value() -> None:
    assert holm([0.5, np.nan, 1e-9]) == pytest.approx([1.0, 1.0, 3e-9])


def test_nothing_to_adjust() -> None:
    assert holm([]) == hochberg([]) == []
    assert harm_p_values([], seed=b"") == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_hochberg_never_exceeds_holm_nor_falls_below_the_p_value(p_values: list[float]) -> None:
    for raw, low, high in zip(p_values, hochberg(p_values), holm(p_values), strict=True):
        assert raw <= low <= high <= 1


@pytest.mark.parametrize(("gains", "losses"), [(1, 6), (0, 5), (20, 40), (70, 95)])
def test_one_small_comparison_is_the_exact_mcnemar_test(gains: int, losses: int) -> None:
    exact = mcnemar_exact(gains, losses)
    [p_value] = harm_p_values([_comparison(_votes(gains, losses))], seed=b"a", draws=20_000)
    assert p_value == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000) + 1e-4)


def test_one_large_comparison_is_the_normal_test() -> None:
    values = np.random.default_rng(1).standard_exponential(5_000) - 1.02
    expected = stats.norm.cdf(values.sum() / np.sqrt((values**2).sum()))
    [p_value] = harm_p_values([_comparison(values)], seed=b"a", draws=20_000)
    assert p_value == pytest.approx(expected, abs=0.012)


def test_step_down_against_all_sign_patterns() -> None:
    # 10 rows, two overlapping comparisons: all 1,024 patterns are counted.
    rng = np.random.default_rng(2)
    first, second = -np.abs(rng.normal(size=6)), rng.normal(size=7) - 0.8
    table = np.zeros((2, 10))
    table[0, :6] = first / np.linalg.norm(first)
    table[1, 3:] = second / np.linalg.norm(second)
    signs = np.array(list(product([1, -1], repeat=10)))
    drawn, observed = signs @ table.T, table.sum(axis=1)
    order = np.argsort(observed)
    leading = (drawn.min(axis=1) <= observed[order[0]] + 1e-9).mean()
    following = (drawn[:, order[1]] <= observed[order[1]] + 1e-9).mean()
    expected = np.empty(2)
    expected[order] = leading, max(leading, following)
    comparisons = [_comparison(first), _comparison(second, np.arange(3, 10))]
    assert harm_p_values(comparisons, seed=b"b", draws=40_000) == pytest.approx(expected, abs=0.01)


def test_the_normal_part_agrees_with_real_signs() -> None:
    # 6 overlapping comparisons of 300–900 rows; duplicated among 150 rows with real signs.
    rng = np.random.default_rng(3)
    values = rng.normal(size=3_000) - 0.02
    chosen = [np.sort(rng.choice(3_000, size, replace=False)) for size in range(300, 901, 120)]
    comparisons = [_comparison(values[rows], rows) for rows in chosen]
    comparisons.append(_comparison(values[:150] - 0.1))
    hybrid = harm_p_values(comparisons, seed=b"c", draws=20_000)
    table = np.zeros((7, 3_000))
    for row, comparison in zip(table, comparisons, strict=True):
        row[comparison.rows] = comparison.values / np.linalg.norm(comparison.values)
    drawn = np.concatenate(
        [table @ (1.0 - 2 * rng.integers(0, 2, (3_000, 1_000))) for _ in range(20)], axis=1
    )
    observed = table.sum(axis=1)
    order = np.argsort(observed)
    minima = np.minimum.accumulate(drawn[order[::-1]], axis=0)[::-1]
    shares = (minima <= observed[order][:, None]).mean(axis=1)
    expected = np.empty(7)
    expected[order] = np.maximum.accumulate(shares)
    assert hybrid == pytest.approx(expected, abs=0.015)


def test_a_few_giant_rows_among_many_keep_their_real_signs() -> None:
    # Two rows carry nearly all: of their four sign patterns one is as harmful, half the time.
    values = np.concatenate([[-100.0, -100.0], np.tile([-0.01, 0.01], 500)])
    [p_value] = harm_p_values([_comparison(values)], seed=b"d")
    assert p_value == pytest.approx(1 / 8, abs=0.02)


def test_the_same_rows_twice_cost_nothing() -> None:
    values = _votes(40, 70)
    [once] = harm_p_values([_comparison(values)], seed=b"e")
    twice = harm_p_values([_comparison(values), _comparison(3 * values)], seed=b"e")
    assert twice == [once, once]


def test_families_do_not_pay_for_each_other() -> None:
    rng = np.random.default_rng(4)
    others = [_comparison(rng.normal(size=100), family="fairness") for _ in range(50)]
    alone = harm_p_values([_comparison(_votes(20, 40))], seed=b"f")
    beside = harm_p_values([_comparison(_votes(20, 40)), *others], seed=b"f")
    assert beside[0] == pytest.approx(alone[0], abs=0.006)


def test_a_comparison_that_nothing_moves_is_no_harm() -> None:
    still = Comparison("segments", np.arange(3), np.zeros(3))
    empty = Comparison("segments", np.arange(0), np.zeros(0))
    harmed = _comparison(_votes(0, 12))
    assert harm_p_values([still, harmed, empty], seed=b"g")[::2] == [1, 1]
    assert harm_p_values([still, harmed, empty], seed=b"g")[1] < 0.001
    assert harm_p_values([still], seed=b"g") == [1]


def test_p_values_never_reach_0() -> None:
    [p_value] = harm_p_values([_comparison(np.full(5_000, -1.0))], seed=b"h", draws=999)
    assert p_value == 1 / 1_000


@pytest.mark.parametrize("draws", [1, 7, 999, 5_003])
def test_every_draw_counts_once(draws: int) -> None:
    [p_value] = harm_p_values([_comparison(np.full(30, 1.0))], seed=b"i", draws=draws)
    assert p_value == 1


def test_order_of_rows_and_scale_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=500)
    order = rng.permutation(500)
    straight = harm_p_values([_comparison(values)], seed=b"j")
    assert harm_p_values([_comparison(values[order], order)], seed=b"j") == straight
    assert harm_p_values([_comparison(values * 1e-200)], seed=b"j") == straight
    assert harm_p_values([_comparison(values * 1e200)], seed=b"j") == straight


def test_groups_flip_together() -> None:
    # Three groups whose sums are all negative: 1 of 8 patterns is as harmful.
    values = np.array([-1.0, -1.0, 0.5, -1.5, -1.0, 0.0, 1.0, -1.0])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    [p_value] = harm_p_values([_comparison(values)], seed=b"k", groups=groups)
    assert p_value == pytest.approx(1 / 8, abs=0.02)  # −2, −1 and −1; the last sum is 0


def test_groups_that_cancel_up_to_rounding_do_not_move() -> None:
    values = np.array([0.1, 0.2, -0.3])
    assert harm_p_values([_comparison(values)], seed=b"l", groups=np.zeros(3, dtype=np.intp)) == [1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_contribution_that_is_no_number_has_no_p_value(value: float) -> None:
    with pytest.raises(UndefinedError, match="not a finite number"):
        harm_p_values([_comparison(np.array([1.0, value]))], seed=b"m")


def test_rows_without_values_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 rows for 1 contributions"):
        harm_p_values([Comparison("f", np.arange(2), np.ones(1))], seed=b"n")


THREADS = """
import numpy as np
from gates.stats.multiplicity import Comparison, harm_p_values
rng = np.random.default_rng(6)
rows = [np.sort(rng.choice(20_000, size, replace=False)) for size in (90, 150, 2_000, 9_000) * 8]
comparisons = [Comparison("f", at, rng.standard_t(3, size=len(at)) - 0.02) for at in rows]
print(harm_p_values(comparisons, seed=b"o", draws=2_000))
"""


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_threads_and_processor_do_not_change_a_digit() -> None:
    one = _run(THREADS, OMP_NUM_THREADS="1")
    assert _run(THREADS, OMP_NUM_THREADS="2", OPENBLAS_CORETYPE="Haswell") == one


def _segments(rng: np.random.Generator, drop: float) -> list[Comparison]:
    """24 overlapping segments × (accuracy, log loss) on 3,000 rows; one is harmed by `drop`."""
    rows = 3_000
    moved = rng.random(rows) < 0.06
    accuracy = np.where(moved, rng.choice([-1.0, 1.0], rows), 0)
    log_loss = rng.standard_t(4, rows) * 0.1 + 0.05 * accuracy
    comparisons = []
    for attribute in range(3):
        levels = rng.choice(8, rows, p=[0.4, 0.2, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02])
        for level in range(8):
            at = np.flatnonzero(levels == level)
            right = accuracy[at].copy()
            if attribute == level == 0:
                right[rng.random(len(at)) < drop] = -1
            comparisons += [_comparison(right, at), _comparison(log_loss[at], at)]
    return comparisons


def test_a_harmless_pull_request_is_rarely_blocked_and_a_harmful_one_mostly() -> None:
    rng = np.random.default_rng(7)
    harmless = [min(harm_p_values(_segments(rng, 0.0), seed=b"p", draws=199)) for _ in range(100)]
    harmful = [harm_p_values(_segments(rng, 0.05), seed=b"q", draws=199)[0] for _ in range(20)]
    assert np.mean(np.array(harmless) <= 0.05) <= 0.1
    assert np.mean(np.array(harmful) <= 0.05) >= 0.9


SPEED = """
import time
import numpy as np
from gates.stats.multiplicity import Comparison, harm_p_values
rng, rows = np.random.default_rng(8), np.arange(52_000)
comparisons = [Comparison("f", rows, rng.standard_normal(52_000)) for _ in range(60)]
start = time.process_time()
harm_p_values(comparisons, seed=b"r")
print(time.process_time() - start)
"""


def test_60_comparisons_on_52_000_rows_are_quick() -> None:
    # One thread: OpenBLAS's second one spins for seconds when another process holds its core.
    assert float(_run(SPEED, OMP_NUM_THREADS="1")) < 0.5  # 0.13 s on a quiet machine


def test_5_000_small_comparisons_fit_into_memory() -> None:
    rng = np.random.default_rng(9)
    comparisons = [
        _comparison(rng.standard_normal(40), np.sort(rng.choice(52_000, 40, replace=False)))
        for _ in range(5_000)
    ]
    tracemalloc.start()
    harm_p_values(comparisons, seed=b"s", draws=999)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


def test_the_less_harmful_of_both_statistics_counts() -> None:
    """Ten losses and no gain: T = −√10 by the signs, −1 by the metric's own interval."""
    values = np.full(10, -1.0)
    rows = np.arange(10)
    (sure,) = harm_p_values([Comparison("one", rows, values)], seed=b"s")
    doubted = Comparison("one", rows, values, Doubt(own=-1.0))
    (unsure,) = harm_p_values([doubted], seed=b"s")
    bolder = Comparison("one", rows, values, Doubt(own=-9.0))
    assert sure < 0.005
    assert 0.1 < unsure < 0.25  # at least 7 of 10 signs negative: T <= −1.26, chance .172
    assert harm_p_values([bolder], seed=b"s") == [sure]


def test_what_seeds_move_is_no_harm() -> None:
    """A statistic of −4 from the test rows, whose error is a tenth of what the seeds move."""
    values = np.full(16, -1.0)
    doubt = Doubt(error=0.001, spread=SeedSpread(0.01**2, 8))
    (p_value,) = harm_p_values([Comparison("one", np.arange(16), values, doubt)], seed=b"s")
    assert p_value > 0.2


def test_doubt_takes_part_in_the_order_of_the_step_down() -> None:
    rows, losses = np.arange(400), np.full(400, -1.0)
    doubted = Comparison("one", rows, losses, Doubt(own=0.5))
    mixed = Comparison("one", rows, np.where(rows % 10 < 7, -1.0, 1.0))
    first, second = harm_p_values([doubted, mixed], seed=b"s")
    assert second < 0.01
    assert first > 0.5
