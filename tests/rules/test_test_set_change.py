from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Finding, Mode, Observation, Result, State
from gates.policy.settings import Settings
from gates.rules.gate import NotApplicableError
from gates.rules.test_set_change import TestSetChange
from gates.testing import case, evidence, items, outcome

ROWS = 100
IDS = [f"r{at}" for at in range(ROWS)]
LABELS = [at % 2 == 0 for at in range(ROWS)]
TOWNS = ["a", "b"] * (ROWS // 2)
AGES = [float(at) for at in range(ROWS)]
LISTED = {
    "town": "feature category",
    "age": "feature number",
    "person": "group text",
    "sex": {"role": "ignored", "type": "category", "sensitive": True, "description": "sex"},
}
BY_TOWN = Settings(segments=("town",))


def side(
    folder: Path,
    *,
    wrong: int = 0,
    ids: Sequence[str] = IDS,
    crossed: bool = False,
    **columns: Sequence[Any],
) -> Evidence:
    """A model that is wrong on the first rows, run on the baseline's rows where asked."""
    rows = len(ids)
    test = {
        "row_id": ids,
        "town": TOWNS[:rows],
        "age": AGES[:rows],
        "person": IDS[:rows],
        "sex": ["f", "m"] * (rows // 2) + ["f"] * (rows % 2),
        "label": LABELS[:rows],
        **columns,
    }
    scores = [0.1 if label == (at < wrong) else 0.9 for at, label in enumerate(LABELS)]
    others = {"predictions_on_baseline_test.parquet": (IDS, scores)} if crossed else None
    listed: dict[str, Any] = LISTED
    return evidence(folder, listed, test=test, scores=scores[:rows], other_scores=others)


def judged(new: Evidence, old: Evidence, **keys: Any) -> dict[str, Finding]:
    found = outcome("test_set_change", TestSetChange(**keys), Case(BY_TOWN, new, old)).findings
    return {str(finding.subject.key).removeprefix("test rows "): finding for finding in found}


@pytest.fixture
def old(tmp_path: Path) -> Evidence:
    return side(tmp_path / "old")


def turned(count: int) -> list[bool]:
    return [not label if at < count else label for at, label in enumerate(LABELS)]


CHANGES: dict[str, Callable[[int], dict[str, Any]]] = {
    "relabelled": lambda count: {"label": turned(count)},
    "regrouped": lambda count: {"person": [f"q{at}" for at in range(count)] + IDS[count:]},
    "changed": lambda count: {"age": [-1.0] * count + AGES[count:]},
    "removed": lambda count: {"ids": [f"s{at}" for at in range(count)] + IDS[count:]},
}


@pytest.mark.parametrize("key", CHANGES)
def test_one_row_more_than_the_accepted_share_fails_beside_another_model(
    key: str, old: Evidence, tmp_path: Path
) -> None:
    for count, state in ((4, State.PASSED), (5, State.FAILED)):
        new = side(tmp_path / str(count), wrong=50, crossed=True, **CHANGES[key](count))
        found = judged(new, old, **{key: 0.04})
        assert found[key].state is state
        assert f"{count} of the baseline's 100 test rows ({count}.00%)" in found[key].message
        assert bool(found[key].mend) is (state is State.FAILED)
        assert {name for name, one in found.items() if one.candidate} == {key}


@pytest.mark.parametrize("key", CHANGES)
def test_a_change_on_its_own_passes_whatever_its_size(
    key: str, old: Evidence, tmp_path: Path
) -> None:
    new = side(tmp_path / "new", crossed=True, **CHANGES[key](90))
    finding = judged(new, old)[key]
    assert finding.state is State.PASSED
    assert finding.message.endswith("The model answers them as before.")


def test_what_to_do_is_said(old: Evidence, tmp_path: Path) -> None:
    new = side(tmp_path / "new", wrong=50, crossed=True, label=turned(20))
    finding = judged(new, old)["relabelled"]
    assert finding.message == (
        "20 of the baseline's 100 test rows (20.00%) stay with another label or weight; this "
        "model's answer is the new label in 20 of them and the old one in 0."
    )
    assert finding.mend == (
        "Land the new test rows first, in a pull request that leaves the model as it is; then they "
        "are the baseline's. What is meant can be waived, or allowed by "
        "`test_set_change.relabelled` on the default branch."
    )
    assert finding.limit.mode is Mode.STRICT


def test_columns_that_rows_are_judged_by_are_no_mere_features(
    old: Evidence, tmp_path: Path
) -> None:
    """Segments of the policy, groups, and what is sensitive at the baseline."""
    moved = {"town": ["c"] * 3 + TOWNS[3:], "sex": ["x"] * 9 + (["f", "m"] * 50)[9:]}
    found = judged(side(tmp_path / "new", wrong=50, crossed=True, **moved), old)
    assert found["regrouped"].state is State.FAILED
    assert "9 of the baseline's" in found["regrouped"].message
    assert found["regrouped"].message.endswith(", by 'sex', 'town'.")
    assert found["changed"].candidate == 0


def test_a_changed_feature_is_named(old: Evidence, tmp_path: Path) -> None:
    found = judged(side(tmp_path / "new", wrong=50, age=[0.5, None, *AGES[2:]]), old)
    assert found["changed"].message.endswith("stay with other features, by 'age'.")


def test_added_rows_are_shown(old: Evidence, tmp_path: Path) -> None:
    less = side(tmp_path / "less", ids=IDS[:60], town=TOWNS[:60])
    assert shown(old, less)[0] == "40 of 100 test rows are new."


def shown(new: Evidence, old: Evidence) -> list[str]:
    found = items(TestSetChange(), case(new, old))
    return [item.message for item in found if isinstance(item, Observation)]


def test_what_the_models_are_judged_on_is_shown(old: Evidence, tmp_path: Path) -> None:
    ids = ["x", *IDS[1:]]
    test = {"row_id": ids, "label": LABELS}
    both = evidence(
        tmp_path / "both",
        {},
        test=test,
        other_scores={
            "predictions_on_baseline_test.parquet": (IDS, [0.5] * ROWS),
            "baseline_predictions.parquet": (ids, [0.5] * ROWS),
        },
    )
    one = evidence(tmp_path / "one", {}, test=test)
    learnt = evidence(
        tmp_path / "learnt",
        {},
        test={"row_id": ["x"], "label": [True]},
        train={"row_id": IDS, "label": LABELS},
        other_scores={"baseline_predictions.parquet": (["x"], [0.5])},
    )
    none = evidence(tmp_path / "none", {}, test={"row_id": ["x"], "label": [True]})
    assert [shown(new, old)[-1] for new in (both, one, learnt, none)] == [
        "Both models are judged on the old test rows and on the new ones.",
        "The models are judged on old test rows alone: the baseline's was not run on the new.",
        "The models are judged on the new test rows alone: the old are gone, or trained on.",
        "The models are judged on neither test set: no row is known to both.",
    ]


def test_the_same_test_set_passes_unread(old: Evidence) -> None:
    again = Evidence(old.folder, beside=old)
    of = outcome("test_set_change", TestSetChange(), case(again, old))
    assert of.outcome is Result.PASSED
    assert [finding.candidate for finding in of.findings] == [0, 0]
    assert of.findings[0].message == (
        "0 of the baseline's 100 test rows (0.00%) stay with another label or weight."
    )


def test_a_model_that_nobody_can_compare_counts_as_another(old: Evidence, tmp_path: Path) -> None:
    new = side(tmp_path / "new", ids=[f"s{at}" for at in range(ROWS)])
    assert judged(new, old)["removed"].state is State.FAILED


def test_a_model_that_was_not_asked_all_rows_counts_as_another(
    old: Evidence, tmp_path: Path
) -> None:
    """It answers the other ninety as before; of the ten that are gone, nobody knows."""
    new = side(tmp_path / "new", ids=IDS[10:], label=LABELS[10:], age=AGES[10:])
    assert judged(new, old)["removed"].state is State.FAILED


@pytest.mark.parametrize(("wrong", "state"), [(0, State.PASSED), (10, State.FAILED)])
def test_another_answer_to_edited_rows_may_be_another_model(
    wrong: int, state: State, old: Evidence, tmp_path: Path
) -> None:
    new = side(tmp_path / "new", wrong=wrong, age=[-1.0] * 10 + AGES[10:])
    assert judged(new, old)["changed"].state is state


def test_without_a_baseline_there_is_nothing_to_judge(old: Evidence) -> None:
    with pytest.raises(NotApplicableError, match="no baseline"):
        items(TestSetChange(), case(old))


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_a_row(rows: int, tmp_path: Path) -> None:
    old = side(tmp_path / "old", ids=IDS[:rows])
    new = side(tmp_path / "new", ids=IDS[:rows], label=[False] * rows, wrong=1)
    found = judged(new, old)
    assert found["relabelled"].state is State.FAILED
    assert found["removed"].state is State.PASSED


def test_hostile_names_and_levels_are_cut(tmp_path: Path) -> None:
    name = "@org/team <img src=x>" + "x" * 60
    made = [
        evidence(
            tmp_path / str(at),
            {name: "feature text"},
            test={"row_id": ["a", "b"], name: [value, None], "label": [1, 0]},
            scores=[0.5, 0.5 + at / 10],
        )
        for at, value in enumerate(["|`\n", "::error::"])
    ]
    finding = judged_plain(made[1], made[0])["changed"]
    assert repr(name[:39] + "…") in finding.message
    assert finding.state is State.FAILED


def judged_plain(new: Evidence, old: Evidence) -> dict[str, Finding]:
    found = outcome("test_set_change", TestSetChange(), case(new, old)).findings
    return {str(finding.subject.key).removeprefix("test rows "): finding for finding in found}


def test_a_number_as_label_has_no_answer_that_is_right(tmp_path: Path) -> None:
    settings = Settings(task="regression")
    made = [
        evidence(
            tmp_path / str(at),
            {"label": "label number"},
            test={"row_id": ["a", "b"], "label": labels},
            scores={"prediction": [1.0 + at, 2.0]},
            settings=settings,
        )
        for at, labels in enumerate(([1.0, 2.0], [1.5, 2.0]))
    ]
    finding = judged_plain(made[1], made[0])["relabelled"]
    assert finding.message.endswith("stay with another label or weight.")
    assert finding.state is State.FAILED
