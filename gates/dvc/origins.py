"""DVC's and Git's own files → where each input of a pipeline is kept (`inputs.json`).

A pure function of texts: `dvc.lock`, `dvc.yaml`, `.dvc` pointers, and what Git lists. An input is
what some stage reads and no stage makes.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from posixpath import isabs, join, normpath
from typing import Any, Literal

import msgspec

from gates.dvc.files import Lock, read_pointer, read_texts
from gates.evidence.kept_inputs import MOST_LOOSE, Input, Inputs, Keeper, LockChange, StageInputs

_DATASET = "ds://"  # which DVC locks by name
_MOST_CHANGES = 1000  # of the lock
_GROUPED = "@"  # between a stage's name and the item of its `foreach` or `matrix`


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a tree says of itself.

    `tracked` are Git's files with their blobs' hashes; `untracked` files that Git neither has nor
    ignores; both at least those at or below what the stages read.
    """

    lock: Lock
    pipeline: bytes | None = None
    pointers: Mapping[str, bytes] = {}
    tracked: Mapping[str, str] = {}
    untracked: tuple[str, ...] = ()
    committed: Lock | None = None


class _Pointed(msgspec.Struct, frozen=True):
    md5: str | None
    frozen: bool


def trace_inputs(known: Known) -> Inputs:
    """Where everything is kept that the stages read and none of them makes.

    Raises:
        EvidenceError: `dvc.yaml` or a pointer cannot be read.
    """
    declared = _declared(known.pipeline)
    pointed = dict(_pointed(known.pointers))
    read: dict[str, list[str]] = {}
    md5s: dict[str, str | None] = {}
    made = set()
    for name, stage in known.lock.stages.items():
        folder = _folder(name, declared)
        made |= {_place(folder, output.path) for output in stage.outputs}
        for dependency in stage.dependencies:
            path = _place(folder, dependency.path)
            read.setdefault(path, []).append(name)
            md5s[path] = dependency.md5 or dependency.other
    inputs = tuple(
        _trace(path, tuple(stages), md5s[path], pointed, known)
        for path, stages in sorted(read.items())
        if not _is_made(path, made)
    )
    return Inputs(
        inputs=inputs,
        stages=tuple(_stages(known.lock, declared)),
        committed=known.committed is not None,
        lock_changes=tuple(islice(_lock_changes(known), _MOST_CHANGES)),
        loose_outputs=tuple(_loose_outputs(declared, known)),
        unread=tuple(
            path
            for path in sorted(pointed)
            if not any(_holds(path, each) or _holds(each, path) for each in read)
        ),
    )


def dependencies_of(lock: Lock, pipeline: bytes | None) -> tuple[str, ...]:
    """Paths in the repository that the stages read, from its root: what Git is to be asked."""
    declared = _declared(pipeline)
    paths = {
        _place(_folder(name, declared), dependency.path)
        for name, stage in lock.stages.items()
        for dependency in stage.dependencies
    }
    paths |= set(_uncached(declared))
    return tuple(sorted(path for path in paths if not _is_outside(path) and "://" not in path))


def _trace(
    path: str,
    read_by: tuple[str, ...],
    md5: str | None,
    pointed: Mapping[str, _Pointed],
    known: Known,
) -> Input:
    if "://" in path:
        version = md5 or ("locked by name" if path.startswith(_DATASET) else None)
        keeper = Keeper.LOCK if version else Keeper.NOTHING
        return Input(path=path, read_by=read_by, kept_by=keeper, hash=version)
    if _is_outside(path):
        kept = Keeper.NOTHING
        return Input(path=path, read_by=read_by, kept_by=kept, read=md5, outside=True)
    around = next((each for each in pointed if _holds(each, path)), None)
    if around is not None:
        pointer = pointed[around]
        return Input(
            path=path,
            read_by=read_by,
            kept_by=Keeper.DVC if pointer.md5 else Keeper.NOTHING,
            hash=pointer.md5 if around == path else None,
            read=md5 if around == path else None,
            frozen=pointer.frozen,
        )
    inside = [each for each in pointed if _holds(path, each)]
    files = {name: blob for name, blob in known.tracked.items() if _holds(path, name)}
    loose = tuple(name for name in known.untracked if _holds(path, name))
    if not files and not inside:
        return Input(path=path, read_by=read_by, kept_by=Keeper.NOTHING, read=md5)
    return Input(
        path=path,
        read_by=read_by,
        kept_by=Keeper.GIT if files else Keeper.DVC,
        hash=files.get(path),
        read=md5,
        loose=loose[:MOST_LOOSE],
        frozen=all(pointed[each].frozen for each in inside),
    )


def _pointed(pointers: Mapping[str, bytes]) -> Iterator[tuple[str, _Pointed]]:
    """What each pointer points to; an import that is not frozen is fetched anew by `dvc repro`."""
    for name, content in pointers.items():
        tree = read_texts(content, name)
        imported = isinstance(tree, dict) and tree.get("deps")
        frozen = not imported or str(tree.get("frozen", "")).lower() == "true"
        for one in read_pointer(content, name):
            yield normpath(one.path), _Pointed(one.md5 or one.other, frozen)


def _declared(pipeline: bytes | None) -> dict[str, Any]:
    """The stages of a `dvc.yaml` as it stands; templates are not filled in."""
    tree = read_texts(pipeline, "dvc.yaml") if pipeline is not None else {}
    stages = tree.get("stages") if isinstance(tree, dict) else None
    found = stages if isinstance(stages, dict) else {}
    return {name: _body(stage) for name, stage in found.items() if isinstance(stage, dict)}


def _body(stage: dict[str, Any]) -> dict[str, Any]:
    body = stage.get("do")
    return body if isinstance(body, dict) else stage


def _said(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """What `dvc.yaml` says of a stage of the lock, which may be one of a group."""
    stage: dict[str, Any] = declared.get(name) or declared.get(name.partition(_GROUPED)[0]) or {}
    return stage


def _folder(name: str, declared: Mapping[str, Any]) -> str:
    """The folder that a stage's paths are relative to; a template's is not known, so the root."""
    folder = str(_said(name, declared).get("wdir") or ".")
    return "." if "${" in folder else folder


def _place(folder: str, path: str) -> str:
    return path if "://" in path else normpath(join(folder, path))


def _is_outside(path: str) -> bool:
    return isabs(path) or path == ".." or path.startswith("../")


def _holds(around: str, path: str) -> bool:
    return around in (path, ".") or path.startswith(around + "/")


def _is_made(path: str, made: set[str]) -> bool:
    """Whether a stage makes it, the folder around it, or something in it."""
    return any(_holds(each, path) or _holds(path, each) for each in made)


def _stages(lock: Lock, declared: Mapping[str, Any]) -> Iterator[StageInputs]:
    for name, stage in lock.stages.items():
        frozen = str(_said(name, declared).get("frozen", "")).lower() == "true"
        yield StageInputs(name=name, dependencies=len(stage.dependencies), frozen=frozen)


def _uncached(declared: Mapping[str, Any]) -> Iterator[str]:
    """Outputs that DVC is told not to keep."""
    for name, stage in declared.items():
        for key in ("outs", "metrics", "plots"):
            entries = stage.get(key)
            for entry in entries if isinstance(entries, list) else ():
                for path, options in entry.items() if isinstance(entry, dict) else ():
                    cached = options.get("cache") if isinstance(options, dict) else None
                    if str(cached).lower() == "false" and "${" not in path:
                        yield _place(_folder(name, declared), path)


def _loose_outputs(declared: Mapping[str, Any], known: Known) -> Iterator[str]:
    for path in dict.fromkeys(_uncached(declared)):
        if not any(_holds(path, name) for name in known.tracked):
            yield path


def _lock_changes(known: Known) -> Iterator[LockChange]:
    """What the run recorded otherwise than the commit did."""
    if known.committed is None:
        return
    old, new = known.committed.stages, known.lock.stages
    for stage in dict.fromkeys([*old, *new]):
        if stage not in old or stage not in new:
            before, after = (stage if stage in side else None for side in (old, new))
            yield LockChange(stage=stage, kind="stage", name=stage, committed=before, made=after)
            continue
        sides = [dict(_facts(one.stages[stage])) for one in (known.committed, known.lock)]
        for kind, name in dict.fromkeys([*sides[0], *sides[1]]):
            before, after = (side.get((kind, name)) for side in sides)
            if before != after:
                yield LockChange(stage=stage, kind=kind, name=name, committed=before, made=after)


_Kind = Literal["command", "dependency", "output", "param"]


def _facts(stage: Any) -> Iterator[tuple[tuple[_Kind, str], str]]:
    yield ("command", ""), _text(stage.command)
    for dependency in stage.dependencies:
        yield ("dependency", dependency.path), dependency.md5 or dependency.other or ""
    for output in stage.outputs:
        yield ("output", output.path), output.md5 or output.other or ""
    for file, values in stage.params.items():
        for name, value in values.items() if isinstance(values, dict) else ():
            yield ("param", f"{name} in {file}"), _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
