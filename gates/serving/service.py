"""A repository's own service as a child of ours: started on a free port, watched, ended."""

import contextlib
import http.client
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from gates.errors import PipelineError
from gates.process import child_environment, has_ended, plain, running_group

START_MAX_S = 60.0
_POLL_S = 0.02
_OK = 200
_SHOWN_LINES = 8


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A service that answers."""

    port: int
    model: Path
    process: "subprocess.Popen[bytes]"
    start_up_s: float

    @property
    def lives(self) -> bool:
        """Whether its first process has not ended."""
        return not has_ended(self.process)


@contextlib.contextmanager
def serving(
    command: str, tree: Path, model: Path, environment: Mapping[str, str], log: Path
) -> Iterator[Running]:
    """Run `gates.evidence.serve` in a tree until the block ends; it answers when the block begins.

    Args:
        command: with `{model}` and `{port}`; a program and its arguments, never a shell's text.
        tree: where it runs.
        model: the file that it is to serve; a copy of ours, which updates replace.
        environment: what differs from ours.
        log: where its output goes.

    Raises:
        PipelineError: it ends, or does not answer `GET /health` with 200 in time.
    """
    port = _free_port()
    marks = {"{model}": str(model.resolve()), "{port}": str(port)}
    words = [_filled(word, marks) for word in shlex.split(command)]
    start = time.monotonic()
    try:
        with running_group(words, tree, child_environment(environment), log) as process:
            _await_health(process, port, start, command, log)
            taken = time.monotonic() - start
            yield Running(port=port, model=model, process=process, start_up_s=taken)
    except FileNotFoundError as error:
        raise PipelineError(f"`{command}`: {error}. Is it installed?") from error


def _await_health(
    process: "subprocess.Popen[bytes]", port: int, start: float, command: str, log: Path
) -> None:
    while not _is_healthy(port):
        ended = has_ended(process)
        if ended or time.monotonic() - start > START_MAX_S:
            late = f"did not answer GET /health with 200 in {START_MAX_S:g} s"
            how = "ended before it answered GET /health" if ended else late
            lines = log.read_bytes().splitlines()[-_SHOWN_LINES:]
            said = "".join(f"\n  | {plain(line)}" for line in lines if line.strip())
            raise PipelineError(f"`{command}` {how}{said}")
        time.sleep(_POLL_S)


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == _OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _filled(word: str, marks: Mapping[str, str]) -> str:
    for mark, text in marks.items():
        word = word.replace(mark, text)
    return word


def resident_bytes(process: "subprocess.Popen[bytes]") -> int | None:
    """Resident memory of all processes of its group; `None` where this system does not tell."""
    page, total, seen = os.sysconf("SC_PAGE_SIZE"), 0, False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[2]) == process.pid:  # its group, which the first process leads
                total, seen = total + int(fields[21]) * page, True
    return total if seen else None


def stored_bytes(model: Path) -> int:
    """Size of a model: of a file, or of all files of a folder."""
    if model.is_file():
        return model.stat().st_size
    return sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
