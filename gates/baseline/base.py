"""The base revision: its evidence once it is found, and where its files are to be had."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import msgspec

from gates.dvc.cache import cache_folder, find_recorded
from gates.dvc.files import LOCK, PIPELINE, POINTER_SUFFIX, Recorded, read_lock, read_pointer
from gates.dvc.lock_step import find_out_of_step, read_by
from gates.evidence.sources import Sources
from gates.git.files import reading_files

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


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit says of its files; those that it does not know are left out."""

    places: dict[str, Place]
    lock: bytes | None  # the `dvc.lock` that describes it
    has_pipeline: bool
    out_of_step: str | None  # what the lock does not describe, so that its outputs do not count


def locate(
    root: Path, revision: str, paths: Mapping[str, str], *, lock: bytes | None = None
) -> Located:
    """Where files of a commit are to be had.

    Git's content counts before DVC's record: it is what the commit says, even of a metrics file
    that somebody changed after the pipeline wrote it.

    Args:
        root: the work tree whose DVC cache is used.
        revision: the commit.
        paths: any name → path from the root; the places have the same names.
        lock: the content of the `dvc.lock` that describes the commit, if not its own.

    Raises:
        EvidenceError: the lock, a pointer or a folder's listing cannot be read.
    """
    pointers = {path: f"{PurePosixPath(path)}{POINTER_SUFFIX}" for path in paths.values()}
    outputs: dict[str, Recorded] = {}
    out_of_step = None
    with reading_files(root) as files:
        known = files.read(revision, (LOCK, PIPELINE, *pointers, *pointers.values()))
        own = known.get(LOCK)
        if (content := lock or own) is not None:
            parsed = read_lock(content, f"{LOCK} at {revision[:12]}", pipeline=known.get(PIPELINE))
            outputs = parsed.outputs
            if lock is None:
                out_of_step = find_out_of_step(parsed, files.read(revision, read_by(parsed)))
    for name in pointers.values():
        if name in known:
            outputs |= {one.path: one for one in read_pointer(known[name], name)}
    cache = cache_folder(root)
    places: dict[str, Place] = {}
    for name, path in paths.items():
        place = known[path] if path in known else find_recorded(cache, outputs, path)
        if place is not None:
            places[name] = place
    return Located(
        places=places,
        lock=lock or own,
        has_pipeline=bool({LOCK, PIPELINE} & known.keys()),
        out_of_step=out_of_step,
    )


def lock_beside(folder: Path) -> Path:
    """Where the lock of a reproduced base is kept, beside its evidence in the local store."""
    return folder.with_name(f"{folder.name}.{LOCK}")


def locate_model(root: Path, baseline: Baseline) -> Place | None:
    """Where the base's model is to be had; `None` where Git and DVC know of none."""
    if baseline.sources.model is None:
        return None
    made = lock_beside(baseline.folder)
    lock = made.read_bytes() if made.is_file() else None
    paths = {"model": baseline.sources.model}
    return locate(root, baseline.revision, paths, lock=lock).places.get("model")
