"""How long the commands take, as whole processes: `python -m benchmarks.speed [ROUNDS]`.

Prints one table. Nothing here is a test: a time depends on the machine, so nothing fails when a
goal is missed; the last column says whether it is kept.
"""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.stage import (
    ALL_GATES,
    BASELINE,
    CANDIDATE,
    CLONE,
    FEW_GATES,
    ROOT,
    STAGE,
    STORES,
    environment,
    set_the_stage,
)
from benchmarks.timing import Job, Timed, time_in_turns

ROUNDS = 7
VERDICT = STAGE / "verdict.json"
PYTHON = (sys.executable, "-P")
BARE, CHECK, REPRO = "python -c pass", "gatepost check, nothing changed", "dvc repro, same tree"
ONE_THREAD = "import os; os.environ['OPENBLAS_NUM_THREADS'] = '1'; "  # as gatepost does
CHECK_GOAL_MS = 1_500  # more than `dvc repro`
COMMANDS = ("judge", "report", "explain", "pack", "collect", "check")
PACKAGES = ("numpy", "pyarrow", "msgspec", "jinja2", "pyyaml", "dvc")


def main() -> None:
    """Set the stage, time everything in turns, print the table."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    gatepost = find_gatepost()
    say("Setting the stage: a clone, its pipeline and a pull request to it reproduced.")
    set_the_stage(gatepost)
    jobs = list_jobs(gatepost)
    write_verdict(gatepost)
    say(f"Timing {len(jobs)} commands in turns, {rounds} rounds and one that does not count.")
    timed = time_in_turns(jobs, rounds, environment())
    print("\n".join(describe_machine(gatepost, rounds)))
    print()
    print("\n".join(render(jobs, timed)))


def find_gatepost() -> tuple[str, ...]:
    """The console script beside this interpreter; else the package."""
    script = Path(sys.executable).with_name("gatepost")
    return (str(script),) if script.exists() else (*PYTHON, "-m", "gates")


def list_jobs(gatepost: tuple[str, ...]) -> list[Job]:
    """What is timed, with its goal where it has one."""
    judge = (*gatepost, "judge", "--candidate", str(CANDIDATE), "--baseline", str(BASELINE))
    find = (*PYTHON, "-m", "benchmarks.find", str(CLONE))
    return [
        Job(BARE, (*PYTHON, "-c", "pass"), ROOT),
        Job("gatepost --help", (*gatepost, "--help"), ROOT, goal_ms=40),
        Job(
            "render a comment",
            (*gatepost, "report", str(VERDICT), "--format", "comment"),
            ROOT,
            goal_ms=100,
        ),
        Job(
            "judge: metrics, segments, fairness",
            (*judge, "--policy", str(FEW_GATES), "--json"),
            ROOT,
            goal_ms=400,
            codes=(0, 1),
        ),
        Job(
            "judge: all gates",
            (*judge, "--policy", str(ALL_GATES), "--json"),
            ROOT,
            goal_ms=2_000,
            goal_mb=400,
            codes=(0, 1),
        ),
        Job("baseline from DVC's cache", (*find, "dvc cache", str(STORES)), ROOT, goal_ms=100),
        Job("baseline from the local store", (*find, "local store"), ROOT, goal_ms=100),
        Job(REPRO, ("dvc", "repro"), CLONE),
        Job(CHECK, (*gatepost, "check", "--base", "main"), CLONE, codes=(0, 1)),
        *(
            Job(
                f"import of `{name}`",
                (*PYTHON, "-c", f"{ONE_THREAD}import gates.commands.{name}"),
                ROOT,
            )
            for name in COMMANDS
        ),
    ]


def write_verdict(gatepost: tuple[str, ...]) -> None:
    """The verdict that is rendered: of all gates on the pull request."""
    command = (*gatepost, "judge", "--candidate", str(CANDIDATE), "--baseline", str(BASELINE))
    command = (*command, "--policy", str(ALL_GATES), "--out", str(VERDICT), "--json")
    subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, check=False)


def describe_machine(gatepost: tuple[str, ...], rounds: int) -> list[str]:
    """Where and with what the figures were taken."""
    files = json.loads((CANDIDATE / "manifest.json").read_bytes())["files"]
    rows = {file["name"]: file["rows"] for file in files}
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    called = "the console script" if len(gatepost) == 1 else "python -m gates"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    machine = f"{platform.system()} {platform.machine()}, {cores} cores, load {load}"
    tables = f"{rows['test.parquet']:,} test rows, {rows['train.parquet']:,} training rows"
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}; Python {platform.python_version()}; {packages}",
        f"{tables}; {rounds} rounds in turns; gatepost called as {called}",
    ]


def render(jobs: list[Job], timed: dict[str, Timed]) -> list[str]:
    """The table, in Markdown."""
    lines = [
        "| whole process | minimum ms | median ms | CPU ms | × bare | peak MB | goal | kept |",
        "|---|---:|---:|---:|---:|---:|---|---|",
    ]
    for job in jobs:
        one = timed[job.name]
        goal, kept = judge_goal(job, one)
        figures = (
            f"{one.best_ms:,.0f}",
            f"{one.median_ms:,.0f}",
            f"{min(one.cpu_ms):,.0f}",
            f"{one.ratio_to(timed[BARE]):.1f}",
            f"{max(one.peak_mb):.0f}",
        )
        lines.append(f"| {' | '.join((job.name, *figures, goal, kept))} |")
    pairs = zip(timed[CHECK].wall_ms, timed[REPRO].wall_ms, strict=True)
    more = Timed([check - repro for check, repro in pairs])
    lines.append(
        f"| check minus repro, round by round | {more.best_ms:,.0f} | {more.median_ms:,.0f} "
        f"| | | | ≤ {CHECK_GOAL_MS:,} ms | {say_kept(more, CHECK_GOAL_MS)} |"
    )
    return lines


def judge_goal(job: Job, timed: Timed) -> tuple[str, str]:
    """The goal in words, and whether the minimum or even the median keeps it."""
    if job.goal_ms is None:
        return "", ""
    goal, kept = f"≤ {job.goal_ms:,.0f} ms", say_kept(timed, job.goal_ms)
    if job.goal_mb is not None:
        goal += f", ≤ {job.goal_mb:,.0f} MB"
        kept = kept if max(timed.peak_mb) <= job.goal_mb else "no"
    return goal, kept


def say_kept(timed: Timed, goal_ms: float) -> str:
    """A busy machine can slow every round down, so the minimum counts too, and is called so."""
    if timed.median_ms <= goal_ms:
        return "yes"
    return "at best" if timed.best_ms <= goal_ms else "no"


def say(line: str) -> None:
    """Progress, apart from the table."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
