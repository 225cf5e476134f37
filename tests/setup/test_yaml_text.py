"""Any text comes back from every reader as it went in."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import PolicyError
from gates.reading.strict_yaml import load
from gates.setup.yaml_text import comment, flow, scalar

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXTS)
def test_a_text_is_read_alike_by_both_readers(text: str) -> None:
    line = f"{scalar(text)}: {flow([text, {text: text}])}\n".encode()
    value = {text: [text, {text: text}]}
    assert load(line, "x.yaml", PolicyError).value == value
    assert yaml.safe_load(line) == value


@given(TEXTS)
def test_a_comment_stays_on_its_line(text: str) -> None:
    assert load(f"a: 1  # {comment(text)}\n".encode(), "x.yaml", PolicyError).value == {"a": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("age", "age"),
        ("no", '"no"'),
        ("2024", '"2024"'),
        ("a: b", '"a: b"'),
        ("", '""'),
        (None, "null"),
        (True, "true"),
        (25.0, "25"),
        (0.04, "0.04"),
    ],
)
def test_scalars(value: Any, expected: str) -> None:
    assert scalar(value) == expected
