"""What Git knows: the root, the merge base, a file at a revision, what changed. Subprocess only."""

import contextlib
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from gates.errors import GitError, UsageError
from gates.process import child_environment, plain

FILE_MAX_BYTES = 1 << 26
_CANDIDATE_NAMES = ("main", "master")
_MOST_PATHS = 500  # in one command line
_LITERAL_PATHS = {"GIT_LITERAL_PATHSPECS": "1"}


def run_git(
    root: Path,
    *arguments: str,
    codes: Iterable[int] = (0,),
    fed: bytes = b"",
    variables: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[bytes]":
    """Run Git below a folder; without prompts, optional locks, hooks or a pager.

    Args:
        root: the folder.
        arguments: the command and its arguments.
        codes: exit codes that are no error.
        fed: what it reads from its standard input.
        variables: of its environment, besides ours.

    Raises:
        GitError: Git is missing, or it ended with a code that is not one of `codes`.
    """
    try:
        done = subprocess.run(
            _command(arguments),
            cwd=root,
            env={**_environment(), **(variables or {})},
            input=fed,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise _not_found() from error
    if done.returncode not in codes:
        said = " ".join(plain(line) for line in done.stderr.splitlines() if line.strip())
        what = " ".join(arguments[:2])
        raise GitError(f"{root}: `git {what}` ended with {done.returncode}: {said or 'no word'}")
    return done


def start_git(root: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Git as `run_git` runs it, with pipes to ask and to read as much as is wanted.

    Raises:
        GitError: Git is missing.
    """
    try:
        return subprocess.Popen(
            _command(arguments),
            cwd=root,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise _not_found() from error


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
    return Path(_line(done.stdout))


def common_folder(root: Path) -> Path:
    """The `.git` folder that all work trees of a repository share."""
    if (own := root / ".git").is_dir():
        return own.resolve()
    return (root / _line(run_git(root, "rev-parse", "--git-common-dir").stdout)).resolve()


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


def _resolve_both(root: Path, one: str, other: str) -> tuple[str, str]:
    """Two revisions by one call, where both name a commit and neither looks like an option."""
    if not one.startswith("-"):
        names = (f"{one}^{{commit}}", f"{other}^{{commit}}")
        done = run_git(root, "rev-parse", "--quiet", *names, codes=(0, 1, 128))
        found = done.stdout.decode("utf-8", "replace").split()
        if done.returncode == 0 and len(found) == len(names) and all(map(str.isalnum, found)):
            return found[0], found[1]
    return resolve(root, one), resolve(root, other)


def default_branch(root: Path) -> str:
    """The branch that pull requests merge into, as the remote has it where there is one.

    Raises:
        UsageError: none of the usual names exists.
    """
    head = "refs/remotes/origin/HEAD"  # not listed where the branch it names is gone
    named = _line(run_git(root, "for-each-ref", "--format=%(symref:short)", head).stdout)
    if named:
        return named
    configured = _line(run_git(root, "config", "init.defaultBranch", codes=(0, 1)).stdout)
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
    (tip, head), cut = _resolve_both(root, name, "HEAD"), _shallow_commits(root)
    found = _line(run_git(root, "merge-base", tip, head, codes=(0, 1)).stdout)
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
    tag = _line(done.stdout)
    return tag, resolve(root, f"refs/tags/{tag}")


def is_shallow(root: Path) -> bool:
    """Whether older commits, and the tags on them, may be missing from this clone."""
    return bool(_shallow_commits(root))


def _is_certain(root: Path, tip: str, head: str, found: str, cut: frozenset[str]) -> bool:
    """Whether no history was cut off outside the found commit's own.

    A common ancestor that the cut hides would lie behind a cut commit that is no ancestor of
    the one found; without such a commit the whole clone has the same merge base.
    """
    if found in (tip, head):
        return True
    outside = run_git(root, "rev-list", tip, head, f"^{found}").stdout.decode().split()
    return cut.isdisjoint(outside)


def read_files(root: Path, revision: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The content of files at a commit; paths that are no file there are left out.

    Raises:
        GitError: a file is larger than `FILE_MAX_BYTES`, or a path holds a line break.
    """
    found: dict[str, bytes] = {}
    with start_git(root, "cat-file", "--batch") as process:
        try:
            for path in dict.fromkeys(paths):
                content = None if _leaves(path) else _ask(process, revision, path)
                if content is not None:
                    found[path] = content
        finally:
            process.kill()
    return found


def read_file(root: Path, revision: str, path: str) -> bytes | None:
    """The content of one file at a commit; `None` where there is none."""
    return read_files(root, revision, (path,)).get(path)


def list_files(root: Path, revision: str) -> tuple[str, ...]:
    """The paths of all files at a commit."""
    done = run_git(root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", revision)
    return _paths(done.stdout)


def list_work_files(root: Path, *patterns: str) -> tuple[str, ...]:
    """The paths in the work tree that Git tracks or would track, sorted; deleted ones left out."""
    done = run_git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns
    )
    return tuple(sorted({path for path in _paths(done.stdout) if (root / path).is_file()}))


def list_tracked(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """What Git's index has at or below paths of the work tree, with each file's blob hash."""
    flags = ("-z", "--stage")
    done = run_git(root, "ls-files", *flags, "--", *_below(paths), variables=_LITERAL_PATHS)
    entries = (entry.partition("\t") for entry in _paths(done.stdout))
    return {path: told.split(" ")[1] for told, _, path in entries}


def list_untracked(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Files at or below paths of the work tree that Git neither has nor ignores, sorted."""
    flags = ("-z", "--others", "--exclude-standard")
    done = run_git(root, "ls-files", *flags, "--", *_below(paths), variables=_LITERAL_PATHS)
    return tuple(sorted(_paths(done.stdout)))


def changed_files(root: Path, revision: str) -> tuple[str, ...]:
    """Paths that differ between a commit and the work tree, untracked ones included, sorted."""
    flags = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv")
    tracked = run_git(root, "diff", *flags, revision, "--")
    untracked = run_git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return tuple(sorted({*_paths(tracked.stdout), *_paths(untracked.stdout)}))


def is_dirty(root: Path) -> bool:
    """Whether the work tree differs from HEAD, or holds files that Git neither has nor ignores."""
    return bool(run_git(root, "status", "--porcelain", "-z").stdout)


def _commit(root: Path, revision: str) -> str | None:
    done = run_git(
        root,
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"),
        codes=(0, 1, 128),
    )
    return _line(done.stdout) if done.returncode == 0 else None


def _shallow_commits(root: Path) -> frozenset[str]:
    path = common_folder(root) / "shallow"
    return frozenset(path.read_text("ascii").split()) if path.is_file() else frozenset()


def _shallow_hint(root: Path) -> str:
    return " (and the clone is shallow: `git fetch --unshallow`)" if _shallow_commits(root) else ""


def _ask(process: "subprocess.Popen[bytes]", revision: str, path: str) -> bytes | None:
    """One question to `git cat-file --batch`: a header line, the content, a line break."""
    if "\n" in path:
        raise GitError(f"{path!r}: a path with a line break is not read. Rename the file.")
    assert process.stdin is not None  # noqa: S101 - we asked for pipes
    assert process.stdout is not None  # noqa: S101
    question = f"{revision}:{PurePosixPath(path)}\n".encode(errors="surrogateescape")
    with contextlib.suppress(BrokenPipeError):  # it ended, and so will not answer
        process.stdin.write(question)
        process.stdin.flush()
    head = process.stdout.readline()
    if head.endswith((b" missing\n", b" ambiguous\n")):
        return None
    try:
        _, kind, length = head.rsplit(b" ", 2)
        size = int(length)
    except ValueError as error:
        raise GitError(f"{path}: `git cat-file` answered {plain(head)!r}.") from error
    if kind == b"blob" and size > FILE_MAX_BYTES:
        raise GitError(
            f"{path} at {revision[:12]}: {size:,} bytes in Git; at most {FILE_MAX_BYTES:,} are "
            "read. Keep large files under DVC."
        )
    content = process.stdout.read(size + 1)[:-1]
    return content if kind == b"blob" else None


def _command(arguments: Iterable[str]) -> tuple[str, ...]:
    return ("git", "--no-pager", "-c", "core.hooksPath=/dev/null", *arguments)


def _environment() -> dict[str, str]:
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return child_environment(quiet)


def _not_found() -> GitError:
    return GitError("git: not found on PATH. Install Git 2.30 or newer.")


def _below(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths that a command line can hold; all of the tree where they are many, or none."""
    given = tuple(paths)
    return given if 0 < len(given) <= _MOST_PATHS else (".",)


def _leaves(path: str) -> bool:
    return path.startswith("/") or ".." in PurePosixPath(path).parts


def _paths(output: bytes) -> tuple[str, ...]:
    return tuple(path.decode("utf-8", "surrogateescape") for path in output.split(b"\0") if path)


def _line(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape").rstrip("\n")
