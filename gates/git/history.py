"""The way of the commits: merge base, ancestors, the nearest tag, what was merged."""

from pathlib import Path

from gates.errors import GitError
from gates.git.call import line_in, run_git
from gates.git.repository import default_branch, resolve, shallow_commits


def merge_base(root: Path, base: str | None = None) -> str:
    """The commit that this work tree is compared with: the merge base of HEAD and `base`.

    On the default branch that is HEAD itself, so that the work tree's own changes are judged.

    Args:
        root: the work tree.
        base: a revision; by default the default branch.

    Raises:
        GitError: there is none, or a shallow clone hides which one it is.
    """
    name = base or default_branch(root)
    cut = shallow_commits(root)
    if not cut and (certain := _base_of_both(root, name)):
        return certain
    tip, head = resolve(root, name), resolve(root, "HEAD")
    found = line_in(run_git(root, "merge-base", tip, head, codes=(0, 1)).stdout)
    if cut and not (found and _is_certain(root, tip, head, found, cut)):
        raise GitError(
            f"{root}: this clone is shallow, so the merge base of {name} and HEAD cannot be known. "
            "Run `git fetch --unshallow`; with actions/checkout, set `fetch-depth: 0`."
        )
    if not found:
        raise GitError(
            f"{root}: {name} and HEAD have no commit in common, so there is nothing to compare "
            "with. Name another base with --base."
        )
    return found


def nearest_tag(root: Path, pattern: str, revision: str) -> tuple[str, str] | None:
    """The tag nearest to a commit among itself and its ancestors, and the commit it names.

    Args:
        root: the work tree.
        pattern: a glob over tag names, as of `git describe --match`.
        revision: the commit.
    """
    done = run_git(
        root,
        *("describe", "--tags", "--abbrev=0", f"--match={pattern}", revision),
        codes=(0, 128),
    )
    if done.returncode != 0:
        return None
    tag = line_in(done.stdout)
    return tag, resolve(root, f"refs/tags/{tag}")


def is_ancestor(root: Path, commit: str, of: str) -> bool:
    """Whether a commit, by its full hash, is known to lie before another one."""
    done = run_git(root, "merge-base", "--is-ancestor", commit, of, codes=(0, 1, 128))
    return done.returncode == 0


def merged_commits(root: Path, branch: str) -> frozenset[str]:
    """The commits of a branch, and the heads of what was merged into it.

    A branch of several commits that was merged counts with its head only, unless it was
    fast-forwarded. What was squashed or rebased has other commits, and is not found.

    Raises:
        GitError: there is no such branch.
    """
    done = run_git(root, "rev-list", "--first-parent", "--parents", branch, "--")
    return frozenset(done.stdout.decode().split())


def _base_of_both(root: Path, name: str) -> str:
    """The merge base of a revision and HEAD by one call; nothing where there is anything to say."""
    if name.startswith("-"):  # which looks like an option
        return ""
    names = (f"{name}^{{commit}}", "HEAD^{commit}")
    return line_in(run_git(root, "merge-base", *names, codes=(0, 1, 128)).stdout)


def _is_certain(root: Path, tip: str, head: str, found: str, cut: frozenset[str]) -> bool:
    """Whether no history was cut off outside the found commit's own.

    A common ancestor that the cut hides would lie behind a cut commit that is no ancestor of
    the one found; without such a commit the whole clone has the same merge base.
    """
    if found in (tip, head):
        return True
    outside = run_git(root, "rev-list", tip, head, f"^{found}").stdout.decode().split()
    return cut.isdisjoint(outside)
