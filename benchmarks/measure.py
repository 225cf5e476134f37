"""One job, measured inside a process of its own: `python -m MODULE JOB --folder F --out FILE`.

Standard library only, so that it runs in the environment of any peer.
"""

import argparse
import json
import logging
import platform
import resource
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

Values = Mapping[str, float]  # what was computed, by names that another tool's job uses as well
Prepared = Callable[[], Values]
Job = Callable[[Path], Prepared]  # what a job does before it returns is not timed


def run_job(
    jobs: Mapping[str, Job], packages: Sequence[str], arguments: Sequence[str] | None = None
) -> None:
    """Run the asked job once and write its figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=jobs)
    parser.add_argument("--folder", type=Path, required=True, help="of the synthetic tables")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # of a peer's own making
    logging.disable()
    prepared = jobs[asked.job](asked.folder)
    values: Values = {}
    fault = ""
    started, cpu = time.perf_counter(), _cpu_seconds()
    try:
        values = prepared()
    except Exception as error:  # noqa: BLE001 - that a peer raises is a figure too
        fault = f"{type(error).__name__}: {error}"
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": _cpu_seconds() - cpu,
        "peak_mb": read_peak_mb(),
        "ended": "raised" if fault else "done",
        "fault": fault,
        "values": {name: float(value) for name, value in values.items()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }
    asked.out.write_text(json.dumps(figures), "utf-8")


def read_peak_mb() -> float:
    """The largest resident memory of this process since it became what it is."""
    status = Path("/proc/self/status")
    if status.exists():  # the other figure also counts the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _cpu_seconds() -> float:
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)
