"""Files of a commit and of the work tree: their content, which there are, what changed."""

import contextlib
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from gates.errors import GitError
from gates.git.call import paths_in, run_git, start_git
from gates.process import plain

FILE_MAX_BYTES = 1 << 26
_PIPE_BYTES = 1 << 12  # that every system's pipe holds
_MOST_PATHS = 500  # in one command line
_LITERAL_PATHS = {"GIT_LITERAL_PATHSPECS": "1"}


class FileReader:
    """Files of commits, by one `git cat-file --batch` however many are asked for."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask a process that `reading_files` started."""
        self._process = process

    def read(self, revision: str, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of files at a commit; paths that are no file there are left out.

        Raises:
            GitError: a file is larger than `FILE_MAX_BYTES`, or a path holds a line break.
        """
        found: dict[str, bytes] = {}
        inside = [path for path in dict.fromkeys(paths) if not _leaves(path)]
        for together in _batches({path: _question(revision, path) for path in inside}):
            self._ask(b"".join(together.values()))
            for path in together:
                content = self._answer(revision, path)
                if content is not None:
                    found[path] = content
        return found

    def _ask(self, questions: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - we asked for pipes
        with contextlib.suppress(BrokenPipeError):  # it ended, and so will not answer
            self._process.stdin.write(questions)
            self._process.stdin.flush()

    def _answer(self, revision: str, path: str) -> bytes | None:
        """A header line, the content, a line break."""
        assert self._process.stdout is not None  # noqa: S101 - we asked for pipes
        head = self._process.stdout.readline()
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
        content = self._process.stdout.read(size + 1)[:-1]
        return content if kind == b"blob" else None


@contextlib.contextmanager
def reading_files(root: Path) -> Iterator[FileReader]:
    """A reader of the files of any commit, for as long as the block lasts."""
    with start_git(root, "cat-file", "--batch") as process:
        try:
            yield FileReader(process)
        finally:
            process.kill()


def read_files(root: Path, revision: str, paths: Iterable[str]) -> dict[str, bytes]:
    """As `FileReader.read`, of one commit."""
    with reading_files(root) as files:
        return files.read(revision, paths)


def read_file(root: Path, revision: str, path: str) -> bytes | None:
    """The content of one file at a commit; `None` where there is none."""
    return read_files(root, revision, (path,)).get(path)


def list_files(root: Path, revision: str) -> tuple[str, ...]:
    """The paths of all files at a commit."""
    done = run_git(root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", revision)
    return paths_in(done.stdout)


def list_work_files(root: Path, *patterns: str) -> tuple[str, ...]:
    """The paths in the work tree that Git tracks or would track, sorted; deleted ones left out."""
    done = run_git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns
    )
    return tuple(sorted({path for path in paths_in(done.stdout) if (root / path).is_file()}))


def list_tracked(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """What Git's index has at or below paths of the work tree, with each file's blob hash."""
    flags = ("-z", "--stage")
    done = run_git(root, "ls-files", *flags, "--", *_below(paths), variables=_LITERAL_PATHS)
    entries = (entry.partition("\t") for entry in paths_in(done.stdout))
    return {path: told.split(" ")[1] for told, _, path in entries}


def list_untracked(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Files at or below paths of the work tree that Git neither has nor ignores, sorted."""
    flags = ("-z", "--others", "--exclude-standard")
    done = run_git(root, "ls-files", *flags, "--", *_below(paths), variables=_LITERAL_PATHS)
    return tuple(sorted(paths_in(done.stdout)))


def changed_files(root: Path, revision: str) -> tuple[str, ...]:
    """Paths that differ between a commit and the work tree, untracked ones included, sorted."""
    flags = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv")
    tracked = run_git(root, "diff", *flags, revision, "--")
    untracked = run_git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return tuple(sorted({*paths_in(tracked.stdout), *paths_in(untracked.stdout)}))


def is_dirty(root: Path) -> bool:
    """Whether the work tree differs from HEAD, or holds files that Git neither has nor ignores."""
    return bool(run_git(root, "status", "--porcelain", "-z").stdout)


def _question(revision: str, path: str) -> bytes:
    if "\n" in path:
        raise GitError(f"{path!r}: a path with a line break is not read. Rename the file.")
    return f"{revision}:{PurePosixPath(path)}\n".encode(errors="surrogateescape")


def _batches(questions: Mapping[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Questions that fit a pipe together: more of them and Git, answering, would wait for us."""
    batch: dict[str, bytes] = {}
    size = 0
    for path, question in questions.items():
        if batch and size + len(question) > _PIPE_BYTES:
            yield batch
            batch, size = {}, 0
        batch[path] = question
        size += len(question)
    if batch:
        yield batch


def _below(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths that a command line can hold; all of the tree where they are many, or none."""
    given = tuple(paths)
    return given if 0 < len(given) <= _MOST_PATHS else (".",)


def _leaves(path: str) -> bool:
    return path.startswith("/") or ".." in PurePosixPath(path).parts
