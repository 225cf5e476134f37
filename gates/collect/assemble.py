"""Writing an evidence folder: beside its place, whole, and only then under its name."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gates.dvc.cache import copy_digesting
from gates.errors import EvidenceError, UsageError
from gates.evidence.manifest import (
    FILES,
    MANIFEST,
    File,
    digest,
    read_manifest,
    write_manifest,
)
from gates.reading import strict_json
from gates.scratch import scratch_folder
from gates.tables.parquet_footer import count_rows


@contextlib.contextmanager
def assembling(out: Path) -> Iterator[Path]:
    """A folder to write evidence into; when the block ends well it takes the place of `out`.

    Raises:
        UsageError: what stands at `out` is no evidence, so it is not replaced.
    """
    _refuse_other_folder(out)
    with scratch_folder(out.parent) as scratch:
        folder = scratch / "evidence"
        folder.mkdir()
        yield folder
        if out.exists():
            out.rename(scratch / "replaced")
        try:
            folder.rename(out)
        except OSError:  # somebody else finished the same evidence in this moment
            read_manifest(out)


def export(folder: Path, out: Path) -> Path:
    """Copy a whole evidence folder to another place."""
    manifest = read_manifest(folder)
    with assembling(out) as target:
        files = []
        for file in manifest.files:
            destination = target / file.name
            destination.parent.mkdir(exist_ok=True)
            copied = copy_listed(folder / file.name, destination)
            files.append(msgspec.structs.replace(copied, name=file.name))
        write_manifest(target, msgspec.structs.replace(manifest, files=tuple(files)))
    return out


def copy_listed(source: Path, destination: Path) -> File:
    """Copy one file into an evidence folder, and say what the manifest says of it.

    A copy and never a link: a stage run by hand overwrites its output in place.
    """
    return with_rows(copy_digesting(source, destination)[0], destination)


def write_listed(content: bytes, destination: Path) -> File:
    """Write one small file into an evidence folder, and say what the manifest says of it."""
    destination.write_bytes(content)
    return describe(destination)


def describe(path: Path) -> File:
    """What the manifest says of a file that already lies in an evidence folder."""
    file = File(name=path.name, bytes=path.stat().st_size, sha256=digest(path)[0])
    return with_rows(file, path)


def with_rows(file: File, path: Path) -> File:
    """The same, with the row count of a Parquet file."""
    if path.suffix != ".parquet":
        return file
    return msgspec.structs.replace(file, rows=count_rows(path))


def read_environment(folder: Path, *, ran_here: bool) -> dict[str, str]:
    """The environment in which a pipeline ran, flat, as its `environment.json` says.

    Args:
        folder: an evidence folder.
        ran_here: it ran on this machine, so the interpreter and platform are ours.

    Raises:
        EvidenceError: `environment.json` is no object of names and plain values.
    """
    path = folder / "environment.json"
    stated: dict[str, str] = {}
    if path.is_file():
        content = path.read_bytes()
        stated = dict(_flatten(strict_json.load(content, "environment.json", EvidenceError)))
    if ran_here:
        import platform  # noqa: PLC0415 - takes longer than reading the file

        ours = {"python": platform.python_version(), "platform": platform.platform()}
        return {**ours, **stated}
    return stated


def _flatten(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else key)
    elif not name or isinstance(value, list):
        raise EvidenceError(
            f"environment.json: {name or 'the whole'} is not a plain value by name, but "
            f"{type(value).__name__}. Write names and texts."
        )
    else:
        yield name, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _refuse_other_folder(out: Path) -> None:
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and not out.is_symlink():
        foreign = sorted({path.name for path in out.iterdir()} - FILES - {MANIFEST})
        if not foreign:
            return
        what = f"holds {foreign[0]!r}, which is no evidence"
    else:
        what = "is not a folder"
    raise UsageError(f"{out}: {what}, so it is not replaced. Name another --out.")
