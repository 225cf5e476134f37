"""What a verdict comes to: its state, its counts, its problems in order, its trade-offs."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from math import inf, isfinite
from typing import NamedTuple

from gates.finding import (
    Decision,
    Direction,
    Family,
    Finding,
    Observation,
    Outcome,
    PolicyChange,
    Result,
    State,
    Verdict,
)
from gates.report.figures import counted

FAMILIES = tuple(Family)  # in the order in which a reader should suspect a cause


class Shown(Enum):
    """The state of a verdict as its heading shows it."""

    PASSED = "passed"
    WAIVED = "waived"
    UNCHANGED = "unchanged"
    NO_BASELINE = "no_baseline"
    BLOCKED = "blocked"
    NOT_JUDGED = "not_judged"


SIGNS = {
    Shown.PASSED: "✅",
    Shown.WAIVED: "✅",
    Shown.UNCHANGED: "✅",
    Shown.NO_BASELINE: "⚠️",
    Shown.BLOCKED: "❌",
    Shown.NOT_JUDGED: "🛑",
}


class Judged(NamedTuple):
    """A finding together with the gate it came from."""

    outcome: Outcome
    finding: Finding

    @property
    def excess(self) -> float:
        """How many times the limit the loss is; infinite where the limit accepts none."""
        return excess(self.finding)

    @property
    def blocks(self) -> bool:
        """Whether this finding alone keeps the pull request from merging."""
        return self.finding.blocks


def shown(verdict: Verdict) -> Shown:
    """Which of the headings a verdict gets."""
    if verdict.decision is Decision.CANNOT_JUDGE:
        return Shown.NOT_JUDGED
    if verdict.decision is Decision.FAIL:
        return Shown.BLOCKED
    if verdict.baseline is None:
        return Shown.NO_BASELINE
    if any(outcome.outcome is Result.WAIVED for outcome in verdict.outcomes):
        return Shown.WAIVED
    return Shown.UNCHANGED if nothing_moved(verdict) else Shown.PASSED


def nothing_moved(verdict: Verdict) -> bool:
    """Whether numbers were compared and every one of them is the same on both sides."""
    findings = [finding for outcome in verdict.outcomes for finding in outcome.findings]
    changes = [
        finding.change
        for finding in findings
        if finding.change is not None and finding.subject.reference is None
    ]
    all_passed = all(finding.state is State.PASSED for finding in findings)
    return bool(changes) and all_passed and not any(changes)


def blocks(outcome: Outcome) -> bool:
    """Whether this outcome alone keeps the pull request from merging."""
    if outcome.outcome is Result.UNDECIDED:
        return any(is_strict_doubt(finding) for finding in outcome.findings)
    if outcome.outcome is Result.SKIPPED:
        return outcome.required
    return outcome.outcome in {Result.FAILED, Result.ERRORED}


def is_strict_doubt(finding: Finding) -> bool:
    """Whether a finding blocks only because the data cannot decide it."""
    return finding.state is State.UNDECIDED and finding.blocks


def tally(verdict: Verdict) -> dict[Result, int]:
    """How many gates came to each result, in the order of `Result`."""
    counts = Counter(outcome.outcome for outcome in verdict.outcomes)
    return {result: counts[result] for result in Result}


def excess(finding: Finding) -> float:
    """The loss, as a multiple of what the limit accepts; a broken rule exceeds any number."""
    if finding.limit.rule is not None:
        return inf if finding.state is State.FAILED else 0.0
    limit, value = finding.limit, finding.candidate
    if limit.margin is not None and finding.change is not None:
        return _ratio(loss(finding), limit.margin)
    if value is None:
        return 0.0
    if limit.floor is not None:
        return _ratio(limit.floor, value)
    return 0.0 if limit.ceiling is None else _ratio(value, limit.ceiling)


def loss(one: Finding | Observation) -> float:
    """The change towards worse; its size where nobody says which way is better."""
    change = one.change or 0.0
    if one.greater_is_better is None:
        return abs(change)
    return -change if one.greater_is_better else change


def _ratio(observed: float, accepted: float) -> float:
    if not isfinite(observed) or observed <= 0:
        return 0.0
    return observed / accepted if accepted > 0 else inf


def findings_in(verdict: Verdict, *states: State) -> list[Judged]:
    """Findings that nobody waived: causes first, then broad segments, then the worst."""
    found = [
        Judged(outcome, finding)
        for outcome in verdict.outcomes
        if not is_waived_whole(outcome)
        for finding in outcome.findings
        if finding.state in states and finding.waiver is None
    ]
    return _in_order(found)


def is_waived_whole(outcome: Outcome) -> bool:
    """Whether a gate is waived without saying which of its findings are."""
    named = any(finding.waiver is not None for finding in outcome.findings)
    return outcome.outcome is Result.WAIVED and not named


def alike(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Outcomes by what is said of them: of gates that said nothing for one reason all at once."""
    together: dict[object, list[Outcome]] = {}
    for outcome in outcomes:
        silent = outcome.outcome is Result.SKIPPED and not outcome.findings
        key = (outcome.reason, outcome.required) if silent else outcome.gate
        together.setdefault(key, []).append(outcome)
    return list(together.values())


def waived_in(verdict: Verdict) -> list[Judged]:
    """Findings that would block, were it not for a waiver; in the order of `findings_in`."""
    return _in_order(
        Judged(outcome, finding)
        for outcome in verdict.outcomes
        for finding in outcome.findings
        if finding.waiver is not None
    )


def _in_order(found: Iterable[Judged]) -> list[Judged]:
    order = {family: place for place, family in enumerate(FAMILIES)}
    return sorted(
        found,
        key=lambda one: (
            order[one.outcome.family],
            len(one.finding.subject.segment),
            -one.excess,
        ),
    )


def problems(verdict: Verdict) -> list[Judged]:
    """What blocks: failed findings, then strict doubts, each in root-cause order."""
    failed = findings_in(verdict, State.FAILED)
    doubts = findings_in(verdict, State.UNDECIDED)
    return failed + [one for one in doubts if is_strict_doubt(one.finding)]


def stopped(verdict: Verdict) -> list[Outcome]:
    """Gates that block without a finding: they crashed, or were skipped though required."""
    return [
        outcome
        for outcome in verdict.outcomes
        if outcome.outcome is Result.ERRORED
        or (outcome.outcome is Result.SKIPPED and outcome.required)
    ]


def loosened(verdict: Verdict) -> tuple[PolicyChange, ...]:
    """The limits that this pull request makes weaker."""
    return tuple(one for one in verdict.policy_changes if one.direction is Direction.LOOSENED)


def counts_text(verdict: Verdict) -> tuple[str, ...]:
    """`2 of 14 gates failed`, `1 undecided`, `11 passed`: what decided comes first."""
    counts = tally(verdict)
    words = {Result.PASSED: "passed"} if verdict.decision is Decision.PASS else {}
    words |= {
        Result.FAILED: "failed",
        Result.ERRORED: "crashed",
        Result.UNDECIDED: "undecided",
        Result.WAIVED: "waived",
        Result.PASSED: "passed",
        Result.SKIPPED: "skipped",
    }
    parts = [f"{counts[result]} {word}" for result, word in words.items() if counts[result]]
    if parts:
        number, _, word = parts[0].partition(" ")
        parts[0] = f"{number} of {counted(len(verdict.outcomes), 'gate')} {word}"
    return tuple(parts)
