import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.reading.strict_json import load


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"auc": NaN}', "NaN is no finite number"),
        (b'{"auc": Infinity}', "Infinity is no finite number"),
        (b'{"auc": 1e999}', "1e999 is no finite number"),
        (b'{"auc": 0.9, "auc": 0.99}', "the key 'auc' stands twice"),
        (b"[" * 100_000, "nested too deep|recursion"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (b"9" * 5000, "4300"),
        (b'{"auc": 0.9', "not strict JSON"),
        (b"\xff", "not strict JSON"),
        (b'{"auc": 1, "\\ud800": 2}', "surrogates not allowed"),
        (b" " * (1 << 20) + b"1", "at most 1,048,576"),
    ],
    ids=[
        "nan",
        "inf",
        "overflow",
        "twice",
        "bomb",
        "deep",
        "digits",
        "cut",
        "bytes",
        "half",
        "long",
    ],
)
def test_what_json_would_accept_and_mean_otherwise_is_refused(
    content: bytes, complaint: str
) -> None:
    with pytest.raises(EvidenceError, match=complaint):
        load(content, "metrics.json", EvidenceError)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_strict_json_is_json(value: object) -> None:
    content = json.dumps(value).encode()
    if content.count(b"[") + content.count(b"{") < 30:
        assert load(content, "x.json", EvidenceError) == value


@given(st.binary(max_size=100))
def test_any_bytes_are_a_value_or_one_error(content: bytes) -> None:
    try:
        load(content, "x.json", EvidenceError)
    except EvidenceError as error:
        assert str(error).startswith("x.json")
