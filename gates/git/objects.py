"""Files of a commit without a work tree: which there are, and a commit that has more of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gates.errors import GitError
from gates.git.call import run_git, start_git
from gates.git.repository import common_folder
from gates.scratch import scratch_folder

LISTING_MAX_BYTES = 1 << 24
_ZERO = "0" * 40
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "gatepost"), ("EMAIL", "gatepost@localhost"))
}


class Listed(NamedTuple):
    """An entry of a commit's tree; `bytes` of what is no file is `None`."""

    path: str
    bytes: int | None


def tip_of(root: Path, reference: str) -> str | None:
    """The commit that a full reference name stands for; `None` where there is none."""
    done = run_git(
        root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}", codes=(0, 1, 128)
    )
    return done.stdout.decode().strip() or None


def list_tree(root: Path, commit: str, folder: str = "") -> list[Listed]:
    """What a commit holds below a folder; no more than `LISTING_MAX_BYTES` of it are listed.

    Raises:
        GitError: objects of the commit are missing or broken.
    """
    below = (folder,) if folder else ()
    command = ("ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *below)
    with start_git(root, *command) as process:
        assert process.stdout is not None  # noqa: S101 - we asked for a pipe
        content = process.stdout.read(LISTING_MAX_BYTES)
        if len(content) == LISTING_MAX_BYTES:
            process.kill()
        elif process.wait():
            raise GitError(f"{root}: the files of {commit[:12]} cannot be listed. Run `git fsck`.")
    return [_listed(record) for record in content.split(b"\0")[:-1]]


def _listed(record: bytes) -> Listed:
    about, _, path = record.partition(b"\t")
    mode, _, _, size = about.split()
    is_file = mode == b"100644"
    return Listed(path.decode("utf-8", "surrogateescape"), int(size) if is_file else None)


def commit_with(root: Path, tips: Sequence[str], files: Mapping[str, bytes], message: str) -> str:
    """A commit on some others, with all their files and more; a path that two have is the first's.

    Raises:
        GitError: Git cannot write it.
    """
    with scratch_folder(common_folder(root) / "gatepost") as scratch:
        index = {"GIT_INDEX_FILE": str(scratch / "index")}
        added = b"".join(_index_line(root, path, content) for path, content in files.items())
        trees = [run_git(root, "ls-tree", "-r", "-z", "--full-tree", tip).stdout for tip in tips]
        listed = b"".join([added, *reversed(trees)])  # what is read last stays
        run_git(root, "update-index", "-z", "--index-info", fed=listed, variables=index)
        tree = run_git(root, "write-tree", variables=index).stdout.decode().strip()
    parents = [word for tip in tips for word in ("-p", tip)]
    made = run_git(root, "commit-tree", tree, *parents, "-m", message, variables=_IDENTITY)
    return made.stdout.decode().strip()


def _index_line(root: Path, path: str, content: bytes) -> bytes:
    name = run_git(root, "hash-object", "-w", "--stdin", fed=content).stdout.strip()
    return b"100644 blob %s\t%s\0" % (name, path.encode())


def move_reference(root: Path, reference: str, new: str, old: str | None) -> bool:
    """Let a reference stand for another commit, unless somebody else has moved it meanwhile."""
    done = run_git(root, "update-ref", reference, new, old or _ZERO, codes=(0, 1, 128))
    return done.returncode == 0


def fetch_branch(root: Path, remote: str, branch: str) -> str | None:
    """Get a branch of a remote; its tip, or `None` where the remote has no such branch.

    Raises:
        GitError: the remote does not answer.
    """
    source, target = f"refs/heads/{branch}", f"refs/remotes/{remote}/{branch}"
    fetch = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote)
    if run_git(root, *fetch, f"+{source}:{target}", codes=(0, 1, 128)).returncode:
        there = run_git(root, "ls-remote", "--exit-code", "--", remote, source, codes=(0, 2))
        if there.returncode:
            return None
        run_git(root, *fetch, f"+{source}:{target}")  # it came into being a moment ago
    return tip_of(root, target)
