"""Rows and columns that a pull request adds, takes out or changes."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from gates import data_difference
from gates.data_difference import find_data_differences
from gates.finding import ChangedColumn, TableDifference
from gates.judge import judge
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.report.data_changes import data_section, table_views
from gates.rules.columns import Columns as ColumnsGate
from gates.testing import Columns, case, evidence

DICTIONARY = {"x": "feature number", "c": "feature category"}


def table(ids: str, x: list[Any], c: str, labels: str = "10") -> Columns:
    made = [letter == "1" for letter in labels.ljust(len(ids), "0")]
    return {"row_id": list(ids), "x": x, "c": list(c), "label": made}


OLD = table("abcd", [1.0, 2.0, None, 4.0], "uvuv")


def difference(tmp_path: Path, new: Columns, old: Columns = OLD) -> tuple[TableDifference, ...]:
    mine, theirs = (
        evidence(tmp_path / name, DICTIONARY, test=test)
        for name, test in (("new", new), ("old", old))
    )
    return find_data_differences(case(mine, theirs))


def only(found: tuple[TableDifference, ...]) -> TableDifference:
    (one,) = found
    return one


def test_rows_that_came_and_went(tmp_path: Path) -> None:
    found = only(difference(tmp_path, table("bcdef", [2.0, None, 4.0, 5.0, 6.0], "vuvuu", "0")))
    assert (found.baseline_rows, found.candidate_rows) == (4, 5)
    assert (found.added, found.removed, found.changed) == (2, 1, 0)
    assert found.columns_changed == ()


def test_cells_that_changed_are_counted_by_column_and_row(tmp_path: Path) -> None:
    found = only(difference(tmp_path, table("abcd", [1.0, 2.5, 3.0, 4.0], "wvwv", "01")))
    assert found.columns_changed == (
        ChangedColumn(name="x", rows=2),
        ChangedColumn(name="c", rows=2),
        ChangedColumn(name="label", rows=2),
    )
    assert (found.changed, found.relabelled) == (3, 2)


def test_the_order_of_the_rows_is_no_difference(tmp_path: Path) -> None:
    assert difference(tmp_path, table("dcba", [4.0, None, 2.0, 1.0], "vuvu", "0001")) == ()


def test_the_same_values_in_another_type_are_no_difference(tmp_path: Path) -> None:
    old = table("ab", [1, 2], "uv")
    coded = {**table("ab", [1.0, 2.0], "uv"), "c": pa.array(["u", "v"]).dictionary_encode()}
    assert difference(tmp_path, coded, old) == ()


def test_columns_that_came_and_went(tmp_path: Path) -> None:
    new = {name: values for name, values in OLD.items() if name != "x"}
    found = only(difference(tmp_path, {**new, "z": [0, 0, 0, 0]}))
    assert (found.columns_added, found.columns_removed) == (("z",), ("x",))
    assert found.changed == 0


def test_train_is_compared_too_and_rows_without_identifiers_are_only_counted(
    tmp_path: Path,
) -> None:
    bare = {"row_id": pa.array([None, None]), "x": [1.0, 2.0], "label": [True, False]}
    more = {"row_id": pa.array([None] * 3), "x": [1.0, 2.0, 3.0], "label": [True, False, True]}
    old = evidence(tmp_path / "old", DICTIONARY, test=OLD, train=bare)
    new = evidence(tmp_path / "new", DICTIONARY, test=OLD, train=more)
    found = only(find_data_differences(case(new, old)))
    assert (found.table, found.added, found.removed) == ("train", 3, 2)
    alone = evidence(tmp_path / "alone", DICTIONARY, test=OLD)
    assert find_data_differences(case(alone, old)) == ()  # no table to compare


def test_large_tables_are_only_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_difference, "MOST_ROWS", 3)
    found = only(difference(tmp_path, table("abc", [1.0, 2.0, 3.0], "uvu")))
    assert (found.paired, found.reason) == (False, "more than 3 rows")
    assert (found.baseline_rows, found.candidate_rows) == (4, 3)


def test_without_a_baseline_or_a_change_there_is_none(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", DICTIONARY, test=OLD)
    assert find_data_differences(case(side)) == ()
    assert find_data_differences(case(side, side)) == ()


def test_it_stands_in_the_verdict_and_its_reports_only_where_there_is_one(tmp_path: Path) -> None:
    new = evidence(tmp_path / "n", DICTIONARY, test=table("abcd", [1.0, 9.0, None, 4.0], "uvuv"))
    old = evidence(tmp_path / "o", DICTIONARY, test=OLD)
    policy = Policy(Settings(), {"columns": ColumnsGate()}, Document("params.yaml", {}, {}))
    verdict = judge(policy, case(new, old))
    assert (
        data_section(verdict) == "**Rows of test** — 1 row changed · values changed in `x` (1 row)"
    )
    (view,) = table_views(verdict)
    assert dict(view.figures)["changed"] == "1"
    same = judge(policy, case(old, old))
    assert same.data is msgspec.UNSET
    assert data_section(same) == ""
