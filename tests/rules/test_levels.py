"""Gate `levels`: what the model never saw, what is gone, and what lost all its values but one."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gates.finding import Finding, Observation, Result, State
from gates.rules.gate import Gate
from gates.rules.levels import Levels
from gates.testing import Columns, case, evidence, items, outcome

CATEGORY = {"x": "feature category"}
LISTED = {"x": {"role": "feature", "type": "category", "levels": ["a", "b"], "description": "x"}}


def table(*counts: tuple[Any, int], kind: pa.DataType | None = None) -> Columns:
    values = [value for value, rows in counts for _ in range(rows)]
    labels = [at % 2 == 0 for at in range(len(values))]
    return {"x": pa.array(values, kind), "label": pa.array(labels, pa.bool_())}


def finding_of(of: Any, column: str = "x", gate: Gate | None = None) -> Finding:
    found = outcome("levels", gate or Levels(), of).findings
    (one,) = [each for each in found if each.subject.column == column]
    return one


@pytest.mark.parametrize(
    ("unseen", "state"),
    [(0, State.PASSED), (10, State.PASSED), (20, State.UNDECIDED), (60, State.FAILED)],
)
def test_a_level_that_train_never_had_by_its_share_of_the_test_rows(
    tmp_path: Path, unseen: int, state: State
) -> None:
    test, train = table(("a", 2000 - unseen), ("b", unseen)), table(("a", 4000))
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=train)
    assert finding_of(case(side)).state is state


def test_the_message_says_which_level_and_how_many_rows(tmp_path: Path) -> None:
    test, train = table(("a", 1900), ("b", 100)), table(("a", 4000))
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=train)
    finding = finding_of(case(side))
    assert finding.message == (
        "'x': train has no row of 'b', test has 100 of 2,000 (5.00%): the model never saw them. "
        "1.00% are accepted."
    )
    assert finding.mend.startswith("Give train rows of these levels")
    assert (finding.candidate, finding.limit.ceiling) == (0.05, 0.01)


def test_what_chance_may_have_kept_away_is_shown_and_does_not_fail(tmp_path: Path) -> None:
    test = table(("a", 47), ("b", 3))
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=table(("a", 50)))
    found = items(Levels(), case(side))
    (shown,) = [item for item in found if isinstance(item, Observation)]
    assert shown.message == "'x': train has no row of 'b', test has 3 of 50; it may be chance."
    finding = finding_of(case(side))
    assert (finding.state, finding.candidate) == (State.UNDECIDED, 0.0)
    assert finding.rows_needed == 381
    assert finding.message == (
        "'x': train has every level of test but 1 that chance may have kept away; of 50 rows, "
        "13.9% could be of missing ones."
    )


def test_many_levels_of_a_row_or_two_are_no_fault(tmp_path: Path) -> None:
    test = table(*((f"zip{at}", 1) for at in range(0, 2000, 2)))
    train = table(*((f"zip{at}", 1) for at in range(1, 4000, 2)))
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=train)
    assert finding_of(case(side)).state is not State.FAILED


@pytest.mark.parametrize("rows", [1, 2])
def test_a_few_rows_are_undecided(tmp_path: Path, rows: int) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=table(("a", rows)), train=table(("b", rows)))
    assert finding_of(case(side)).state is State.UNDECIDED


def test_a_level_that_is_gone_from_train_or_test(tmp_path: Path) -> None:
    whole, half = table(("a", 1000), ("b", 1000)), table(("a", 2000))
    old = evidence(tmp_path / "old", CATEGORY, test=whole, train=whole)
    new = evidence(tmp_path / "new", CATEGORY, test=half, train=whole)
    finding = finding_of(case(new, old))
    assert finding.state is State.FAILED
    assert finding.message == (
        "'x': test has no row of 'b', the baseline's test has 1,000 of 2,000 (50.00%): they are "
        "gone. 1.00% are accepted."
    )
    assert finding.mend.startswith("Find where the rows")


def test_a_level_that_comes_with_train_is_no_fault(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", CATEGORY, test=table(("a", 900)), train=table(("a", 900)))
    more = table(("a", 900), ("b", 900))
    new = evidence(tmp_path / "new", CATEGORY, test=more, train=more)
    finding = finding_of(case(new, old))
    assert finding.state is State.PASSED
    assert finding.message == (
        "'x': train has every level of test; train has every level of the baseline's train; test "
        "has every level of the baseline's test."
    )


def test_what_the_baseline_never_saw_either_is_nobodys_doing_now(tmp_path: Path) -> None:
    test, train = table(("a", 900), ("b", 900)), table(("a", 1800))
    old = evidence(tmp_path / "old", CATEGORY, test=test, train=train)
    new = evidence(tmp_path / "new", CATEGORY, test=test, train=train)
    assert finding_of(case(new, old)).state is State.PASSED


def test_levels_that_the_dictionary_does_not_list_are_left_to_schema(tmp_path: Path) -> None:
    test, train = table(("a", 900), ("b", 900), ("typo", 900)), table(("a", 900), ("b", 900))
    side = evidence(tmp_path / "a", LISTED, test=test, train=train)
    assert finding_of(case(side)).state is State.PASSED


def test_a_class_that_train_lost(tmp_path: Path) -> None:
    both = table(("a", 2000))
    side = evidence(tmp_path / "a", CATEGORY, test=both, train={**both, "label": [False] * 2000})
    finding = finding_of(case(side), "label")
    assert finding.state is State.FAILED
    assert "'true'" in finding.message


@pytest.mark.parametrize("kind", ["segment", "sensitive"])
def test_a_segment_that_is_gone_though_the_model_does_not_read_it(
    tmp_path: Path, kind: str
) -> None:
    entry = {"role": "ignored", "type": "category", kind: True, "description": "region"}
    whole, half = table(("a", 1000), ("b", 1000)), table(("a", 2000))
    old = evidence(tmp_path / "old", {"x": entry}, test=whole)
    new = evidence(tmp_path / "new", {"x": entry}, test=half)
    assert finding_of(case(new, old)).state is State.FAILED


def test_a_missing_value_is_no_level(tmp_path: Path) -> None:
    side = evidence(
        tmp_path / "a", CATEGORY, test=table(("a", 900), (None, 900)), train=table(("a", 900))
    )
    assert finding_of(case(side)).state is State.PASSED


@pytest.mark.parametrize(
    ("test", "train", "where"),
    [((5.0,), (1.0, 2.0), "test.parquet"), ((1.0, 2.0), (5.0,), "train.parquet")],
)
def test_a_number_with_one_value_on_one_side_only(
    tmp_path: Path, test: tuple[float, ...], train: tuple[float, ...], where: str
) -> None:
    tables = [table(*((value, 100 // len(each)) for value in each)) for each in (test, train)]
    side = evidence(tmp_path / "a", {"x": "feature number"}, test=tables[0], train=tables[1])
    finding = finding_of(case(side))
    assert finding.state is State.FAILED
    assert f"in {where} every row holds '5'" in finding.message


def test_with_a_baseline_constants_are_left_to_schema(tmp_path: Path) -> None:
    number = {"x": "feature number"}
    several, one = table((1.0, 50), (2.0, 50)), table((5.0, 100))
    old = evidence(tmp_path / "old", number, test=several, train=several)
    new = evidence(tmp_path / "new", number, test=one, train=several)
    assert [item.subject.column for item in items(Levels(), case(new, old))] == ["label"]


def test_a_looser_share_accepts_more(tmp_path: Path) -> None:
    test, train = table(("a", 1900), ("b", 100)), table(("a", 4000))
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=train)
    assert finding_of(case(side), gate=Levels(share=0.1)).state is State.PASSED


def test_hostile_names_stand_quoted(tmp_path: Path) -> None:
    bad = "</td>\n| `x` | <script>" * 3
    test, train = table(("a", 900), (bad, 900)), table(("a", 900))
    side = evidence(tmp_path / "a", CATEGORY, test=test, train=train)
    assert "\n" not in finding_of(case(side)).message


def test_without_train_and_baseline_it_is_skipped(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=table(("a", 1), ("b", 1)))
    result = outcome("levels", Levels(), case(side))
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "there is neither a training table nor a baseline",
    )


def test_an_empty_training_table_is_no_training_table(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", CATEGORY, test=table(("a", 2)), train=table(kind=pa.string()))
    assert outcome("levels", Levels(), case(side)).outcome is Result.SKIPPED
