"""Jobs of the product and of its peers, run in turns, each in a process of its own."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.children import Limits, Run, run_child
from benchmarks.peers.environment import NotInstalledError, peer_python

OURS = "gatepost"
ROUNDS = 3
LONG_S = 60.0  # what takes longer is run once


class Task(msgspec.Struct, frozen=True):
    """A job of one of our topics (a module of `benchmarks/jobs/`), or of a peer."""

    tool: str
    job: str
    topic: str = ""

    @property
    def module(self) -> str:
        """What is run."""
        return f"benchmarks.jobs.{self.topic}" if self.topic else f"benchmarks.peers.{self.tool}"

    def __str__(self) -> str:
        return " ".join(filter(None, (self.tool, self.topic, self.job)))


Results = Mapping[Task, Run]


def ours(topic: str, job: str) -> Task:
    """A task of the product."""
    return Task(OURS, job, topic)


def by_processor(results: Results) -> Results:
    """The same with processor time as time, which a busy machine hardly changes."""
    return {
        task: msgspec.structs.replace(run, seconds=run.cpu_seconds) for task, run in results.items()
    }


def run_tasks(
    tasks: Sequence[Task],
    folder: Path,
    say: Callable[[str], None],
    rounds: int = ROUNDS,
    limits: Limits | None = None,
) -> Results:
    """The quickest run of each task, of as many rounds as it is short enough for.

    A task that failed, or that took longer than `LONG_S`, is run once. A peer that cannot be
    installed has that as its fault.
    """
    best: dict[Task, Run] = {}
    pythons = {tool: _find_python(tool) for tool in dict.fromkeys(task.tool for task in tasks)}
    for number in range(rounds):
        for task in tasks:
            if task in best and (best[task].ended != "done" or best[task].seconds > LONG_S):
                continue
            python = pythons[task.tool]
            run = python if isinstance(python, Run) else _run(task, python, folder, limits)
            say(f"{number + 1}: {task}: {run.fault or f'{run.seconds:.3f} s'}")
            if task not in best or run.seconds < best[task].seconds:
                best[task] = run
    return best


def _run(task: Task, python: Path, folder: Path, limits: Limits | None) -> Run:
    return run_child(python, task.module, (task.job, "--folder", str(folder)), limits)


def _find_python(tool: str) -> Path | Run:
    """An interpreter, or why there is none."""
    if tool == OURS:
        return Path(sys.executable)
    try:
        return peer_python(tool)
    except NotInstalledError as why:
        return Run(seconds=0.0, cpu_seconds=0.0, peak_mb=0.0, ended="not run", fault=str(why))
