"""The manifest of an evidence folder: what lies there, with sizes and digests, written last.

A folder without a complete manifest is not evidence, so an interrupted writer leaves nothing
that could be taken for a whole.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from gates.errors import EvidenceError

MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 1 << 23  # some 35,000 part files
FILES = frozenset(
    {
        "predictions.parquet",
        "predictions_on_baseline_test.parquet",
        "baseline_predictions.parquet",
        "repeats.parquet",
        "batches.parquet",
        "code.json",
        "quick_baselines.parquet",
        "sizes.json",
        "human.parquet",
        "folds.parquet",
        "labels.parquet",
        "train.parquet",
        "test.parquet",
        "columns.yaml",
        "roadmap.md",
        "approach.md",
        "metrics.json",
        "environment.json",
        "inputs.json",
        "serving.json",
    }
)
REQUIRED = ("predictions.parquet", "test.parquet", "columns.yaml")
TABLES = frozenset(name for name in FILES if name.endswith(".parquet"))
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.parquet")  # what no engine skips or expands
_BLOCK_BYTES = 1 << 20


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the folder; `rows` is the row count of a Parquet file.

    A table may be a folder of part files; each is then listed as `test.parquet/part-0.parquet`.
    """

    name: str
    bytes: int
    sha256: str
    rows: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one revision left to be judged."""

    schema: Literal[1] = 1
    revision: str
    dirty: bool = False
    lock_sha256: str | None = None  # of dvc.lock
    environment: dict[str, str] = {}
    files: tuple[File, ...]

    def listed(self, name: str) -> tuple[File, ...]:
        """The file of this name, or the part files of the table of this name in sorted order."""
        found = [file for file in self.files if is_of(file.name, name)]
        return tuple(sorted(found, key=lambda file: file.name))

    def digest_of(self, name: str) -> str | None:
        """SHA-256 of a file, or over the names and digests of a table's parts; else `None`."""
        files = self.listed(name)
        if not files or files[0].name == name:
            return files[0].sha256 if files else None
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in files)
        return hashlib.sha256(lines.encode()).hexdigest()


class _Written(Manifest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A manifest as a file holds it: what says nothing of its schema is not ours."""

    schema: Literal[1]


def is_of(file: str, name: str) -> bool:
    """Whether a listed file is the one of this name, or a part of the table of this name."""
    return file == name or file.startswith(f"{name}/")


def is_part(name: str) -> bool:
    """Whether a part file may be called so within its table's folder."""
    return _PART.fullmatch(name) is not None


def digest(path: Path, *algorithms: str) -> tuple[str, ...]:
    """Hex digests of a file, read once; by default its SHA-256."""
    hashes = [hashlib.new(name, usedforsecurity=False) for name in algorithms or ("sha256",)]
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            for one in hashes:
                one.update(block)
    return tuple(one.hexdigest() for one in hashes)


def write_atomically(path: Path, content: bytes) -> None:
    """Put the whole content under its name, or leave what was there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:  # a full disk does not say which file it was
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Declare the folder complete."""
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_atomically(folder / MANIFEST, encoded + b"\n")


def read_manifest(folder: Path, *, verify: bool = True) -> Manifest:
    """The manifest, after every file it lists was found whole.

    Args:
        folder: an evidence folder.
        verify: recompute the digests, not only the sizes.

    Raises:
        EvidenceError: no manifest, one that does not parse, or a file that differs from it.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise EvidenceError(
            f"{folder}: no {MANIFEST}, so this is not complete evidence (was its writer "
            f"interrupted?). Collect it again, or write the manifest with `gatepost pack {folder}`."
        )
    refuse_size(str(path), path.stat().st_size)
    manifest = parse_manifest(path.read_bytes(), str(path))
    for table in sorted(TABLES):
        refuse_unlisted(str(folder / table), _parts_in(folder / table), manifest)
    for file in manifest.files:
        _refuse_other_file(folder / file.name, file)
    if verify:
        paths = [folder / file.name for file in manifest.files]
        with ThreadPoolExecutor(2) as threads:  # hashing lets go of Python's lock
            for file, found in zip(manifest.files, threads.map(digest, paths), strict=True):
                refuse_other_digest(str(folder / file.name), found[0], file)
    return manifest


def refuse_unlisted(table: str, parts: Sequence[str], manifest: Manifest) -> None:
    """Refuse a part file that the manifest does not list; whoever reads the folder reads it."""
    listed = {file.name for file in manifest.files}
    for part in parts:
        if part.endswith(".parquet") and f"{Path(table).name}/{part}" not in listed:
            raise EvidenceError(
                f"{table}/{part}: not listed in the manifest; it was added after the evidence was "
                "collected. Remove it, or collect again."
            )


def _parts_in(table: Path) -> list[str]:
    return sorted(path.name for path in table.iterdir()) if table.is_dir() else []


def refuse_size(path: str, size: int) -> None:
    """Refuse a manifest that is too large to be one, before it is read."""
    if size > MANIFEST_MAX_BYTES:
        raise EvidenceError(f"{path}: larger than {MANIFEST_MAX_BYTES:,} bytes. Collect it again.")


def parse_manifest(content: bytes, path: str) -> Manifest:
    """A manifest from its bytes; the files that it lists are not looked at.

    Raises:
        EvidenceError: it does not parse, or lists what is not evidence.
    """
    try:
        manifest: Manifest = msgspec.json.decode(content, type=_Written)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EvidenceError(f"{path}: not a manifest: {error}. Collect it again.") from error
    _refuse_wrong_names(path, manifest)
    return manifest


def _refuse_wrong_names(path: str, manifest: Manifest) -> None:
    names = [file.name for file in manifest.files]
    repeated = {name for name, times in Counter(names).items() if times > 1}
    for name in names:
        table, _, part = name.partition("/")
        known = (table in TABLES and is_part(part)) if part else name in FILES
        if not known or name in repeated:
            raise EvidenceError(
                f"{path}: lists {name!r} {names.count(name)} time(s); evidence has each of "
                f"{', '.join(sorted(FILES))} at most once. Collect it again."
            )
        if part and table in names:
            raise EvidenceError(
                f"{path}: lists {table} both as a file and as a folder of part files. Collect it "
                "again."
            )
    for name in REQUIRED:
        if not manifest.listed(name):
            raise EvidenceError(
                f"{path}: {name} is not listed; it is needed. Let the pipeline write it, then "
                "collect it again."
            )


def _refuse_other_file(path: Path, file: File) -> None:
    linked = path.is_symlink() or (path.parent.name in TABLES and path.parent.is_symlink())
    if linked or not path.is_file():
        raise EvidenceError(
            f"{path}: listed in the manifest, but not a file here. Collect it again."
        )
    refuse_other_size(str(path), path.stat().st_size, file)


def refuse_other_size(path: str, size: int, file: File) -> None:
    """Refuse a file that is shorter or longer than the manifest says."""
    if size != file.bytes:
        raise EvidenceError(
            f"{path}: {size:,} bytes where the manifest says {file.bytes:,}; it was cut short or "
            "changed after it was collected. Collect it again."
        )


def refuse_other_digest(path: str, found: str, file: File) -> None:
    """Refuse a file whose content is not what the manifest says."""
    if found != file.sha256:
        raise EvidenceError(
            f"{path}: its SHA-256 is {found[:12]}…, the manifest says {file.sha256[:12]}…; it was "
            "changed after it was collected. Collect it again."
        )
