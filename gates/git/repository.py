"""The repository itself: its root, its branches, what a revision names, whether it is whole."""

from pathlib import Path

from gates.errors import GitError, UsageError
from gates.git.call import line_in, run_git

_CANDIDATE_NAMES = ("main", "master")


def find_root(start: Path) -> Path:
    """The folder of the work tree that holds `start`.

    Raises:
        UsageError: `start` lies in no work tree.
    """
    try:
        done = run_git(start, "rev-parse", "--show-toplevel")
    except GitError as error:
        raise UsageError(
            f"{start}: not in a Git work tree ({error}). Run gatepost inside the repository."
        ) from error
    return Path(line_in(done.stdout))


def common_folder(root: Path) -> Path:
    """The `.git` folder that all work trees of a repository share."""
    if (own := root / ".git").is_dir():
        return own.resolve()
    return (root / line_in(run_git(root, "rev-parse", "--git-common-dir").stdout)).resolve()


def resolve(root: Path, revision: str) -> str:
    """The full hash of the commit that a revision names.

    Raises:
        UsageError: it names none.
    """
    found = _commit(root, revision)
    if found is None:
        raise UsageError(
            f"{revision!r}: no commit of this repository{_shallow_hint(root)}. Give a branch, a "
            "tag or a hash; `git fetch` gets what the remote has."
        )
    return found


def default_branch(root: Path) -> str:
    """The branch that pull requests merge into, as the remote has it where there is one.

    Raises:
        UsageError: none of the usual names exists.
    """
    head = "refs/remotes/origin/HEAD"  # not listed where the branch it names is gone
    named = line_in(run_git(root, "for-each-ref", "--format=%(symref:short)", head).stdout)
    if named:
        return named
    configured = line_in(run_git(root, "config", "init.defaultBranch", codes=(0, 1)).stdout)
    names = tuple(
        dict.fromkeys((configured, *_CANDIDATE_NAMES) if configured else _CANDIDATE_NAMES)
    )
    for branch in (*(f"origin/{name}" for name in names), *names):
        if _commit(root, branch):
            return branch
    raise UsageError(
        f"{root}: no default branch: neither origin/HEAD nor {' nor '.join(names)} exists"
        f"{_shallow_hint(root)}. Name the base with --base, or `git remote set-head origin --auto`."
    )


def is_shallow(root: Path) -> bool:
    """Whether older commits, and the tags on them, may be missing from this clone."""
    return bool(shallow_commits(root))


def shallow_commits(root: Path) -> frozenset[str]:
    """The commits whose parents this clone does not have."""
    path = common_folder(root) / "shallow"
    return frozenset(path.read_text("ascii").split()) if path.is_file() else frozenset()


def _shallow_hint(root: Path) -> str:
    return " (and the clone is shallow: `git fetch --unshallow`)" if shallow_commits(root) else ""


def _commit(root: Path, revision: str) -> str | None:
    done = run_git(
        root,
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"),
        codes=(0, 1, 128),
    )
    return line_in(done.stdout) if done.returncode == 0 else None
