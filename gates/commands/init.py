"""`gatepost init`: look at a DVC repository, show what would be written, write it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gates.errors import ExitCode, UsageError
from gates.git.repository import find_root
from gates.process import plain
from gates.setup.change import Change, What, render_diff, render_kept, write_all
from gates.setup.notes import Note
from gates.setup.pipeline import How
from gates.setup.prepare import Prepared, Wishes, prepare
from gates.setup.surroundings import HOOK, is_owner

_MARKS = {How.FOUND: "found  ", How.GUESSED: "guessed", How.ABSENT: "missing"}


def run(arguments: argparse.Namespace) -> ExitCode:
    """The diff of what is written on standard output, everything else on standard error."""
    if arguments.owner is not None and not is_owner(arguments.owner):
        raise UsageError(
            f"--owner {arguments.owner!r}: no code owner. Write @user, @organisation/team or an "
            "e-mail address."
        )
    root = find_root(Path.cwd())
    wishes = Wishes(
        label=arguments.label, id=arguments.id, owner=arguments.owner, action=arguments.action
    )
    prepared = prepare(root, wishes)
    for note in prepared.notes:
        _say(_line(note))
    sys.stdout.write(_shown(render_diff(prepared.changes)))
    sys.stdout.flush()
    sys.stderr.write(_shown(render_kept(prepared.changes)))
    if not arguments.dry_run:
        write_all(root, prepared.changes)
    for line in _closing(prepared, dry=arguments.dry_run):
        _say(line)
    return ExitCode.MAY_MERGE


def _line(note: Note) -> str:
    value = f": {note.value}" if note.value else ""
    why = f" ({note.why})" if note.why else ""
    return f"{_MARKS[note.how]} {note.name}{value}{why}"


def _closing(prepared: Prepared, *, dry: bool) -> list[str]:
    written = [change for change in prepared.changes if change.is_written]
    kept = [change for change in prepared.changes if change.what is What.KEPT]
    lines = [f"kept    {change.path}: {change.why}" for change in kept]
    if not written:
        missing = [f"first: {need}" for need in prepared.needs]
        return [*lines, *missing, "nothing to write" + ("" if missing else ": everything is there")]
    verb = "would write" if dry else "wrote"
    lines += [f"{verb} {change.path}" for change in written]
    return lines if dry else [*lines, *_next_steps(written, prepared.needs)]


def _next_steps(written: Sequence[Change], needs: Sequence[str]) -> list[str]:
    """What to do now; what nothing could be judged without comes first."""
    paths = " ".join(change.path for change in written)
    steps = [
        *(f"first: {need}" for need in needs),
        f"next: git add {paths}",
        "then: git commit and git push; the first pull request gets its report",
    ]
    if any(change.path == HOOK for change in written):
        steps.append("judge before each push as well: git config core.hooksPath .githooks")
    return [*steps, "what is weak in the set-up: gatepost doctor"]


def _say(line: str) -> None:
    sys.stderr.write(f"  {plain(line.encode())}\n")
    sys.stderr.flush()


def _shown(text: str) -> str:
    """A diff holds names of columns; no sign of theirs reaches the terminal as a command."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text)
