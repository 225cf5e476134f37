"""Segments that nobody declared, of which one loses and the others do not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.finding import Mode, Observation, Result, State
from gates.judging import searched_rows
from gates.policy.settings import Settings
from gates.rules.gate import NotApplicableError
from gates.rules.weak_segments import WeakSegments
from gates.testing import case, evidence, items, outcome
from tests.build_tasks import multiclass, regression

ROWS = 4_000
LISTED: dict[str, Any] = {
    "shop": "feature category",
    "plan": "feature category",
    "size": "feature number",
    "note": "feature text",
}


def columns(rows: int = ROWS) -> dict[str, Any]:
    """Two columns of levels and one of numbers, each split alike by the others."""
    random = np.random.default_rng(7)
    return {
        "shop": [("north", "south", "east", "west")[at % 4] for at in range(rows)],
        "plan": [("free", "paid")[at // 4 % 2] for at in range(rows)],
        "size": np.where(random.random(rows) < 0.5, 0.0, random.exponential(1.0, rows)).tolist(),
        "note": [f"n{at}" for at in range(rows)],
    }


def hurt(rows: int = ROWS) -> Any:
    table = columns(rows)
    return np.array(
        [a == "east" and b == "paid" for a, b in zip(table["shop"], table["plan"], strict=True)]
    )


def side(folder: Path, scores: Any, rows: int = ROWS, **more: Any) -> Evidence:
    labels = [at % 3 == 0 for at in range(rows)]
    table = {**columns(rows), "label": labels}
    return evidence(folder, LISTED, test=table, scores=list(scores), **more)


def good(rows: int = ROWS) -> Any:
    """A model that is right by 0.8, and as unsure of each row as of any other."""
    return np.where(np.arange(rows) % 3 == 0, 0.8, 0.2)


def noisy(rows: int = ROWS, seed: int = 1) -> Any:
    return np.clip(good(rows) + np.random.default_rng(seed).normal(0, 0.05, rows), 0.01, 0.99)


def test_a_segment_of_two_predicates_that_lost_is_named_and_blocks(tmp_path: Path) -> None:
    worse = np.where(hurt(), 0.5, noisy(seed=2))
    sides = side(tmp_path / "new", worse), side(tmp_path / "old", noisy())
    found = outcome("weak_segments", WeakSegments(margin=0.1), case(sides[0], sides[1]))
    assert found.outcome is Result.FAILED
    [lost] = [finding for finding in found.findings if finding.state is State.FAILED]
    assert lost.subject.segment == {"shop": "east", "plan": "paid"}
    assert lost.subject.metric == "log_loss_growth"
    assert lost.candidate == pytest.approx(np.log(2) - 0.23, abs=0.02)
    assert "on 500 rows, grown by" in lost.message
    assert "0.1 is accepted" in lost.message
    assert lost.support is not None
    assert lost.support.rows == 500


def test_a_loss_within_the_margin_is_shown_and_blocks_nothing(tmp_path: Path) -> None:
    worse = np.where(hurt(), noisy(seed=2) * 0.9, noisy(seed=2))
    sides = side(tmp_path / "new", worse), side(tmp_path / "old", noisy())
    found = outcome(
        "weak_segments", WeakSegments(margin=0.2, predicates=2), case(sides[0], sides[1])
    )
    assert found.outcome is Result.PASSED
    assert "would be found" in found.findings[0].message


def test_another_seed_is_no_alarm(tmp_path: Path) -> None:
    sides = side(tmp_path / "new", noisy(seed=2)), side(tmp_path / "old", noisy())
    found = outcome("weak_segments", WeakSegments(margin=0.05), case(sides[0], sides[1]))
    assert found.outcome is Result.PASSED
    assert not found.observations


def test_identical_models(tmp_path: Path) -> None:
    sides = side(tmp_path / "new", noisy()), side(tmp_path / "old", noisy())
    found = outcome("weak_segments", WeakSegments(), case(sides[0], sides[1]))
    assert found.outcome is Result.PASSED
    assert found.findings[0].message == "Identical predictions: no segment got worse."


def test_what_is_weak_is_named_with_its_data_and_blocks_in_strict_mode(tmp_path: Path) -> None:
    table, bad = columns(), hurt()
    few = [at for at in range(ROWS) if not bad[at] or at % 40 < 8]
    train = {name: [values[at] for at in few] for name, values in table.items()}
    train["label"] = [at % 3 == 0 for at in few]
    sides = side(tmp_path / "new", np.where(bad, 1 - good(), good()), train=train)
    guard = outcome("weak_segments", WeakSegments(), case(sides))
    assert guard.outcome is Result.PASSED
    [seen] = guard.observations
    assert seen.subject.segment == {"shop": "east", "plan": "paid"}
    assert "holds 500 rows (12.5%)" in seen.message
    assert "collect about" in seen.message
    strict = outcome("weak_segments", WeakSegments(mode=Mode.STRICT), case(sides))
    assert strict.outcome is Result.FAILED
    assert [finding.subject.segment for finding in strict.findings] == [seen.subject.segment]
    accepted = WeakSegments(mode=Mode.STRICT, excess=2.0)
    assert outcome("weak_segments", accepted, case(sides)).outcome is Result.PASSED


def test_labels_that_contradict_sure_scores_are_pointed_at(tmp_path: Path) -> None:
    flipped = hurt() & (np.arange(ROWS) % 5 == 0)
    scores = np.where(good() > 0.5, 0.97, 0.03)
    made = side(tmp_path / "new", np.where(flipped, 1 - scores, scores))
    shown = [one for one in items(WeakSegments(), case(made)) if isinstance(one, Observation)]
    assert "labels contradict a score above 90%: look at these labels first" in shown[0].message


def test_few_rows_are_undecided_and_say_how_many_would_do(tmp_path: Path) -> None:
    sides = [side(tmp_path / name, noisy(60, seed), 60) for name, seed in (("a", 1), ("b", 2))]
    found = outcome("weak_segments", WeakSegments(margin=0.1), case(sides[0], sides[1]))
    assert found.outcome is Result.UNDECIDED
    needed = found.findings[0].rows_needed
    assert needed is not None
    assert f"about {needed:,} rows would show" in found.findings[0].message


def test_one_row_is_split_by_no_column(tmp_path: Path) -> None:
    sides = [side(tmp_path / name, noisy(1), 1) for name in ("new", "old")]
    found = outcome("weak_segments", WeakSegments(), case(sides[0], sides[1]))
    assert (found.outcome, found.reason[:15]) == (Result.SKIPPED, "no column split")


@pytest.mark.parametrize("rows", [2, 49])
def test_hardly_any_row(tmp_path: Path, rows: int) -> None:
    sides = [side(tmp_path / name, noisy(rows), rows) for name in ("new", "old")]
    weak = outcome("weak_segments", WeakSegments(), case(sides[0], sides[1])).findings[-1]
    assert weak.state is State.UNDECIDED
    assert "no segment has 50" in weak.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shpo", r"no column 'shpo', which the policy names as a segment\. Did you mean 'shop'\?"),
        ("row_id", "gates.weak_segments.columns: 'row_id' is id of type text, so that no segment"),
        ("note", "gates.weak_segments.columns: 'note' is feature of type text, so that no segment"),
    ],
)
def test_a_named_column_that_cannot_be_searched_is_refused(
    tmp_path: Path, name: str, message: str
) -> None:
    gate = WeakSegments(columns=("plan", name))
    with pytest.raises(EvidenceError, match=message):
        items(gate, case(side(tmp_path / "e", good())))


def test_no_column_is_a_reason(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": [0, 1] * 40})
    with pytest.raises(NotApplicableError, match="no column splits"):
        items(WeakSegments(), case(made))
    same = {"shop": "feature category"}
    made = evidence(tmp_path / "f", same, test={"shop": ["a"] * 80, "label": [0, 1] * 40})
    with pytest.raises(NotApplicableError, match="no column splits"):
        items(WeakSegments(), case(made))


def test_missing_values_are_a_level_and_many_levels_no_burden(tmp_path: Path) -> None:
    shops = [None if at % 4 == 0 else f"s{at % 1_000}" for at in range(ROWS)]
    labels = [at % 3 == 0 for at in range(ROWS)]
    lost = np.where(np.arange(ROWS) % 4 == 0, 0.5, good())
    sides = [
        evidence(
            tmp_path / name,
            {"shop": "feature category"},
            test={"shop": shops, "label": labels},
            scores=list(scores),
        )
        for name, scores in (("new", lost), ("old", good()))
    ]
    found = outcome("weak_segments", WeakSegments(), case(sides[0], sides[1]))
    failed = [each for each in found.findings if each.state is State.FAILED]
    assert [each.subject.segment for each in failed] == [{"shop": "(missing)"}]


def test_rows_of_one_person_are_one_row(tmp_path: Path) -> None:
    """Forty people, a hundred rows each: a loss that only one of them has proves nothing."""
    people = [f"p{at % 40}" for at in range(ROWS)]
    table = {
        "shop": [("north", "south")[at % 40 < 20] for at in range(ROWS)],
        "person": people,
        "label": [at % 3 == 0 for at in range(ROWS)],
    }
    listed = {"shop": "feature category", "person": "group text"}
    lost = np.where(np.arange(ROWS) % 40 == 0, 0.1 + 0.0 * good(), good())
    sides = [
        evidence(tmp_path / name, listed, test=table, scores=list(scores))
        for name, scores in (("new", lost), ("old", good()))
    ]
    found = outcome("weak_segments", WeakSegments(), case(sides[0], sides[1]))
    assert State.FAILED not in {finding.state for finding in found.findings}


def test_many_classes_and_numbers(tmp_path: Path) -> None:
    bad = hurt()
    truth = ["cat", "dog", "eel"] * (ROWS // 3) + ["cat"]
    decided = [
        ("dog" if truth[at] == "cat" else "cat") if bad[at] else truth[at] for at in range(ROWS)
    ]
    made = [
        multiclass(tmp_path / name, truth=truth, decided=by, dictionary=LISTED, columns=columns())
        for name, by in (("new", decided), ("old", truth))
    ]
    found = outcome("weak_segments", WeakSegments(loss="error_rate"), case(made[0], made[1]))
    assert found.findings[0].subject.segment == {"shop": "east", "plan": "paid"}
    assert found.findings[0].candidate == pytest.approx(1.0)
    numbers = [float(at % 7) for at in range(ROWS)]
    off = [one + 1 + 4 * bad[at] for at, one in enumerate(numbers)]
    sides = [
        regression(
            tmp_path / name, truth=numbers, predicted=by, dictionary=LISTED, columns=columns()
        )
        for name, by in (("n", off), ("o", [one + 1 for one in numbers]))
    ]
    found = outcome("weak_segments", WeakSegments(), case(sides[0], sides[1]))
    assert found.findings[0].state is State.FAILED
    assert found.findings[0].limit.ceiling == pytest.approx(0.1)
    assert "on average 5.0000 too high here" in found.findings[0].mend


def test_a_loss_of_another_task_is_refused(tmp_path: Path) -> None:
    made = side(tmp_path / "e", good())
    with pytest.raises(NotApplicableError, match="none of a binary task"):
        items(WeakSegments(loss="mean_absolute_error"), case(made))
    with pytest.raises(ValueError, match="margin 0"):
        WeakSegments(margin=0.0)


def test_weights_count(tmp_path: Path) -> None:
    weights = np.where(np.arange(ROWS) % 2 == 0, 1.0, 3.0)
    listed = {**LISTED, "w": "weight number"}
    worse = np.where(hurt(), 0.5, noisy(seed=2))
    made = [
        evidence(
            tmp_path / name,
            listed,
            test={**columns(), "w": weights.tolist(), "label": [at % 3 == 0 for at in range(ROWS)]},
            scores=list(scores),
            settings=Settings(sample_weight="w"),
        )
        for name, scores in (("new", worse), ("old", noisy()))
    ]
    found = outcome("weak_segments", WeakSegments(margin=0.1), case(made[0], made[1]))
    assert found.findings[0].subject.segment == {"shop": "east", "plan": "paid"}


def test_of_very_many_rows_some_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searched_rows, "MOST_ROWS", 2_000)
    worse = np.where(hurt(), 0.5, noisy(seed=2))
    sides = side(tmp_path / "new", worse), side(tmp_path / "old", noisy())
    found = outcome("weak_segments", WeakSegments(margin=0.1), case(*sides)).findings[0]
    assert found.subject.segment == {"shop": "east", "plan": "paid"}
    assert found.support is not None
    assert 200 < found.support.rows < 300
