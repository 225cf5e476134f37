import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.evidence.columns import read_columns
from gates.serving.client import Reply
from gates.serving.faults import Broken, break_row, name_outcome, numbers_in, read_answers

DICTIONARY = read_columns(
    b"""
columns:
  row_id: {role: id, type: text}
  age: {role: feature, type: integer, range: [0, 90]}
  gain: {role: feature, type: number}
  job: {role: feature, type: category, levels: [a, b]}
  old: {role: feature, type: boolean}
  label: {role: label, type: boolean}
""",
    "columns.yaml",
)
ROW = {"age": 30, "gain": 1.5, "job": "a", "old": True}


def test_each_feature_is_broken_in_each_way_that_its_type_allows() -> None:
    broken = {(one.kind, one.feature): one.row for one in break_row(ROW, DICTIONARY)}
    assert len(broken) == 4 + 4 + 1 + 2 + 4
    assert broken["missing", "age"] == {"gain": 1.5, "job": "a", "old": True}
    assert broken["null", "job"]["job"] is None
    assert broken["out of range", "age"]["age"] == 180
    assert broken["out of range", "gain"]["gain"] == -1e40
    assert isinstance(broken["wrong type", "age"]["age"], str)
    assert broken["wrong type", "job"]["job"] == [1]
    assert ("unknown level", "age") not in broken


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"score": 0.5}', "answered"),
        (200, b'{"score": NaN}', "invalid"),
        (200, b'{"score": 1.5}', "invalid"),
        (200, b'{"score": true}', "invalid"),
        (200, b'{"score": null}', "invalid"),
        (200, b'[{"score": 0.5}]', "invalid"),
        (200, b"\xff", "invalid"),
        (422, b'{"reason": "age: missing"}', "refused"),
        (400, b"bad row", "unclear"),
        (500, b"age: KeyError", "error"),
        (302, b"age", "error"),
    ],
)
def test_an_answer_is_a_number_or_names_the_feature(status: int, body: bytes, outcome: str) -> None:
    broken = Broken(feature="age", kind="missing", row={})
    fault = name_outcome(broken, Reply(status, body), ("score",), shares=True)
    assert fault.outcome == outcome


def test_what_is_said_is_one_short_line() -> None:
    broken = Broken(feature="f" * 900, kind="missing", row={})
    fault = name_outcome(broken, Reply(500, b"a\n b" * 900), ("score",), shares=True)
    assert fault.said.startswith("a ba b")
    assert (len(fault.said), len(fault.feature)) == (160, 160)


def test_a_list_must_have_one_answer_for_each_row() -> None:
    two = Reply(200, json.dumps([{"score": 0.1}, {"score": "high"}]).encode())
    assert read_answers(two, 2, ("score",), shares=True) == ((0.1,), None)
    assert read_answers(two, 3, ("score",), shares=True) == (None, None, None)
    assert read_answers(Reply(500, two.body), 2, ("score",), shares=True) == (None, None)


def test_a_predicted_number_has_any_size() -> None:
    assert numbers_in({"prediction": -4e9}, ("prediction",), shares=False) == (-4e9,)


@given(st.binary(max_size=60), st.integers(100, 599))
def test_no_reply_is_too_odd(body: bytes, status: int) -> None:
    broken = Broken(feature="age", kind="null", row={})
    assert name_outcome(broken, Reply(status, body), ("score",), shares=True).status == status
