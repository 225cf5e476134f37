"""Evidence that did not come from DVC: check a folder of files, and declare it complete."""

import contextlib
from pathlib import Path

import msgspec

from gates.collect.assemble import describe, read_environment
from gates.errors import EvidenceError
from gates.evidence.manifest import (
    FILES,
    MANIFEST,
    REQUIRED,
    TABLES,
    File,
    Manifest,
    is_of,
    is_part,
    write_manifest,
)
from gates.reading.strict_yaml import load

COLUMNS = "columns.yaml"


def pack(folder: Path, revision: str) -> Path:
    """Check a folder of evidence files and write its manifest, last and whole.

    Args:
        folder: holds files with the names of `FILES`, and nothing else; a table may be a folder
            of part files, as Spark writes it.
        revision: what the evidence is of; a commit, or any name its reader will know.

    Returns:
        The manifest.

    Raises:
        EvidenceError: a required file is missing, one is none of evidence, or one is not what
            its name says. An earlier manifest then stays as it was.
    """
    if not folder.is_dir():
        raise EvidenceError(f"{folder}: no such folder. Put the evidence files into one.")
    names = _names(folder)
    for name in REQUIRED:
        if not any(is_of(found, name) for found in names):
            raise EvidenceError(
                f"{folder}: no {name}; evidence needs {', '.join(REQUIRED)}. Write it, then pack "
                "again."
            )
    _refuse_empty_columns(folder / COLUMNS)
    manifest = Manifest(
        revision=revision,
        environment=read_environment(folder, ran_here=False),
        files=tuple(_describe(folder, name) for name in names),
    )
    write_manifest(folder, manifest)
    return folder / MANIFEST


def _names(folder: Path) -> tuple[str, ...]:
    names = []
    for path in sorted(folder.iterdir()):
        if path.name in TABLES and path.is_dir() and not path.is_symlink():
            names += _parts(path)
            continue
        _refuse_irregular(path)
        if path.name == MANIFEST:
            continue
        if path.name not in FILES:
            raise EvidenceError(
                f"{path}: not a file of evidence; known are {', '.join(sorted(FILES))}. Rename or "
                "remove it."
            )
        names.append(path.name)
    return tuple(names)


def _parts(table: Path) -> list[str]:
    """The part files of a table, without the marks and checksums that Spark leaves beside them."""
    names = []
    for path in sorted(table.iterdir()):
        _refuse_irregular(path)
        if path.name == "_SUCCESS" or (path.name.startswith(".") and path.suffix == ".crc"):
            continue
        if not is_part(path.name):
            raise EvidenceError(
                f"{path}: not a part file; parts are called such as part-00000.parquet, of "
                "letters, digits, '.', '_' and '-'. Rename or remove it."
            )
        names.append(f"{table.name}/{path.name}")
    if not names:
        raise EvidenceError(f"{table}: a folder without part files. Write the table again.")
    return names


def _refuse_irregular(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        raise EvidenceError(
            f"{path}: not a regular file; evidence holds files, and folders of part files for its "
            "tables, and no links. Replace it by the file itself."
        )


def _describe(folder: Path, name: str) -> File:
    path = folder / name
    if path.suffix != ".parquet":
        return describe(path)
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to import, and only packing needs it
    from pyarrow import ArrowException  # noqa: PLC0415

    try:
        with contextlib.closing(pq.ParquetFile(path)) as parquet:
            rows = parquet.metadata.num_rows
            columns = parquet.schema_arrow.names
    except (ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise EvidenceError(
            f"{path}: not a Parquet file: {reason}. Write it again, with any Parquet writer."
        ) from error
    if not columns:
        raise EvidenceError(f"{path}: no columns. Write the table with its columns.")
    return msgspec.structs.replace(describe(path), name=name, rows=rows)


def _refuse_empty_columns(path: Path) -> None:
    document = load(path.read_bytes(), str(path), EvidenceError)
    columns = document.value.get("columns") if isinstance(document.value, dict) else None
    if not isinstance(columns, dict) or not columns:
        raise EvidenceError(
            f"{path}: lists no columns; every column of the tables needs a line under `columns:`. "
            "See the column dictionary in the documentation."
        )
