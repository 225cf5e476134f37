from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.tables.parquet_footer import count_rows


def write(path: Path, rows: int, columns: int = 3, **options: object) -> Path:
    table = pa.table({f"column {i}": pa.array([None, *range(rows)])[1:] for i in range(columns)})
    pq.write_table(table, path, **options)
    return path


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 8191, 8192, 300_000])
def test_as_pyarrow_counts(tmp_path: Path, rows: int) -> None:
    assert count_rows(write(tmp_path / "a.parquet", rows, row_group_size=1000)) == rows


def test_of_a_wide_and_nested_table(tmp_path: Path) -> None:
    assert count_rows(write(tmp_path / "wide.parquet", 5, columns=200)) == 5
    nested = pa.table({"a": [{"b": [1, 2]}, {"b": []}], "d": pa.array([1, 2], pa.decimal128(9, 2))})
    pq.write_table(nested, tmp_path / "nested.parquet")
    assert count_rows(tmp_path / "nested.parquet") == 2


@pytest.mark.parametrize("content", [b"", b"PAR1", b"row_id,score\n" * 9, b"PAR1" + b"\xff" * 8])
def test_what_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=r"a\.parquet: not a Parquet file"):
        count_rows(path)


def test_one_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", 10)
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(EvidenceError):
            count_rows(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(footer=st.binary(max_size=60))
def test_any_footer_is_counted_or_refused(tmp_path: Path, footer: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    try:
        assert count_rows(path) >= 0
    except EvidenceError as error:
        assert "footer is damaged" in str(error) or "it claims -" in str(error)
