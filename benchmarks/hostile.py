"""Evidence as somebody hostile would leave it: hundreds of artifacts, each wrong by how it is made.

Tables are cut at each 4 KiB and their manifest says so, archives lie, JSON and YAML are traps, and
tables hold what no table of evidence may hold. None of them may become a verdict.
"""

import hashlib
import io
import json
import random
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.cli.folders import LISTED, make_good, make_rows
from tests.github.test_intake import ARCHIVES, NAMES, in_directory, linked, with_entry

ROWS = 20_000
CUT_BYTES = 4_096
TABLES = ("predictions.parquet", "test.parquet", "train.parquet")
Files = dict[str, bytes]
_OF_PARTS = ("a table and its parts", "parts that differ in case")  # our tables have none
_FLIPS = 50


class Hostile(NamedTuple):
    """One artifact, and what is wrong with it."""

    name: str
    archive: bytes


def make_files(folder: Path, rows: int = ROWS) -> Files:
    """The files of good evidence, whose scores are all different, so that they fill bytes."""
    test = make_rows(rows)
    noise = np.random.default_rng(4).uniform(0, 0.1, rows)
    scores = [abs(label - part) for label, part in zip(test["label"], noise, strict=True)]
    make_good(folder, test=test, scores=scores)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def make_all(files: Files) -> Iterator[Hostile]:
    """Every hostile artifact."""
    yield from _cut(files)
    yield from _flipped(files)
    yield from _archives(files)
    yield from _manifests(files)
    yield from _dictionaries(files)
    yield from _loose(files)
    yield from _tables(files)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """The archive of some files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def resealed(files: Files, changed: Mapping[str, bytes]) -> bytes:
    """The archive after a change that its manifest agrees with."""
    manifest = json.loads(files["manifest.json"])
    listed = {entry["name"]: entry for entry in manifest["files"]}
    for name, content in changed.items():
        entry = listed.setdefault(name, {"name": name})
        entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if (rows := _rows(content)) is not None:
            entry["rows"] = rows
    manifest["files"] = list(listed.values())
    return zipped({**files, **changed, "manifest.json": json.dumps(manifest).encode()})


def flipped_under_seal(files: Files, count: int) -> Iterator[Hostile]:
    """Tables with one bit flipped, under a manifest that agrees: refused, or judged as they are."""
    draw = random.Random(4)  # noqa: S311 - which bits does not matter
    for at in range(count):
        name = draw.choice(TABLES)
        content = bytearray(files[name])
        bit = draw.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        yield Hostile(f"{at}: {name}, bit {bit}", resealed(files, {name: bytes(content)}))


def _rows(content: bytes) -> int | None:
    try:
        rows: int = pq.ParquetFile(pa.BufferReader(content)).metadata.num_rows
    except (pa.ArrowException, OSError, ValueError):
        return None
    return rows


def _cut(files: Files) -> Iterator[Hostile]:
    for name in TABLES:
        for at in range(CUT_BYTES, len(files[name]), CUT_BYTES):
            yield Hostile(f"{name} cut at {at:,}", resealed(files, {name: files[name][:at]}))


def _flipped(files: Files) -> Iterator[Hostile]:
    draw = random.Random(5)  # noqa: S311
    for _ in range(_FLIPS):
        name = draw.choice([*TABLES, "columns.yaml", "metrics.json"])
        content = bytearray(files[name])
        bit = draw.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        yield Hostile(f"{name}, bit {bit}", zipped({**files, name: bytes(content)}))


def _archives(files: Files) -> Iterator[Hostile]:
    for name in NAMES:
        yield Hostile(f"an entry {name!r}", with_entry(files, zipfile.ZipInfo(name)))
    for name, (make, _) in ARCHIVES.items():
        if name not in _OF_PARTS:
            yield Hostile(name, make(files))
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK):
        yield Hostile(
            f"a special file {kind:o}", with_entry(files, linked("environment.json", kind))
        )
    for bit in (0x1, 0x40, 0x2000):
        yield Hostile(f"encrypted {bit}", in_directory(zipped(files), 8, struct.pack("<H", bit)))
    for method in (1, 6, 9, 12, 14, 93, 95, 99):
        yield Hostile(
            f"method {method}", in_directory(zipped(files), 10, struct.pack("<H", method))
        )
    for size in (1, 100_000, 1 << 31):
        yield Hostile(f"size {size:,}", in_directory(zipped(files), 24, struct.pack("<L", size)))
    for size in (30 << 20, 100 << 20):
        bomb = {**files, "environment.json": bytes(size)}
        yield Hostile(f"{size >> 20} MiB of zeros", zipped(bomb, zipfile.ZIP_DEFLATED))
    many = {f"test.parquet/part-{at}.parquet": b"PAR1" for at in range(600)}
    yield Hostile("600 parts", zipped(many | files))


def _manifests(files: Files) -> Iterator[Hostile]:
    manifest = json.loads(files["manifest.json"])

    def having(name: str, value: Any) -> Hostile:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        return Hostile(f"a manifest with {name}", zipped({**files, "manifest.json": content}))

    for key in ("schema", "revision", "files"):
        yield having(f"no {key}", {k: value for k, value in manifest.items() if k != key})
        others: tuple[Any, ...] = (None, [], {}, "x", -1, 1.5, True)
        for value in others:
            if (key, value) != ("revision", "x"):
                yield having(f"{key} {value!r}", manifest | {key: value})
    yield having("an unknown key", manifest | {"trust": True})
    first, *rest = sorted(manifest["files"], key=lambda entry: entry["name"] != TABLES[0])
    changes: dict[str, Any] = {
        "name": ["../x", "/etc/passwd", "x.py", "", None, 5, "test.parquet/../a"],
        "bytes": [-1, 0, first["bytes"] + 1, "1", None, 1 << 70],
        "sha256": ["", "0" * 64, first["sha256"].upper() + " ", None, 7],
        "rows": [-1, "many", 1.5],
    }
    for key, values in changes.items():
        for value in values:
            changed = {"files": [first | {key: value}, *rest]}
            yield having(f"{key} {value!r}", manifest | changed)
    yield having("a file twice", manifest | {"files": [first, first, *rest]})
    yield having("a file less", manifest | {"files": rest})
    yield having("another commit", manifest | {"revision": "f" * 40})
    for name, text in TRAPS.items():
        yield having(name, text)


TRAPS = {
    "nothing in it": b"",
    "no JSON": b"\x80\x04\x95",
    "a mark of byte order": b'\xef\xbb\xbf{"schema": 1}',
    "UTF-16": '{"schema": 1}'.encode("utf-16"),
    "a key twice": b'{"schema": 1, "schema": 1}',
    "NaN": b'{"schema": NaN}',
    "Infinity": b'{"schema": Infinity}',
    "1e999": b'{"schema": 1e999}',
    "a number of 5,000 digits": b'{"schema": ' + b"9" * 5_000 + b"}",
    "200,000 lists": b"[" * 200_000,
    "200,000 mappings": b'{"a":' * 200_000,
    "half a surrogate": b'{"schema": "\\ud800"}',
    "no end": b'{"schema": 1',
    "two values": b"{} {}",
}
_DICTIONARIES = {
    "nothing in it": "",
    "no mapping": "- a\n",
    "an alias bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ncolumns: *c\n",
    "an anchor": "columns: &a {}\n",
    "a merge key": "columns: {<<: {a: 1}}\n",
    "a tag": "columns: !!python/object/apply:os.system [id]\n",
    "a tag of its own": "columns: !x {}\n",
    "a key twice": "columns: {}\ncolumns: {}\n",
    "deep nesting": "columns: " + "[" * 5_000 + "\n",
    "two documents": "columns: {}\n---\ncolumns: {}\n",
    "a control sign": "columns: {\x07: {role: id}}\n",
    "a huge text": "columns: {row_id: {role: id, type: text, unit: " + "x" * 9_000_000 + "}}",
    "a hundred thousand columns": "columns:\n"
    + "".join(f"  c{at}: {{role: feature, type: number}}\n" for at in range(100_000)),
    "no identifier": "columns: {label: {role: label, type: boolean}}\n",
    "no label": "columns: {row_id: {role: id, type: text}}\n",
    "two identifiers": "columns: {row_id: {role: id, type: text}, town: {role: id, type: text}}\n",
    "an unknown role": "columns: {row_id: {role: root, type: text}}\n",
    "an unknown type": "columns: {row_id: {role: id, type: pickle}}\n",
    "a number for a role": "columns: {row_id: {role: 7, type: text}}\n",
    "a range of NaN": "columns: {age: {role: feature, type: integer, range: [.nan, .nan]}}\n",
    "a range that is turned": "columns: {age: {role: feature, type: integer, range: [9, 1]}}\n",
    "an unknown key": "columns: {row_id: {role: id, type: text, run: 'rm -rf /'}}\n",
}


def _dictionaries(files: Files) -> Iterator[Hostile]:
    for name, text in _DICTIONARIES.items():
        changed = {"columns.yaml": text.encode()}
        yield Hostile(f"a dictionary with {name}", resealed(files, changed))
    latin = files["columns.yaml"].replace(b"age", b"\xe4ge")
    yield Hostile("a dictionary in Latin-1", resealed(files, {"columns.yaml": latin}))


def _loose(files: Files) -> Iterator[Hostile]:
    """Files that are JSON, and are refused before anybody looks what they say."""
    for file in ("metrics.json", "environment.json"):
        for name, text in TRAPS.items():
            if name != "a mark of byte order":  # which is read, as Windows writes it
                yield Hostile(f"{file} with {name}", resealed(files, {file: text}))


def _tables(files: Files) -> Iterator[Hostile]:
    read = {name: pq.read_table(pa.BufferReader(files[name])) for name in TABLES}
    ids = read["predictions.parquet"]["row_id"].to_pylist()
    rows = len(ids)

    def having(name: str, table: str, change: pa.Table) -> Hostile:
        stream = io.BytesIO()
        pq.write_table(change, stream, compression="zstd")
        return Hostile(f"{table} with {name}", resealed(files, {table: stream.getvalue()}))

    scores: Mapping[str, Callable[[float], Any]] = {
        "NaN": lambda _: float("nan"),
        "infinity": lambda _: float("inf"),
        "no score": lambda _: None,
        "a score of 1.1": lambda _: 1.1,
        "a score below 0": lambda _: -1e-9,
    }
    predicted = read["predictions.parquet"]["score"].to_pylist()
    for name, spoil in scores.items():
        values = [spoil(predicted[0]), *predicted[1:]]
        yield having(name, "predictions.parquet", pa.table({"row_id": ids, "score": values}))
    for name, array in {
        "scores as text": pa.array(["0.5"] * rows),
        "scores as truth": pa.array([True] * rows),
        "lists of scores": pa.array([[0.5]] * rows),
        "scores in mappings": pa.array([{"a": 0.5}] * rows),
        "scores as bytes": pa.array([b"\x80\x04."] * rows),
        "scores as times": pa.array([0] * rows, pa.timestamp("ns")),
        "no values": pa.nulls(rows),
    }.items():
        yield having(name, "predictions.parquet", pa.table({"row_id": ids, "score": array}))
    for name, others in {
        "NaN ids": [float("nan")] * rows,
        "no ids": [None] * rows,
        "numbers for ids": list(range(rows)),
        "one id for all": ["r0"] * rows,
        "the first id twice": [ids[1], *ids[1:]],
        "ids without their zeros": [one.lstrip("r") for one in ids],
        "ids of other rows": [f"t{at}" for at in range(rows)],
        "decomposed ids": [unicodedata.normalize("NFD", f"é{at}") for at in range(rows)],
        "ids of 4,000 signs": [one + "x" * 4_000 for one in ids[:50]] + ids[50:],
    }.items():
        yield having(name, "predictions.parquet", pa.table({"row_id": others, "score": predicted}))
    table = pa.table({"row_id": ids, "score": predicted})
    yield having("a row less", "predictions.parquet", table.slice(1))
    yield having("a row more", "predictions.parquet", pa.concat_tables([table, table.slice(0, 1)]))
    yield having("no rows", "predictions.parquet", table.slice(0, 0))
    yield having("no columns", "predictions.parquet", pa.table({}))
    yield having("two scores", "predictions.parquet", table.append_column("score", table["score"]))
    for of in ("test.parquet", "train.parquet"):
        whole = read[of]
        yield having("no rows", of, whole.slice(0, 0))
        yield having("no label", of, whole.drop_columns(["label"]))
        yield having("no id", of, whole.drop_columns(["row_id"]))
        yield having("a column twice", of, whole.append_column("age", whole["age"]))
        at = whole.column_names.index("label")
        for name, labels in {
            "labels of 2": pa.array([2] * whole.num_rows),
            "labels as text": pa.array(["yes"] * whole.num_rows),
            "no labels": pa.nulls(whole.num_rows, pa.bool_()),
            "lists of labels": pa.array([[True]] * whole.num_rows),
        }.items():
            yield having(name, of, whole.set_column(at, "label", labels))
    yield having("five million rows", "test.parquet", pa.table({"x": pa.repeat(1, 5_000_000)}))
    wide = pa.table({f"c{at}": pa.repeat(0, 2) for at in range(20_000)})
    yield having("20,000 columns", "predictions.parquet", wide)
    assert set(LISTED) < set(read["test.parquet"].column_names)
