from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import Source
from gates.tables.identifiers import Hashes


def source(folder: Path, name: str, ids: pa.Array) -> Source:
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table({"row_id": ids}), path, row_group_size=3)
    return Source(name=name, location=path, id="row_id", columns=())


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (pa.array(["a", "b", "c", "d"]), pa.array(["x", "d", "y"]), True),
        (pa.array(["a", "b"]), pa.array(["aa", "B", ""]), False),
        (pa.array(["a", None]), pa.array([None, "b"]), False),
        (pa.array(["a", "b"]).dictionary_encode(), pa.array(["b"], pa.large_string()), True),
        (pa.array([1, 2]), pa.array(["2"]), True),
        (pa.array([2**53], pa.int64()), pa.array([2**53 + 1], pa.int64()), False),
        (pa.array(["a"]), pa.array([], pa.string()), False),
    ],
    ids=["one", "none", "missing", "coded", "a number as text", "long numbers", "no row"],
)
def test_whether_tables_have_a_row_in_common(
    tmp_path: Path, one: pa.Array, other: pa.Array, shared: bool
) -> None:
    mine, theirs = source(tmp_path, "one", one), source(tmp_path, "other", other)
    assert EmbeddedEngine().share_identifiers(mine, theirs) is shared
    assert EmbeddedEngine().share_identifiers(theirs, mine) is shared


def test_a_shared_hash_is_no_shared_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lengths(array: pa.Array) -> Hashes:
        return np.array([len(text) for text in array.to_pylist()], dtype=np.uint64)

    monkeypatch.setattr("gates.tables.overlap.hash_identifiers", lengths)
    mine = source(tmp_path, "one", pa.array(["a", "bb"]))
    assert not EmbeddedEngine().share_identifiers(
        mine, source(tmp_path, "b", pa.array(["c", "dd"]))
    )
    assert EmbeddedEngine().share_identifiers(mine, source(tmp_path, "c", pa.array(["c", "bb"])))
