import numpy as np
import pytest

from gates.case.answers import Predicted
from gates.metrics.regression import METRICS
from gates.stats.undefined import UndefinedError
from gates.tables.table import Floats


def predicted(labels: Floats, predictions: Floats) -> Predicted:
    return Predicted(labels, predictions, predictions)


@pytest.fixture(scope="module")
def pair() -> tuple[Predicted, Predicted]:
    draws = np.random.default_rng(7)
    labels = draws.normal(20, 5, 1000)
    old, new = (labels + draws.normal(0.2, 1, 1000) for _ in range(2))
    return predicted(labels, old), predicted(labels, new)


def test_values_are_scikit_learns(pair: tuple[Predicted, Predicted]) -> None:
    from sklearn import metrics as sk

    of = pair[0]
    expected = {
        "mean_absolute_error": sk.mean_absolute_error(of.labels, of.predictions),
        "mean_squared_error": sk.mean_squared_error(of.labels, of.predictions),
        "root_mean_squared_error": sk.root_mean_squared_error(of.labels, of.predictions),
        "r2": sk.r2_score(of.labels, of.predictions),
        "mean_error": float(np.mean(of.predictions - of.labels)),
    }
    assert set(expected) == set(METRICS)
    for name, value in expected.items():
        assert METRICS[name].of(of, 0.95).value == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("name", METRICS)
def test_contributions_have_the_change_as_their_mean(
    name: str, pair: tuple[Predicted, Predicted]
) -> None:
    change = METRICS[name].change(*pair, 0.95)
    moved = change.candidate - change.baseline
    assert change.contributions.mean() == pytest.approx(moved, abs=1e-12)
    assert change.interval.lower <= moved <= change.interval.upper


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("rows", [0, 1, 2, 29])
def test_few_rows_have_no_value(name: str, rows: int) -> None:
    of = predicted(np.arange(rows, dtype=np.float64), np.zeros(rows))
    with pytest.raises(UndefinedError, match=f"{rows} rows; errors are judged from 30 on"):
        METRICS[name].of(of, 0.95)
    with pytest.raises(UndefinedError, match=f"{rows} rows; errors are judged from 30 on"):
        METRICS[name].change(of, of, 0.95)


def test_constant_labels_explain_nothing() -> None:
    of = predicted(np.full(100, 3.0), np.linspace(2, 4, 100))
    with pytest.raises(UndefinedError):
        METRICS["r2"].of(of, 0.95)
    assert METRICS["mean_error"].of(of, 0.95).value == pytest.approx(0)


def test_no_way_is_better_for_a_mean_error() -> None:
    assert METRICS["mean_error"].greater_is_better is None
    assert METRICS["r2"].greater_is_better is True


def test_the_same_numbers_are_told_by_their_size() -> None:
    labels = np.array([1e9, 1e-9])
    one = predicted(labels, labels)
    assert one.same_as(predicted(labels, labels * (1 + 1e-12)))
    assert not one.same_as(predicted(labels, labels * 1.001))
