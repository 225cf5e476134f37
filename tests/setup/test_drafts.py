"""Drafts for every task: what is guessed, and that the judge takes it as it is."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.__main__ import main
from gates.errors import PolicyError
from gates.evidence.columns import Role, Type, read_columns
from gates.policy.policy import read_policy
from gates.reading.strict_yaml import load
from gates.setup.dictionary import write_dictionary
from gates.setup.limits import Ground, write_limits
from gates.setup.look import column_names, find_same_ids, look_at
from gates.setup.pipeline import How, Part, Parts, sources_of
from gates.setup.roles import Draft, Hints, draft_columns

ROWS = 400
NOTHING = Part(None, How.ABSENT, "")
PARTS = Parts(
    predictions=Part("predictions.parquet", How.FOUND, ""),
    test=Part("test.parquet", How.FOUND, ""),
    train=Part("train.parquet", How.FOUND, ""),
    **dict.fromkeys(("repeats", "metrics", "environment", "model", "predict"), NOTHING),
)


def table(folder: Path, name: str, **columns: Any) -> Path:
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def draft(folder: Path, label: list[Any], **outputs: Any) -> Draft:
    """The draft of a folder with a table of one feature and this label."""
    ids = [f"r{at}" for at in range(ROWS)]
    rows = {"x": [at % 97 / 10 for at in range(ROWS)], "y": label}
    test = table(folder, "test", row_id=ids, **rows)
    train = table(folder, "train", row_id=[f"t{at}" for at in range(ROWS)], **rows)
    table(folder, "predictions", row_id=ids, **outputs)
    predicted = column_names(folder / "predictions.parquet")
    return draft_columns(look_at(test), look_at(train), Hints(predicted=predicted))


def policy_of(made: Draft) -> str:
    return write_limits(
        Ground(
            task=made.task,
            parts=PARTS,
            sources=sources_of(PARTS, "columns.yaml"),
            segments=made.segments,
            sensitive=made.sensitive,
            spread=made.label.spread if made.label else None,
        )
    )


HALF = [0.5] * ROWS
TASKS: dict[str, tuple[list[Any], dict[str, Any], str, Type]] = {
    "boolean": ([at % 2 == 0 for at in range(ROWS)], {"score": HALF}, "binary", Type.BOOLEAN),
    "0 and 1": ([at % 2 for at in range(ROWS)], {"score": HALF}, "binary", Type.BOOLEAN),
    "text": (["yes", "no"] * (ROWS // 2), {"score": HALF}, "binary", Type.CATEGORY),
    "classes": (
        ["a", "b", "c", "d"] * (ROWS // 4),
        {f"score_{each}": [0.25] * ROWS for each in "abcd"},
        "multiclass",
        Type.CATEGORY,
    ),
    "number": (
        [at % 89 / 7 for at in range(ROWS)],
        {"prediction": HALF},
        "regression",
        Type.NUMBER,
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_judge_takes_the_draft_of_every_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    label, outputs, task, kind = TASKS[name]
    folder, policy = tmp_path / "evidence", tmp_path / "params.yaml"
    folder.mkdir()
    made = draft(folder, label, **outputs)
    assert (made.task, made.lacks) == (task, ())
    text = write_dictionary(made)
    (folder / "columns.yaml").write_text(text, "utf-8")
    columns = read_columns(text.encode(), "columns.yaml")
    assert (columns.label, columns.columns["y"].type) == ("y", kind)
    policy.write_text(policy_of(made), "utf-8")
    assert main(["pack", str(folder)]) == 0
    capsys.readouterr()
    sides = ["--candidate", str(folder), "--baseline", str(folder), "--policy", str(policy)]
    main(["judge", *sides, "--json"])
    outcomes = json.loads(capsys.readouterr().out)["outcomes"]
    by_gate = {each["gate"]: each["outcome"] for each in outcomes}
    assert by_gate["columns"] == by_gate["schema"] == "passed"
    assert "errored" not in by_gate.values()


def test_of_two_words_the_usual_positive_one_comes_last(tmp_path: Path) -> None:
    made = draft(tmp_path, ["yes", "no"] * (ROWS // 2), score=HALF)
    entry = next(entry for entry in made.entries if entry.role is Role.LABEL)
    assert entry.levels == ("no", "yes")
    assert "# guessed: the last level is the positive one" in write_dictionary(made)


def test_the_margin_of_a_number_is_in_its_unit(tmp_path: Path) -> None:
    made = draft(tmp_path, [0.0, 100.0] * (ROWS // 2), prediction=HALF)
    # One standard deviation is 50; 2 % of it is 1.
    assert "mean_absolute_error: {margin: 1}" in policy_of(made)


@pytest.mark.parametrize("name", ["no", "a: b", "a\nb: {role: label}", "ä", "🙂", "x # y", "'"])
def test_a_column_may_have_any_name(tmp_path: Path, name: str) -> None:
    rows = {"row_id": [f"r{at}" for at in range(60)], "label": [True, False] * 30}
    path = table(tmp_path, "test", **rows, **{name: ["a", "b", "c"] * 20})
    made = draft_columns(look_at(path), None, Hints())
    columns = read_columns(write_dictionary(made).encode(), "columns.yaml")
    assert list(columns.columns) == ["row_id", "label", name]
    block = load(policy_of(made).encode(), "params.yaml", PolicyError).value["gates"]
    assert block["segments"] == [name]
    read_policy(policy_of(made).encode(), "params.yaml")


def test_the_row_identifier_is_known_by_what_predictions_call_their_rows(tmp_path: Path) -> None:
    names = [f"c{at}" for at in range(50)]
    test = table(tmp_path, "test", customer=names, other=[f"o{at}" for at in range(50)])
    table(tmp_path, "predictions", row_id=names, score=[0.5] * 50)
    assert find_same_ids(tmp_path / "predictions.parquet", test, "row_id") == "customer"


def test_the_label_is_the_column_whose_values_the_scores_are_named_after(tmp_path: Path) -> None:
    test = table(tmp_path, "test", row_id=list("pqrstu"), kind=["a", "b"] * 3, topic=["x", "y"] * 3)
    hints = Hints(predicted=("row_id", "score_x", "score_y"))
    made = draft_columns(look_at(test), None, hints)
    assert (made.label and made.label.name, made.task) == ("topic", "multiclass")


def test_only_so_many_rows_are_read_and_levels_then_stay_open(tmp_path: Path) -> None:
    ids = [f"r{at}" for at in range(9_000)]
    rows = {"row_id": ids, "plan": ["a", "b", "c"] * 3_000, "label": [True, False] * 4_500}
    path = table(tmp_path, "test", **rows)
    look = look_at(path, rows_max=5_000)
    assert (look.rows, look.sampled, look.is_whole) == (9_000, 5_000, False)
    made = draft_columns(look, None, Hints())
    assert next(entry for entry in made.entries if entry.name == "plan").levels == ()


def test_a_table_in_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "test.parquet"
    folder.mkdir()
    for part in range(3):
        table(folder, f"part-{part}", row_id=[f"r{part}"], x=[part])
    look = look_at(folder)
    assert (look.rows, look.sampled, look.columns["x"].high) == (3, 3, 2)


def test_what_no_table_of_evidence_may_hold_is_ignored_and_said(tmp_path: Path) -> None:
    rows = {"row_id": ["a", "b"], "label": [True, False], "odd": [[1], [2]], "none": [None, None]}
    made = draft_columns(look_at(table(tmp_path, "test", **rows)), None, Hints())
    odd = [entry for entry in made.entries if "flatten it" in entry.guess]
    assert [(entry.name, entry.role) for entry in odd] == [
        ("odd", Role.IGNORED),
        ("none", Role.IGNORED),
    ]
