"""Where the ledger lies: a branch of its own, one file an entry, so that writers never conflict.

A file is named after what it says. Two histories are joined by taking the files of both, and a push
that comes second fetches, joins and tries again; nothing is ever pushed by force.
"""

import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gates.errors import GitError, UsageError
from gates.git.call import run_git
from gates.git.files import read_files
from gates.git.history import is_ancestor, merged_commits
from gates.git.objects import Listed, commit_with, fetch_branch, list_tree, move_reference, tip_of
from gates.git.repository import default_branch
from gates.ledger.ledger import (
    ENTRY_MAX_BYTES,
    Entry,
    Ledger,
    entry_name,
    gather,
    read_entry,
    write_entry,
)

BRANCH = "gatepost-ledger"
LOCAL = f"refs/heads/{BRANCH}"
FETCHED = f"refs/remotes/origin/{BRANCH}"
MOST_ENTRIES = 20_000  # that are read; what is more is counted
_PATH = re.compile("([0-9a-f]{64})/([0-9a-f]{2})/([0-9a-f]{64}).json")
_MOST_TRIES = 30
_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


def read_ledger(root: Path, test_set: str | None = None) -> Ledger | None:
    """What this clone has of the ledger; `None` where it has none.

    What `git fetch` brought and what was recorded here count together. Works in a shallow clone.

    Args:
        root: the work tree.
        test_set: only this one's page.
    """
    tips = [tip for tip in (tip_of(root, LOCAL), tip_of(root, FETCHED)) if tip]
    if not tips:
        return None
    entries: list[Entry | None] = []
    unread: dict[str, str] = {}  # path → test set
    for tip in dict.fromkeys(tips):
        listed = list_tree(root, tip, f"{test_set}/" if test_set else "")
        good = [one.path for one in listed if _is_entry(one)][:MOST_ENTRIES]
        unread |= {one.path: _test_set_of(one.path) for one in listed}
        for path, content in read_files(root, tip, good).items():
            entry = read_entry(content)
            if entry is not None and path == _path(entry):
                entries.append(entry)
                unread.pop(path)
    return gather(_with_merges(root, entries), list(unread.values()))


def record(root: Path, entries: Sequence[Entry]) -> int:
    """Add entries to this clone's ledger; how many of them were not there yet.

    Raises:
        GitError: Git cannot write, or others wrote all the time.
    """
    for _ in _tries():
        tip = tip_of(root, LOCAL)
        tips = [tip] if tip else list(filter(None, [tip_of(root, FETCHED)]))
        there = {one.path for each in tips for one in list_tree(root, each)}
        new = {_path(entry): write_entry(entry) for entry in entries if _path(entry) not in there}
        if not new and tip:
            return 0
        made = commit_with(root, tips, new, _message(len(new)))
        if move_reference(root, LOCAL, made, tip):
            return len(new)
    raise GitError(f"{root}: {BRANCH} was moved by others at every try. Run it again.")


def push(root: Path, remote: str) -> None:
    """Bring this clone's ledger to a remote, joined with what others brought there.

    Raises:
        UsageError: no such remote, or there is nothing to push.
        GitError: the remote refuses.
    """
    if run_git(root, "remote", "get-url", "--", remote, codes=(0, 2, 128)).returncode:
        raise UsageError(f"{remote!r}: no remote of this repository. `git remote -v` lists them.")
    refused = ""
    for _ in _tries():
        theirs, ours = fetch_branch(root, remote, BRANCH), tip_of(root, LOCAL)
        if ours is None:
            raise UsageError(f"{root}: no {BRANCH} here. `gatepost ledger record` starts one.")
        if theirs is not None and not is_ancestor(root, theirs, ours):
            joined = commit_with(root, [theirs, ours], {}, "Join two ledgers")
            if not move_reference(root, LOCAL, joined, ours):
                continue
            ours = joined
        done = run_git(
            root, "push", "--quiet", "--porcelain", "--", remote, f"{ours}:{LOCAL}", codes=(0, 1)
        )
        if done.returncode == 0:
            return
        refused = " ".join(done.stdout.decode("utf-8", "replace").split())[:300]
    raise GitError(
        f"{remote}: refused the ledger {_MOST_TRIES} times: {refused or 'no word'}. May this job "
        f"push to {BRANCH}? It needs no other right."
    )


def _tries() -> Iterator[None]:
    """A bounded number of tries, with a growing random pause between them."""
    for count in range(_MOST_TRIES):
        yield
        most = min(_LONGEST_PAUSE_S, _PAUSE_S * 2**count)
        time.sleep(random.uniform(0, most))  # noqa: S311 - against a crowd, not an enemy


def _with_merges(root: Path, entries: Sequence[Entry | None]) -> list[Entry]:
    known = [entry for entry in entries if entry is not None]
    try:
        merged = merged_commits(root, default_branch(root)) if known else frozenset()
    except (GitError, UsageError):  # without a default branch nobody knows
        merged = frozenset()
    return [
        msgspec.structs.replace(entry, merged=entry.head in merged and not entry.dirty)
        for entry in known
    ]


def _is_entry(one: Listed) -> bool:
    return (
        one.bytes is not None
        and one.bytes <= ENTRY_MAX_BYTES
        and _PATH.fullmatch(one.path) is not None
    )


def _test_set_of(path: str) -> str:
    """Whose page something unreadable belongs to; by its folder, else everybody's."""
    folder = path.partition("/")[0]
    return folder if re.fullmatch("[0-9a-f]{64}", folder) else ""


def _path(entry: Entry) -> str:
    name = entry_name(entry)
    return f"{entry.test_set}/{name[:2]}/{name}.json"


def _message(count: int) -> str:
    return f"Record {count} verdict{'' if count == 1 else 's'}"
