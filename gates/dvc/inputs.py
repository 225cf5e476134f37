"""Data that no stage makes: what `.dvc` files point to, brought into a tree and verified."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from gates.dvc.cache import cache_folder, is_cached, object_path
from gates.dvc.command import LOCK_WAIT_S, Progress, counted, quoted, run_dvc
from gates.dvc.files import (
    LOCK,
    PIPELINE,
    POINTER_SUFFIX,
    Recorded,
    read_lock_in,
    read_pointer,
    read_texts,
)
from gates.errors import PipelineError
from gates.evidence.manifest import digest
from gates.git.files import list_work_files


def read_pointers(root: Path) -> dict[str, Recorded]:
    """What the `.dvc` files of a work tree point to, by path."""
    names = list_work_files(root, f"*{POINTER_SUFFIX}")
    return {
        recorded.path: recorded
        for name in names
        for recorded in read_pointer((root / name).read_bytes(), name)
    }


def bring_inputs(
    root: Path,
    where: str,
    progress: Progress,
    environment: Mapping[str, str] | None = None,
    lock_wait_s: float = LOCK_WAIT_S,
) -> None:
    """Put what the pipeline reads and `.dvc` files point to into the tree, where it is missing.

    Data that no stage reads stays where it is; it may be large.

    Args:
        root: the work tree.
        where: what messages call it.
        progress: gets a line if anything is missing.
        environment: variables for DVC on top of ours.
        lock_wait_s: how long to wait for another DVC process.

    Raises:
        PipelineError: some data is not to be had, or is not what its pointer says.
    """
    missing = missing_inputs(root)
    if not missing:
        return
    cache = cache_folder(root)
    is_here = all(is_cached(cache, one) and not (one.md5 or "").endswith(".dir") for one in missing)
    verb = "checkout" if is_here else "pull"
    progress(f"{verb} of {counted(len(missing), 'data file')}")
    paths = [one.path for one in missing]
    ended = run_dvc(
        root, [verb, *paths], progress, environment=environment, lock_wait_s=lock_wait_s
    )
    absent = [one for one in missing if not (root / one.path).exists()]
    if absent:
        names = ", ".join(f"{one.path} ({one.text()})" for one in absent[:5])
        raise PipelineError(
            f"{where}: {len(absent)} of {counted(len(missing), 'data file')} cannot be had: "
            f"{names}. The remote lacks them or has another content under their names, or "
            f"`dvc {verb}` says why below. Run `dvc push` where they are.{quoted(ended)}"
        )
    _refuse_other_content(root, where, missing)


def missing_inputs(root: Path) -> tuple[Recorded, ...]:
    """What some stage reads, a `.dvc` file points to, and the tree lacks."""
    is_read = _reader(root)
    pointers = read_pointers(root).values()
    return tuple(p for p in pointers if is_read(p.path) and not (root / p.path).exists())


def _refuse_other_content(root: Path, where: str, pulled: Iterable[Recorded]) -> None:
    # A remote without `verify = true` lets a damaged object pass; DVC then calls it up to date.
    for one in pulled:
        if one.md5 is None or one.md5.endswith(".dir"):
            continue
        found = digest(root / one.path, "md5")[0]
        if found != one.md5:
            raise PipelineError(
                f"{where}: input {one.path} does not match its recorded hash: its MD5 is "
                f"{found[:12]}…, its pointer says {one.md5[:12]}…; the DVC cache or remote is "
                f"damaged. Delete it and {object_path(cache_folder(root), one.md5)}, set "
                "`verify = true` on the remote, and run `dvc push` where it is whole."
            )


def _reader(root: Path) -> Callable[[str], bool]:
    """Whether some stage reads a path, something in it, or a folder around it."""
    recorded = read_lock_in(root).dependencies if (root / LOCK).is_file() else {}
    pipeline = root / PIPELINE
    tree = read_texts(pipeline.read_bytes(), str(pipeline)) if pipeline.is_file() else None
    patterns = [re.compile(_pattern(path)) for path in {*recorded, *_dependencies(tree, ".")}]

    def is_read(path: str) -> bool:
        around = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        return any(
            one.fullmatch(name) or one.pattern.startswith(re.escape(path + "/"))
            for one in patterns
            for name in (path, *around)
        )

    return is_read


def _dependencies(tree: Any, folder: str) -> Iterator[str]:
    """Every path under a `deps:` of a `dvc.yaml`, from the root; templates stay as they are."""
    if isinstance(tree, list):
        for item in tree:
            yield from _dependencies(item, folder)
    elif isinstance(tree, dict):
        inside = normpath(f"{folder}/{tree.get('wdir') or '.'}") if "cmd" in tree else folder
        for key, value in tree.items():
            if key == "deps" and isinstance(value, list):
                yield from (normpath(f"{inside}/{path}") for path in value if path)
            else:
                yield from _dependencies(value, folder)


def _pattern(path: str) -> str:
    """A path in which each `${…}` stands for any text."""
    return ".*".join(map(re.escape, re.split(r"\$\{[^}]*\}", path)))
