import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.collect.pack import pack
from gates.errors import EvidenceError
from gates.evidence.manifest import read_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    folder.mkdir()
    for name in ("predictions.parquet", "test.parquet"):
        pq.write_table(pa.table({"row_id": ["a", "b"]}), folder / name)
    (folder / "columns.yaml").write_text("columns: {row_id: {role: id, type: text}}\n")
    return folder


def test_the_manifest_says_what_lies_there(folder: Path) -> None:
    (folder / "environment.json").write_text('{"python": "3.11", "packages": {"a": "1.0"}}')
    assert pack(folder, "v1") == folder / "manifest.json"
    manifest = read_manifest(folder)
    assert manifest.revision == "v1"
    assert manifest.environment == {"python": "3.11", "packages.a": "1.0"}
    assert {file.name: file.rows for file in manifest.files} == {
        "columns.yaml": None,
        "environment.json": None,
        "predictions.parquet": 2,
        "test.parquet": 2,
    }


def test_again_after_a_change(folder: Path) -> None:
    pack(folder, "v1")
    pq.write_table(pa.table({"row_id": ["a", "b", "c"]}), folder / "test.parquet")
    with pytest.raises(EvidenceError, match=r"test\.parquet"):
        read_manifest(folder)
    pack(folder, "v2")
    assert read_manifest(folder).revision == "v2"


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 9)


def link(path: Path) -> None:
    target = path.parent.parent / path.name
    path.rename(target)
    path.symlink_to(target)


def empty(path: Path) -> None:
    path.write_text("columns:\n")


def without_columns(path: Path) -> None:
    pq.write_table(pa.table({}), path)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("predictions.parquet", remove, r"no predictions\.parquet; evidence needs"),
        ("test.parquet", truncate, r"test\.parquet: not a Parquet file: .*Write it again"),
        ("test.parquet", without_columns, r"test\.parquet: no columns"),
        ("test.parquet", link, r"test\.parquet: not a regular file"),
        ("columns.yaml", empty, r"columns\.yaml: lists no columns"),
        ("notes.txt", Path.touch, r"notes\.txt: not a file of evidence; known are"),
        ("labels", Path.mkdir, r"labels: not a regular file"),
        ("environment.json", lambda path: path.write_text("[1]"), r"environment\.json: the whole"),
        (
            "environment.json",
            lambda path: path.write_text('{"a": [1]}'),
            r"environment\.json: a is not a plain value",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    folder: Path, name: str, spoil: Callable[[Path], object], message: str
) -> None:
    pack(folder, "v1")
    before = (folder / "manifest.json").read_bytes()
    spoil(folder / name)
    with pytest.raises(EvidenceError, match=message):
        pack(folder, "v2")
    assert (folder / "manifest.json").read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no such folder"):
        pack(tmp_path / "none", "v1")


def test_the_manifest_is_json_anyone_can_read(folder: Path) -> None:
    written = json.loads(pack(folder, "v1").read_text())
    assert written["schema"] == 1
