import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from gates.stats.auc import auc_pseudo_values, average_precision, delong, roc_auc
from gates.stats.undefined import UndefinedError

Rows = tuple[NDArray[np.bool_], NDArray[np.float64]]


@st.composite
def ranked(draw: st.DrawFn) -> Rows:
    size = draw(st.integers(4, 60))
    labels = np.array([True, True, False, False, *draw(_list(st.booleans(), size - 4))])
    scores = np.array(draw(_list(st.integers(-5, 5), size)), dtype=np.float64)
    return labels, scores


def _list(
    elements: st.SearchStrategy[bool] | st.SearchStrategy[int], size: int
) -> st.SearchStrategy:
    return st.lists(elements, min_size=size, max_size=size)


def _rows(size: int, seed: int, digits: int = 3) -> Rows:
    rng = np.random.default_rng(seed)
    labels = rng.random(size) < 0.2
    return labels, np.round(rng.normal(size=size) + labels, digits)


def test_auc_by_hand() -> None:
    # Pairs: 0.8 beats both, 0.4 ties with one and beats the other: (2 + 1.5) / 4.
    labels = np.array([True, True, False, False])
    assert roc_auc(labels, np.array([0.8, 0.4, 0.4, 0.1])) == 3.5 / 4


def test_all_scores_tied_are_a_coin() -> None:
    labels, scores = _rows(100, 0)
    assert roc_auc(labels, np.zeros_like(scores)) == pytest.approx(0.5, abs=1e-15)
    assert average_precision(labels, np.zeros_like(scores)) == pytest.approx(labels.mean())


@given(ranked())
def test_auc_and_average_precision_are_scikit_learns(rows: Rows) -> None:
    assert roc_auc(*rows) == pytest.approx(roc_auc_score(*rows), abs=1e-12)
    assert average_precision(*rows) == pytest.approx(average_precision_score(*rows), abs=1e-12)


def test_large_tables_agree_with_scikit_learn() -> None:
    rows = _rows(52_000, 1)
    assert roc_auc(*rows) == pytest.approx(roc_auc_score(*rows), abs=1e-12)
    assert average_precision(*rows) == pytest.approx(average_precision_score(*rows), abs=1e-12)


@given(ranked())
def test_pseudo_values_have_the_auc_as_mean_over_all_rows_and_over_each_class(rows: Rows) -> None:
    values, auc = auc_pseudo_values(*rows), roc_auc_score(*rows)
    labels = rows[0]
    for part in (values, values[labels], values[~labels]):
        assert part.mean() == pytest.approx(auc, abs=1e-12)


@given(ranked(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rows: Rows, random: object) -> None:
    labels, scores = rows
    order = np.random.default_rng(hash(random) % 2**32).permutation(len(labels))
    moved = auc_pseudo_values(labels[order], scores[order])
    assert moved == pytest.approx(auc_pseudo_values(labels, scores)[order], abs=1e-12)


@given(ranked())
def test_reversed_scores_mirror_the_auc(rows: Rows) -> None:
    labels, scores = rows
    assert roc_auc(labels, -scores) == pytest.approx(1 - roc_auc(labels, scores), abs=1e-12)


def test_delong_against_its_definition_by_pairs() -> None:
    labels, old = _rows(80, 2, digits=1)
    new = old + np.round(np.random.default_rng(3).normal(size=80), 1)

    def placements(scores: NDArray[np.float64]) -> Rows:
        kernel = np.sign(scores[labels][:, None] - scores[~labels][None, :]) / 2 + 0.5
        return kernel.mean(axis=1), kernel.mean(axis=0)

    (old_hits, old_misses), (new_hits, new_misses) = placements(old), placements(new)
    variance = (
        np.cov(old_hits, new_hits) / labels.sum() + np.cov(old_misses, new_misses) / (~labels).sum()
    )
    contrast = np.array([-1, 1])
    estimate = delong(labels, auc_pseudo_values(labels, new) - auc_pseudo_values(labels, old))
    assert estimate.value == pytest.approx(new_hits.mean() - old_hits.mean(), abs=1e-12)
    assert estimate.standard_error == pytest.approx(
        math.sqrt(contrast @ variance @ contrast), rel=1e-10
    )


def test_the_same_scores_differ_by_nothing() -> None:
    labels, scores = _rows(60, 4)
    values = auc_pseudo_values(labels, scores)
    estimate = delong(labels, values - auc_pseudo_values(labels, 2 * scores + 1))
    assert (estimate.value, estimate.standard_error) == (0, 0)


@pytest.mark.parametrize("labels", [[], [True, True], [False]])
def test_one_class_has_no_auc(labels: list[bool]) -> None:
    rows = np.array(labels, dtype=np.bool_), np.zeros(len(labels))
    with pytest.raises(UndefinedError, match="both classes"):
        roc_auc(*rows)
    with pytest.raises(UndefinedError, match="both classes"):
        average_precision(*rows)


def test_nan_has_no_rank_but_infinity_has() -> None:
    labels = np.array([True, False])
    with pytest.raises(UndefinedError, match="NaN"):
        roc_auc(labels, np.array([math.nan, 0.0]))
    assert roc_auc(labels, np.array([math.inf, -math.inf])) == 1


def test_a_single_positive_has_no_delong_variance() -> None:
    labels = np.array([True, False, False])
    with pytest.raises(UndefinedError, match="1 positives and 2 negatives"):
        delong(labels, auc_pseudo_values(labels, np.arange(3.0)))


def test_delong_covers_at_500_rows() -> None:
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(1_000):
        labels = rng.random(500) < 0.3
        shared = rng.normal(size=500) + labels
        old, new = (shared + rng.normal(size=500) for _ in range(2))
        difference = auc_pseudo_values(labels, new) - auc_pseudo_values(labels, old)
        covered.append(0 in delong(labels, difference).interval(0.95))
    assert 0.93 <= np.mean(covered) <= 0.97


def test_both_models_on_52_000_rows_take_a_blink() -> None:
    labels, scores = _rows(52_000, 7)

    def measure() -> float:
        start = time.perf_counter()
        delong(labels, auc_pseudo_values(labels, scores) - auc_pseudo_values(labels, -scores))
        return time.perf_counter() - start

    assert min(measure() for _ in range(5)) < 0.06  # 6 ms on a quiet machine
