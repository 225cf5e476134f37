"""Archives as a pull request may send them: each is taken in whole, or refused with a reason."""

import hashlib
import io
import os
import stat
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.collect.pack import pack
from gates.errors import EvidenceError
from gates.evidence.manifest import read_manifest
from gates.github.intake import Budget, take_in

BUDGET = Budget()
Files = Mapping[str, bytes]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files of small evidence, by name."""
    folder = tmp_path_factory.mktemp("made")
    table = pa.table({"row_id": ["a", "b"], "label": [True, False]})
    pq.write_table(table, folder / "predictions.parquet")
    (folder / "test.parquet").mkdir()
    for part in range(2):
        pq.write_table(table, folder / "test.parquet" / f"part-{part}.parquet")
    (folder / "columns.yaml").write_text("columns: {row_id: {role: id, type: text}}\n")
    (folder / "metrics.json").write_text('{"auc": 0.9}')
    pack(folder, "v1")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def zipped(files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_entry(files: Files, info: zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    stream = io.BytesIO(zipped(files))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(info, content)
    return stream.getvalue()


def linked(name: str, kind: int = stat.S_IFLNK) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    return info


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_evidence_is_taken_in_whole(files: Files, tmp_path: Path, method: int) -> None:
    content = zipped(files, method=method)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    manifest = take_in(content, tmp_path / "evidence", digest=digest, revision=None, budget=BUDGET)
    assert manifest == read_manifest(tmp_path / "evidence")
    found = {
        path.relative_to(tmp_path / "evidence").as_posix(): path.read_bytes()
        for path in (tmp_path / "evidence").rglob("*")
        if path.is_file()
    }
    assert found == files
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


def test_the_folder_of_a_table_may_be_an_entry(files: Files, tmp_path: Path) -> None:
    content = with_entry(files, linked("test.parquet/", stat.S_IFDIR), b"")
    take_in(content, tmp_path / "evidence", digest=None, revision=None, budget=BUDGET)


def test_a_streamed_archive_is_as_good(files: Files, tmp_path: Path) -> None:
    """As `upload-artifact` writes it: sizes follow each entry."""

    class Pipe(io.RawIOBase):
        content = b""

        def writable(self) -> bool:
            return True

        def write(self, block: object) -> int:
            self.content += bytes(block)  # type: ignore[call-overload]
            return len(block)  # type: ignore[arg-type]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    take_in(pipe.content, tmp_path / "evidence", digest=None, revision=None, budget=BUDGET)


NAMES = [
    "../manifest.json",
    "/etc/passwd",
    "..\\metrics.json",
    "C:\\metrics.json",
    "a/metrics.json",
    "./metrics.json",
    "METRICS.JSON",
    "conftest.py",
    "sitecustomize.py",
    "evil.pth",
    "model.pkl",
    "test.parquet/../../x.parquet",
    "test.parquet/a/b.parquet",
    "test.parquet/.hidden.parquet",
    "test.parquet/x.py",
    "columns.yaml/x.parquet",
    "environment.json/",
    "metrics\u0455.json",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_other_names_are_refused(files: Files, tmp_path: Path, name: str) -> None:
    refused(with_entry(files, zipfile.ZipInfo(name)), tmp_path, "is no file of evidence")


def test_a_name_with_a_hidden_end_is_refused(files: Files, tmp_path: Path) -> None:
    content = zipped({**files, "environment.jsonXpy": b"{}"})
    refused(
        content.replace(b"environment.jsonXpy", b"environment.json\0py"), tmp_path, "no file of"
    )


ARCHIVES: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "a symbolic link": (lambda f: with_entry(f, linked("environment.json")), "a link or a device"),
    "a pipe": (lambda f: with_entry(f, linked("environment.json", stat.S_IFIFO)), "a link or"),
    "a folder that is a link": (lambda f: with_entry(f, linked("train.parquet/"), b""), "a link"),
    "a table and its parts": (
        lambda f: zipped({**f, "test.parquet": f["predictions.parquet"]}),
        "more than once",
    ),
    "parts that differ in case": (
        lambda f: zipped({**f, "test.parquet/PART-0.parquet": b"PAR1"}),
        "more than once",
    ),
    "nothing": (lambda _f: b"", "does not end as a zip"),
    "no zip": (lambda _f: b"PK\x03\x04 and no more", "does not end as a zip"),
    "an empty zip": (lambda _f: zipped({}), "no manifest.json"),
    "cut short": (lambda f: zipped(f)[:-1], "does not end as a zip"),
    "something before it": (lambda f: b"#!/bin/sh\n" + zipped(f), "does not lie where"),
    "something after it": (lambda f: zipped(f) + b"more", "does not end as a zip"),
    "no manifest": (
        lambda f: zipped({name: f[name] for name in f if name != "manifest.json"}),
        "no manifest.json",
    ),
    "another file than the manifest says": (
        lambda f: zipped({**f, "metrics.json": b'{"auc": 0.8}'}),
        "changed after it was collected",
    ),
    "a file that the manifest does not list": (
        lambda f: zipped({**f, "test.parquet/part-9.parquet": f["predictions.parquet"]}),
        "part-9",
    ),
    "a key twice": (
        lambda f: zipped({**f, "manifest.json": b'{"schema": 1, "schema": 1}'}),
        "stands twice",
    ),
    "NaN": (lambda f: zipped({**f, "metrics.json": b'{"auc": NaN}'}), "no finite number"),
    "JSON without end": (lambda f: zipped({**f, "metrics.json": b"[" * 9_000}), "not strict JSON"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_are_no_evidence_are_refused(files: Files, tmp_path: Path, name: str) -> None:
    make, reason = ARCHIVES[name]
    refused(make(files), tmp_path, reason)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(files: Files, tmp_path: Path) -> None:
    refused(with_entry(files, zipfile.ZipInfo("metrics.json")), tmp_path, "more than once")


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x2000])
def test_an_encrypted_entry_is_refused(files: Files, tmp_path: Path, bit: int) -> None:
    refused(in_directory(zipped(files), 8, struct.pack("<H", bit)), tmp_path, "encrypted")


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 99])
def test_other_ways_of_packing_are_refused(files: Files, tmp_path: Path, method: int) -> None:
    refused(in_directory(zipped(files), 10, struct.pack("<H", method)), tmp_path, "method")


def test_a_size_that_lies_is_refused(files: Files, tmp_path: Path) -> None:
    for size in (1, 100_000):
        content = in_directory(zipped(files), 24, struct.pack("<L", size))
        refused(content, tmp_path, "")


def test_zip64_is_refused(files: Files, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("environment.json")
    info.extra = struct.pack("<HHQQ", 1, 16, 2, 2)
    refused(with_entry(files, info, b"{}"), tmp_path, "zip64 entry")
    content = zipped(files)
    end = content[-22:]
    locator = b"PK\x06\x07" + bytes(16)
    refused(content[:-22] + locator + end, tmp_path, "zip64 archive")


def test_entries_that_share_bytes_are_refused(files: Files, tmp_path: Path) -> None:
    content = bytearray(zipped({**files, "environment.json": files["metrics.json"]}))
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    refused(bytes(content), tmp_path, "overlap")


def in_directory(content: bytes, offset: int, replacement: bytes) -> bytes:
    """The archive with bytes of its first directory entry replaced."""
    at = content.index(b"PK\x01\x02") + offset
    return content[:at] + replacement + content[at + len(replacement) :]


def test_a_bomb_is_refused_within_a_second_and_little_memory(files: Files, tmp_path: Path) -> None:
    bomb = zipped({**files, "environment.json": bytes(50 << 20)})
    tracemalloc.start()
    started = time.process_time()
    refused(bomb, tmp_path, "at most 100 times as much")
    assert time.process_time() - started < 1
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (BUDGET._replace(archive_bytes=100), "bytes; at most 100 are read"),
        (BUDGET._replace(total_bytes=100), "bytes unpacked; at most 100"),
        (BUDGET._replace(files=2), "6 files; at most 2"),
        (BUDGET._replace(rows=1), "has 2 rows; at most 1"),
        (BUDGET._replace(rows=3), "test.parquet has 4 rows; at most 3"),
    ],
)
def test_each_budget_is_kept(files: Files, tmp_path: Path, budget: Budget, reason: str) -> None:
    refused(zipped(files), tmp_path, reason, budget=budget)


def test_a_table_of_many_rows_in_few_bytes_is_refused_by_its_footer(
    files: Files, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    column = pa.repeat(1, 5_000_000)
    pq.write_table(pa.table({"x": column}), stream, compression="zstd")
    folder = tmp_path / "large"
    folder.mkdir()
    for name, content in files.items():
        if "/" not in name and name != "manifest.json":
            (folder / name).write_bytes(content)
    (folder / "test.parquet").write_bytes(stream.getvalue())
    pack(folder, "v1")
    large = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sum(map(len, large.values())) < 100_000
    started = time.process_time()
    refused(zipped(large), tmp_path, "5,000,000 rows; at most 4,000,000")
    assert time.process_time() - started < 0.2


def test_another_digest_than_the_api_names_is_refused(files: Files, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="its digest is sha256:"):
        take_in(
            zipped(files), tmp_path / "evidence", digest="sha256:0", revision=None, budget=BUDGET
        )


def test_evidence_of_another_commit_is_refused(files: Files, tmp_path: Path) -> None:
    content = zipped(files)
    with pytest.raises(EvidenceError, match="its manifest is of 'v1', the run was of 'v2'"):
        take_in(content, tmp_path / "a", digest=None, revision="v2", budget=BUDGET)
    assert list(tmp_path.iterdir()) == []
    take_in(content, tmp_path / "a", digest=None, revision="v1", budget=BUDGET)


def test_a_folder_that_is_there_is_left_as_it_is(files: Files, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="is there already"):
        take_in(zipped(files), tmp_path, digest=None, revision=None, budget=BUDGET)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_broken_archive_is_refused_or_whole(
    files: Files, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Any byte changed, anywhere: a reason, or evidence that verifies; never another error."""
    content = bytearray(zipped(files))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.mktemp("any") / "evidence"
    try:
        take_in(bytes(content), folder, digest=None, revision=None, budget=BUDGET)
    except EvidenceError as error:
        assert str(error)
        assert not folder.exists()
    else:
        read_manifest(folder)


def refused(content: bytes, tmp_path: Path, reason: str, *, budget: Budget = BUDGET) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(EvidenceError) as told:
        take_in(content, tmp_path / "evidence", digest=None, revision=None, budget=budget)
    assert reason in str(told.value)
    assert str(told.value).startswith("evidence")
    assert sorted(tmp_path.iterdir()) == before


def test_a_table_too_large_for_memory_is_refused_with_little_of_it(
    files: Files, tmp_path: Path
) -> None:
    """Of 5,000,000 rows, the footer alone is read; the process may take no more than 1 GiB."""
    (tmp_path / "made").mkdir()
    for name in ("predictions.parquet", "columns.yaml"):
        (tmp_path / "made" / name).write_bytes(files[name])
    column = pa.repeat(1, 5_000_000)
    pq.write_table(pa.table({"x": column}), tmp_path / "made/test.parquet", compression="zstd")
    pack(tmp_path / "made", "v1")
    archive = zipped({path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()})
    (tmp_path / "a.zip").write_bytes(archive)
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from gates.github.intake import Budget, take_in\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "content, any_ = Path('a.zip').read_bytes(), {'digest': None, 'revision': None}\n"
        "take_in(content, Path('out'), budget=Budget(), **any_)"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "EvidenceError" in done.stderr
    assert "test.parquet has 5,000,000 rows; at most 4,000,000" in done.stderr
    assert not (tmp_path / "out").exists()
