"""Rows as JSON, held to msgspec's bytes."""

import msgspec
import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gates.tables.json_rows import encode_rows

TEXTS = st.lists(st.text(max_size=6), min_size=1, max_size=8)


def encoded(ids: pa.Array, codes: list[int], words: tuple[str | bool, ...]) -> bytes | None:
    made = encode_rows(ids, np.array(codes, dtype=np.intp), words)
    return None if made is None else bytes(made)


def test_rows_stand_side_by_side_as_json() -> None:
    ids = pa.array(["a", "bé"], pa.large_string())
    assert encoded(ids, [1, 0], (False, True)) == '["a",true],["bé",false]'.encode()


@given(TEXTS, st.data())
def test_it_is_what_msgspec_writes(ids: list[str], data: st.DataObject) -> None:
    words = ("no", 'so "so"', "yes\\")
    codes = [data.draw(st.integers(0, 2)) for _ in ids]
    array = pa.array(["before", *ids], pa.large_string())[1:]
    rows = [(one, words[code]) for one, code in zip(ids, codes, strict=True)]
    made = encoded(array, codes, words)
    needs_escapes = any(mark < " " or mark in '"\\' for text in ids for mark in text)
    assert made == (None if needs_escapes else msgspec.json.encode(rows)[1:-1])
