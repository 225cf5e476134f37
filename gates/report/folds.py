"""What is folded away: one fold a family, in it one line a gate and the few rows worth a look."""

from typing import NamedTuple

from gates.finding import Family, Finding, Observation, Outcome, Result, State, Verdict
from gates.report.figures import counted
from gates.report.rows import (
    DOUBT,
    SIGN_OF_RESULT,
    Row,
    observed_row,
    row_of,
    stopped_row,
)
from gates.report.sentences import bound_of, cells, direction, subject_phrase
from gates.report.summary import FAMILIES, Judged, alike, excess, is_waived_whole, loss
from gates.report.top import Top, remaining
from gates.report.words import Name, Phrase, say

NEAR = 0.5  # of a limit: what used less needs no row
MOST_HIDDEN = 3  # failed or undecided findings of a gate that the open table left out
WORST_FIRST = (
    Result.FAILED,
    Result.ERRORED,
    Result.UNDECIDED,
    Result.WAIVED,
    Result.PASSED,
    Result.SKIPPED,
)


class GateFold(NamedTuple):
    """One gate: its line, and the rows under it."""

    sign: str
    line: Phrase
    rows: tuple[Row, ...]


class Fold(NamedTuple):
    """One family of gates."""

    sign: str
    family: str
    summary: str
    gates: tuple[GateFold, ...]

    @property
    def has_rows(self) -> bool:
        """Whether there is more than a line a gate."""
        return any(gate.rows for gate in self.gates)


class Shares(NamedTuple):
    """How many rows each gate gets."""

    nearest: int
    observed: int


def folds_of(verdict: Verdict, top: Top, shares: Shares) -> tuple[Fold, ...]:
    """All families that were judged, in root-cause order, without the rows of the open table."""
    return tuple(
        Fold(
            sign=worst_sign(members),
            family=family.value,
            summary=", ".join(summary_of(members)),
            gates=tuple(_gates(same, top, shares) for same in alike(members)),
        )
        for family in FAMILIES
        if (members := [one for one in verdict.outcomes if one.family is family])
    )


def _gates(same: list[Outcome], top: Top, shares: Shares) -> GateFold:
    """One gate, or several that were skipped for one reason."""
    first, *more = same
    if not more:
        return _gate(first, remaining(first, top.hidden), shares)
    row = stopped_row(first)
    names = [word for one in more for word in (", ", Name(one.gate))]
    return GateFold(row.sign, say(Name(first.gate), *names, " — ", *row.message), ())


def _gate(outcome: Outcome, hidden: list[Judged], shares: Shares) -> GateFold:
    if outcome.outcome in {Result.SKIPPED, Result.ERRORED} and not outcome.findings:
        line = say(Name(outcome.gate), " — ", *stopped_row(outcome).message)
        return GateFold(stopped_row(outcome).sign, line, ())
    waived = is_waived_whole(outcome)
    if waived:
        failed = [one for one in outcome.findings if one.state is not State.PASSED]
        hidden = [Judged(outcome, one) for one in failed]
    close, seen = worth_a_row(outcome)[: shares.nearest], observed(outcome)[: shares.observed]
    rows = [_hidden_row(one, waived=waived) for one in hidden[:MOST_HIDDEN]]
    if len(hidden) > MOST_HIDDEN:
        more = say(f"… {len(hidden) - MOST_HIDDEN:,} more in `report.html`")
        row = Row(gate=outcome.gate)
        last = rows[-1]
        rows.append(row._replace(subject=more) if last.subject else row._replace(message=more))
    rows += [_numbers_row(Judged(outcome, one)) for one in close]
    rows += [observed_row(outcome, one) for one in seen]
    return GateFold(SIGN_OF_RESULT[outcome.outcome], _line(outcome, len(close)), tuple(rows))


def _line(outcome: Outcome, told: int) -> Phrase:
    """The gate and its counts, and how near its limits it came."""
    passed = sum(one.state is State.PASSED for one in outcome.findings)
    line = say(Name(outcome.gate), f" — {', '.join(summary_of([outcome]))}")
    if outcome.outcome is not Result.PASSED or passed == told:
        return line
    if told:
        return say(*line, f"; nearest to the limits ({passed - told:,} more in `report.html`)")
    close = nearest(outcome)
    if close and _use(close[0]) > 0:
        return say(*line, "; nearest to its limit: ", *_in_brief(close[0]))
    return say(*line, "; nothing moved") if _is_same(outcome) else line


def _in_brief(finding: Finding) -> Phrase:
    """`recall for sex = Male` −0.035, drop ≤ 0.100."""
    numbers = cells(finding)
    value = numbers.change if finding.limit.margin is not None else numbers.candidate
    return say(*subject_phrase(finding.subject), f" {value} (", *numbers.limit, ")")


def _is_same(outcome: Outcome) -> bool:
    changes = [one.change for one in outcome.findings if one.limit.margin is not None]
    return bool(changes) and not any(changes)


def _hidden_row(one: Judged, *, waived: bool) -> Row:
    return row_of(one, DOUBT if waived else "")


def _numbers_row(one: Judged) -> Row:
    """A passed finding by its subject: beside the numbers, its sentence would repeat them."""
    row, subject = row_of(one), subject_phrase(one.finding.subject)
    return row._replace(subject=subject, message=say() if subject else row.message)


def worth_a_row(outcome: Outcome) -> list[Finding]:
    """What used half of its limit or more; of the whole model's metrics, all that moved."""
    near = nearest(outcome)
    if outcome.family is Family.METRICS:
        return near
    passed = outcome.outcome is Result.PASSED
    return [one for one in near if _use(one) >= NEAR] if passed else []


def nearest(outcome: Outcome) -> list[Finding]:
    """What passed by numbers and moved at all, the nearest to its limit first."""
    passed = [one for one in outcome.findings if one.state is State.PASSED and _is_used(one)]
    return sorted(passed, key=lambda one: -_use(one))


def _is_used(finding: Finding) -> bool:
    value = finding.candidate if finding.limit.margin is None else finding.change
    return bool(value) and bound_of(finding.limit) is not None


def _use(finding: Finding) -> float:
    """How much of the limit is used; an improvement counts below nothing."""
    limit, value = finding.limit, finding.candidate
    if limit.margin:
        return loss(finding) / limit.margin
    if limit.floor is not None and value is not None and limit.floor < 1 >= value:
        return (1 - value) / (1 - limit.floor)  # of a share, what is missing to 1
    return excess(finding)


def observed(outcome: Outcome) -> list[Observation]:
    """What no finding's numbers say already, and did not stay within noise."""
    numbers = [one.subject for one in outcome.findings if bound_of(one.limit) is not None]
    return [
        one for one in outcome.observations if one.subject not in numbers and not _is_noise(one)
    ]


def _is_noise(seen: Observation) -> bool:
    if seen.change is None:
        return seen.interval is not None and seen.interval[0] <= 0 <= seen.interval[1]
    return not seen.interval or not direction(seen)


def unsaid(outcome: Outcome) -> list[Observation]:
    """What no finding says in the same words."""
    said = {(one.subject.text(), one.message) for one in outcome.findings}
    return [one for one in outcome.observations if (one.subject.text(), one.message) not in said]


def worst_sign(outcomes: list[Outcome]) -> str:
    """The sign of the outcome that matters most."""
    results = {outcome.outcome for outcome in outcomes}
    return SIGN_OF_RESULT[next(result for result in WORST_FIRST if result in results)]


def summary_of(outcomes: list[Outcome]) -> list[str]:
    """`1 of 9 comparisons failed`, `2 undecided`, `1 gate skipped`."""
    judged = [one for one in outcomes if not is_waived_whole(one)]
    findings = [one for out in judged for one in out.findings]
    parts = []
    for state in (State.FAILED, State.UNDECIDED):
        found = sum(one.state is state and one.waiver is None for one in findings)
        if found:
            parts.append(f"{found:,} {state.value}")
    if parts:
        number, _, word = parts[0].partition(" ")
        parts[0] = f"{number} of {counted(len(findings), 'comparison')} {word}"
    passed = sum(one.state is State.PASSED for one in findings)
    if not parts and passed:
        parts.append(f"{counted(passed, 'comparison')} passed")
    found = sum(one.waiver is not None for one in findings)
    parts += [f"{counted(found, 'comparison')} waived"] if found else []
    for found, word in (
        (sum(out.outcome is Result.ERRORED for out in outcomes), "crashed"),
        (sum(map(is_waived_whole, outcomes)), "waived"),
        (sum(out.outcome is Result.SKIPPED for out in outcomes), "skipped"),
    ):
        parts += [f"{counted(found, 'gate')} {word}"] if found else []
    return parts
