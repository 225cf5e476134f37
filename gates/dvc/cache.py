"""Objects of DVC's local cache: where they lie, and how they are taken out without being believed.

DVC itself trusts what lies in its cache; here the MD5 is computed while an object is copied.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import msgspec

from gates.dvc.files import MD5, Recorded
from gates.errors import EvidenceError
from gates.evidence.manifest import File

_SECTION = re.compile(r"\[\s*(.*?)\s*\]")
_BLOCK_BYTES = 1 << 20
_LISTING_MAX_BYTES = 1 << 26


class _Listed(msgspec.Struct):
    md5: str
    relpath: str


def cache_folder(root: Path) -> Path:
    """Where DVC keeps its objects: `cache.dir` of the nearest configuration that says so.

    Looks where DVC looks, nearest last: the user's, the repository's, and this clone's
    configuration. (No environment variable sets it.)
    """
    found = root / ".dvc" / "cache"
    for path in (_user_config(), root / ".dvc" / "config", root / ".dvc" / "config.local"):
        if named := read_config(path).get("cache", {}).get("dir"):
            found = path.parent / os.path.expanduser(named)  # noqa: PTH111 - as DVC reads it
    return Path(os.path.normpath(found))


def read_config(path: Path) -> dict[str, dict[str, str]]:
    """Section → key → value of a DVC configuration file; empty where there is none."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    for line in map(str.strip, lines):
        if section := _SECTION.match(line):
            name = section[1].strip("'").lower() if '"' not in section[1] else section[1].strip("'")
            current = sections.setdefault(name, {})
        elif "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            current[key.strip().lower()] = _unquoted(value.strip())
    return sections


def object_path(cache: Path, md5: str) -> Path:
    """Where the object of this MD5 lies, or would lie."""
    return cache / "files" / "md5" / md5[:2] / md5[2:]


def is_cached(cache: Path, recorded: Recorded) -> bool:
    """Whether the cache has an object under this MD5; its content is not looked at."""
    return recorded.md5 is not None and object_path(cache, recorded.md5).is_file()


def copy_cached(cache: Path, recorded: Recorded, destination: Path) -> File:
    """Copy a file out of the cache, and verify it on the way; its name, size and SHA-256.

    Raises:
        EvidenceError: the object is not what its name says.
    """
    assert recorded.md5 is not None  # noqa: S101 - the caller found it in the cache
    source = object_path(cache, recorded.md5)
    copied, md5 = copy_digesting(source, destination)
    if md5 != recorded.md5 or recorded.bytes not in (None, copied.bytes):
        destination.unlink()
        raise _damaged(source, recorded.path, md5)
    return copied


def copy_all_cached(cache: Path, recorded: Mapping[Path, Recorded]) -> dict[str, File]:
    """Copy what the cache has of these, two files at a time; what they are, by their names.

    Raises:
        EvidenceError: an object is not what its name says.
    """
    cached = [(path, one) for path, one in recorded.items() if is_cached(cache, one)]
    with ThreadPoolExecutor(2) as threads:  # copying and hashing let go of Python's lock
        made = threads.map(lambda pair: copy_cached(cache, pair[1], pair[0]), cached)
        return {file.name: file for file in made}


def copy_cached_tree(cache: Path, recorded: Recorded, destination: Path) -> None:
    """Copy a file, or a folder with all its files, out of the cache, verified.

    Raises:
        EvidenceError: an object is missing or not what its name says.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    if recorded.md5 is None or not recorded.md5.endswith(".dir"):
        copy_cached(cache, recorded, destination)
        return
    for member in _members(cache, recorded):
        target = destination / PurePosixPath(member.path).relative_to(recorded.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not is_cached(cache, member):
            raise EvidenceError(f"{member.path}: not in the DVC cache. Run `dvc fetch`.")
        copy_cached(cache, member, target)


def find_recorded(cache: Path, outputs: dict[str, Recorded], path: str) -> Recorded | None:
    """What DVC recorded for a path, also where it recorded only a folder around it.

    Raises:
        EvidenceError: the folder's listing in the cache is not what its name says.
    """
    wanted = PurePosixPath(path)
    if (found := outputs.get(str(wanted))) is not None:
        return found
    for parent in wanted.parents:
        folder = outputs.get(str(parent))
        if folder is not None and folder.md5 is not None and is_cached(cache, folder):
            members = {member.path: member for member in _members(cache, folder)}
            return members.get(str(wanted))
    return None


def copy_digesting(source: Path, destination: Path) -> tuple[File, str]:
    """Copy a file's bytes (never its links), reading them once; what it is, and its MD5."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with source.open("rb", buffering=0) as reader, destination.open("xb", buffering=0) as writer:
        while block := reader.read(_BLOCK_BYTES):
            sha256.update(block)
            md5.update(block)
            size += len(block)
            rest = memoryview(block)
            while rest:
                rest = rest[writer.write(rest) :]
    return File(name=destination.name, bytes=size, sha256=sha256.hexdigest()), md5.hexdigest()


def _members(cache: Path, folder: Recorded) -> Iterator[Recorded]:
    assert folder.md5 is not None  # noqa: S101 - the caller found it in the cache
    source = object_path(cache, folder.md5)
    if source.stat().st_size > _LISTING_MAX_BYTES:
        raise EvidenceError(
            f"{source}: a listing of more than {_LISTING_MAX_BYTES:,} bytes is not read. Name a "
            "smaller folder as the output."
        )
    content = source.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != folder.md5.removesuffix(".dir"):
        raise _damaged(source, folder.path, found)
    for listed in msgspec.json.decode(content, type=list[_Listed]):
        inside = PurePosixPath(listed.relpath)
        if inside.is_absolute() or ".." in inside.parts or not MD5.fullmatch(listed.md5):
            raise EvidenceError(
                f"{source}: lists {listed.relpath!r} with MD5 {listed.md5!r}, which is no file of "
                "a folder. Delete this file and run `dvc fetch`."
            )
        yield Recorded(path=str(PurePosixPath(folder.path) / inside), md5=listed.md5)


def _damaged(source: Path, path: str, found: str) -> EvidenceError:
    return EvidenceError(
        f"{source}: the object of {path} has MD5 {found[:12]}…, which is not the one it is stored "
        "under; the DVC cache is damaged. Delete this file and run again: it is fetched or made "
        "anew."
    )


def _user_config() -> Path:
    folder = os.environ.get("DVC_GLOBAL_CONFIG_DIR")
    if folder:
        return Path(folder) / "config"
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    return Path(home) / "dvc" / "config"


def _unquoted(value: str) -> str:
    if value[:1] in {"'", '"'} and value.count(value[0]) > 1:
        return value[1 : value.index(value[0], 1)]
    return value.split(" #", 1)[0].rstrip()
