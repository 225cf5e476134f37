"""Whole processes, timed from outside: wall time, processor time, memory at its peak.

The machine may be shared and its speed drift, so all commands take turns, round by round: each
round compares like with like, and of all rounds the minimum and the median are shown. Processor
time (of the process and its children) shows how much of the wall time was waiting for others.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Job:
    """A command, where it runs, and the exit codes that mean that it did its work."""

    name: str
    command: Sequence[str]
    folder: Path
    goal_ms: float | None = None
    goal_mb: float | None = None
    codes: tuple[int, ...] = (0,)


@dataclass
class Timed:
    """One figure a round, in the order of the rounds."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)

    @property
    def best_ms(self) -> float:
        """The shortest round."""
        return min(self.wall_ms)

    @property
    def median_ms(self) -> float:
        """The middle round."""
        return median(self.wall_ms)

    def ratio_to(self, other: "Timed") -> float:
        """The median over the rounds of this time by the other's in the same round."""
        return median(a / b for a, b in zip(self.wall_ms, other.wall_ms, strict=True))


def time_in_turns(
    jobs: Sequence[Job], rounds: int, environment: Mapping[str, str]
) -> dict[str, Timed]:
    """Every job once a round, after one round that does not count."""
    timed = {job.name: Timed() for job in jobs}
    for number in range(rounds + 1):
        for job in jobs:
            wall_ms, cpu_ms, peak_mb = _run(job, environment)
            if number:
                timed[job.name].wall_ms.append(wall_ms)
                timed[job.name].cpu_ms.append(cpu_ms)
                timed[job.name].peak_mb.append(peak_mb)
    return timed


def _run(job: Job, environment: Mapping[str, str]) -> tuple[float, float, float]:
    started = time.perf_counter()
    process = subprocess.Popen(
        job.command,
        cwd=job.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall_ms = (time.perf_counter() - started) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in job.codes:
        raise RuntimeError(f"{job.name}: exit {process.returncode}: {' '.join(job.command)}")
    return wall_ms, (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024
