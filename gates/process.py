"""Children of ours: their environment, their output line by line, and their end, all of them.

A child is the leader of a process group of its own, so that nothing of it goes on writing after
we were interrupted; POSIX only.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

LAST_LINES = 15
_LINE_MAX_BYTES = 1 << 14
_LINE_SHOWN_CHARACTERS = 400
_GRACE_S = 3.0  # a cancelled GitHub job has 7.5 seconds before it gets SIGTERM
_TICK_S = 0.2
# What a Git hook or a DVC stage sets for itself, and what would send our children elsewhere.
_FOREIGN = ("DVC_ROOT", "DVC_STAGE")
_FOREIGN_GIT = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
)


class Ended(NamedTuple):
    """How a child ended: its exit code (negative: the signal), and what it said last."""

    code: int
    last_lines: tuple[str, ...]


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment, in which `python` and `dvc` are those of the project.

    Where DVC is installed beside our own interpreter, that is the project's environment, whether
    it is activated or not. Elsewhere (a tool installed apart from the project) PATH stays as it is.
    """
    environment = {
        name: value for name, value in os.environ.items() if name not in (*_FOREIGN, *_FOREIGN_GIT)
    }
    own = Path(sys.executable).parent
    if (own / "dvc").exists():
        environment["PATH"] = os.pathsep.join((str(own), environment.get("PATH", os.defpath)))
    environment["DVC_NO_ANALYTICS"] = "1"
    environment["PYTHONUNBUFFERED"] = "1"
    environment.update(extra or {})
    return environment


def run_group(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
) -> Ended:
    """Run a command to its end, and end whatever it started, however we leave.

    Args:
        command: the program and its arguments; never a shell's text.
        cwd: where it runs.
        environment: the whole of it (see `child_environment`).
        on_line: gets each line of its output and errors, without control characters.
    """
    last: deque[str] = deque(maxlen=LAST_LINES)
    with signals_as_interrupt():
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            for line in _lines(process):
                last.append(line)
                on_line(line)
        finally:
            with uninterrupted():
                _end_group(process)
    return Ended(process.returncode, tuple(last))


@contextlib.contextmanager
def running_group(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command beside us while the block runs, and end whatever it started, however we leave.

    Its output goes to `log`. The leader is reaped when the block ends.
    """
    with signals_as_interrupt(), log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with uninterrupted():
                _end_group(process)


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[str]:
    """Lines until the leader has ended; a child it left behind must not keep us waiting."""
    assert process.stdout is not None  # noqa: S101 - we asked for a pipe
    descriptor = process.stdout.fileno()
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if not selector.select(_TICK_S):
                if has_ended(process):
                    break
                continue
            block = os.read(descriptor, 1 << 16)
            if not block:
                break
            *whole, pending = (pending + block).replace(b"\r", b"\n").split(b"\n")
            if len(pending) > _LINE_MAX_BYTES:
                whole, pending = [*whole, pending], b""
            yield from (plain(line) for line in whole if line.strip())
    if pending.strip():
        yield plain(pending)
    while not has_ended(process):
        time.sleep(_TICK_S / 10)


def plain(line: bytes) -> str:
    """A line of foreign output that does nothing to a terminal."""
    text = line.decode("utf-8", "replace").expandtabs(4)
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown.rstrip()[:_LINE_SHOWN_CHARACTERS]


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether the leader has ended; it stays unreaped, so that its group keeps its number."""
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if not has_ended(process):
            os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(_TICK_S / 10)
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    process.wait()


@contextlib.contextmanager
def signals_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind us as Ctrl-C does, so that everything is cleaned up."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling(interrupt, signal.SIGTERM, signal.SIGHUP):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Finish a short clean-up before the next signal is heard."""
    with _handling(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield


@contextlib.contextmanager
def _handling(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers, *signals: signal.Signals
) -> Iterator[None]:
    try:
        before = {one: signal.signal(one, handler) for one in signals}
    except ValueError:  # only the main thread hears signals
        yield
        return
    try:
        yield
    finally:
        for one, old in before.items():
            signal.signal(one, old)
