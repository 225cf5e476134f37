"""How often all gates together block a change that harms nobody, on real people.

    python -m benchmarks.harmless [--repetitions 10] [--seed 1] [--change NAME] [--table harm]

Each repetition draws three quarters of the reference project's people anew as a base, deals them to
train and test anew, trains, and lets the whole policy of `params.yaml` judge every change. Prints
the tables of `docs/soundness.md`; on standard error each finding that blocked. A repetition takes
some four minutes on one core.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy is imported: one thread is steadier
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import msgspec  # noqa: E402

from benchmarks.simulation.figures import Share, Table  # noqa: E402
from benchmarks.simulation.harmless_changes import CHANGES, Change  # noqa: E402
from benchmarks.simulation.people import World  # noqa: E402
from gates.finding import Decision, Result, Verdict  # noqa: E402
from gates.policy.policy import read_policy  # noqa: E402
from tests.bites.reference import ROOT, make_reference  # noqa: E402

REFERENCE = ROOT / "build" / "harmless"


class Tally(msgspec.Struct):
    """What became of one change in all repetitions."""

    passed: Share = msgspec.field(default_factory=Share)
    cannot_judge: int = 0
    blocking: Counter[str] = msgspec.field(default_factory=Counter)
    undecided: Counter[str] = msgspec.field(default_factory=Counter)
    errored: Counter[str] = msgspec.field(default_factory=Counter)
    skipped: Counter[str] = msgspec.field(default_factory=Counter)

    def count(self, verdict: Verdict) -> None:
        """One more verdict."""
        self.passed.count(verdict.decision is Decision.PASS)
        self.cannot_judge += verdict.decision is Decision.CANNOT_JUDGE
        for outcome in verdict.outcomes:
            blocks = any(finding.blocks for finding in outcome.findings)
            self.blocking[outcome.gate] += blocks
            self.undecided[outcome.gate] += outcome.outcome is Result.UNDECIDED and not blocks
            self.errored[outcome.gate] += outcome.outcome is Result.ERRORED
            self.skipped[outcome.gate] += outcome.outcome is Result.SKIPPED


def tabulate(tallies: Mapping[str, Tally]) -> Table:
    """One row a change."""
    columns = ("change", "passes", "cannot judge", "blocked by", "undecided", "errors")
    rows = [
        (
            name,
            tally.passed,
            tally.cannot_judge,
            _show(tally.blocking),
            _show(tally.undecided),
            _show(tally.errored),
        )
        for name, tally in tallies.items()
    ]
    return Table("Changes that harm nobody, by all gates", columns, rows)


def _show(counter: Counter[str]) -> str:
    return ", ".join(f"{gate} {times}" for gate, times in counter.most_common() if times) or "–"


def explain(name: str, at: int, verdict: Verdict) -> None:
    """What kept from merging, and what broke, on standard error."""
    print(f"{at} {name}: {verdict.decision.value} {verdict.reason}", file=sys.stderr)
    for outcome in verdict.outcomes:
        for finding in outcome.findings:
            if finding.blocks:
                print(f"    {outcome.gate}: {finding.message}", file=sys.stderr)
        if outcome.outcome is Result.ERRORED:
            print(f"    {outcome.gate} errored: {outcome.reason}", file=sys.stderr)
        if outcome.outcome is Result.UNDECIDED:
            first = next(each for each in outcome.findings if each.state.value == "undecided")
            print(f"    {outcome.gate} undecided: {first.message}", file=sys.stderr)


def run(
    changes: Mapping[str, Change], repetitions: int, seed: int, folder: Path
) -> dict[str, Tally]:
    """Every change beside a base of its own draw, so many times."""
    policy = read_policy((ROOT / "params.yaml").read_bytes(), "params.yaml")
    reference = make_reference(folder)
    tallies = {name: Tally() for name in changes}
    for at in range(repetitions):
        with tempfile.TemporaryDirectory() as scratch:
            world = World(reference, policy, Path(scratch), seed=1000 * seed + at)
            for name, change in changes.items():
                verdict = change(world)
                tallies[name].count(verdict)
                explain(name, at, verdict)
    return tallies


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and on standard error how long it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.harmless", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--change", choices=CHANGES, action="append", help="only this one")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="made where it is not")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    changes = {name: CHANGES[name] for name in asked.change or CHANGES}
    tallies = run(changes, asked.repetitions, asked.seed, asked.reference)
    print(tabulate(tallies).markdown())
    print(f"\n{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
