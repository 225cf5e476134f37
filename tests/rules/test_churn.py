"""Answers that change between two models: ten rows that a reader can count."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Mode, Observation, Result, State
from gates.policy.settings import Settings
from gates.rules.churn import Churn
from gates.rules.gate import NotApplicableError
from gates.testing import case, evidence, items, outcome
from tests.build_tasks import multiclass, regression

LABELS = [True] * 5 + [False] * 5
OLD = [0.9, 0.8, 0.3, 0.7, 0.6, 0.1, 0.2, 0.7, 0.4, 0.3]  # r2 and r7 are wrong
NEW = [0.9, 0.4, 0.7, 0.7, 0.6, 0.1, 0.2, 0.7, 0.8, 0.9]  # r2 is fixed; r1, r8 and r9 break
LISTED: dict[str, Any] = {"gold": "ignored boolean", "sex": "feature category"}
GOLD = [True, False, False, False, False, True, False, True, False, False]
SEXES = ["f", "m"] * 5


def side(folder: Path, scores: Sequence[float], gold: Sequence[Any] = GOLD) -> Evidence:
    test = {"gold": gold, "sex": SEXES, "label": LABELS}
    return evidence(folder, LISTED, test=test, scores=scores)


def judged(tmp_path: Path, gate: Churn, new: Sequence[float] = NEW, **more: Any) -> Any:
    sides = side(tmp_path / "new", new, **more), side(tmp_path / "old", OLD)
    return outcome("churn", gate, case(sides[0], sides[1]))


def test_fixed_and_broken_rows_are_counted_and_the_worst_named(tmp_path: Path) -> None:
    found = judged(tmp_path, Churn())
    assert found.outcome is Result.PASSED
    assert found.findings[0].message == (
        "4 of 10 answers change (40.00%): 1 are fixed, 3 broken; net -2."
    )
    [shown] = found.observations
    assert shown.message == (
        "Broken rows, the worst first: 'r9' (0.3 → 0.9), 'r8' (0.4 → 0.8), 'r1' (0.8 → 0.4)."
    )


def test_the_same_answers(tmp_path: Path) -> None:
    found = judged(tmp_path, Churn(share=0.0), OLD)
    assert found.findings[0].message.startswith("The same answer for each of 10 rows.")
    assert not found.observations


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.01, State.FAILED), (0.4, State.UNDECIDED), (0.9, State.PASSED)],
    ids=["proven beyond", "exactly at the limit", "ruled out"],
)
def test_a_share_of_changed_answers_has_a_ceiling(
    tmp_path: Path, share: float, state: State
) -> None:
    [finding] = judged(tmp_path, Churn(share=share)).findings
    assert finding.state is state
    assert finding.candidate == pytest.approx(0.4)


def test_too_few_rows_say_how_many_would_do(tmp_path: Path) -> None:
    [finding] = judged(tmp_path, Churn(share=0.3)).findings
    assert finding.state is State.UNDECIDED
    assert finding.rows_needed == 93  # 1.96² · 0.24 / 0.1²


GOLDEN: dict[str, Any] = {
    "a column": "gold",
    "a segment": {"sex": "f"},
    "a list": ("r0", "r2", "r8"),
}


@pytest.mark.parametrize(
    ("golden", "state", "message"),
    [
        ("gold", State.PASSED, "0 of 3 golden rows were right and are wrong now."),
        ({"sex": "f"}, State.FAILED, "1 of 5 golden rows were right and are wrong now: 'r8'."),
        (("r0", "r9"), State.FAILED, "1 of 2 golden rows were right and are wrong now: 'r9'."),
        (("r2", "r7"), State.PASSED, "0 of 2 golden rows were right and are wrong now."),
    ],
    ids=["a column", "a segment", "a list", "fixed, and as wrong as before"],
)
def test_golden_rows_do_not_break(tmp_path: Path, golden: Any, state: State, message: str) -> None:
    found = judged(tmp_path, Churn(golden=golden)).findings[0]
    assert (found.state, found.message) == (state, message)
    assert bool(found.mend) is (state is State.FAILED)


def test_who_takes_the_flag_away_does_not_get_away(tmp_path: Path) -> None:
    new = [0.1, *NEW[1:]]
    found = judged(tmp_path, Churn(golden="gold"), new, gold=[False] * 10)
    assert found.outcome is Result.FAILED
    assert "'r0'" in found.findings[0].message


def test_golden_rows_that_are_not_there_are_undecided_by_the_mode(tmp_path: Path) -> None:
    found = judged(tmp_path, Churn(golden=("r0", "gone"), mode=Mode.STRICT)).findings[0]
    assert found.state is State.UNDECIDED
    assert found.blocks
    assert "1 of them cannot be compared: 'gone'." in found.message
    found = judged(tmp_path / "b", Churn(golden="nowhere")).findings[0]
    assert "no column 'nowhere'" in found.message


def test_a_column_of_quantities_flags_no_golden_row(tmp_path: Path) -> None:
    old = side(tmp_path / "old", OLD, gold=[0, 1, 2, *[0] * 7])
    found = outcome("churn", Churn(golden="gold"), case(old, old)).findings[0]
    assert found.state is State.UNDECIDED
    assert "'gold' holds other numbers than 0 and 1" in found.message


@pytest.mark.parametrize("nothing", ["", {}, ()])
def test_golden_rows_that_are_none_are_refused(nothing: Any) -> None:
    with pytest.raises(ValueError, match="`golden` names nothing"):
        Churn(golden=nothing)


def test_a_segment_that_breaks_more_than_chance_explains_is_named(tmp_path: Path) -> None:
    rows = 200
    table = {"sex": ["f", "m"] * (rows // 2), "label": [True] * rows}
    settings = Settings(segments=("sex",))
    sides = [
        evidence(tmp_path / name, LISTED, test={**table, "gold": [False] * rows}, scores=scores)
        for name, scores in (
            ("new", [0.1 if at % 8 == 0 else 0.9 for at in range(rows)]),
            ("old", [0.9] * rows),
        )
    ]
    [segment, _] = outcome("churn", Churn(), case(sides[0], sides[1], settings)).observations
    assert segment.message == "sex = f: 25 of 100 rows break, 0 are fixed; net -25."


def test_numbers_change_by_more_than_the_tolerance(tmp_path: Path) -> None:
    truth = [1.0, 2.0, 3.0]
    sides = [
        regression(tmp_path / name, truth=truth, predicted=predicted)
        for name, predicted in (("new", [1.0, 2.5, 3.0]), ("old", [1.4, 2.0, 3.1]))
    ]
    found = outcome("churn", Churn(tolerance=0.25), case(sides[0], sides[1]))
    assert found.findings[0].message == (
        "2 of 3 answers change (66.67%): 1 are fixed, 1 broken; net +0."
    )
    assert found.observations[0].message == "Broken rows, the worst first: 'r1' (2 → 2.5)."


def test_many_classes_may_change_without_being_righter(tmp_path: Path) -> None:
    sides = [
        multiclass(tmp_path / name, truth=["cat", "cat", "dog"], decided=decided)
        for name, decided in (("new", ["dog", "eel", "dog"]), ("old", ["cat", "dog", "dog"]))
    ]
    found = outcome("churn", Churn(), case(sides[0], sides[1]))
    assert "1 broken, 1 are as right or wrong as before; net -1" in found.findings[0].message
    assert found.observations[0].message.endswith("'r0' ('cat' → 'dog').")


def test_rows_of_one_person_and_weights_widen_the_interval(tmp_path: Path) -> None:
    rows = 400
    listed = {"person": "group text", "w": "weight number"}
    table = {
        "person": [f"p{at // 10}" for at in range(rows)],
        "w": [1.0 + at % 2 for at in range(rows)],
        "label": [True] * rows,
    }
    settings = Settings(sample_weight="w")
    sides = [
        evidence(tmp_path / name, listed, test=table, scores=scores, settings=settings)
        for name, scores in (
            ("new", [0.1 if at // 10 % 4 == 0 else 0.9 for at in range(rows)]),
            ("old", [0.9] * rows),
        )
    ]
    [finding] = outcome("churn", Churn(share=0.2), case(sides[0], sides[1])).findings
    assert finding.candidate == pytest.approx(0.25)
    assert finding.state is State.UNDECIDED  # ten of forty people, not 100 of 400 rows


def test_without_a_baseline_there_is_nothing_to_change(tmp_path: Path) -> None:
    with pytest.raises(NotApplicableError, match="no baseline"):
        items(Churn(), case(side(tmp_path / "e", NEW)))


def test_hostile_names_stay_plain_text(tmp_path: Path) -> None:
    ids = ["<b>`|\n" + "x" * 60]
    sides = [
        evidence(tmp_path / name, {}, test={"row_id": ids, "label": [True]}, scores=[score])
        for name, score in (("new", 0.1), ("old", 0.9))
    ]
    [shown] = [
        one for one in items(Churn(), case(sides[0], sides[1])) if isinstance(one, Observation)
    ]
    assert "'<b>`|\\n" in shown.message
    assert len(shown.message) < 120
