"""Gate `group_leakage`: nobody stands on both sides."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gates.finding import Finding, Outcome, Result, State
from gates.rules.group_leakage import GroupLeakage
from gates.testing import case, evidence, outcome

NAN = float("nan")


def table(person: Any) -> dict[str, Any]:
    return {"person": person, "label": [at % 2 == 0 for at in range(len(person))]}


def judged(tmp_path: Path, test: Any, train: Any, role: str = "group text", **keys: Any) -> Outcome:
    side = evidence(tmp_path / "a", {"person": role}, test=table(test), train=table(train))
    return outcome("group_leakage", GroupLeakage(**keys), case(side))


def finding(tmp_path: Path, test: Any, train: Any, **keys: Any) -> Finding:
    (found,) = judged(tmp_path, test, train, **keys).findings
    return found


def test_groups_on_one_side_only_pass(tmp_path: Path) -> None:
    found = finding(tmp_path, ["a", "a", "b"], ["c", "d"])
    assert (found.state, found.message) == (
        State.PASSED,
        "0 of 3 test rows (0.00%) share their 'person' with training rows.",
    )


def test_a_group_on_both_sides_fails(tmp_path: Path) -> None:
    found = finding(tmp_path, ["b", "a", "a", None], ["c", "a", "b"])
    assert (found.state, found.blocks, found.candidate) == (State.FAILED, True, 0.75)
    assert found.message == (
        "3 of 4 test rows (75.00%) share their 'person' with training rows: 'a', 'b'."
    )


@pytest.mark.parametrize(("share", "state"), [(0.5, State.PASSED), (0.49, State.FAILED)])
def test_the_share_itself(tmp_path: Path, share: float, state: State) -> None:
    assert finding(tmp_path, ["a", "b"], ["a"], share=share).state is state


@pytest.mark.parametrize(
    ("test", "train"),
    [
        ([1, 2], ["1", "3"]),  # stored in two ways
        ([1.0, NAN], [1, 3]),
        ([True, None], [True]),
    ],
)
def test_values_are_compared_as_text(tmp_path: Path, test: Any, train: Any) -> None:
    assert finding(tmp_path, test, train).candidate == 0.5


def test_what_is_missing_belongs_to_nobody(tmp_path: Path) -> None:
    assert finding(tmp_path, [None, "b"], [None, "c"]).candidate == 0


def test_no_value_at_all_cannot_be_judged(tmp_path: Path) -> None:
    empty = pa.array([None, None], pa.string())
    found = finding(tmp_path, empty, ["c"])
    assert (found.state, found.message) == (
        State.UNDECIDED,
        "person: cannot be judged: no test row has a value.",
    )


def test_a_training_table_without_the_column_cannot_be_judged(tmp_path: Path) -> None:
    listed = {"person": "group text"}
    side = evidence(tmp_path / "a", listed, test=table(["a"]), train={"label": [True]})
    (found,) = outcome("group_leakage", GroupLeakage(), case(side)).findings
    assert (found.state, found.blocks) == (State.UNDECIDED, True)
    assert "train.parquet has no such column" in found.message


def test_the_bases_groups_count_whatever_the_pull_request_calls_them(tmp_path: Path) -> None:
    old = evidence(tmp_path / "old", {"person": "group text"}, test=table(["a"]))
    listed = {"person": "ignored text"}
    new = evidence(tmp_path / "new", listed, test=table(["a"]), train=table(["a"]))
    assert outcome("group_leakage", GroupLeakage(), case(new, old)).outcome is Result.FAILED


@pytest.mark.parametrize("renamed", [False, True])
def test_a_group_of_the_base_that_is_gone_blocks(tmp_path: Path, renamed: bool) -> None:
    rows = {"label": [True]}
    old = evidence(tmp_path / "old", {"person": "group text"}, test=table(["a"]))
    listed, columns = ({"who": "group text"}, {**rows, "who": ["b"]}) if renamed else ({}, rows)
    new = evidence(tmp_path / "new", listed, test=columns, train=columns | {"who": ["c"]})
    found = outcome("group_leakage", GroupLeakage(), case(new, old)).findings[-1]
    assert (found.state, found.blocks) == (State.UNDECIDED, True)
    assert found.message == "person: cannot be judged: test.parquet has no such column."


REPEATED = [f"p{at % 120}" for at in range(600)]


@pytest.mark.parametrize("role", ["ignored text", "feature category", "ignored integer"])
def test_undeclared_groups_are_warned_of(tmp_path: Path, role: str) -> None:
    values = [int(each[1:]) for each in REPEATED] if "integer" in role else REPEATED
    result = judged(tmp_path, values[:200], values[200:], role)
    (found,) = result.findings
    assert (result.outcome, found.blocks) == (Result.UNDECIDED, False)
    assert found.message == (
        "'person' may name what rows belong to: 120 values in 600 rows, and 200 of 200 test rows "
        "share theirs with a training row; no column has the role group."
    )
    assert "role group" in found.mend


@pytest.mark.parametrize(
    "values",
    [
        [f"p{at}" for at in range(600)],  # no two rows hang together
        [f"p{at % 20}" for at in range(600)],  # few levels: a property
    ],
)
def test_other_columns_are_not_suspected(tmp_path: Path, values: list[str]) -> None:
    result = judged(tmp_path, values[:200], values[200:], "ignored text")
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "no column has the role group, and none looks as if it should",
    )


def test_a_pictures_hash_names_no_group(tmp_path: Path) -> None:
    entry = {"role": "ignored", "type": "text", "description": "dHash", "hash_of": "photo"}
    listed: dict[str, Any] = {"person": entry, "photo": "ignored image"}
    tables = [
        {**table(values), "photo": ["a.png"] * len(values)}
        for values in (REPEATED[:200], REPEATED[200:])
    ]
    side = evidence(tmp_path / "a", listed, test=tables[0], train=tables[1])
    assert outcome("group_leakage", GroupLeakage(), case(side)).outcome is Result.SKIPPED


def test_without_training_rows_it_is_skipped(tmp_path: Path) -> None:
    side = evidence(tmp_path / "a", {"person": "group text"}, test=table(["a"]))
    assert outcome("group_leakage", GroupLeakage(), case(side)).outcome is Result.SKIPPED
