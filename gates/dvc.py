"""Running DVC: reproduce the pipeline, fetch objects. DVC is a program here, never an import."""

import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from gates.dvc_cache import cache_folder, is_cached, object_path
from gates.dvc_files import POINTER_SUFFIX, Recorded, read_pointer
from gates.errors import PipelineError
from gates.git import list_work_files
from gates.manifest import digest
from gates.process import Ended, child_environment, run_group

Progress = Callable[[str], None]

LOCK_WAIT_S = 300.0
_RETRY_S = 1.0
_RUNNING = re.compile(r"Running stage '(.+)':")
_CACHED = re.compile(r"Stage '(.+)' is cached - skipping run")
_UNCHANGED = re.compile(r"Stage '(.+)' didn't change, skipping")
_FAILED = re.compile(r"ERROR: failed to reproduce '(.+?)': (.*)")
_EXITED = re.compile(r"exited with (-?\d+)$")
_BUSY = re.compile(r"ERROR: .*(Unable to acquire lock|is busy, it is being blocked by)")
_HOLDER = re.compile(r"\s*\(PID (\d+)\): (.*)")


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
    _bring_inputs(root, where, progress, environment, lock_wait_s)
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


def fetch(
    root: Path,
    paths: Sequence[str],
    progress: Progress,
    *,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """Copy outputs from the remote into the cache; whether the remote had all of them."""
    progress(f"fetching {len(paths)} file{'s' if len(paths) > 1 else ''} from the DVC remote")
    ended = run_dvc(root, ["fetch", *paths], progress, environment=environment)
    return ended.code == 0


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


def read_pointers(root: Path) -> dict[str, Recorded]:
    """What the `.dvc` files of a work tree point to, by path."""
    names = list_work_files(root, f"*{POINTER_SUFFIX}")
    return {
        recorded.path: recorded
        for name in names
        for recorded in read_pointer((root / name).read_bytes(), name)
    }


def _bring_inputs(
    root: Path,
    where: str,
    progress: Progress,
    environment: Mapping[str, str] | None,
    lock_wait_s: float,
) -> None:
    """Put data that `.dvc` files point to into the tree where it is missing, and verify it."""
    pointers = read_pointers(root)
    missing = [one for one in pointers.values() if not (root / one.path).exists()]
    if not missing:
        return
    cache = cache_folder(root)
    is_here = all(is_cached(cache, one) and not (one.md5 or "").endswith(".dir") for one in missing)
    verb = "checkout" if is_here else "pull"
    progress(f"{verb} of {len(missing)} of {len(pointers)} data files")
    paths = [one.path for one in missing]
    ended = run_dvc(
        root, [verb, *paths], progress, environment=environment, lock_wait_s=lock_wait_s
    )
    absent = [one for one in missing if not (root / one.path).exists()]
    if absent:
        names = ", ".join(f"{one.path} ({one.text()})" for one in absent[:5])
        raise PipelineError(
            f"{where}: {len(absent)} of {len(pointers)} data files are not to be had: {names}. "
            f"The remote lacks them or has another content under their names, or `dvc {verb}` says "
            f"why below. Run `dvc push` where they are.{_quoted(ended)}"
        )
    _refuse_other_content(root, where, missing)


def _refuse_other_content(root: Path, where: str, pulled: Iterable[Recorded]) -> None:
    # A remote without `verify = true` lets a damaged object pass; DVC then calls it up to date.
    for one in pulled:
        if one.md5 is None or one.md5.endswith(".dir"):
            continue
        found = digest(root / one.path, "md5")[0]
        if found != one.md5:
            raise PipelineError(
                f"{where}: input {one.path} does not match its recorded hash: its MD5 is "
                f"{found[:12]}…, its pointer says {one.md5[:12]}…; the DVC cache or remote is "
                f"damaged. Delete it and {object_path(cache_folder(root), one.md5)}, set "
                "`verify = true` on the remote, and run `dvc push` where it is whole."
            )


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
                f"{_quoted(ended)}"
            )
    how = f"was ended by signal {-ended.code}" if ended.code < 0 else f"ended with {ended.code}"
    return PipelineError(f"{where}: `dvc repro` {how}.{_quoted(ended)}")


def _quoted(ended: Ended) -> str:
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


def _require_project(root: Path, where: str) -> None:
    for name, mend in ((".dvc", "dvc init"), ("dvc.yaml", "dvc stage add")):
        if not (root / name).exists():
            raise PipelineError(
                f"{where}: no {name}, so there is no pipeline to reproduce. Set one up (`{mend}`), "
                "or judge evidence made elsewhere: `gatepost pack`, then `gatepost judge`."
            )
