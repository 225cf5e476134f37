from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from gates.stats.influence import (
    METRICS,
    Discordance,
    count_cells,
    count_paired_cells,
    discordance,
    log_losses,
    paired_cell_change,
    paired_cell_interval,
    paired_contributions,
    pseudo_values,
    split_cells,
    squared_errors,
    value_of,
)
from gates.stats.undefined import UndefinedError

Mask = NDArray[np.bool_]

ORACLES: dict[str, Callable[[Mask, Mask], float]] = {
    "accuracy": metrics.accuracy_score,
    "recall": metrics.recall_score,
    "specificity": lambda y, p: metrics.recall_score(~y, ~p),
    "false_positive_rate": lambda y, p: p[~y].mean(),
    "false_negative_rate": lambda y, p: 1 - p[y].mean(),
    "selection_rate": lambda _, p: p.mean(),
    "precision": metrics.precision_score,
    "negative_predictive_value": lambda y, p: metrics.precision_score(~y, ~p),
    "f1": metrics.f1_score,
    "macro_f1": lambda y, p: metrics.f1_score(y, p, average="macro"),
    "jaccard": metrics.jaccard_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
}


@st.composite
def judged(draw: st.DrawFn) -> tuple[Mask, Mask, Mask]:
    """Rows in which every denominator of every metric counts something."""
    size = draw(st.integers(0, 40))
    codes = draw(st.lists(st.integers(0, 7), min_size=size, max_size=size))
    cells = np.array([0, 3, 4, 7, 1, 2, *codes])
    return cells >= 4, cells % 4 >= 2, cells % 2 == 1


def _rows(size: int, seed: int) -> tuple[Mask, Mask, Mask]:
    rng = np.random.default_rng(seed)
    labels = rng.random(size) < 0.3
    old = np.where(rng.random(size) < 0.2, ~labels, labels)
    return labels, old, np.where(rng.random(size) < 0.1, ~old, old)


def test_every_metric_has_an_oracle() -> None:
    assert ORACLES.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=30)
@given(rows=judged())
def test_values_are_scikit_learns(name: str, rows: tuple[Mask, Mask, Mask]) -> None:
    labels, old, _ = rows
    expected = ORACLES[name](labels, old)
    assert value_of(METRICS[name], count_cells(labels, old)) == pytest.approx(expected, abs=1e-12)
    values = pseudo_values(METRICS[name], labels, old)
    assert values.mean() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=30)
@given(rows=judged())
def test_contributions_add_up_to_the_change_and_mirror(
    name: str, rows: tuple[Mask, Mask, Mask]
) -> None:
    labels, old, new = rows
    oracle, metric = ORACLES[name], METRICS[name]
    there = paired_contributions(metric, labels, old, new)
    back = paired_contributions(metric, labels, new, old)
    assert there.mean() == pytest.approx(oracle(labels, new) - oracle(labels, old), abs=1e-12)
    assert there == pytest.approx(-back, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=30)
@given(rows=judged())
def test_the_interval_holds_the_change_and_mirrors(
    name: str, rows: tuple[Mask, Mask, Mask]
) -> None:
    labels, old, new = rows
    oracle, metric = ORACLES[name], METRICS[name]
    interval = paired_cell_interval(metric, count_paired_cells(labels, old, new), 0.9)
    mirror = -paired_cell_interval(metric, count_paired_cells(labels, new, old), 0.9)
    wider = paired_cell_interval(metric, count_paired_cells(labels, old, new), 0.99)
    delta = oracle(labels, new) - oracle(labels, old)
    assert wider.lower <= interval.lower <= delta + 1e-12
    assert delta - 1e-12 <= interval.upper <= wider.upper
    assert (interval.lower, interval.upper) == pytest.approx(
        (mirror.lower, mirror.upper), abs=1e-12
    )


def test_paired_cells_by_hand() -> None:
    labels = np.array([False, True, True, True])
    old = np.array([False, False, True, True])
    new = np.array([True, True, False, True])
    cells = count_paired_cells(labels, old, new)
    assert cells.tolist() == [0, 1, 0, 0, 0, 1, 1, 1]
    before, after = split_cells(cells)
    assert before.tolist() == [1, 0, 1, 2]
    assert after.tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", Discordance(gains=5, losses=2 + 1, rows=100)),
        ("recall", Discordance(gains=4, losses=1, rows=30)),
        ("specificity", Discordance(gains=1, losses=2, rows=70)),
        ("false_positive_rate", Discordance(gains=2, losses=1, rows=70)),
        ("false_negative_rate", Discordance(gains=1, losses=4, rows=30)),
        ("selection_rate", Discordance(gains=2 + 4, losses=1 + 1, rows=100)),
    ],
)
def test_discordance_by_hand(name: str, expected: Discordance) -> None:
    cells = np.array([60, 2, 1, 7, 5, 4, 1, 20])
    assert discordance(METRICS[name], cells) == expected


def test_precision_has_no_fixed_rows() -> None:
    with pytest.raises(ValueError, match="same rows"):
        discordance(METRICS["precision"], np.ones(8, dtype=np.int64))


def test_contributions_of_precision_leave_rows_out_that_nobody_predicts() -> None:
    labels, old, new = _rows(300, 1)
    values = paired_contributions(METRICS["precision"], labels, old, new)
    assert (values[~old & ~new] == 0).all()
    assert (values[old != new] != 0).all()


def test_contributions_of_recall_are_the_differences_on_the_positives() -> None:
    labels, old, new = _rows(300, 2)
    values = paired_contributions(METRICS["recall"], labels, old, new)
    plain = (new.astype(int) - old) * labels * (300 / labels.sum())
    assert values == pytest.approx(plain, abs=1e-12)


def test_nothing_predicted_positive_has_no_precision() -> None:
    labels, old, _ = _rows(50, 3)
    nothing = np.zeros(50, dtype=np.bool_)
    with pytest.raises(UndefinedError, match="denominator"):
        value_of(METRICS["precision"], count_cells(labels, nothing))
    with pytest.raises(UndefinedError, match="denominator"):
        paired_contributions(METRICS["precision"], labels, old, nothing)
    with pytest.raises(UndefinedError, match="denominator"):
        paired_cell_interval(METRICS["precision"], count_paired_cells(labels, nothing, old), 0.95)


@pytest.mark.parametrize("name", METRICS)
def test_no_rows_have_no_metric(name: str) -> None:
    empty = np.zeros(0, dtype=np.bool_)
    with pytest.raises(UndefinedError, match="denominator"):
        pseudo_values(METRICS[name], empty, empty)


def test_losses_are_scikit_learns() -> None:
    labels, _, _ = _rows(200, 4)
    scores = np.random.default_rng(5).random(200)
    scores[:4] = [0, 1, 0, 1]
    assert log_losses(labels, scores).mean() == pytest.approx(
        metrics.log_loss(labels, scores), abs=1e-12
    )
    assert squared_errors(labels, scores).mean() == pytest.approx(
        metrics.brier_score_loss(labels, scores), abs=1e-12
    )


@pytest.mark.parametrize("score", [np.nan, -0.1, 1.1, np.inf])
@pytest.mark.parametrize("losses", [log_losses, squared_errors])
def test_what_is_no_probability_has_no_loss(
    losses: Callable[[Mask, NDArray[np.float64]], NDArray[np.float64]], score: float
) -> None:
    with pytest.raises(UndefinedError, match=r"outside \[0, 1\]"):
        losses(np.array([True]), np.array([score]))


@pytest.mark.parametrize(("name", "prevalence"), [("precision", 0.02), ("f1", 0.02), ("f1", 0.5)])
def test_the_half_rows_keep_the_coverage_with_few_positives(name: str, prevalence: float) -> None:
    # §2: a percentile bootstrap covers .27–.75 here.
    rng = np.random.default_rng(11)
    outcome = [0.55, 0.05, 0.05, 0.35]  # neither predicts, only new, only old, both
    chances = np.concatenate(
        ([x * (1 - prevalence) for x in (0.93, 0.02, 0.02, 0.03)], np.array(outcome) * prevalence)
    )
    draws = rng.multinomial(400, chances, size=1_500)
    defined = [
        cells for cells in draws if (cells[[1, 3, 5, 7]].sum() and cells[[2, 3, 6, 7]].sum())
    ]
    covered = [0 in paired_cell_interval(METRICS[name], cells, 0.95) for cells in defined]
    assert np.mean(covered) >= 0.935


def test_the_change_is_nearly_the_plain_one_on_many_rows() -> None:
    labels, old, new = _rows(20_000, 12)
    cells = count_paired_cells(labels, old, new)
    for name, oracle in ORACLES.items():
        change = paired_cell_change(METRICS[name], cells)
        values = paired_contributions(METRICS[name], labels, old, new)
        assert change.value == pytest.approx(oracle(labels, new) - oracle(labels, old), abs=2e-4)
        assert change.standard_error == pytest.approx(values.std() / np.sqrt(20_000), rel=0.02)
