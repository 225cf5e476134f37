"""How often all gates together block a change that harms nobody, and find one that does.

    python -m benchmarks.harmless [--repetitions 8] [--seed 1] [--change NAME]
    python -m benchmarks.harmless --harm NAME [--harm NAME] | --harm all

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
from functools import partial
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy is imported: one thread is steadier
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import msgspec  # noqa: E402

from benchmarks.simulation.figures import Share, Table  # noqa: E402
from benchmarks.simulation.harmless_changes import CHANGES, Change  # noqa: E402
from benchmarks.simulation.harms import HARMS, Harm  # noqa: E402
from benchmarks.simulation.people import World  # noqa: E402
from gates.finding import Decision, Result, Verdict  # noqa: E402
from gates.policy.policy import read_policy  # noqa: E402
from tests.bites.reference import ROOT, make_reference  # noqa: E402

# A larger model that gains little is no sign of harm, and a harm's folds are those of its base.
OF_OTHER_THINGS = frozenset({"parsimony", "fold_spread"})
FOUND = 0.8  # of the repetitions, from which on a strength counts as found
REFERENCE = ROOT / "build" / "harmless"


class Tally(msgspec.Struct):
    """What became of one change in all repetitions."""

    passed: Share = msgspec.field(default_factory=Share)
    found: Share = msgspec.field(default_factory=Share)
    cannot_judge: int = 0
    blocking: Counter[str] = msgspec.field(default_factory=Counter)
    undecided: Counter[str] = msgspec.field(default_factory=Counter)
    errored: Counter[str] = msgspec.field(default_factory=Counter)
    skipped: Counter[str] = msgspec.field(default_factory=Counter)

    def count(self, verdict: Verdict) -> None:
        """One more verdict."""
        self.passed.count(verdict.decision is Decision.PASS)
        blocking = {o.gate for o in verdict.outcomes if any(each.blocks for each in o.findings)}
        undecidable = verdict.decision is Decision.CANNOT_JUDGE
        self.found.count(undecidable or bool(blocking - OF_OTHER_THINGS))
        self.cannot_judge += undecidable
        for outcome in verdict.outcomes:
            undecided = outcome.outcome is Result.UNDECIDED and outcome.gate not in blocking
            self.blocking[outcome.gate] += outcome.gate in blocking
            self.undecided[outcome.gate] += undecided
            self.errored[outcome.gate] += outcome.outcome is Result.ERRORED
            self.skipped[outcome.gate] += outcome.outcome is Result.SKIPPED


def tabulate(tallies: Mapping[str, Tally]) -> Table:
    """One row a change."""
    columns = ("change", "passes", "cannot judge", "blocked by", "undecided", "errors")
    rows = [
        (
            name,
            f"{tally.passed.hits} of {tally.passed.trials}",
            tally.cannot_judge,
            _show(tally.blocking),
            _show(tally.undecided),
            _show(tally.errored),
        )
        for name, tally in tallies.items()
    ]
    return Table("Changes that harm nobody, by all gates", columns, rows)


def _show(counter: Counter[str]) -> str:
    return ", ".join(f"`{gate}` {times}" for gate, times in counter.most_common() if times) or "–"


def tabulate_harms(tallies: Mapping[str, Tally]) -> Table:
    """One row a harm: by strength how often it was found, and by which gates where most were."""
    rows = []
    for name, harm in HARMS.items():
        found = [tallies[_at(name, each)] for each in harm.strengths if _at(name, each) in tallies]
        if not found:
            continue
        shares = [
            f"{strength:g}: {tally.found.hits}/{tally.found.trials}"
            for strength, tally in zip(harm.strengths, found, strict=True)
        ]
        known = [
            at for at in range(len(found)) if all(each.found.value >= FOUND for each in found[at:])
        ]
        first = f"{harm.strengths[known[0]]:g}" if known else "–"
        there = found[known[0] if known else -1].blocking
        by = Counter({gate: times for gate, times in there.items() if gate not in OF_OTHER_THINGS})
        rows.append((name, ", ".join(shares), first, _show(by)))
    columns = ("harm", "strength: found", f"found ≥ {FOUND:.0%} from", "there blocked by")
    return Table("Harms in growing strength, by all gates", columns, rows)


def _at(name: str, strength: float) -> str:
    return f"{name} {strength:g}"


def _harms(names: Sequence[str]) -> dict[str, Change]:
    chosen = HARMS if "all" in names else {name: HARMS[name] for name in names}
    return {
        _at(name, strength): partial(_do, harm, strength)
        for name, harm in chosen.items()
        for strength in harm.strengths
    }


def _do(harm: Harm, strength: float, world: World) -> Verdict:
    return harm.act(world, strength)


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
    parser.add_argument("--repetitions", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--change", choices=CHANGES, action="append", help="only this one")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="made where it is not")
    parser.add_argument("--harm", choices=(*HARMS, "all"), action="append", help="harms instead")
    asked = parser.parse_args(arguments)
    started = time.perf_counter()
    if asked.harm:
        changes, show = _harms(asked.harm), tabulate_harms
    else:
        changes, show = {name: CHANGES[name] for name in asked.change or CHANGES}, tabulate
    tallies = run(changes, asked.repetitions, asked.seed, asked.reference)
    print(show(tallies).markdown())
    print(f"\n{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
