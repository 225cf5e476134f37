"""A work tree of the base in which DVC runs: its own code and configuration, our cache."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gates.dvc.cache import cache_folder, read_config
from gates.scratch import temporary_worktree

# Keys of a remote that DVC resolves against the folder of the file they stand in.
_PATH_KEYS = frozenset(
    {
        "url",
        "credentialpath",
        "configpath",
        "keyfile",
        "cert_path",
        "key_path",
        "gdrive_user_credentials_file",
        "gdrive_service_account_json_file_path",
    }
)


class BaseTree(msgspec.Struct, frozen=True):
    """Where the base lies, and what DVC is to be told there."""

    path: Path
    environment: Mapping[str, str]


@contextlib.contextmanager
def base_worktree(root: Path, revision: str) -> Iterator[BaseTree]:
    """Check the base out, with this clone's DVC cache, remotes and credentials.

    The configuration is the base's own, never the pull request's; only what this clone alone
    knows (`config.local`) is added. Every remote verifies what it sends.
    """
    with temporary_worktree(root, revision) as tree:
        if (tree / ".dvc").is_dir():
            _write_local_config(root, tree)
        # DVC keeps a folder for each place it ever ran in; this place will be gone.
        yield BaseTree(tree, {"DVC_SITE_CACHE_DIR": str(tree.parent / "site")})


def _write_local_config(root: Path, tree: Path) -> None:
    ours = root / ".dvc"
    sections = {
        name: {key: _resolved(ours, key, value) for key, value in pairs.items()}
        for name, pairs in read_config(ours / "config.local").items()
    }
    theirs = read_config(tree / ".dvc" / "config")
    for name in {**theirs, **sections}:
        if name.startswith("remote "):
            remote = sections.setdefault(name, {})
            remote["verify"] = "true"
            url = theirs.get(name, {}).get("url", "")
            # A folder beside the repository, or one that Git ignores, is not in the work tree.
            if _is_relative(url) and not (tree / ".dvc" / url).exists():
                remote.setdefault("url", _resolved(ours, "url", url))
    sections.setdefault("cache", {})["dir"] = str(cache_folder(root))
    path = tree / ".dvc" / "config.local"
    path.touch(mode=0o600)  # it may hold credentials
    path.write_text("".join(_written(name, pairs) for name, pairs in sections.items()), "utf-8")


def _resolved(folder: Path, key: str, value: str) -> str:
    if key not in _PATH_KEYS or not _is_relative(value):
        return value
    return os.path.normpath(folder / os.path.expanduser(value))  # noqa: PTH111 - as DVC reads it


def _is_relative(value: str) -> bool:
    return bool(value) and "://" not in value and not value.startswith(("/", "~"))


def _written(name: str, pairs: Mapping[str, str]) -> str:
    head = f"['{name}']" if '"' in name else f"[{name}]"
    lines = (f"    {key} = {_quoted(value)}" for key, value in pairs.items())
    return "\n".join((head, *lines, ""))


def _quoted(value: str) -> str:
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}"
