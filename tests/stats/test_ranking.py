import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from gates.stats.auc import auc_pseudo_values, delong
from gates.stats.ranking import (
    FEW_POSITIVES,
    average_precision_change,
    average_precision_value,
    average_precision_values,
    roc_auc_change,
    roc_auc_ovr_change,
    roc_auc_ovr_value,
    roc_auc_value,
    roc_auc_values,
)
from gates.stats.undefined import UndefinedError

Values = NDArray[np.float64]
Rows = tuple[NDArray[np.bool_], Values, Values]


@st.composite
def ranked(draw: st.DrawFn) -> Rows:
    """Labels, tied scores and whole weights; both classes have weight."""
    size = draw(st.integers(0, 40))
    labels = [True, False, *draw(st.lists(st.booleans(), min_size=size, max_size=size))]
    scores, weights = (
        draw(st.lists(st.integers(low, 5), min_size=size + 2, max_size=size + 2)) for low in (-5, 0)
    )
    weights[:2] = [1, 2]
    return np.array(labels), np.array(scores, dtype=np.float64), np.array(weights, dtype=np.float64)


def _rows(size: int, seed: int) -> tuple[NDArray[np.bool_], Values, Values, Values]:
    rng = np.random.default_rng(seed)
    labels = rng.random(size) < 0.3
    old = np.round(rng.normal(size=size) + labels, 2)
    return labels, old, np.round(old + rng.normal(size=size), 2), rng.exponential(size=size)


@given(ranked())
def test_values_have_scikit_learns_value_as_mean(rows: Rows) -> None:
    labels, scores, weights = rows
    scaled = weights / weights.mean()
    auc = roc_auc_score(labels, scores, sample_weight=weights)
    assert roc_auc_values(labels, scores, scaled).mean() == pytest.approx(auc, abs=1e-12)
    precision = average_precision_score(labels, scores, sample_weight=weights)
    assert average_precision_values(labels, scores, scaled).mean() == pytest.approx(
        precision, abs=1e-12
    )


@given(ranked())
def test_a_weight_counts_as_so_many_rows_and_order_does_not_matter(rows: Rows) -> None:
    labels, scores, weights = rows
    times = weights.astype(int)
    many, repeated = np.repeat(labels, times), np.repeat(scores, times)
    scaled = weights / weights.mean()
    for values_of in (roc_auc_values, average_precision_values):
        values = values_of(labels, scores, scaled)
        again = values_of(many, repeated, np.ones(len(many)))
        assert values.mean() == pytest.approx(again.mean(), abs=1e-12)
        order = np.random.default_rng(len(labels)).permutation(len(labels))
        moved = values_of(labels[order], scores[order], scaled[order])
        assert moved == pytest.approx(values[order], abs=1e-12)


def test_average_precision_by_hand() -> None:
    # Precision at the two positives: 1/1 and 2/3.
    labels = np.array([True, False, True, False])
    values = average_precision_values(labels, np.array([4.0, 3.0, 2.0, 1.0]), np.ones(4))
    assert values.mean() == pytest.approx((1 + 2 / 3) / 2)
    assert values[3] == pytest.approx(5 / 6)  # the last row moves nothing


@pytest.mark.parametrize("values_of", [average_precision_values, roc_auc_values])
def test_a_rows_value_is_what_more_of_it_changes(values_of: object) -> None:
    labels, scores, _, weights = _rows(60, 1)
    scaled = weights / weights.mean()
    assert callable(values_of)
    values = values_of(labels, scores, scaled)
    for row in (0, 17, 59):
        more = scaled.copy()
        more[row] *= 1 + 1e-6
        slope = (values_of(labels, scores, more).mean() - values.mean()) / 1e-6 * len(labels)
        assert values[row] - values.mean() == pytest.approx(slope, abs=2e-4)


@pytest.mark.parametrize("weights", [None, np.full(400, 0.7)])
def test_equal_weights_are_delongs(weights: Values | None) -> None:
    labels, old, new, _ = _rows(400, 2)
    before, after = auc_pseudo_values(labels, old), auc_pseudo_values(labels, new)
    expected = delong(labels, after - before).interval(0.95)
    change = roc_auc_change(labels, old, new, confidence=0.95, weights=weights)
    assert (change.interval.lower, change.interval.upper) == pytest.approx(
        (expected.lower, expected.upper), abs=1e-12
    )
    assert change.contributions == pytest.approx(after - before, abs=1e-12)
    value = roc_auc_value(labels, new, confidence=0.95, weights=weights)
    assert value.interval.lower == pytest.approx(delong(labels, after).interval(0.95).lower)


@pytest.mark.parametrize("weigh", [False, True])
def test_contributions_have_the_change_as_mean_and_flip(weigh: bool) -> None:
    labels, old, new, weights = _rows(400, 3)
    given = weights if weigh else None
    for change_of, oracle in (
        (roc_auc_change, roc_auc_score),
        (average_precision_change, average_precision_score),
    ):
        change = change_of(labels, old, new, confidence=0.95, weights=given)
        mirror = change_of(labels, new, old, confidence=0.95, weights=given)
        delta = oracle(labels, new, sample_weight=given) - oracle(labels, old, sample_weight=given)
        assert change.candidate - change.baseline == pytest.approx(delta, abs=1e-12)
        assert change.contributions.mean() == pytest.approx(delta, abs=1e-12)
        assert change.contributions == pytest.approx(-mirror.contributions, abs=1e-12)
        assert change.interval.lower == pytest.approx(-mirror.interval.upper, abs=1e-12)
        assert delta in change.interval


def _classes(size: int, seed: int) -> tuple[NDArray[np.intp], Values, Values]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, size)
    scores = rng.dirichlet(np.ones(4), size) + 0.3 * np.eye(4)[labels]
    return labels, scores / scores.sum(axis=1, keepdims=True), rng.dirichlet(np.ones(4), size)


def test_one_against_the_rest_is_scikit_learns() -> None:
    labels, old, new = _classes(300, 4)
    expected = [roc_auc_score(labels, s, multi_class="ovr") for s in (old, new)]
    change = roc_auc_ovr_change(labels, old, new, confidence=0.95)
    assert (change.baseline, change.candidate) == pytest.approx(expected, abs=1e-12)
    assert change.contributions.mean() == pytest.approx(expected[1] - expected[0], abs=1e-12)
    value = roc_auc_ovr_value(labels, old, confidence=0.95)
    assert value.value == pytest.approx(expected[0], abs=1e-12)
    assert value.value in value.interval


def test_two_classes_against_each_other_are_the_auc() -> None:
    labels, old, new, weights = _rows(300, 5)
    ovr = roc_auc_ovr_change(
        labels.astype(np.intp),
        np.stack([-old, old], axis=1),
        np.stack([-new, new], axis=1),
        confidence=0.95,
        weights=weights,
    )
    auc = roc_auc_change(labels, old, new, confidence=0.95, weights=weights)
    assert ovr.candidate == pytest.approx(auc.candidate, abs=1e-12)
    assert ovr.contributions == pytest.approx(auc.contributions, abs=1e-12)
    assert ovr.interval.width == pytest.approx(auc.interval.width, rel=0.02)


def test_a_class_without_rows_is_left_out() -> None:
    labels, old, _ = _classes(300, 6)
    here = labels != 3
    value = roc_auc_ovr_value(labels[here], old[here], confidence=0.95)
    expected = [roc_auc_score(labels[here] == one, old[here, one]) for one in range(3)]
    assert value.value == pytest.approx(np.mean(expected), abs=1e-12)


@pytest.mark.parametrize("labels", [[], [True], [True, True], [False, False]])
def test_one_class_ranks_nothing(labels: list[bool]) -> None:
    given, scores = np.array(labels, dtype=np.bool_), np.zeros(len(labels))
    with pytest.raises(UndefinedError, match=r"no rows|both classes"):
        roc_auc_value(given, scores, confidence=0.95)
    with pytest.raises(UndefinedError, match=r"no rows|0 positives|1 positives|2 positives"):
        average_precision_value(given, scores, confidence=0.95)
    with pytest.raises(UndefinedError, match=r"no rows|two classes"):
        roc_auc_ovr_value(given.astype(np.intp), np.zeros((len(labels), 2)), confidence=0.95)


def test_few_positives_have_no_interval() -> None:
    labels = np.arange(500) < FEW_POSITIVES
    scores = np.arange(500.0)
    average_precision_value(labels, scores, confidence=0.95)
    labels[0] = False
    with pytest.raises(UndefinedError, match="49 positives"):
        average_precision_value(labels, scores, confidence=0.95)
    with pytest.raises(UndefinedError, match="2 rows of each class, found 1"):
        roc_auc_value(np.array([True, False, False]), np.arange(3.0), confidence=0.95)


def test_only_rows_with_weight_are_positives() -> None:
    labels = np.arange(500) < 60
    weights = (np.arange(500) >= 20).astype(np.float64)
    with pytest.raises(UndefinedError, match="40 positives of equal weight"):
        average_precision_value(labels, np.arange(500.0), confidence=0.95, weights=weights)


def test_nan_has_no_rank_and_ties_have_no_spread() -> None:
    labels, scores, _, _ = _rows(300, 7)
    tied = roc_auc_value(labels, np.zeros(300), confidence=0.95)
    assert (tied.value, tied.interval.width) == (0.5, 0)
    assert average_precision_value(labels, np.zeros(300), confidence=0.95).value == pytest.approx(
        labels.mean()
    )
    scores[0] = np.nan
    with pytest.raises(UndefinedError, match="NaN"):
        roc_auc_value(labels, scores, confidence=0.95)
    with pytest.raises(UndefinedError, match="NaN"):
        average_precision_value(labels, scores, confidence=0.95)


def test_average_precision_covers_at_100_positives() -> None:
    rng = np.random.default_rng(9)
    covered = []
    for _ in range(500):
        labels = rng.random(1_000) < 0.1
        shared = rng.normal(size=1_000) + labels * 1.9
        old, new = (shared + 0.4 * rng.normal(size=1_000) for _ in range(2))
        covered.append(0 in average_precision_change(labels, old, new, confidence=0.95).interval)
    assert 0.925 <= np.mean(covered) <= 0.98


def test_50_000_rows_take_a_blink() -> None:
    labels, old, new, weights = _rows(50_000, 8)

    def measure() -> float:
        start = time.process_time()
        average_precision_change(labels, old, new, confidence=0.95, weights=weights)
        return time.process_time() - start

    assert min(measure() for _ in range(3)) < 0.1  # 16 ms on a quiet machine


def test_no_weights_bring_forth_nan() -> None:
    rng = np.random.default_rng(10)
    for size in [*range(4, 100, 4)] * 4:
        labels = rng.random(size) < 0.6
        scores = rng.choice([0.0, 1.0, 1e-310, 1e300, -np.inf, np.inf], size)
        weights = 10.0 ** rng.integers(-18, 1, size)
        for change_of in (roc_auc_change, average_precision_change):
            try:
                change = change_of(labels, scores, -scores, confidence=0.95, weights=weights)
            except UndefinedError:
                continue
            assert np.isfinite([*change.contributions, change.interval.width]).all()
            assert -1 <= change.interval.lower <= change.interval.upper <= 1
