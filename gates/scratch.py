"""Folders of our own that do not outlive us: removed at the end, or by the next who comes.

The owner holds a lock on its folder, which the kernel drops when it dies, even by SIGKILL.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from gates.git.call import run_git
from gates.git.repository import common_folder
from gates.process import signals_as_interrupt, uninterrupted

_PREFIX = ".gatepost-"


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """An empty folder inside `parent`, on the same file system; those of dead owners go first."""
    parent.mkdir(parents=True, exist_ok=True)
    with signals_as_interrupt(), contextlib.ExitStack() as stack:
        with _locked(parent):
            _remove_orphans(parent)
            folder = parent / f"{_PREFIX}{secrets.token_hex(6)}"
            stack.callback(_remove, folder)
            folder.mkdir()
            stack.enter_context(_locked(folder))
        yield folder


@contextlib.contextmanager
def temporary_worktree(root: Path, revision: str) -> Iterator[Path]:
    """The tree of a commit, checked out beside the repository's own and registered with Git.

    It lies inside the shared `.git` folder: on the file system of the repository, and seen by
    no tool that walks the work tree. It is removed however we leave; what a killed process left
    behind is removed by the next call.
    """
    parent = common_folder(root) / "gatepost"
    with scratch_folder(parent) as folder:
        _forget_missing(parent)
        tree = folder / folder.name.removeprefix(".")
        try:
            run_git(root, "worktree", "add", "--quiet", "--detach", "--force", str(tree), revision)
            yield tree
        finally:
            with uninterrupted():
                shutil.rmtree(tree, ignore_errors=True)
                _forget_missing(parent)


def _forget_missing(parent: Path) -> None:
    """Drop Git's entries of worktrees of ours that are gone.

    `git worktree prune` would also drop the user's own, such as one on a disk that is away.
    """
    for entry in (parent.parent / "worktrees").glob("*/gitdir"):
        try:
            tree = Path(entry.read_text("utf-8").rstrip("\n")).parent
        except FileNotFoundError:  # another process of ours was quicker
            continue
        if tree.is_relative_to(parent) and not tree.exists():
            shutil.rmtree(entry.parent, ignore_errors=True)


def _remove_orphans(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            with _locked(folder, wait=False):
                _remove(folder)
        except (BlockingIOError, FileNotFoundError, NotADirectoryError):
            continue


def _remove(folder: Path) -> None:
    with uninterrupted():
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)
