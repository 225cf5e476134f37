"""How long the commands take, as whole processes, on the reference project and a change of it."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.machine import describe
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

Say = Callable[[str], None]
VERDICT = STAGE / "verdict.json"
PYTHON = (sys.executable, "-P")
BARE, CHECK, REPRO = "python -c pass", "gatepost check, nothing changed", "dvc repro, same tree"
HELP, COMMENT, JUDGE_FEW = (
    "gatepost --help",
    "render a comment",
    "judge: metrics, segments, fairness",
)
CACHED = "baseline from DVC's cache"
ONE_THREAD = "import os; os.environ['OPENBLAS_NUM_THREADS'] = '1'; "  # as gatepost does
CHECK_GOAL_MS = 1_500  # more than `dvc repro`
COMMANDS = ("judge", "report", "explain", "pack", "collect", "check")
PACKAGES = ("numpy", "pyarrow", "msgspec", "jinja2", "pyyaml", "dvc")


def print_commands(rounds: int, say: Say) -> None:
    """Set the stage, time everything in turns, print the table."""
    jobs, timed = time_commands((), rounds, say)
    print("\n".join(describe_stage(find_gatepost(), rounds)))
    print()
    print("\n".join(render(jobs, timed)))


def time_commands(
    names: Sequence[str], rounds: int, say: Say
) -> tuple[list[Job], dict[str, Timed]]:
    """Time the named commands in turns; all of them where none is named."""
    gatepost = find_gatepost()
    say("Setting the stage: a clone, its pipeline and a pull request to it reproduced.")
    set_the_stage(gatepost)
    write_verdict(gatepost)
    jobs = [job for job in list_jobs(gatepost) if not names or job.name in names]
    say(f"Timing {len(jobs)} commands in turns, {rounds} rounds and one that does not count.")
    return jobs, time_in_turns(jobs, rounds, environment())


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
        Job(HELP, (*gatepost, "--help"), ROOT, goal_ms=40),
        Job(
            COMMENT,
            (*gatepost, "report", str(VERDICT), "--format", "comment"),
            ROOT,
            goal_ms=100,
        ),
        Job(
            JUDGE_FEW,
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
        Job(CACHED, (*find, "dvc cache", str(STORES)), ROOT, goal_ms=100),
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


def describe_stage(gatepost: tuple[str, ...], rounds: int) -> list[str]:
    """Where and with what the figures were taken."""
    files = json.loads((CANDIDATE / "manifest.json").read_bytes())["files"]
    rows = {file["name"]: file["rows"] for file in files}
    called = "the console script" if len(gatepost) == 1 else "python -m gates"
    tables = f"{rows['test.parquet']:,} test rows, {rows['train.parquet']:,} training rows"
    return [
        describe({name: version(name) for name in PACKAGES}),
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
