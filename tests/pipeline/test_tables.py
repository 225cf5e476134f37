from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.stage import StageError
from pipeline.tables import read_table, write_table, write_text


def test_equal_rows_are_equal_bytes_however_they_were_chunked(tmp_path: Path) -> None:
    whole = pa.table({"a": ["x", "y", "y"]})
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    write_table(whole, tmp_path / "whole.parquet")
    write_table(chunked, tmp_path / "chunked.parquet")
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "chunked.parquet").read_bytes()


def test_tables_are_compressed_with_zstd_and_dictionaries(tmp_path: Path) -> None:
    write_table(pa.table({"a": ["x", "y"]}), tmp_path / "table.parquet")
    column = pq.ParquetFile(tmp_path / "table.parquet").metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert "RLE_DICTIONARY" in column.encodings


def test_nothing_unfinished_is_left(tmp_path: Path) -> None:
    write_table(pa.table({"a": [1]}), tmp_path / "deep" / "table.parquet")
    write_text("a\n", tmp_path / "deep" / "text.json")
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"table.parquet", "text.json"}


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    write_table(pa.table({"a": [1]}), tmp_path / "table.parquet")
    content = (tmp_path / "table.parquet").read_bytes()
    (tmp_path / "table.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(StageError, match=r"table\.parquet: not a table that can be read"):
        read_table(tmp_path / "table.parquet")
