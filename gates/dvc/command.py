"""One DVC command as a child process: its lines, its environment, and waiting for its lock."""

import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gates.errors import PipelineError
from gates.process import Ended, child_environment, run_group

Progress = Callable[[str], None]

LOCK_WAIT_S = 300.0
_RETRY_S = 1.0
_BUSY = re.compile(r"ERROR: .*(Unable to acquire lock|is busy, it is being blocked by)")
_HOLDER = re.compile(r"\s*\(PID (\d+)\): (.*)")


def run_dvc(
    root: Path,
    command: Sequence[str],
    progress: Progress,
    *,
    on_line: Callable[[str], None] = lambda _line: None,
    environment: Mapping[str, str] | None = None,
    lock_wait_s: float = LOCK_WAIT_S,
) -> Ended:
    """Run one DVC command, again for as long as another DVC process holds the tree's lock.

    Raises:
        PipelineError: DVC is missing, or the lock was not free in time; says who holds it.
    """
    variables = child_environment(environment)
    program = shutil.which("dvc", path=variables["PATH"])
    if program is None:
        raise PipelineError(
            "dvc: not found on PATH. Install it beside gatepost: `pip install 'gatepost[dvc]'`."
        )
    deadline = time.monotonic() + lock_wait_s
    waiting = False
    while True:
        ended = run_group([program, *command], root, variables, on_line)
        if ended.code == 0 or not any(map(_BUSY.match, ended.last_lines)):
            return ended
        holder = _lock_holder(root, ended)
        if time.monotonic() >= deadline:
            raise PipelineError(
                f"{root}: waited {lock_wait_s:.0f} s for another DVC process: {holder}. Let it "
                "finish or end it, then run again."
            )
        if not waiting:
            progress(f"waiting for another DVC process: {holder}")
            waiting = True
        time.sleep(_RETRY_S)


def fetch(
    root: Path,
    paths: Sequence[str],
    progress: Progress,
    *,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """Copy outputs from the remote into the cache; whether the remote had all of them."""
    progress(f"fetching {counted(len(paths), 'file')} from the DVC remote")
    ended = run_dvc(root, ["fetch", *paths], progress, environment=environment)
    return ended.code == 0


def counted(number: int, what: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def quoted(ended: Ended) -> str:
    """What the child said last; the mark keeps a line from being taken for a command of CI."""
    return "".join(f"\n  | {line}" for line in ended.last_lines)


def _lock_holder(root: Path, ended: Ended) -> str:
    for line in ended.last_lines:
        if match := _HOLDER.fullmatch(line):
            return f"process {match[1]} ({match[2]})"
    try:
        number = (root / ".dvc" / "tmp" / "lock").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        number = ""
    return f"process {number}" if number.isdecimal() else "it does not say which"
