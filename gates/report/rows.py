"""What tables show: one row a finding, with everything in words already."""

from typing import NamedTuple

from gates.finding import Finding, Observation, Outcome, Result, State
from gates.report.figures import counted
from gates.report.sentences import (
    cells,
    direction,
    observed_cells,
    reason,
    speaks_in_numbers,
    subject_phrase,
)
from gates.report.summary import Judged
from gates.report.trade_off import Moved
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
NO_LIMIT = say("none set")


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
    inside: str = ""
    waiver: Phrase = NOTHING
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
        sign=sign or (DOUBT if finding.waiver else SIGN_OF_STATE[finding.state]),
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
        waiver=waiver_phrase(finding),
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
    if finding.state is not State.UNDECIDED or finding.candidate is None or finding.limit.rule:
        return ""  # no number that may lie beyond a limit
    wanted = finding.rows_needed
    needs = f"; needs about {counted(_rounded_up(wanted), 'row')}" if wanted else ""
    return f"can't rule out a breach{needs}"


def _rounded_up(count: int) -> int:
    """To two digits: an estimate of rows is no better than that."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step


def waiver_phrase(finding: Finding) -> Phrase:
    """Until when, by whom and why a finding is waived; nothing where it is not."""
    waiver = finding.waiver
    if waiver is None:
        return NOTHING
    worst = "" if waiver.worst is None else f"; blocks beyond {worst_text(waiver.worst)}"
    return say("waived ", Prose(waiver.text()), worst)


def worst_text(worst: float) -> str:
    """The bound of a waiver, with a typographic minus."""
    return f"{worst:.6g}".replace("-", "−")


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


def observed_row(outcome: Outcome, seen: Observation) -> Row:
    """The row of a value that nobody set a limit for."""
    in_words = observed_cells(seen)
    moved = seen.change is not None
    return Row(
        gate=outcome.gate,
        sign=NOT_JUDGED,
        subject=say() if _names(seen) else subject_phrase(seen.subject),
        message=say(Prose(seen.message)),
        support=support_words(seen),
        baseline=in_words.baseline,
        candidate=in_words.candidate,
        change=in_words.change,
        interval=in_words.interval if moved else "",
        candidate_interval="" if moved else in_words.interval,
        note=direction(seen) if seen.interval else "",
        limit=NO_LIMIT,
    )


def _names(seen: Observation) -> bool:
    """Whether the message says what it is about."""
    about = seen.subject
    parts = (about.metric, about.column, about.key, about.reference, *about.segment.values())
    return all(part in seen.message for part in parts if part)


def moved_row(moved: Moved) -> Row:
    """The row of one side of a trade-off."""
    if isinstance(moved.one, Observation):
        row = observed_row(moved.outcome, moved.one)
        return row._replace(subject=subject_phrase(moved.one.subject))
    return row_of(Judged(moved.outcome, moved.one))
