"""The table that everybody sees: what blocks, and what the data could not decide."""

from typing import NamedTuple

from gates.finding import Outcome, State, Verdict
from gates.report.nesting import Nest, nested
from gates.report.rows import FAILED, STOPPED, Row, row_of, stopped_row
from gates.report.summary import (
    Judged,
    findings_in,
    is_strict_doubt,
    is_waived_whole,
    stopped,
    waived_in,
)
from gates.report.words import Name, say


class Top(NamedTuple):
    """The rows of the table, and the findings that stand in none of them."""

    failed: tuple[Row, ...]
    failed_total: int
    failed_left_out: int
    doubts: tuple[Row, ...]  # what is waived stands before them
    waived_left_out: int
    doubts_left_out: int
    hidden: tuple[Judged, ...]


class Line(NamedTuple):
    """A row, and how many findings it stands for."""

    row: Row
    stands_for: int
    judged: Judged | None = None


def top_of(verdict: Verdict, most_failed: int, most_of_gate: int, most_doubts: int) -> Top:
    """The open table, broad segments for all inside them; strict doubts block, so they failed."""
    doubts = findings_in(verdict, State.UNDECIDED)
    strict = [one for one in doubts if is_strict_doubt(one.finding)]
    soft = [one for one in doubts if not is_strict_doubt(one.finding)]
    failed = findings_in(verdict, State.FAILED)
    nests = nested([*failed, *strict, *soft])
    hard = _lines_by_gate([one for one in nests if one.judged.blocks], most_of_gate)
    hard += [Line(stopped_row(one), 1) for one in stopped(verdict)]
    open_doubts = [_nest_line(one) for one in numbers_first(nests) if not one.judged.blocks]
    waived = waived_rows(verdict)
    lines = [*hard[:most_failed], *open_doubts[:most_doubts]]
    in_sight = {id(line.judged.finding) for line in lines if line.judged}
    return Top(
        failed=tuple(line.row for line in hard[:most_failed]),
        failed_total=sum(line.stands_for for line in hard),
        failed_left_out=sum(line.stands_for for line in hard[most_failed:]),
        doubts=(*waived[:most_failed], *(line.row for line in open_doubts[:most_doubts])),
        waived_left_out=len(waived[most_failed:]),
        doubts_left_out=sum(line.stands_for for line in open_doubts[most_doubts:]),
        hidden=tuple(one for one in (*failed, *doubts) if id(one.finding) not in in_sight),
    )


def numbers_first(nests: list[Nest]) -> list[Nest]:
    """Both models' numbers before what gates say: of doubts they are what a reader came for."""
    return sorted(nests, key=lambda one: one.judged.finding.change is None)


def waived_rows(verdict: Verdict) -> list[Row]:
    """What a waiver keeps from blocking, finding by finding where the verdict says so."""
    gates = [stopped_row(one) for one in verdict.outcomes if is_waived_whole(one)]
    return [*gates, *map(row_of, waived_in(verdict))]


def _lines_by_gate(hard: list[Nest], most: int) -> list[Line]:
    """Findings of each gate together; what is more than `most` is counted."""
    by_gate: dict[str, list[Nest]] = {}
    for one in hard:
        by_gate.setdefault(one.judged.outcome.gate, []).append(one)
    lines: list[Line] = []
    for gate, nests in by_gate.items():
        most_here = most + (len(nests) == most + 1)  # a row that says "1 more" takes a row too
        lines += [_nest_line(one) for one in nests[:most_here]]
        left_out = sum(1 + len(one.inside) for one in nests[most_here:])
        if left_out:
            lines.append(_more(gate, left_out, numbers=bool(lines[-1].row.subject)))
    return lines


def _more(gate: str, count: int, *, numbers: bool) -> Line:
    words = say(f"… {count:,} more failed in ", Name(gate), ": see `report.html`")
    row = Row(gate=gate, sign=FAILED)
    return Line(row._replace(subject=words) if numbers else row._replace(message=words), count)


def _nest_line(nest: Nest) -> Line:
    return Line(nest_row(nest), 1 + len(nest.inside), nest.judged)


def nest_row(nest: Nest) -> Row:
    """The row of a finding, with how many it stands for."""
    sign = STOPPED if is_strict_doubt(nest.judged.finding) else ""
    return row_of(nest.judged, sign)._replace(inside=nest.words())


def remaining(outcome: Outcome, hidden: tuple[Judged, ...]) -> list[Judged]:
    """What one gate found and the open table does not show."""
    return [one for one in hidden if one.outcome is outcome]
