"""What DVC recorded: `dvc.lock` and `.dvc` pointers as typed values, without importing DVC."""

import re
from pathlib import Path, PurePosixPath
from posixpath import join, normpath
from typing import Any

import msgspec
import yaml

from gates.errors import EvidenceError

LOCK = "dvc.lock"
PIPELINE = "dvc.yaml"
_GROUPED = "@"  # between the name of a group of stages and that of one of them
POINTER_SUFFIX = ".dvc"
_LOCK_MAX_BYTES = 1 << 24
_MAX_DEPTH = 64
_MAX_NODES = 100_000
_UNCHECKED_LEVELS = 2000
MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One file or folder as DVC recorded it; `md5` ends in `.dir` for a folder.

    `md5` names an object of DVC's cache. A remote dependency has none, and one recorded by DVC
    before version 3 another kind: what they have instead is `other`.
    """

    path: str
    md5: str | None = None
    other: str | None = None
    bytes: int | None = None

    def text(self) -> str:
        """For a reader: `md5 07150ea1d982, 1,992,924 bytes`."""
        size = "size unknown" if self.bytes is None else f"{self.bytes:,} bytes"
        version = f"md5 {self.md5[:12]}" if self.md5 else f"version {self.other or 'unknown'}"
        return f"{version}, {size}"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage as it last ran; scalars of the command and the params are kept as text."""

    command: Any
    params: dict[str, Any]  # file → dotted name → value
    dependencies: tuple[Recorded, ...]
    outputs: tuple[Recorded, ...]


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """What the pipeline's last run read and left."""

    stages: dict[str, Stage]

    @property
    def outputs(self) -> dict[str, Recorded]:
        """Every output, by its path from the root."""
        return {one.path: one for stage in self.stages.values() for one in stage.outputs}

    @property
    def dependencies(self) -> dict[str, Recorded]:
        """Every dependency, by its path from the root."""
        return {one.path: one for stage in self.stages.values() for one in stage.dependencies}


class _Entry(msgspec.Struct):
    path: str
    md5: str | None = None
    size: int | None = None
    hash: str | None = None
    etag: str | None = None
    checksum: str | None = None


class _Stage(msgspec.Struct):
    cmd: Any = None
    params: dict[str, Any] = {}
    deps: list[_Entry] = []
    outs: list[_Entry] = []


class _LockFile(msgspec.Struct):
    stages: dict[str, _Stage] = {}
    schema: str = ""


class _PipelineFile(msgspec.Struct):
    stages: dict[str, dict[str, Any]] = {}


class _Pointer(msgspec.Struct):
    outs: list[_Entry] = []
    wdir: str = "."


def read_lock(content: bytes, name: str = LOCK, *, pipeline: bytes | None = None) -> Lock:
    """Parse a `dvc.lock`.

    Args:
        content: of the file.
        name: what messages call it.
        pipeline: the `dvc.yaml` that it is of, which says the folders that the paths of some
            stages are relative to (`wdir`); without it they stay as they are written.

    Raises:
        EvidenceError: it is no lock file of DVC 2 or newer, a hash in it is no MD5, or the
            `dvc.yaml` is none.
    """
    folders = _read_folders(pipeline) if pipeline is not None and b"wdir" in pipeline else {}
    parsed: _LockFile = _parse(content, name, _LockFile)
    if parsed.schema != "2.0":
        raise EvidenceError(
            f"{name}: schema {parsed.schema!r}; this reads '2.0'. Run `dvc repro` with DVC 3."
        )
    return Lock(
        stages={
            key: _placed(name, stage, folders.get(key) or folders.get(key.partition(_GROUPED)[0]))
            for key, stage in parsed.stages.items()
        }
    )


def read_lock_in(root: Path) -> Lock:
    """The `dvc.lock` of a work tree, with all paths from its root.

    Raises:
        EvidenceError: as of `read_lock`.
    """
    path, pipeline = root / LOCK, root / PIPELINE
    declared = pipeline.read_bytes() if pipeline.is_file() else None
    return read_lock(path.read_bytes(), str(path), pipeline=declared)


def _placed(name: str, stage: _Stage, folder: str | None) -> Stage:
    """A stage with its paths from the root."""

    def place(path: str) -> str:
        return path if folder is None or "://" in path else normpath(join(folder, path))

    def record(entries: list[_Entry]) -> tuple[Recorded, ...]:
        placed = (msgspec.structs.replace(each, path=place(each.path)) for each in entries)
        return tuple(_recorded(name, each) for each in placed)

    return Stage(
        command=stage.cmd,
        params={place(file): values for file, values in stage.params.items()},
        dependencies=record(stage.deps),
        outputs=record(stage.outs),
    )


def _read_folders(pipeline: bytes) -> dict[str, str]:
    """The `wdir` of each stage, or group of stages, that has one; a template's is not known."""
    file: _PipelineFile = _parse(pipeline, PIPELINE, _PipelineFile, by_hand=True)
    bodies = {key: stage.get("do", stage) for key, stage in file.stages.items()}
    said = {key: body.get("wdir") for key, body in bodies.items() if isinstance(body, dict)}
    return {key: str(wdir) for key, wdir in said.items() if wdir and "${" not in str(wdir)}


def read_commands(content: bytes, name: str) -> dict[str, Any]:
    """The command of each stage that a `dvc.yaml` declares by itself, without a template.

    Raises:
        EvidenceError: it is no file of stages.
    """
    file: _PipelineFile = _parse(content, name, _PipelineFile, by_hand=True)
    return {key: stage["cmd"] for key, stage in file.stages.items() if "cmd" in stage}


def read_texts(content: bytes, name: str) -> Any:
    """A YAML file with every scalar as its text, to compare with what a lock says of it.

    Raises:
        EvidenceError: it is no YAML.
    """
    return _parse(content, name, Any, by_hand=True)


def read_pointer(content: bytes, name: str) -> tuple[Recorded, ...]:
    """Parse a `.dvc` file; `name` is its path from the root, which its outputs are relative to.

    Raises:
        EvidenceError: it is no pointer, or a hash in it is no MD5.
    """
    parsed: _Pointer = _parse(content, name, _Pointer)
    folder = PurePosixPath(name).parent / parsed.wdir
    entries = [
        msgspec.structs.replace(entry, path=str(folder / entry.path)) for entry in parsed.outs
    ]
    return tuple(_recorded(name, entry) for entry in entries)


def _parse(content: bytes, name: str, kind: Any, *, by_hand: bool = False) -> Any:
    """Every scalar stays text, so that no MD5 or path turns into a number or a date.

    Only a file that people write may hold aliases, and they may not make it large.
    """
    if len(content) > _LOCK_MAX_BYTES:
        raise EvidenceError(
            f"{name}: {len(content):,} bytes; at most {_LOCK_MAX_BYTES:,} are read. Split the "
            "pipeline."
        )
    try:
        if _may_be_hostile(content):
            _refuse_aliases_and_depth(content, name, by_hand=by_hand)
        value = yaml.load(content, Loader=yaml.CBaseLoader)  # noqa: S506 - builds text only
        if by_hand:
            _refuse_expansion(value, name)
        return msgspec.convert(value or {}, kind, strict=False)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "nested too deep"
        raise EvidenceError(
            f"{name}: not YAML: {reason}. Resolve any merge conflict in it, then run `dvc repro`."
        ) from error
    except msgspec.ValidationError as error:
        raise EvidenceError(
            f"{name}: not as DVC writes it: {error}. Write it again with DVC."
        ) from error


def _may_be_hostile(content: bytes) -> bool:
    """Whether it could hold an alias or be nested deep; looking closely is ten times slower."""
    longest = max(map(len, content.splitlines()), default=0)
    # Each level opens a bracket, or takes a column of its line or of its first item's.
    levels = content.count(b"[") + content.count(b"{") + 2 * longest
    return levels > _UNCHECKED_LEVELS or (b"*" in content and b"&" in content)


def _refuse_aliases_and_depth(content: bytes, name: str, *, by_hand: bool) -> None:
    depth = 0
    for event in yaml.parse(content, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent) and not by_hand:
            raise EvidenceError(
                f"{name}: an alias (*{event.anchor}), which DVC never writes and which can make "
                "a small file huge. Write it again with DVC."
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:  # the composer recurses without a bound, down to a crash
            raise EvidenceError(
                f"{name}: nested more than {_MAX_DEPTH} deep. Write it again with DVC."
            )


def _refuse_expansion(value: Any, name: str) -> None:
    left, waiting = _MAX_NODES, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict | list):
            waiting.extend(item.values() if isinstance(item, dict) else item)
        left -= 1
        if left < 0 or len(waiting) > _MAX_NODES:
            raise EvidenceError(
                f"{name}: more than {_MAX_NODES:,} values once its aliases are followed. Write "
                "it with fewer."
            )


def _recorded(name: str, entry: _Entry) -> Recorded:
    # DVC before 3 hashed text files with other line ends and said nothing of the algorithm.
    md5 = entry.md5 if entry.hash == "md5" else None
    if md5 is not None and not MD5.fullmatch(md5):
        raise EvidenceError(f"{name}: {entry.path}: {md5!r} is no MD5. Write it again with DVC.")
    other = None if md5 else entry.md5 or entry.etag or entry.checksum
    return Recorded(path=_normal(entry.path), md5=md5, other=other, bytes=entry.size)


def _normal(path: str) -> str:
    return path if "://" in path else str(PurePosixPath(path))
