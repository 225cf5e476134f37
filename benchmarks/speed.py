"""How fast gatepost is, and how much memory it takes.

    python -m benchmarks.speed [--rounds 7]
    python -m benchmarks.speed --rows 1000000 --against fairlearn,evidently,deepchecks

The first prints a table of whole commands. The second prints our jobs on synthetic tables of that
many rows beside those of peers, each in an environment of its own, and the goals; those that are
set for larger tables are taken at ten times the rows. Nothing here is a test: a time depends on the
machine, so nothing fails when a goal is missed.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks import alone, beside, goals
from benchmarks.children import Limits
from benchmarks.commands import CACHED, COMMENT, HELP, JUDGE_FEW, print_commands, time_commands
from benchmarks.machine import describe, show_load
from benchmarks.stage import ROOT, STAGE, environment
from benchmarks.tasks import Results, by_processor, run_tasks
from benchmarks.timing import Timed
from gates import __version__

ROUNDS, TURNS = 7, 3  # of commands, and of jobs beside peers


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of commands, or those of jobs and goals."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the commands")
    parser.add_argument("--rows", type=int, help="of the synthetic tables")
    parser.add_argument("--against", default="", help=f"peers: {','.join(beside.PEERS)}")
    parser.add_argument("--turns", type=int, default=TURNS, help="best of so many")
    parser.add_argument("--limit", type=float, default=500, help="seconds that a job may take")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu where others want the machine"
    )
    asked = parser.parse_args(arguments)
    against = tuple(filter(None, asked.against.split(",")))
    if unknown := set(against) - set(beside.PEERS):
        parser.error(f"--against {','.join(sorted(unknown))}: known are {','.join(beside.PEERS)}")
    if asked.rows is None:
        print_commands(asked.rounds, say)
        return
    limits = Limits(seconds=asked.limit)
    taken = time_all(asked.rows, against, asked.turns, asked.rounds, limits)
    if asked.clock == "cpu":
        print("Seconds are the processor's, of all threads, for the machine was busy.\n")
        results, large = by_processor(taken.results), by_processor(taken.large)
        taken = msgspec.structs.replace(taken, results=results, large=large)
    print("\n".join(write_report(taken)))


def time_all(
    rows: int, against: Sequence[str], turns: int, rounds: int, limits: Limits
) -> goals.Taken:
    """Time everything, and print where and with what."""
    load = show_load()
    own = [each.task for each in alone.TABLE]
    more = [each.task for each in alone.TABLE if each.at_large]
    tasks = tuple(dict.fromkeys((*beside.list_tasks(against), *own)))
    results = run_tasks(tasks, make_tables(rows), say, turns, limits)
    large = run_tasks(more, make_tables(10 * rows), say, turns, limits)
    commands = time_goals_of_commands(rounds)
    print(describe(list_versions(results), f"{load} at the start, {show_load()} at the end"))
    return goals.Taken(rows=rows, results=results, large=large, commands=commands)


def write_report(taken: goals.Taken) -> list[str]:
    """All tables, in Markdown."""
    tables = (
        beside.tabulate(taken.results, taken.rows),
        alone.tabulate(taken.results, taken.rows),
        alone.tabulate(taken.large, 10 * taken.rows),
        goals.tabulate(taken),
    )
    return [line for table in tables if list(table.rows) for line in ("", table.markdown())]


def list_versions(results: Results) -> dict[str, str]:
    """Of every tool, with those of the packages that it ran with."""
    versions = {}
    for task, run in results.items():
        if run.versions:
            its = dict(run.versions)
            own = its.pop(task.tool, __version__)
            versions[task.tool] = f"{own} ({', '.join(map(' '.join, its.items()))})"
    return versions


def make_tables(rows: int) -> Path:
    """The folder of all tables of one size; a child writes them, for our own memory is a floor."""
    folder = STAGE / "tables" / str(rows)
    say(f"Writing tables of {rows:,} rows, unless they are there.")
    command = (sys.executable, "-P", "-m", "benchmarks.evidence_at_scale", str(rows), str(folder))
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    return folder


def time_goals_of_commands(rounds: int) -> Mapping[str, Timed]:
    """Whole commands that have a goal; none where the stage cannot be set."""
    try:
        return time_commands((HELP, COMMENT, JUDGE_FEW, CACHED), rounds, say)[1]
    except (subprocess.CalledProcessError, OSError, RuntimeError) as fault:
        say(f"No commands are timed: {fault}")
        return {}


def say(line: str) -> None:
    """Progress, apart from the tables."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
