"""Files that are to be written: shown as a diff, then written together or not at all."""

import contextlib
import difflib
import os
import tempfile
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from gates.errors import UsageError


class What(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "as it is"
    KEPT = "kept"  # yours, and other than what would be written


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it is and as it would be; `why` says what was left alone."""

    path: str  # from the root
    old: str | None
    new: str
    what: What
    executable: bool = False
    why: str = ""

    @property
    def is_written(self) -> bool:
        """Whether the file is to be touched at all."""
        return self.what in (What.NEW, What.CHANGED)


def read_text(root: Path, path: str) -> str | None:
    """A file of the work tree; `None` where there is none.

    Raises:
        UsageError: it is no UTF-8 text, or lies outside the work tree.
    """
    target = root / path
    if not target.is_file():
        return None
    if not target.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{target}: a link out of the repository. Write a file there instead.")
    try:
        return target.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{target}: not UTF-8 at byte {error.start}. Save it as UTF-8.") from error


def whole(root: Path, path: str, text: str, *, executable: bool = False) -> Change:
    """A file of ours: written where there is none, never over another."""
    old = read_text(root, path)
    if old is None:
        return Change(path=path, old=None, new=text, what=What.NEW, executable=executable)
    what = What.SAME if _plain(old) == _plain(text) else What.KEPT
    why = "differs from what init would write; not overwritten" if what is What.KEPT else ""
    return Change(path=path, old=old, new=text, what=what, executable=executable, why=why)


def drafted(root: Path, path: str, text: str) -> Change:
    """A file that is its owner's from the first edit on: only written where there is none."""
    old = read_text(root, path)
    if old is None:
        return Change(path=path, old=None, new=text, what=What.NEW)
    return Change(path=path, old=old, new=old, what=What.SAME, why="yours already")


def extended(root: Path, path: str, addition: str) -> Change:
    """A file with lines added at its end, in its own line ends; nothing else of it changes."""
    old = read_text(root, path)
    if not addition:
        return Change(path=path, old=old, new=old or "", what=What.SAME)
    if not old:
        return Change(path=path, old=old, new=addition, what=What.NEW)
    break_ = "\r\n" if "\r\n" in old else "\n"
    gap = "" if old.endswith("\n") else break_
    new = old + gap + break_ + addition.replace("\n", break_)
    return Change(path=path, old=old, new=new, what=What.CHANGED)


def render_diff(changes: Iterable[Change]) -> str:
    """One unified diff of everything that is written, as `git apply` takes it."""
    return "".join(_diff(each) for each in changes if each.is_written)


def render_kept(changes: Iterable[Change]) -> str:
    """How files that were left alone differ from what would have been written."""
    return "".join(_diff(each) for each in changes if each.what is What.KEPT)


def write_all(root: Path, changes: Sequence[Change]) -> None:
    """Write every change, each file whole; nothing is replaced before all are on the disk.

    Raises:
        UsageError: a file changed since it was read.
        OSError: the disk is full, or a folder cannot be written to.
    """
    ready: list[tuple[str, Path]] = []
    try:
        for change in changes:
            if not change.is_written:
                continue
            if read_text(root, change.path) != change.old:
                raise UsageError(f"{change.path}: changed while init was running. Run it again.")
            target = (root / change.path).resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            ready.append((_write_beside(target, change), target))
        while ready:
            temporary, target = ready[0]
            os.replace(temporary, target)  # noqa: PTH105 - a name from mkstemp
            del ready[0]
    finally:
        for temporary, _ in ready:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - a name from mkstemp


def _write_beside(target: Path, change: Change) -> str:
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".gatepost-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(change.new.encode())
        os.fchmod(stream.fileno(), 0o755 if change.executable else mode)
        stream.flush()
        os.fsync(stream.fileno())
    return temporary


def _diff(change: Change) -> str:
    old = (change.old or "").splitlines(keepends=True)
    before = f"a/{change.path}" if change.old is not None else "/dev/null"
    lines = difflib.unified_diff(
        old, change.new.splitlines(keepends=True), before, f"b/{change.path}"
    )
    mode = ""
    if change.executable and change.old is None:
        mode = f"diff --git a/{change.path} b/{change.path}\nnew file mode 100755\n"
    return mode + "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _plain(text: str) -> str:
    """Git may have turned the line ends."""
    return text.replace("\r\n", "\n")
