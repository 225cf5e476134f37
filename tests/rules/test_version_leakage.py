from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Mode, Result, State
from gates.rules.gate import NotApplicableError
from gates.rules.version_leakage import VersionLeakage
from gates.testing import Columns, case, evidence, items, outcome

ROWS = 200
IDS = [f"r{at}" for at in range(ROWS)]
LABELS = [at % 2 == 0 for at in range(ROWS)]
VALUES = [at * 1.5 for at in range(ROWS)]
BY_NAME = "the baseline's test rows in training"
COPIES = "copies of rows that left the test set"
TRAIN: Columns = {
    "row_id": [f"t{at}" for at in range(ROWS)],
    "age": [-value for value in VALUES],
    "label": LABELS,
}
TEST: Columns = {"row_id": IDS, "age": VALUES, "label": LABELS}


def side(folder: Path, test: Columns = TEST, train: Columns | None = TRAIN) -> Evidence:
    listed: dict[str, Any] = {"age": "feature number"}
    if train is not None and "person" in {**test, **train}:
        listed["person"] = "group text"
    return evidence(folder, listed, test=test, train=train)


def take(columns: Columns, rows: range) -> Columns:
    return {name: [values[at] for at in rows] for name, values in columns.items()}


def join(one: Columns, other: Columns) -> Columns:
    return {name: [*values, *other[name]] for name, values in one.items()}


def judged(new: Evidence, old: Evidence, **keys: Any) -> dict[str, Finding]:
    found = outcome("version_leakage", VersionLeakage(**keys), case(new, old)).findings
    return {str(finding.subject.key): finding for finding in found}


@pytest.fixture
def old(tmp_path: Path) -> Evidence:
    return side(tmp_path / "old")


def test_the_same_tables_pass(old: Evidence) -> None:
    of = outcome("version_leakage", VersionLeakage(), case(Evidence(old.folder, beside=old), old))
    assert of.outcome is Result.PASSED
    assert of.findings[0].message == (
        "0 of the baseline's 200 test rows (0.00%) are training rows now."
    )


@pytest.mark.parametrize(("share", "state"), [(0.05, State.PASSED), (0.0499, State.FAILED)])
def test_test_rows_of_the_baseline_that_are_trained_on(
    share: float, state: State, old: Evidence, tmp_path: Path
) -> None:
    """Ten of the 200 rows: a share of .05, exactly at the first limit."""
    new = side(tmp_path / "new", take(TEST, range(10, ROWS)), join(TRAIN, take(TEST, range(10))))
    finding = judged(new, old, share=share)[BY_NAME]
    assert finding.state is state
    assert finding.message == "10 of the baseline's 200 test rows (5.00%) are training rows now."
    assert bool(finding.mend) is (state is State.FAILED)


def test_what_the_baseline_was_trained_on_is_inherited(tmp_path: Path) -> None:
    both = join(TRAIN, take(TEST, range(10)))
    old, new = side(tmp_path / "old", TEST, both), side(tmp_path / "new", TEST, both)
    assert judged(new, old)[BY_NAME].candidate == 0


@pytest.mark.parametrize(
    ("moved", "state"), [(0, State.PASSED), (1, State.PASSED), (2, State.FAILED)]
)
def test_rows_that_come_back_under_another_name(
    moved: int, state: State, old: Evidence, tmp_path: Path
) -> None:
    """Twenty rows leave the test set; so many of the hundred new training rows are copies.

    None of 180 test rows and 200 training rows that stay has one: one of 20 is p = .05, two .002.
    """
    copies = {**take(TEST, range(moved)), "row_id": [f"new{at}" for at in range(moved)]}
    fresh: Columns = {
        "row_id": [f"f{at}" for at in range(100 - moved)],
        "age": [1000.0 + at for at in range(100 - moved)],
        "label": [True] * (100 - moved),
    }
    train = join(join(TRAIN, copies), fresh)
    finding = judged(side(tmp_path / "new", take(TEST, range(20, ROWS)), train), old)[COPIES]
    assert finding.message == (
        f"{moved} of 20 rows that left the test set ({moved / 20:.2%}) equal one of 100 new "
        "training rows in every feature and the label; about 0 are expected by chance."
    )
    assert finding.state is state


def test_an_accepted_excess(old: Evidence, tmp_path: Path) -> None:
    copies = {**take(TEST, range(8)), "row_id": [f"new{at}" for at in range(8)]}
    new = side(tmp_path / "new", take(TEST, range(20, ROWS)), join(TRAIN, copies))
    assert judged(new, old)[COPIES].state is State.FAILED
    assert judged(new, old, excess=0.4)[COPIES].state is State.PASSED


def test_what_is_alike_by_nature_is_no_copy(tmp_path: Path) -> None:
    """One value for all rows: every one has a twin, and chance says so."""
    alike: Columns = {**TEST, "age": [1.0] * ROWS, "label": [True] * ROWS}
    train: Columns = {**TRAIN, "age": [1.0] * ROWS, "label": [True] * ROWS}
    more = {**take(train, range(50)), "row_id": [f"new{at}" for at in range(50)]}
    old = side(tmp_path / "old", alike, train)
    new = side(tmp_path / "new", take(alike, range(20, ROWS)), join(train, more))
    finding = judged(new, old)[COPIES]
    assert finding.state is State.PASSED
    assert "20 of 20 rows" in finding.message
    assert "about 20 are expected by chance" in finding.message


def test_another_label_is_another_row(old: Evidence, tmp_path: Path) -> None:
    copies: Columns = {
        **take(TEST, range(8)),
        "row_id": [f"new{at}" for at in range(8)],
        "label": [not label for label in LABELS[:8]],
    }
    new = side(tmp_path / "new", take(TEST, range(20, ROWS)), join(TRAIN, copies))
    assert judged(new, old)[COPIES].candidate == 0


class TestGroups:
    def people(self, first: int) -> tuple[Columns, Columns]:
        """Two rows of each of a hundred people a table; the test table's begin at a number."""
        tests = [f"p{first + at // 2}" for at in range(ROWS)]
        trains = [f"p{(first + 100 + at // 2) % 200}" for at in range(ROWS)]
        return {**TEST, "person": tests}, {**TRAIN, "person": trains}

    def test_people_who_change_sides(self, tmp_path: Path) -> None:
        old = side(tmp_path / "old", *self.people(0))
        new = side(tmp_path / "new", *self.people(5))
        finding = judged(new, old)["groups by person that changed sides"]
        assert finding.state is State.FAILED
        assert finding.message == (
            "Of person, 5 of 100 values in the baseline's test table are in training now, and 5 of "
            "100 in its training table are in the test table now, such as 'p0', 'p1', 'p2'."
        )
        assert judged(new, old, share=0.05)[str(finding.subject.key)].state is State.PASSED
        assert "the person" in finding.mend

    def test_people_who_stay(self, tmp_path: Path) -> None:
        old, new = (side(tmp_path / name, *self.people(0)) for name in ("old", "new"))
        assert judged(new, old)["groups by person that changed sides"].candidate == 0

    @pytest.mark.parametrize(
        ("lacks", "mode", "whose"),
        [("old", Mode.GUARD, "baseline's"), ("new", Mode.STRICT, "candidate's")],
    )
    def test_a_column_that_one_version_lacks_is_undecided(
        self, lacks: str, mode: Mode, whose: str, tmp_path: Path
    ) -> None:
        made = {
            name: side(tmp_path / name) if name == lacks else side(tmp_path / name, *self.people(0))
            for name in ("old", "new")
        }
        finding = judged(made["new"], made["old"])["groups by person that changed sides"]
        assert (finding.state, finding.limit.mode) == (State.UNDECIDED, mode)
        assert f"the {whose} tables have no such column" in finding.message
        assert finding.mend


def test_training_rows_without_a_name_are_undecided(old: Evidence, tmp_path: Path) -> None:
    train = {"age": VALUES, "label": LABELS}
    folder = tmp_path / "new"
    new = evidence(folder, {"age": "feature number"}, test=TEST, train={**train, "row_id": IDS})
    new.train_ids = None
    finding = judged(new, old)[BY_NAME]
    assert finding.state is State.UNDECIDED
    assert "train.parquet has no column 'row_id'" in finding.message


@pytest.mark.parametrize(
    ("has_old", "train", "reason"),
    [(False, TRAIN, "one version only"), (True, None, "no training rows")],
)
def test_nothing_to_judge(
    has_old: bool, train: Columns | None, reason: str, tmp_path: Path
) -> None:
    new, old = (side(tmp_path / name, TEST, train) for name in ("new", "old"))
    with pytest.raises(NotApplicableError, match=reason):
        items(VersionLeakage(), case(new, old if has_old else None))


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_a_row(rows: int, tmp_path: Path) -> None:
    old = side(tmp_path / "old", take(TEST, range(rows)), take(TRAIN, range(rows)))
    new = side(tmp_path / "new", take(TEST, range(5, 6)), take(TEST, range(rows)))
    found = judged(new, old)
    assert found[BY_NAME].state is State.FAILED
    assert found[BY_NAME].candidate == 1
