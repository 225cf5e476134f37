"""The base revision: its evidence once it is found, and where its files are to be had."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from gates.dvc_cache import cache_folder, find_recorded
from gates.dvc_files import LOCK, POINTER_SUFFIX, Recorded, read_lock, read_pointer
from gates.git import read_file, read_files
from gates.sources import Sources

# Where a file of a revision is: its content in Git, or what DVC recorded of it.
Place: TypeAlias = bytes | Recorded


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Whole evidence of the base, and where it was found."""

    revision: str
    folder: Path
    found: str  # `local store`, `dvc cache`, `dvc remote` or `reproduced`
    sources: Sources


class NoBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """Why the base has nothing to compare with; not an error."""

    revision: str
    reason: str


def locate(
    root: Path, revision: str, paths: Mapping[str, str], lock: bytes | None
) -> dict[str, Place]:
    """Where files of a commit are to be had, by the names of `paths`; absent ones are left out.

    Git's content counts before DVC's record: it is what the commit says, even of a metrics file
    that somebody changed after the pipeline wrote it.

    Args:
        root: the work tree whose DVC cache is used.
        revision: the commit.
        paths: any name → path from the root.
        lock: the content of the `dvc.lock` that describes the commit, if any.

    Raises:
        EvidenceError: the lock, a pointer or a folder's listing cannot be read.
    """
    pointers = {path: f"{PurePosixPath(path)}{POINTER_SUFFIX}" for path in paths.values()}
    content = read_files(root, revision, (*pointers, *pointers.values()))
    outputs = dict(read_lock(lock, f"{LOCK} at {revision[:12]}").outputs) if lock else {}
    for name in pointers.values():
        if name in content:
            outputs |= {one.path: one for one in read_pointer(content[name], name)}
    cache = cache_folder(root)
    places: dict[str, Place] = {}
    for name, path in paths.items():
        place = content[path] if path in content else find_recorded(cache, outputs, path)
        if place is not None:
            places[name] = place
    return places


def lock_beside(folder: Path) -> Path:
    """Where the lock of a reproduced base is kept, beside its evidence in the local store."""
    return folder.with_name(f"{folder.name}.{LOCK}")


def locate_model(root: Path, baseline: Baseline) -> Place | None:
    """Where the base's model is to be had; `None` where Git and DVC know of none."""
    if baseline.sources.model is None:
        return None
    made = lock_beside(baseline.folder)
    known = made.read_bytes() if made.is_file() else read_file(root, baseline.revision, LOCK)
    return locate(root, baseline.revision, {"model": baseline.sources.model}, known).get("model")
