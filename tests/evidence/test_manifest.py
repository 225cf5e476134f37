"""A table of evidence may be a folder of part files; the manifest lists every one."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from gates.collect.assemble import export
from gates.collect.pack import pack
from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.manifest import File, Manifest, read_manifest, write_manifest
from gates.testing import evidence

AGE = {"age": "feature integer"}
TEST = {"age": [30, 40, 50], "label": [False, True, True]}


def split(table: Path, rows: int = 2) -> None:
    """Replace a file by a folder of part files of so many rows each, as Spark would leave it."""
    content = pq.read_table(table)
    table.unlink()
    table.mkdir()
    for at in range(0, content.num_rows, rows):
        pq.write_table(content[at : at + rows], table / f"part-{at // rows:05}.parquet")
        (table / f".part-{at // rows:05}.parquet.crc").touch()
    (table / "_SUCCESS").touch()


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = evidence(tmp_path / "e", AGE, test=TEST, train=TEST, scores=[0.1, 0.8, 0.6]).folder
    for name in ("test", "train", "predictions"):
        split(folder / f"{name}.parquet")
    pack(folder, "v1")
    return folder


def test_every_part_is_listed(parts: Path) -> None:
    listed = {file.name: file.rows for file in read_manifest(parts).files}
    assert listed == {
        "columns.yaml": None,
        "predictions.parquet/part-00000.parquet": 2,
        "predictions.parquet/part-00001.parquet": 1,
        "test.parquet/part-00000.parquet": 2,
        "test.parquet/part-00001.parquet": 1,
        "train.parquet/part-00000.parquet": 2,
        "train.parquet/part-00001.parquet": 1,
    }


def test_it_reads_as_one_table(parts: Path) -> None:
    read = Evidence(parts)
    assert read.scores.tolist() == [0.1, 0.8, 0.6]
    assert read.labels.tolist() == [False, True, True]
    assert read.train is not None
    assert read.train.numbers("age").tolist() == [30, 40, 50]


def test_a_copy_is_the_same_evidence(parts: Path, tmp_path: Path) -> None:
    export(parts, tmp_path / "copy")
    assert read_manifest(tmp_path / "copy") == read_manifest(parts)


def test_the_digest_of_a_table_is_of_its_parts(parts: Path) -> None:
    before = read_manifest(parts)
    assert before.digest_of("train.parquet") != before.digest_of("predictions.parquet")
    assert before.digest_of("metrics.json") is None
    backwards = msgspec.structs.replace(before, files=before.files[::-1])
    assert backwards.digest_of("test.parquet") == before.digest_of("test.parquet")
    (parts / "test.parquet" / "part-00000.parquet").rename(parts / "test.parquet" / "x.parquet")
    pack(parts, "v1")
    assert read_manifest(parts).digest_of("test.parquet") != before.digest_of("test.parquet")


def tamper(table: Path) -> None:
    part = table / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)


def add(table: Path) -> None:
    (table / "part-00002.parquet").write_bytes((table / "part-00001.parquet").read_bytes())


def remove(table: Path) -> None:
    (table / "part-00001.parquet").unlink()


def link(table: Path) -> None:
    part = table / "part-00001.parquet"
    part.rename(table.parent.parent / "elsewhere")
    part.symlink_to(table.parent.parent / "elsewhere")


def link_folder(table: Path) -> None:
    table.rename(table.parent.parent / "elsewhere")
    table.symlink_to(table.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (tamper, "part-00001.parquet: its SHA-256 is"),
        (add, "part-00002.parquet: not listed in the manifest"),
        (remove, "part-00001.parquet: listed in the manifest, but not a file here"),
        (link, "part-00001.parquet: listed in the manifest, but not a file here"),
        (link_folder, "part-00000.parquet: listed in the manifest, but not a file here"),
    ],
)
def test_a_part_that_is_not_what_the_manifest_says(
    parts: Path, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(parts / "test.parquet")
    with pytest.raises(EvidenceError) as caught:
        Evidence(parts)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "test.parquet/../columns.parquet",
        "test.parquet/a/b.parquet",
        "test.parquet/_hidden.parquet",
        "test.parquet/a b.parquet",
        "test.parquet/part.csv",
        "test.parquet/",
        "columns.yaml/part.parquet",
        "other.parquet/part.parquet",
        "predictions.parquet/part-00000.parquet",
    ],
)
def test_a_manifest_may_only_list_plain_parts_of_tables_once(parts: Path, name: str) -> None:
    manifest = read_manifest(parts)
    more = File(name=name, bytes=1, sha256="0", rows=1)
    changed = msgspec.structs.replace(manifest, files=(*manifest.files, more))
    write_manifest(parts, changed)
    with pytest.raises(EvidenceError, match="time\\(s\\); evidence has each of"):
        read_manifest(parts)


def test_a_table_is_a_file_or_a_folder(parts: Path) -> None:
    manifest: Manifest = read_manifest(parts)
    more = File(name="test.parquet", bytes=1, sha256="0", rows=1)
    write_manifest(parts, msgspec.structs.replace(manifest, files=(*manifest.files, more)))
    with pytest.raises(EvidenceError, match=r"test\.parquet both as a file and as a folder"):
        read_manifest(parts)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda table: (table / "a b.parquet").touch(), "a b.parquet: not a part file;"),
        (lambda table: (table / "deeper").mkdir(), "deeper: not a regular file;"),
        (link, "part-00001.parquet: not a regular file;"),
        (link_folder, "test.parquet: not a regular file;"),
        (lambda table: [part.unlink() for part in table.iterdir()], "without part files"),
        (lambda table: (table / "part-00000.parquet").write_bytes(b"PAR1"), "not a Parquet file"),
    ],
    ids=["a name", "a folder", "a link", "a linked folder", "nothing", "no Parquet"],
)
def test_what_is_no_part_is_not_packed(
    parts: Path, spoil: Callable[[Path], object], complaint: str
) -> None:
    spoil(parts / "test.parquet")
    with pytest.raises(EvidenceError) as caught:
        pack(parts, "v2")
    assert complaint in str(caught.value)


def test_a_manifest_cut_anywhere_is_refused(parts: Path) -> None:
    path = parts / "manifest.json"
    whole = path.read_bytes().rstrip()
    for at in range(0, len(whole), 5):
        path.write_bytes(whole[:at])
        with pytest.raises(EvidenceError, match="not a manifest"):
            read_manifest(parts, verify=False)
