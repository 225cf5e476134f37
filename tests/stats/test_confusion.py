from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from gates.stats import influence
from gates.stats.confusion import (
    ConfusionMetric,
    confusion_change,
    confusion_value,
    count_matrix,
    influence_of,
    value_of,
)
from gates.stats.matrix import KINDS, Kind
from gates.stats.paired import tango
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError

Codes = NDArray[np.intp]
Weights = NDArray[np.float64]

ORACLES: dict[Kind, Callable[..., float]] = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "macro_f1": lambda *y, **w: metrics.f1_score(*y, average="macro", **w),
    "macro_precision": lambda *y, **w: metrics.precision_score(*y, average="macro", **w),
    "macro_recall": lambda *y, **w: metrics.recall_score(*y, average="macro", **w),
    "mcc": metrics.matthews_corrcoef,
    "cohen_kappa": metrics.cohen_kappa_score,
    "recall": lambda *y, **w: metrics.recall_score(*y, average=None, **w)[1],
    "precision": lambda *y, **w: metrics.precision_score(*y, average=None, **w)[1],
    "f1": lambda *y, **w: metrics.f1_score(*y, average=None, **w)[1],
}
METRICS = [ConfusionMetric(k, 1 if k in ("recall", "precision", "f1") else None) for k in KINDS]
NOT_OF_FIXED_ROWS = [one for one in METRICS if one.kind not in ("accuracy", "recall")]
MACRO = [one for one in NOT_OF_FIXED_ROWS if one.label is None]


@st.composite
def judged(draw: st.DrawFn) -> tuple[Codes, Codes, Codes, int, Weights]:
    """Rows in which each class is labelled, and predicted by both, with weight."""
    classes = draw(st.integers(2, 5))
    size = draw(st.integers(1, 30))
    several = st.lists(st.integers(0, classes - 1), min_size=size, max_size=size)
    every = list(range(classes))
    labels, old, new = (np.array([*every, *draw(several)], dtype=np.intp) for _ in range(3))
    weights = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    return labels, old, new, classes, np.array([*([1] * classes), *weights], dtype=np.float64)


def _rows(size: int, classes: int, seed: int) -> tuple[Codes, Codes, Codes]:
    rng = np.random.default_rng(seed)
    labels, wrong, other = rng.integers(0, classes, (3, size))
    old = np.where(rng.random(size) < 0.3, wrong, labels)
    return labels, old, np.where(rng.random(size) < 0.15, other, old)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.kind)
@pytest.mark.parametrize("weigh", [False, True])
@settings(max_examples=25)
@given(rows=judged())
def test_values_are_scikit_learns_and_contributions_add_up(
    metric: ConfusionMetric, weigh: bool, rows: tuple[Codes, Codes, Codes, int, Weights]
) -> None:
    labels, old, new, classes, weights = rows
    given_weights = weights if weigh else None
    before, after = (
        ORACLES[metric.kind](labels, side, sample_weight=given_weights) for side in (old, new)
    )
    matrix = count_matrix(labels, new, classes, given_weights)
    assert value_of(metric, matrix) == pytest.approx(after, abs=1e-12)
    assert float(np.sum(matrix * influence_of(metric, matrix))) == pytest.approx(0, abs=1e-9)
    value = confusion_value(metric, labels, new, classes, confidence=0.95, weights=given_weights)
    assert value.value == pytest.approx(after, abs=1e-12)
    assert value.values.mean() == pytest.approx(after, abs=1e-10)
    assert value.interval.lower - 1e-9 <= after <= value.interval.upper + 1e-9
    change, mirror = (
        confusion_change(metric, labels, *sides, classes, confidence=0.95, weights=given_weights)
        for sides in ((old, new), (new, old))
    )
    assert change.candidate - change.baseline == pytest.approx(after - before, abs=1e-12)
    assert change.contributions.mean() == pytest.approx(after - before, abs=1e-10)
    assert change.contributions == pytest.approx(-mirror.contributions, abs=1e-10)
    assert change.interval.lower == pytest.approx(-mirror.interval.upper, abs=1e-9)
    assert change.interval.lower - 1e-9 <= after - before <= change.interval.upper + 1e-9


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.kind)
def test_influence_is_the_gradient(metric: ConfusionMetric) -> None:
    matrix = np.array([[30.0, 4, 2], [3, 20, 6], [1, 5, 9]])
    slope = np.empty((3, 3))
    for cell in np.ndindex(3, 3):
        more = matrix.copy()
        more[cell] += 1e-5
        slope[cell] = (value_of(metric, more) - value_of(metric, matrix)) / 1e-5 * matrix.sum()
    assert influence_of(metric, matrix) == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.kind)
def test_a_weight_counts_as_so_many_rows_and_order_does_not_matter(metric: ConfusionMetric) -> None:
    labels, old, new = _rows(90, 3, 1)
    times = np.arange(90) % 4
    change = confusion_change(
        metric, labels, old, new, 3, confidence=0.95, weights=times.astype(np.float64)
    )
    y, one, two = (np.repeat(side, times) for side in (labels, old, new))
    again = confusion_change(metric, y, one, two, 3, confidence=0.95)
    assert (change.baseline, change.candidate) == pytest.approx(
        (again.baseline, again.candidate), abs=1e-12
    )
    assert change.interval.width > again.interval.width
    order = np.random.default_rng(2).permutation(90)
    moved = confusion_change(
        metric,
        labels[order],
        old[order],
        new[order],
        3,
        confidence=0.95,
        weights=times[order].astype(np.float64),
    )
    assert moved.contributions == pytest.approx(change.contributions[order], abs=1e-10)
    assert moved.interval.lower == pytest.approx(change.interval.lower, abs=1e-10)


@pytest.mark.parametrize("weights", [None, np.full(200, 0.3)])
@pytest.mark.parametrize("kind", ["balanced_accuracy", "macro_f1", "precision", "f1"])
def test_two_classes_are_the_binary_metrics(kind: Kind, weights: Weights | None) -> None:
    labels, old, new = _rows(200, 2, 3)
    metric = ConfusionMetric(kind, 1 if kind in ("precision", "f1") else None)
    change = confusion_change(metric, labels, old, new, 2, confidence=0.95, weights=weights)
    binary = influence.METRICS[kind]
    cells = influence.count_paired_cells(labels == 1, old == 1, new == 1)
    expected = influence.paired_cell_interval(binary, cells, 0.95)
    assert (change.interval.lower, change.interval.upper) == pytest.approx(
        (expected.lower, expected.upper), abs=1e-12
    )
    assert change.contributions == pytest.approx(
        influence.paired_contributions(binary, labels == 1, old == 1, new == 1), abs=1e-12
    )


def test_shares_of_fixed_rows_have_tangos_and_wilsons_interval() -> None:
    labels, old, new = _rows(200, 3, 4)
    for metric, counted in (
        (ConfusionMetric("accuracy"), labels >= 0),
        (ConfusionMetric("recall", 2), labels == 2),
    ):
        right, was = (new == labels)[counted], (old == labels)[counted]
        change = confusion_change(metric, labels, old, new, 3, confidence=0.95)
        gains, losses = int((right & ~was).sum()), int((was & ~right).sum())
        expected = tango(gains, losses, len(right), 0.95)
        assert (change.interval.lower, change.interval.upper, change.rows) == pytest.approx(
            (expected.lower, expected.upper, len(right)), abs=1e-12
        )
        share = wilson(int(right.sum()), len(right), 0.95)
        value = confusion_value(metric, labels, new, 3, confidence=0.95)
        assert value.interval.lower == pytest.approx(share.lower, abs=1e-12)


def test_kappa_by_hand() -> None:
    # 20 / 5 / 10 / 15: agreement .7, by chance .5 (reference: cohen.wiki).
    matrix = np.array([[20.0, 5], [10, 15]])
    assert value_of(ConfusionMetric("cohen_kappa"), matrix) == pytest.approx(0.4, abs=1e-12)
    # (20 · 15 − 5 · 10) / sqrt(25 · 25 · 30 · 20)
    assert value_of(ConfusionMetric("mcc"), matrix) == pytest.approx(250 / 375_000**0.5, abs=1e-12)


def test_kappas_error_is_fleisss() -> None:
    # Fleiss, Cohen & Everitt, Psychological Bulletin 72 (1969), as statsmodels 0.15.0's
    # cohens_kappa gives it for this table.
    matrix = np.array([[20.0, 5], [10, 15]])
    influences = influence_of(ConfusionMetric("cohen_kappa"), matrix)
    error = float(np.sum(matrix * influences**2)) ** 0.5 / 50
    assert error == pytest.approx(0.12699606293110033, rel=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.kind)
def test_rows_with_the_same_prediction_add_little(metric: ConfusionMetric) -> None:
    labels, old, _ = _rows(120, 4, 5)
    same = confusion_change(metric, labels, old, old, 4, confidence=0.95)
    assert same.candidate == same.baseline
    assert not same.contributions.any()
    assert same.interval.lower < 0 < same.interval.upper


@pytest.mark.parametrize("metric", MACRO, ids=lambda m: m.kind)
def test_a_class_without_rows_is_left_out(metric: ConfusionMetric) -> None:
    labels, old, new = _rows(120, 4, 6)
    labels[labels == 3] = 0  # still predicted
    change = confusion_change(metric, labels, old, new, 4, confidence=0.95)
    present = {"labels": [0, 1, 2], "average": "macro"}
    oracles: dict[Kind, Callable[[Codes], float]] = {
        "balanced_accuracy": lambda p: metrics.recall_score(labels, p, **present),
        "macro_recall": lambda p: metrics.recall_score(labels, p, **present),
        "macro_precision": lambda p: metrics.precision_score(labels, p, **present),
        "macro_f1": lambda p: metrics.f1_score(labels, p, **present),
        "mcc": lambda p: metrics.matthews_corrcoef(labels, p),
        "cohen_kappa": lambda p: metrics.cohen_kappa_score(labels, p),
    }
    expected = oracles[metric.kind]
    assert (change.baseline, change.candidate) == pytest.approx(
        (expected(old), expected(new)), abs=1e-12
    )
    wider = confusion_change(metric, labels, old, new, 9, confidence=0.95)
    assert wider.interval.lower == pytest.approx(change.interval.lower, abs=1e-12)


def test_of_two_classes_one_may_lack_labels() -> None:
    labels, old, new = np.zeros(40, dtype=np.intp), np.arange(40) % 2, np.arange(40) % 4 // 3
    two, three = (
        confusion_change(
            ConfusionMetric("balanced_accuracy"), labels, old, new, classes, confidence=0.95
        )
        for classes in (2, 3)
    )
    assert (two.baseline, two.candidate) == (0.5, 0.75)
    assert (two.interval.lower, two.interval.upper) == pytest.approx(
        (three.interval.lower, three.interval.upper), abs=1e-12
    )


@pytest.mark.parametrize(
    ("metric", "labels", "predictions", "message"),
    [
        (ConfusionMetric("macro_precision"), [0, 1, 1], [0, 0, 0], "never predicted"),
        (ConfusionMetric("precision", 1), [0, 1, 1], [0, 0, 0], "never predicted"),
        (ConfusionMetric("f1", 2), [0, 1, 1], [0, 0, 0], "never either"),
        (ConfusionMetric("recall", 2), [0, 1, 1], [0, 0, 0], "counts no row"),
        (ConfusionMetric("mcc"), [0, 1, 1], [0, 0, 0], "every prediction is the same class"),
        (ConfusionMetric("mcc"), [1, 1, 1], [0, 1, 1], "every label is the same class"),
        (ConfusionMetric("cohen_kappa"), [1, 1], [1, 1], "only one class appears"),
        (ConfusionMetric("macro_f1"), [1, 1], [1, 1], "only one class appears"),
        (ConfusionMetric("balanced_accuracy"), [1], [1], "only one class appears"),
    ],
)
def test_what_has_no_value(
    metric: ConfusionMetric, labels: list[int], predictions: list[int], message: str
) -> None:
    given_labels, given_predictions = np.array(labels), np.array(predictions)
    with pytest.raises(UndefinedError, match=message):
        confusion_value(metric, given_labels, given_predictions, 3, confidence=0.95)
    with pytest.raises(UndefinedError, match=message):
        confusion_change(metric, given_labels, given_labels, given_predictions, 3, confidence=0.95)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.kind)
def test_no_rows(metric: ConfusionMetric) -> None:
    empty = np.zeros(0, dtype=np.intp)
    with pytest.raises(UndefinedError, match="no row"):
        confusion_change(metric, empty, empty, empty, 3, confidence=0.95)
    with pytest.raises(UndefinedError, match="no row"):
        value_of(metric, np.zeros((3, 3)))


@pytest.mark.parametrize("metric", MACRO, ids=lambda m: m.kind)
@pytest.mark.parametrize("rows", [2, 3])
def test_two_rows_have_a_wide_interval(metric: ConfusionMetric, rows: int) -> None:
    labels, new = np.arange(rows), np.arange(rows)[::-1].copy()
    change = confusion_change(metric, labels, labels, new, rows, confidence=0.95)
    assert change.interval.lower <= change.candidate - change.baseline <= change.interval.upper
    assert change.interval.width > 0.5


def test_codes_beyond_the_classes() -> None:
    with pytest.raises(ValueError, match="a prediction is no code of 2 classes"):
        count_matrix(np.array([0, 1]), np.array([0, 2]), 2)


@pytest.mark.parametrize("classes", [3, 10])
def test_two_pseudo_rows_keep_the_coverage_with_few_changes(classes: int) -> None:
    # Without them .76–.84 are covered here.
    rng = np.random.default_rng(classes)
    covered = []
    for _ in range(300):
        labels, wrong, one, two = rng.integers(0, classes, (4, 60))
        shared = np.where(rng.random(60) < 0.2, wrong, labels)
        old = np.where(rng.random(60) < 0.04, one, shared)
        new = np.where(rng.random(60) < 0.04, two, shared)
        change = confusion_change(
            ConfusionMetric("macro_f1"), labels, old, new, classes, confidence=0.95
        )
        covered.append(0 in change.interval)
    assert np.mean(covered) >= 0.95


def test_a_thousand_classes_need_no_cube() -> None:
    labels, old, new = _rows(20_000, 1_000, 7)
    change = confusion_change(ConfusionMetric("macro_f1"), labels, old, new, 1_000, confidence=0.95)
    assert change.candidate - change.baseline in change.interval


def test_no_table_brings_forth_nan() -> None:
    rng = np.random.default_rng(8)
    for size in [*range(1, 13)] * 8:
        labels, old, new = (rng.integers(0, rng.integers(1, 4), size) for _ in range(3))
        weights = 10.0 ** rng.integers(-300, 300, size)
        for metric in METRICS:
            try:
                change = confusion_change(
                    metric, labels, old, new, 3, confidence=0.95, weights=weights
                )
                values = confusion_value(
                    metric, labels, new, 3, confidence=0.95, weights=weights
                ).values
            except UndefinedError:
                continue
            assert np.isfinite([*change.contributions, *values, change.interval.width]).all()
