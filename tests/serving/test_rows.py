import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.errors import EvidenceError
from gates.evidence.columns import ColumnDictionary, read_columns
from gates.serving.rows import answer_columns, draw_sample


def columns(**features: str) -> ColumnDictionary:
    entries = {name: {"role": "feature", "type": kind} for name, kind in features.items()}
    entries |= {"row_id": {"role": "id", "type": "text"}, "y": {"role": "label", "type": "boolean"}}
    return read_columns(json.dumps({"columns": entries}).encode(), "columns.yaml")


def table(path: Path, **values: object) -> Path:
    pq.write_table(pa.table({"row_id": ["a", "b", "c"], **values}), path)
    return path


def test_a_row_is_what_json_has(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.parquet",
        x=[1.5, float("nan"), None],
        day=[dt.date(2026, 1, 2), None, None],
        job=pa.array(["ä", "b", "b"]).dictionary_encode(),
    )
    sample = draw_sample(path, columns(x="number", day="datetime", job="category"))
    assert sample.ids == ("a", "b", "c")
    assert sample.rows[0] == {"x": 1.5, "day": "2026-01-02", "job": "ä"}
    assert sample.rows[1] == {"x": None, "day": None, "job": "b"}
    assert json.loads(sample.bodies[2]) == {"x": None, "day": None, "job": "b"}


def test_rows_are_spread_over_the_table(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"row_id": [str(at) for at in range(101)], "x": range(101)}), path)
    sample = draw_sample(path, columns(x="integer"), count=5)
    assert [row["x"] for row in sample.rows] == [0, 25, 50, 75, 100]


@pytest.mark.parametrize(
    ("features", "says"),
    [({"z": "number"}, "no column 'z'"), ({"x": "image"}, "an image")],
)
def test_what_cannot_be_sent_is_said(tmp_path: Path, features: dict[str, str], says: str) -> None:
    with pytest.raises(EvidenceError, match=says):
        draw_sample(table(tmp_path / "t.parquet", x=["a", "b", "c"]), columns(**features))


def test_answers_are_called_as_in_a_prediction_table() -> None:
    assert answer_columns("binary", ()) == ("score",)
    assert answer_columns("regression", ()) == ("prediction",)
    assert answer_columns("multiclass", ("a", "b")) == ("score_a", "score_b")
