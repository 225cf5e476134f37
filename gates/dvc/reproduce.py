"""Reproducing the pipeline with DVC, which is a program here and never an import."""

import re
import time
from collections.abc import Mapping
from pathlib import Path

from gates.dvc.command import LOCK_WAIT_S, Progress, quoted, run_dvc
from gates.dvc.inputs import bring_inputs
from gates.errors import PipelineError
from gates.process import Ended

_RUNNING = re.compile(r"Running stage '(.+)':")
_CACHED = re.compile(r"Stage '(.+)' is cached - skipping run")
_UNCHANGED = re.compile(r"Stage '(.+)' didn't change, skipping")
_FAILED = re.compile(r"ERROR: failed to reproduce '(.+?)': (.*)")
_EXITED = re.compile(r"exited with (-?\d+)$")


def reproduce(
    root: Path,
    progress: Progress,
    *,
    use_run_cache: bool = True,
    environment: Mapping[str, str] | None = None,
    lock_wait_s: float = LOCK_WAIT_S,
    where: str = "",
) -> None:
    """Bring every output of the pipeline up to date with this tree's code, params and data.

    Only data that no stage makes is ever fetched from a remote; what stages make is taken from
    the local cache where `dvc.lock` names it, or made. The remote's outputs and its run cache
    are not asked for: whoever can write there could put results in that nobody computed.

    Args:
        root: the work tree; its root is the DVC project's.
        progress: gets one line for each stage, with its seconds or why it did not run.
        use_run_cache: let DVC restore results of earlier runs in this clone that `dvc.lock`
            does not name. Switch it off where others can write to this clone's cache, as in CI.
        environment: variables for DVC on top of ours.
        lock_wait_s: how long to wait for another DVC process in the same tree.
        where: what messages call the tree; by default its path.

    Raises:
        PipelineError: a stage failed, data is missing or not what its pointer says, DVC is
            missing, or another DVC process did not end in time.
    """
    where = where or str(root)
    _require_project(root, where)
    bring_inputs(root, where, progress, environment, lock_wait_s)
    command = ["repro", *([] if use_run_cache else ["--no-run-cache"])]
    stages = _StageLog(progress)
    ended = run_dvc(
        root,
        command,
        progress,
        on_line=stages.hear,
        environment=environment,
        lock_wait_s=lock_wait_s,
    )
    stages.end()
    if ended.code != 0:
        raise _failure(where, ended)


class _StageLog:
    """Turns DVC's lines into one line a stage, with the time that it took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._running: str | None = None
        self._started = 0.0

    def hear(self, line: str) -> None:
        if match := _RUNNING.fullmatch(line):
            self.end()
            self._running, self._started = match[1], time.monotonic()
            self._progress(f"{match[1]}: running")
        elif match := _CACHED.match(line):
            self.end()
            self._progress(f"{match[1]}: from the cache")
        elif match := _UNCHANGED.fullmatch(line):
            self.end()
            self._progress(f"{match[1]}: unchanged")
        elif line.startswith("ERROR: failed to reproduce"):
            self._running = None

    def end(self) -> None:
        if self._running is not None:
            self._progress(f"{self._running}: {time.monotonic() - self._started:.1f} s")
        self._running = None


def _failure(where: str, ended: Ended) -> PipelineError:
    for line in reversed(ended.last_lines):
        if match := _FAILED.match(line):
            code = _EXITED.search(match[2])
            how = f"exited with {code[1]}" if code else match[2]
            return PipelineError(
                f"{where}: stage {match[1]} {how}. Mend it; `dvc repro {match[1]}` runs it alone."
                f"{quoted(ended)}"
            )
    how = f"was ended by signal {-ended.code}" if ended.code < 0 else f"ended with {ended.code}"
    return PipelineError(f"{where}: `dvc repro` {how}.{quoted(ended)}")


def _require_project(root: Path, where: str) -> None:
    for name, mend in ((".dvc", "dvc init"), ("dvc.yaml", "dvc stage add")):
        if not (root / name).exists():
            raise PipelineError(
                f"{where}: no {name}, so there is no pipeline to reproduce. Set one up (`{mend}`), "
                "or judge evidence made elsewhere: `gatepost pack`, then `gatepost judge`."
            )
