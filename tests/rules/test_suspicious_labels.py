"""Gate `suspicious_labels`: labels that a model which never saw them finds improbable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Observation, Result, State
from gates.policy.settings import Settings
from gates.rules.suspicious_labels import SuspiciousLabels
from gates.testing import case, evidence, items, outcome, seal
from tests.build_tasks import multiclass, regression

ROWS = 1000
TRUTH = [at % 2 == 0 for at in range(ROWS)]
SURE = [0.9 if label else 0.1 for label in TRUTH]
SEX = {"sex": "feature category"}
CROSSED = "baseline_predictions.parquet"


def flipped(count: int, rows: int = ROWS) -> list[bool]:
    """The first labels are turned round."""
    return [label != (at < count) for at, label in enumerate(TRUTH[:rows])]


def side(folder: Path, labels: Sequence[bool], **more: Any) -> Evidence:
    rows = len(labels)
    test = {"sex": ["f" if at < 200 else "m" for at in range(rows)], "label": labels}
    settings = Settings(segments=("sex",))
    return evidence(folder, SEX, test=test, scores=SURE[:rows], settings=settings, **more)


def finding_of(new: Evidence, old: Evidence | None, **keys: Any) -> Finding:
    found = outcome("suspicious_labels", SuspiciousLabels(**keys), case(new, old)).findings
    (finding,) = found
    return finding


@pytest.mark.parametrize(
    ("wrong", "state"),
    [(0, State.PASSED), (3, State.PASSED), (10, State.UNDECIDED), (40, State.FAILED)],
)
def test_labels_turned_round(tmp_path: Path, wrong: int, state: State) -> None:
    """The baseline's labels are what its model says of all rows but twenty."""
    old = side(tmp_path / "old", [not one if at >= 980 else one for at, one in enumerate(TRUTH)])
    labels = [not one if at >= 980 else one for at, one in enumerate(flipped(wrong))]
    found = finding_of(side(tmp_path / "new", labels), old)
    assert found.state is state
    if wrong:
        assert (found.baseline, found.candidate) == pytest.approx((0.02, 0.02 + wrong / ROWS))


def test_the_rows_to_look_at_are_named(tmp_path: Path) -> None:
    found = finding_of(side(tmp_path / "new", flipped(40)), side(tmp_path / "old", TRUTH))
    assert found.message == (
        "Of 40 test rows that are new or labelled anew, 40 have a label that the baseline's model "
        "finds improbable; of all test rows 4.00%, 0.00% before (up to 1.00% more are accepted). "
        "Look first at 'r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9'."
    )
    assert found.mend


def test_another_model_alone_is_no_harm(tmp_path: Path) -> None:
    old = side(tmp_path / "old", TRUTH)
    new = evidence(
        tmp_path / "new", SEX, test={"sex": ["f"] * ROWS, "label": TRUTH}, scores=SURE[::-1]
    )
    found = finding_of(new, old, worsening=0.0)
    assert found.state is State.PASSED
    assert found.message == "None of 1,000 test rows is new or labelled anew."


def test_added_rows_need_the_baselines_scores(tmp_path: Path) -> None:
    old = side(tmp_path / "old", TRUTH[:500])
    labels = flipped(0)[:500] + flipped(600)[500:]
    without = finding_of(side(tmp_path / "new", labels), old)
    assert without.state is State.UNDECIDED
    assert "has scored none of 500 test rows" in without.message
    ids = [f"r{at}" for at in range(ROWS)]
    scored = side(tmp_path / "scored", labels, other_scores={CROSSED: (ids, SURE)})
    found = finding_of(scored, old)
    assert found.state is State.FAILED
    assert found.candidate == pytest.approx(0.1)


def test_added_rows_that_only_the_new_model_understands_are_no_harm(tmp_path: Path) -> None:
    """The old model errs in a fifth of the new rows; the new one does not."""
    old = side(tmp_path / "old", TRUTH[:500])
    ids = [f"r{at}" for at in range(ROWS)]
    erring = [1 - one if 500 <= at < 600 else one for at, one in enumerate(SURE)]
    new = side(tmp_path / "new", TRUTH, other_scores={CROSSED: (ids, erring)})
    found = finding_of(new, old)
    assert (found.state, found.candidate) == (State.PASSED, 0.0)


def test_rows_that_the_baseline_was_trained_on_are_not_asked_about(tmp_path: Path) -> None:
    train = {"row_id": [f"r{at}" for at in range(40)], "sex": ["f"] * 40, "label": [True] * 40}
    old = side(tmp_path / "old", TRUTH, train=train)
    found = finding_of(side(tmp_path / "new", flipped(40)), old)
    assert found.state is State.UNDECIDED


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.01, State.FAILED), (0.04, State.UNDECIDED), (0.2, State.PASSED), (1.0, State.PASSED)],
)
def test_an_accepted_share_asks_no_baseline(tmp_path: Path, share: float, state: State) -> None:
    found = finding_of(side(tmp_path / "a", flipped(40)), None, share=share)
    assert found.state is state
    assert found.candidate == pytest.approx(0.04)


def test_the_segment_with_most_of_them_is_shown(tmp_path: Path) -> None:
    made = side(tmp_path / "a", flipped(40))
    found = items(SuspiciousLabels(), case(made, made))
    shown = [each for each in found if isinstance(each, Observation)]
    assert shown[0].candidate == pytest.approx(0.04)
    assert shown[1].message == "Most improbable labels are where sex = f: 20.00% of 200 rows."


def classes(folder: Path, truth: Sequence[str], decided: Sequence[str], **more: Any) -> Evidence:
    return multiclass(folder, truth=truth, decided=decided, **more)


def numbers(folder: Path, truth: Sequence[float], decided: Sequence[float]) -> Evidence:
    return regression(folder, truth=truth, predicted=decided)


def trained(folder: Path, labels: Sequence[bool], *, folds: bool = True) -> Evidence:
    """A training table, and what models of other rows say of each of its rows."""
    ids = [f"t{at}" for at in range(len(labels))]
    train = {"row_id": ids, "sex": ["f"] * len(ids), "label": labels}
    made = side(folder, TRUTH, train=train)
    if folds:
        columns = {"row_id": ids, "fold": [0] * len(ids), "score": SURE[: len(ids)]}
        pq.write_table(pa.table(columns), folder / "folds.parquet")
        (folder / "manifest.json").unlink()
        seal(folder)
    return Evidence(folder, made.settings)


@pytest.mark.parametrize(
    ("wrong", "state"),
    [(0, State.PASSED), (2, State.PASSED), (10, State.UNDECIDED), (60, State.FAILED)],
)
def test_training_labels_by_the_folds(tmp_path: Path, wrong: int, state: State) -> None:
    new, old = trained(tmp_path / "new", flipped(wrong)), trained(tmp_path / "old", TRUTH)
    _, found = outcome("suspicious_labels", SuspiciousLabels(), case(new, old)).findings
    assert found.subject.key == "improbable labels in train"
    assert found.state is state
    if wrong == 60:
        assert found.candidate == pytest.approx(0.06)
        assert found.message.startswith(
            "Of 60 training rows that are new or labelled anew, 100.00% have a label that models "
            "of other rows find improbable, of the other 940 0.00% (up to 1.00% more"
        )


def test_a_training_table_of_new_rows_alone_cannot_be_judged(tmp_path: Path) -> None:
    turned = [not label for label in TRUTH]
    new, old = trained(tmp_path / "new", turned), trained(tmp_path / "old", TRUTH)
    _, found = outcome("suspicious_labels", SuspiciousLabels(), case(new, old)).findings
    assert (found.state, "all 1,000 training rows are new" in found.message) == (
        State.UNDECIDED,
        True,
    )


def test_without_folds_training_labels_are_not_judged(tmp_path: Path) -> None:
    new = trained(tmp_path / "new", flipped(60), folds=False)
    assert len(outcome("suspicious_labels", SuspiciousLabels(), case(new, new)).findings) == 1


def test_many_classes(tmp_path: Path) -> None:
    truth = ["cat", "dog", "eel", "eel"] * 250
    wrong = ["dog" if at < 60 and label == "eel" else label for at, label in enumerate(truth)]
    found = finding_of(
        classes(tmp_path / "new", wrong, truth), classes(tmp_path / "old", truth, truth)
    )
    assert found.state is State.FAILED
    assert found.candidate == pytest.approx(0.03)


def test_numbers(tmp_path: Path) -> None:
    truth = np.random.default_rng(1).normal(size=ROWS)
    said = truth + np.random.default_rng(2).normal(size=ROWS) / 10
    wrong = np.where(np.arange(ROWS) < 40, truth + 9, truth)
    old = numbers(tmp_path / "old", truth.tolist(), said.tolist())
    found = finding_of(numbers(tmp_path / "new", wrong.tolist(), said.tolist()), old)
    assert found.state is State.FAILED
    assert found.candidate == pytest.approx(0.04)


def test_without_baseline_and_share_it_is_skipped(tmp_path: Path) -> None:
    result = outcome("suspicious_labels", SuspiciousLabels(), case(side(tmp_path / "a", TRUTH)))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there is no baseline to compare with, and no `share` is set",
    )


@pytest.mark.parametrize("labels", [[True], [True, False]])
def test_few_rows_prove_nothing(tmp_path: Path, labels: Sequence[bool]) -> None:
    old = side(tmp_path / "old", labels)
    turned = [*labels[:-1], not labels[-1]]
    found = finding_of(side(tmp_path / "new", turned), old, worsening=0.05)
    assert found.state is State.UNDECIDED


def test_hostile_identifiers_are_only_text(tmp_path: Path) -> None:
    ids = [f"</td>\n| @all {at}" for at in range(100)]
    made = [
        evidence(tmp_path / str(turn), {}, test={"row_id": ids, "label": labels}, scores=SURE[:100])
        for turn, labels in enumerate((TRUTH[:100], flipped(20, 100)))
    ]
    found = finding_of(made[1], made[0])
    assert found.state is State.FAILED
    assert "\n" not in found.message
