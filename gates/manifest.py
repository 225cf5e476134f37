"""The manifest of an evidence folder: what lies there, with sizes and digests, written last.

A folder without a complete manifest is not evidence, so an interrupted writer leaves nothing
that could be taken for a whole.
"""

import hashlib
import os
from pathlib import Path
from typing import Literal

import msgspec

from gates.errors import EvidenceError

MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 1 << 20
FILES = frozenset(
    {
        "predictions.parquet",
        "predictions_on_baseline_test.parquet",
        "baseline_predictions.parquet",
        "train.parquet",
        "test.parquet",
        "columns.yaml",
        "metrics.json",
        "environment.json",
    }
)
REQUIRED = ("predictions.parquet", "test.parquet", "columns.yaml")
_BLOCK_BYTES = 1 << 20


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the folder; `rows` is the row count of a Parquet file."""

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


class _Written(Manifest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A manifest as a file holds it: what says nothing of its schema is not ours."""

    schema: Literal[1]


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
    if path.stat().st_size > MANIFEST_MAX_BYTES:
        raise EvidenceError(f"{path}: larger than {MANIFEST_MAX_BYTES:,} bytes. Collect it again.")
    try:
        manifest: Manifest = msgspec.json.decode(path.read_bytes(), type=_Written)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EvidenceError(f"{path}: not a manifest: {error}. Collect it again.") from error
    _refuse_wrong_names(path, manifest)
    for file in manifest.files:
        _refuse_difference(folder / file.name, file, verify=verify)
    return manifest


def _refuse_wrong_names(path: Path, manifest: Manifest) -> None:
    names = [file.name for file in manifest.files]
    for name in names:
        if name not in FILES or names.count(name) > 1:
            raise EvidenceError(
                f"{path}: lists {name!r} {names.count(name)} time(s); evidence has each of "
                f"{', '.join(sorted(FILES))} at most once. Collect it again."
            )
    for name in REQUIRED:
        if name not in names:
            raise EvidenceError(
                f"{path}: {name} is not listed; it is needed. Let the pipeline write it, then "
                "collect it again."
            )


def _refuse_difference(path: Path, file: File, *, verify: bool) -> None:
    if path.is_symlink() or not path.is_file():
        raise EvidenceError(
            f"{path}: listed in the manifest, but not a file here. Collect it again."
        )
    if (size := path.stat().st_size) != file.bytes:
        raise EvidenceError(
            f"{path}: {size:,} bytes where the manifest says {file.bytes:,}; it was cut short or "
            "changed after it was collected. Collect it again."
        )
    if verify and (found := digest(path)[0]) != file.sha256:
        raise EvidenceError(
            f"{path}: its SHA-256 is {found[:12]}…, the manifest says {file.sha256[:12]}…; it was "
            "changed after it was collected. Collect it again."
        )
