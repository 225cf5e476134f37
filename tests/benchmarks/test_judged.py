"""That the simulated truths of classes, numbers and weights are what many rows show."""

import numpy as np
import pytest

from benchmarks.simulation import classes, numbers, weighting
from benchmarks.simulation.judged import Tally, Truth, show
from gates.stats.interval import Interval
from gates.stats.measured import ModelValue, PairedChange
from gates.stats.regression import regression_value
from gates.stats.undefined import UndefinedError


def _change(lower: float, upper: float) -> PairedChange:
    return PairedChange(0.5, 0.4, Interval(lower, upper), np.zeros(1), 1)


def _value() -> ModelValue:
    return ModelValue(0.4, Interval(0.3, 0.5), np.zeros(1))


def _refuse() -> ModelValue:
    raise UndefinedError("no rows")


def test_a_tally_by_hand() -> None:
    tally, truth = Tally(), Truth(0.5, 0.4, greater_is_better=True)
    tally.judge(truth, lambda: _change(-0.2, 0.0), _value)
    tally.judge(truth, lambda: _change(-0.05, 0.1), _value)  # rules the true loss of .1 out
    tally.judge(truth, lambda: _change(-0.2, 0.0), _refuse)
    assert (tally.change.covered.value, tally.change.false_pass.value) == (0.5, 0.5)
    assert tally.value.covered.value == 1.0
    assert tally.refused.value == pytest.approx(1 / 3)
    row = show("a title", {("r2", 1_000): tally}).markdown().splitlines()[-1]
    assert row.startswith("| r2 | 1,000 | 0.500 ± ")
    assert row.endswith(" | 0.33 |")


@pytest.mark.parametrize("law", ["normal", "lognormal, sigma 0.5"])
def test_the_truth_of_numbers_is_what_many_rows_show(law: str) -> None:
    sample, variance = numbers.LAWS[law]
    truths = numbers._find_truths(sample, variance, np.random.default_rng(1))
    labels, _, new = numbers.draw(sample, 100_000, np.random.default_rng(2))
    for kind, truth in truths.items():
        value = regression_value(kind, labels, new, confidence=0.95).value
        assert value == pytest.approx(truth.new, rel=0.03, abs=0.01)


def test_the_new_model_is_the_worse_one() -> None:
    rng = np.random.default_rng(3)
    rows = classes.draw(np.full(3, 1 / 3), 20_000, rng)
    weighted = weighting.draw(weighting.WEIGHTS["lognormal weights"], 20_000, rng)
    for truths in (classes._find_truths(rows, 3), weighting._find_truths(weighted)):
        for truth in truths.values():
            loss = truth.old - truth.new if truth.greater_is_better else truth.new - truth.old
            assert 0 < loss < 0.1
