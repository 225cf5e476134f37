"""Gate `fold_spread`: what the test rows say, beside what folds of the training rows say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Mode, Result, State
from gates.policy.settings import Settings
from gates.rules.fold_spread import FoldSpread, Spread
from gates.testing import case, evidence, outcome
from tests.rivals import with_table

ROWS = 1000
LABELS = [at % 2 == 0 for at in range(ROWS)]


def right_for(labels: Sequence[bool], right: float) -> list[float]:
    """Scores that decide so large a share of the rows rightly, the wrong ones first."""
    wrong = round((1 - right) * len(labels))
    return [float(label is not (at < wrong)) for at, label in enumerate(labels)]


def crossed(folder: Path, test: float, folds: Sequence[float], rows: int = 200) -> Evidence:
    """A model with such an accuracy on the test rows, and so many folds with theirs."""
    labels = LABELS[:rows] * len(folds)
    made = evidence(
        folder,
        {},
        test={"label": LABELS},
        train={"label": labels},
        scores=right_for(LABELS, test),
    )
    return with_table(
        made,
        "folds",
        [f"t{at}" for at in range(len(labels))],
        fold=[at // rows for at in range(len(labels))],
        score=[score for right in folds for score in right_for(LABELS[:rows], right)],
    )


def gate(distance: float = 0.05, spread: float | None = None, **keys: Any) -> FoldSpread:
    return FoldSpread(metrics={"accuracy": Spread(distance=distance, spread=spread)}, **keys)


def judged(asked: FoldSpread, made: Evidence) -> list[Finding]:
    return list(outcome("fold_spread", asked, case(made)).findings)


STEADY = [0.80, 0.81, 0.80, 0.79, 0.80]


@pytest.mark.parametrize(
    ("test", "state"), [(0.81, State.PASSED), (0.85, State.UNDECIDED), (0.95, State.FAILED)]
)
def test_a_test_value_is_borne_out_or_not(tmp_path: Path, test: float, state: State) -> None:
    (found,) = judged(gate(), crossed(tmp_path / "e", test, STEADY))
    assert found.state is state
    assert found.candidate == pytest.approx(test - 0.8)
    assert f"({test:.4g} on the test rows, 0.8 over 5 folds, 95 % interval 0.7" in found.message
    assert "better than the folds say" in found.message
    assert ", at most 0.05 either way is accepted" in found.message
    assert bool(found.mend) is (state is not State.PASSED)


def test_a_hard_test_set_is_found_as_well(tmp_path: Path) -> None:
    (found,) = judged(gate(), crossed(tmp_path / "e", 0.65, STEADY))
    assert found.state is State.FAILED
    assert "0.15 worse than the folds" in found.message


def test_folds_that_lie_far_apart_prove_nothing_about_the_test_rows(tmp_path: Path) -> None:
    wild = [0.6, 1.0, 0.7, 0.9, 0.8]
    (found,) = judged(gate(), crossed(tmp_path / "e", 0.95, wild))
    assert found.state is State.UNDECIDED
    assert not found.blocks
    (strict,) = judged(gate(mode=Mode.STRICT), crossed(tmp_path / "s", 0.95, wild))
    assert strict.blocks


@pytest.mark.parametrize(
    ("folds", "state"),
    [
        (STEADY, State.PASSED),
        ([0.76, 0.84, 0.80, 0.78, 0.82], State.UNDECIDED),
        ([0.5, 0.9, 0.7, 1.0, 0.6], State.FAILED),
    ],
)
def test_the_deviation_over_folds_has_a_ceiling(
    tmp_path: Path, folds: list[float], state: State
) -> None:
    """Deviations of .0071, .0316 and .2074 against .04."""
    made = crossed(tmp_path / "e", 0.8, folds)
    found = judged(gate(distance=1.0, spread=0.04), made)[1]
    assert found.state is state
    assert found.support is not None
    assert (found.support.rows, found.support.groups) == (1000, 5)
    assert "one standard deviation is" in found.message


def test_equal_folds_have_no_deviation(tmp_path: Path) -> None:
    near, spread = judged(gate(spread=0.0), crossed(tmp_path / "e", 0.8, [0.8] * 3))
    assert (near.state, spread.state) == (State.PASSED, State.PASSED)
    assert spread.interval == (0.0, 0.0)


@pytest.mark.parametrize(
    ("folds", "rows", "reason"),
    [([0.8], 200, "1 folds"), ([0.5, 1.0], 2, "a mean loss is judged from")],
)
def test_too_little_is_undecided(
    tmp_path: Path, folds: list[float], rows: int, reason: str
) -> None:
    made = crossed(tmp_path / "e", 0.8, folds, rows)
    asked = FoldSpread(metrics={"log_loss": Spread(distance=0.1, spread=0.1)})
    (found,) = judged(asked, made)
    assert found.state is State.UNDECIDED
    assert reason in found.message


def test_without_folds_it_is_skipped(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS})
    found = outcome("fold_spread", gate(), case(made))
    assert found.outcome is Result.SKIPPED
    assert "no cross-validation" in found.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ids": ["t0", "t1", "x"]}, "1 of 3 rows are no training rows, such as 'x'"),
        ({"ids": ["t0", "t0", "t1"]}, "stand more than once"),
        ({"fold": [0, None, 1]}, "1 of 3 rows have no fold"),
        ({"score": [0.1, 0.2, 7.0]}, "outside [0, 1]"),
        ({"column": "part"}, "no column 'fold'"),
    ],
)
def test_a_table_that_is_no_cross_validation_is_refused(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS}, train={"label": LABELS[:3]})
    table = {
        change.get("column", "fold"): change.get("fold", [0, 0, 1]),
        "score": change.get("score", [0.1, 0.2, 0.3]),
    }
    made = with_table(made, "folds", change.get("ids", ["t0", "t1", "t2"]), **table)
    found = outcome("fold_spread", gate(), case(made))
    assert found.outcome is Result.ERRORED
    assert reason in found.reason


def test_more_folds_than_anybody_needs_are_refused(tmp_path: Path) -> None:
    labels = LABELS[:101]
    made = evidence(tmp_path / "e", {}, test={"label": LABELS}, train={"label": labels})
    ids = [f"t{at}" for at in range(101)]
    made = with_table(made, "folds", ids, fold=list(range(101)), score=[0.5] * 101)
    assert "101 folds" in outcome("fold_spread", gate(), case(made)).reason


def test_without_training_rows_folds_have_no_labels(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS})
    made = with_table(made, "folds", ["t0"], fold=[0], score=[0.5])
    assert "there is no training table" in outcome("fold_spread", gate(), case(made)).reason


def test_a_number_may_be_predicted(tmp_path: Path) -> None:
    """Off by 1 on the test rows, by 1 and 3 in two folds."""
    labels = [float(at) for at in range(100)]
    made = evidence(
        tmp_path / "e",
        {"label": "label number"},
        test={"label": labels},
        train={"label": labels},
        scores={"prediction": [label + 1 for label in labels]},
        settings=Settings(task="regression"),
    )
    off = [label + (1 if at < 50 else 3) for at, label in enumerate(labels)]
    ids = [f"t{at}" for at in range(100)]
    made = with_table(made, "folds", ids, fold=["a"] * 50 + ["b"] * 50, prediction=off)
    asked = FoldSpread(metrics={"mean_absolute_error": Spread(distance=30.0)})
    (found,) = judged(asked, made)
    assert found.candidate == pytest.approx(1)
    assert "1 better than the folds" in found.message
    assert found.state is State.PASSED
