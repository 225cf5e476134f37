"""What tables show: one row a finding, one fold a family, with everything in words already."""

from typing import NamedTuple

from gates.finding import Family, Finding, Observation, Outcome, Result, State, Verdict
from gates.report.figures import counted
from gates.report.sentences import (
    cells,
    direction,
    observed_cells,
    reason,
    speaks_in_numbers,
    subject_phrase,
)
from gates.report.summary import FAMILIES, Judged, findings_in, is_strict_doubt, stopped
from gates.report.words import Phrase, Prose, say

PASSED, FAILED, DOUBT, NOT_JUDGED, STOPPED = "✅", "❌", "⚠️", "➖", "🛑"
SIGN_OF_STATE = {State.PASSED: PASSED, State.FAILED: FAILED, State.UNDECIDED: DOUBT}
SIGN_OF_RESULT = {
    Result.PASSED: PASSED,
    Result.FAILED: FAILED,
    Result.UNDECIDED: DOUBT,
    Result.WAIVED: DOUBT,
    Result.SKIPPED: NOT_JUDGED,
    Result.ERRORED: STOPPED,
}
OF_POSITIVES = frozenset({"recall", "true_positive_rate", "false_negative_rate"})
USUAL_CONFIDENCE = 0.95
NOTHING = say()


class Row(NamedTuple):
    """One line of a table; `subject` where numbers speak, `message` where the gate must."""

    gate: str
    sign: str = ""
    subject: Phrase = NOTHING
    message: Phrase = NOTHING
    support: str = ""
    baseline: str = ""
    candidate: str = ""
    change: str = ""
    interval: str = ""
    candidate_interval: str = ""
    note: str = ""
    doubt: str = ""
    limit: Phrase = NOTHING
    line: str = ""


def row_of(one: Judged, sign: str = "") -> Row:
    """The row of one finding."""
    finding, outcome = one.finding, one.outcome
    in_words = cells(finding)
    numbers = speaks_in_numbers(finding, outcome.family)
    interval = _with_confidence(finding, in_words.interval)
    of_candidate = finding.interval_of == "candidate"
    return Row(
        sign=sign or SIGN_OF_STATE[finding.state],
        gate=outcome.gate,
        subject=subject_phrase(finding.subject) if numbers else say(),
        message=say() if numbers else reason(finding, outcome.family),
        support=support_words(finding),
        baseline=in_words.baseline,
        candidate=in_words.candidate,
        change=in_words.change,
        interval="" if of_candidate else interval,
        candidate_interval=interval if of_candidate else "",
        note=direction(finding) if finding.state is not State.UNDECIDED else "",
        doubt=doubt(finding),
        limit=in_words.limit,
        line=f"policy line {finding.limit.line}" if finding.limit.line else "",
    )


def _with_confidence(finding: Finding, interval: str) -> str:
    if not interval or finding.confidence == USUAL_CONFIDENCE:
        return interval
    return f"{100 * finding.confidence:.4g}% CI {interval}"


def support_words(finding: Finding | Observation) -> str:
    """`900 positives` or `12,000 rows`: the count that decides how sure one can be."""
    support = finding.support
    if support is None:
        return ""
    if support.positives is not None and finding.subject.metric in OF_POSITIVES:
        return counted(support.positives, "positive")
    return counted(support.rows, "row")


def doubt(finding: Finding) -> str:
    """Why an undecided finding is undecided, and how many rows would decide it."""
    if finding.state is not State.UNDECIDED:
        return ""
    wanted = finding.rows_needed
    needs = f"; needs about {counted(wanted, 'row')}" if wanted else ""
    return f"can't rule out a breach{needs}"


def stopped_row(outcome: Outcome) -> Row:
    """The row of a gate that said nothing: it crashed, was skipped, or was waived."""
    what = {
        Result.ERRORED: "crashed: ",
        Result.SKIPPED: "required, but skipped: " if outcome.required else "skipped: ",
        Result.WAIVED: "waived: ",
    }
    sign = STOPPED if outcome.required and outcome.outcome is Result.SKIPPED else ""
    return Row(
        sign=sign or SIGN_OF_RESULT[outcome.outcome],
        gate=outcome.gate,
        message=say(what.get(outcome.outcome, ""), Prose(outcome.reason or "no reason was given")),
    )


class Top(NamedTuple):
    """The table everybody sees: what blocks, and what the data could not decide."""

    failed: tuple[Row, ...]
    failed_left_out: int
    doubts: tuple[Row, ...]
    doubts_left_out: int


def top_of(verdict: Verdict, most_failed: int, most_doubts: int) -> Top:
    """The open table; strict doubts count among what failed, because they block."""
    doubts = findings_in(verdict, State.UNDECIDED)
    hard: list[Judged | Outcome] = [*findings_in(verdict, State.FAILED), *stopped(verdict)]
    hard += [one for one in doubts if is_strict_doubt(one.finding)]
    waived = [one for one in verdict.outcomes if one.outcome is Result.WAIVED]
    soft = [one for one in doubts if not is_strict_doubt(one.finding)]
    return Top(
        failed=tuple(_top_row(one) for one in hard[:most_failed]),
        failed_left_out=len(hard[most_failed:]),
        doubts=(*map(stopped_row, waived), *map(row_of, soft[:most_doubts])),
        doubts_left_out=len(soft[most_doubts:]),
    )


def _top_row(one: Judged | Outcome) -> Row:
    if isinstance(one, Outcome):
        return stopped_row(one)
    return row_of(one, STOPPED if is_strict_doubt(one.finding) else "")


class Fold(NamedTuple):
    """One family of gates, collapsed."""

    sign: str
    family: str
    summary: str
    rows: tuple[Row, ...]
    rows_left_out: int
    observations: tuple[Row, ...]
    observations_left_out: int


class Rooms(NamedTuple):
    """How many rows a fold may show."""

    segments: int
    data: int
    others: int
    observations: int

    def of(self, family: Family) -> int:
        """The room of one family."""
        return {Family.SEGMENTS: self.segments, Family.DATA: self.data}.get(family, self.others)


def folds_of(verdict: Verdict, rooms: Rooms, doubts_above: int) -> tuple[Fold, ...]:
    """All families that were judged, in root-cause order, without the rows of the open table."""
    soft = [
        one for one in findings_in(verdict, State.UNDECIDED) if not is_strict_doubt(one.finding)
    ]
    hidden = soft[doubts_above:]
    return tuple(
        _fold(family, members, [one for one in hidden if one.outcome.family is family], rooms)
        for family in FAMILIES
        if (members := [one for one in verdict.outcomes if one.family is family])
    )


def _fold(family: Family, outcomes: list[Outcome], doubts: list[Judged], rooms: Rooms) -> Fold:
    found: list[Judged | Outcome] = [*doubts]
    for outcome in outcomes:
        waived = outcome.outcome is Result.WAIVED
        silent = outcome.outcome is Result.SKIPPED and not outcome.required
        passed = [one for one in outcome.findings if waived or one.state is State.PASSED]
        found += [outcome] if silent else [Judged(outcome, one) for one in passed]
    seen = [(outcome, one) for outcome in outcomes for one in outcome.observations]
    room = rooms.of(family)
    return Fold(
        sign=worst_sign(outcomes),
        family=family.value,
        summary=", ".join(summary_of(outcomes)),
        rows=tuple(_fold_row(one) for one in found[:room]),
        rows_left_out=len(found[room:]),
        observations=tuple(observed_row(*one) for one in seen[: rooms.observations]),
        observations_left_out=len(seen[rooms.observations :]),
    )


def _fold_row(one: Judged | Outcome) -> Row:
    if isinstance(one, Outcome):
        return stopped_row(one)
    return row_of(one, DOUBT if one.outcome.outcome is Result.WAIVED else "")


def worst_sign(outcomes: list[Outcome]) -> str:
    """The sign of the outcome that matters most."""
    results = {outcome.outcome for outcome in outcomes}
    worst_first = (
        Result.FAILED,
        Result.ERRORED,
        Result.UNDECIDED,
        Result.WAIVED,
        Result.PASSED,
        Result.SKIPPED,
    )
    return SIGN_OF_RESULT[next(result for result in worst_first if result in results)]


def summary_of(outcomes: list[Outcome]) -> list[str]:
    """`1 of 9 comparisons failed`, `2 undecided`, `1 gate skipped`."""
    judged = [one for one in outcomes if one.outcome is not Result.WAIVED]
    findings = [one for out in judged for one in out.findings]
    parts = []
    for state in (State.FAILED, State.UNDECIDED):
        found = sum(one.state is state for one in findings)
        if found:
            parts.append(f"{found:,} {state.value}")
    if parts:
        number, _, word = parts[0].partition(" ")
        parts[0] = f"{number} of {counted(len(findings), 'comparison')} {word}"
    elif findings:
        parts.append(f"{counted(len(findings), 'comparison')} passed")
    for result, word in (
        (Result.ERRORED, "crashed"),
        (Result.WAIVED, "waived"),
        (Result.SKIPPED, "skipped"),
    ):
        found = sum(out.outcome is result for out in outcomes)
        parts += [f"{counted(found, 'gate')} {word}"] if found else []
    return parts


def observed_row(outcome: Outcome, seen: Observation) -> Row:
    """The row of a value that nobody set a limit for."""
    in_words = observed_cells(seen)
    moved = seen.change is not None
    return Row(
        gate=outcome.gate,
        subject=subject_phrase(seen.subject),
        message=say(Prose(seen.message)),
        support=support_words(seen),
        baseline=in_words.baseline,
        candidate=in_words.candidate,
        change=in_words.change,
        interval=in_words.interval if moved else "",
        candidate_interval="" if moved else in_words.interval,
    )
