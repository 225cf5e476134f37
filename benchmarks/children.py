"""Jobs in processes of their own, held to a time and to a memory."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.stage import environment

_LOOK_S = 0.05


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a process may use before it is ended."""

    seconds: float = 500.0
    memory_mb: float = 12_288.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one job took and computed; `fault` says why it did not come to a good end."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    values: Mapping[str, float] = {}
    versions: Mapping[str, str] = {}
    ended: Literal["done", "raised", "stopped", "not run"] = "done"
    fault: str = ""


def run_child(
    python: Path, module: str, arguments: Sequence[str], limits: Limits | None = None
) -> Run:
    """Run `python -m MODULE ARGUMENTS --out FILE` of `benchmarks.measure` and read its figures."""
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "figures.json", Path(folder) / "errors.txt"
        command = (str(python), "-P", "-m", module, *arguments, "--out", str(out))
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                command,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=stream,
                start_new_session=True,
            )
            ended = _watch(process, limits or Limits())
        if out.exists():
            return msgspec.json.decode(out.read_bytes(), type=Run)
        if ended.fault:
            return ended
        said = errors.read_text("utf-8", "replace").strip().splitlines() or ["without a word"]
        return msgspec.structs.replace(
            ended, ended="raised", fault=f"exit {process.returncode}: {said[-1]}"
        )


def _watch(process: "subprocess.Popen[bytes]", limits: Limits) -> Run:
    """Wait until the process ends, or end it and all that it has started."""
    started, peak_mb, fault = time.perf_counter(), 0.0, ""
    while process.poll() is None:
        time.sleep(_LOOK_S)
        peak_mb = max(peak_mb, _resident_mb(process.pid))
        if time.perf_counter() - started > limits.seconds:
            fault = f"stopped after {limits.seconds:.0f} s"
        elif peak_mb > limits.memory_mb:
            fault = f"stopped above {limits.memory_mb / 1024:.0f} GB"
        if fault:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    seconds = time.perf_counter() - started
    return Run(
        seconds=seconds,
        cpu_seconds=seconds,
        peak_mb=peak_mb,
        ended="stopped" if fault else "done",
        fault=fault,
    )


def _resident_mb(pid: int) -> float:
    """Where there is no /proc, no memory is watched."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
