"""Calls of Git: without prompts, optional locks, hooks or a pager."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from gates.errors import GitError
from gates.process import child_environment, plain


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


def line_in(output: bytes) -> str:
    """The one line of an output."""
    return output.decode("utf-8", "surrogateescape").rstrip("\n")


def paths_in(output: bytes) -> tuple[str, ...]:
    """The paths of an output, each of which a zero byte ends."""
    return tuple(path.decode("utf-8", "surrogateescape") for path in output.split(b"\0") if path)


def _command(arguments: Iterable[str]) -> tuple[str, ...]:
    return ("git", "--no-pager", "-c", "core.hooksPath=/dev/null", *arguments)


def _environment() -> dict[str, str]:
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return child_environment(quiet)


def _not_found() -> GitError:
    return GitError("git: not found on PATH. Install Git 2.30 or newer.")
