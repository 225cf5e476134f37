"""The verdict on a terminal: what decided it, a picture, what to do, and the decision last."""

from enum import Enum
from textwrap import wrap
from typing import NamedTuple

from gates.finding import Decision, Outcome, Result, State, Verdict
from gates.report.changes import Changed, anchor_phrase, changes_of, difference, policy_line, side
from gates.report.figures import counted
from gates.report.forest import draw, plant, plant_in_brief
from gates.report.headline import headline_phrase
from gates.report.nesting import Nest, nested
from gates.report.remedy import root_cause, to_fix
from gates.report.rows import Row, moved_row, row_of, stopped_row
from gates.report.rows_judged import test_set_words, wear_phrase
from gates.report.summary import (
    Shown,
    alike,
    blocks,
    counts_text,
    findings_in,
    is_strict_doubt,
    is_waived_whole,
    loosened,
    shown,
    stopped,
    waived_in,
)
from gates.report.top import numbers_first
from gates.report.trade_off import trade_off
from gates.report.waivers import idle_waivers
from gates.report.words import Prose, clean, columns, fit, plain, say, shorten

NARROWEST, WIDEST = 60, 120
MOST_ROWS = 12
MOST_BARS = 12
MOST_DOUBTS = 2  # of a gate, where they do not block
MOST_CHANGES = 5
ALL = 1_000_000
GAP = "  "
LEAST_SUBJECT = 16
INDENT = " " * 9
LOOSENS = "loosens"


class Paint(Enum):
    """The colours, as SGR parameters of ECMA-48."""

    GOOD = "32"
    BAD = "1;31"
    DOUBT = "33"
    QUIET = "2"
    STRONG = "1"


class Line(NamedTuple):
    """One line of the table: what it came to, and the row's words."""

    word: str
    paint: Paint
    row: Row


WORDS = {
    State.FAILED: ("FAIL", Paint.BAD),
    State.UNDECIDED: ("UNDECIDED", Paint.DOUBT),
    State.PASSED: ("pass", Paint.GOOD),
}
WORDS_OF_GATES = {
    Result.ERRORED: ("CRASHED", Paint.BAD),
    Result.SKIPPED: ("skipped", Paint.QUIET),
    Result.WAIVED: ("waived", Paint.DOUBT),
}
DECIDED = {
    Decision.PASS: ("passed", Paint.GOOD),
    Decision.FAIL: ("blocked", Paint.BAD),
    Decision.CANNOT_JUDGE: ("could not decide", Paint.BAD),
}


class Look(NamedTuple):
    """How the terminal is to be written to."""

    width: int
    colour: bool
    verbose: bool

    def paint(self, text: str, how: Paint) -> str:
        """The text in a colour, where colours are wanted."""
        return f"\x1b[{how.value}m{text}\x1b[0m" if self.colour else text

    def wrap(self, text: str, indent: str = INDENT, first: str = "") -> str:
        """The text in lines of the width; all but the first indented."""
        lines = wrap(first + text, self.width, subsequent_indent=indent, break_on_hyphens=False)
        return "\n".join(lines)


def terminal(
    verdict: Verdict, *, width: int = 100, colour: bool = False, verbose: bool = False
) -> str:
    """The verdict in lines of at most `width` columns (60 to 120), coloured only where asked."""
    look = Look(min(WIDEST, max(NARROWEST, width)), colour, verbose)
    parts = (
        _head(verdict, look),
        _table(verdict, look),
        _trade_off(verdict, look),
        _plot(verdict, look),
        _fix(verdict, look),
        _end(verdict, look),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(verdict: Verdict, look: Look) -> str:
    lines = [f"judged   {plain(side(verdict.candidate))}", f"against  {_against(verdict)}"]
    since = plain(anchor_phrase(verdict))
    lines += [f"since    {since}"] if since else []
    words = test_set_words(verdict)
    lines += [f"test set {words}"] if words else []
    wear = plain(wear_phrase(verdict))
    lines += [f"test set {wear}"] if wear else []
    lines += [f"{change.kind:<9}{_named(change)}" for change in changes_of(verdict)]
    if verdict.environment:
        lines.append("differs  " + ", ".join(plain(difference(one)) for one in verdict.environment))
    lines += [f"{LOOSENS:<9}{plain(policy_line(one))}" for one in loosened(verdict)]
    lines += [f"{'idle':<9}waiver of {plain(one)}" for one in idle_waivers(verdict)[:MOST_CHANGES]]
    wrapped = "\n".join(look.wrap(line) for line in lines)
    return wrapped.replace(f"\n{LOOSENS} ", f"\n{look.paint(LOOSENS, Paint.DOUBT)} ")


def _against(verdict: Verdict) -> str:
    if verdict.baseline is None:
        return f"nothing, there is no baseline: {clean(verdict.baseline_reason, 300)}".rstrip(": ")
    found = f" ({clean(verdict.baseline.found)})" if verdict.baseline.found else ""
    return f"merge base {plain(side(verdict.baseline))}{found}"


def _named(change: Changed) -> str:
    more = f" and {change.more} more" if change.more else ""
    return ", ".join(plain(name) for name in change.named) + more


def _lines(verdict: Verdict, look: Look) -> tuple[list[Line], int]:
    """What blocks first, and how many doubts are left out.

    What passed, and what a broader segment says, only where all is asked for.
    """
    doubts = findings_in(verdict, State.UNDECIDED)
    strict = [one for one in doubts if is_strict_doubt(one.finding)]
    soft = [one for one in doubts if not is_strict_doubt(one.finding)]
    found = [*findings_in(verdict, State.FAILED), *strict, *soft]
    nests = [Nest(one, ()) for one in found] if look.verbose else nested(found)
    blocking = [one for one in nests if one.judged.blocks]
    lines = [_line(one) for one in blocking]
    lines += [_gate_line(outcome) for outcome in stopped(verdict)]
    lines += [Line(*WORDS_OF_GATES[Result.WAIVED], row_of(one)) for one in waived_in(verdict)]
    open_doubts = [nest for nest in numbers_first(nests) if not nest.judged.blocks]
    kept = open_doubts if look.verbose else _few_of_each_gate(open_doubts)
    lines += [_line(nest) for nest in kept]
    lines += [_gate_line(*same) for same in alike(_set_aside(verdict))]
    passed = findings_in(verdict, State.PASSED) if look.verbose else []
    lines += [_line(Nest(one, ())) for one in passed]
    return lines, len(open_doubts) - len(kept)


def _few_of_each_gate(doubts: list[Nest]) -> list[Nest]:
    by_gate: dict[str, int] = {}
    kept = []
    for one in doubts:
        gate = one.judged.outcome.gate
        by_gate[gate] = by_gate.get(gate, 0) + 1
        kept += [one] if by_gate[gate] <= MOST_DOUBTS else []
    return kept


def _line(nest: Nest) -> Line:
    row = row_of(nest.judged)._replace(inside=nest.words())
    return Line(*WORDS[nest.judged.finding.state], row)


def _gate_line(outcome: Outcome, *more: Outcome) -> Line:
    word, how = WORDS_OF_GATES[outcome.outcome]
    why = Prose(outcome.reason or "no reason was given")
    gates = ", ".join(one.gate for one in (outcome, *more))
    row = stopped_row(outcome)._replace(message=say(why), gate=gates)
    if blocks(outcome) and outcome.outcome is Result.SKIPPED:
        return Line("SKIPPED", Paint.BAD, row._replace(message=say("it is required; ", why)))
    return Line(word, how, row)


def _set_aside(verdict: Verdict) -> list[Outcome]:
    """Gates that neither judged nor block: waived, or skipped without being required."""
    return [
        one
        for one in verdict.outcomes
        if is_waived_whole(one) or (one.outcome is Result.SKIPPED and not blocks(one))
    ]


def _table(verdict: Verdict, look: Look) -> str:
    lines, left_out = _lines(verdict, look)
    shown_lines = lines if look.verbose else lines[:MOST_ROWS]
    left_out += len(lines) - len(shown_lines)
    grid = Grid.fitting([line.row for line in shown_lines], look.width)
    written = [grid.title(verdict)] if any(line.row.subject for line in shown_lines) else []
    for line in shown_lines:
        text = grid.write(line) if line.row.subject else _message(line, look)
        word = fit(line.word, len(INDENT))
        written.append(look.paint(word, line.paint) + text[len(word) :])
        under = filter(None, (line.row.inside, line.row.doubt))
        written += [look.wrap(text, INDENT + GAP, INDENT + GAP) for text in under]
        written += [_waiver(line.row, look)] if line.row.waiver else []
    if left_out:
        written.append(f"{INDENT}{GAP}{left_out} more (--verbose)")
    passed = len(findings_in(verdict, State.PASSED))
    if passed and not look.verbose:
        quiet = f"{counted(passed, 'comparison')} passed (--verbose)"
        written.append(look.paint(fit("pass", len(INDENT)), Paint.GOOD) + GAP + quiet)
    return "\n".join(written)


def _waiver(row: Row, look: Look) -> str:
    return look.wrap(plain(row.waiver), INDENT + GAP, INDENT + GAP)


def _message(line: Line, look: Look) -> str:
    text = f"{clean(line.row.gate)}: {plain(line.row.message)}"
    return look.wrap(text, INDENT + GAP, fit(line.word, len(INDENT)) + GAP)


class Grid(NamedTuple):
    """The widths of the table's columns; 0 where a column has no room."""

    subject: int
    baseline: int
    candidate: int
    change: int
    limit: int
    interval: bool

    @classmethod
    def fitting(cls, rows: list[Row], width: int) -> "Grid":
        """The widest grid for these rows; the interval gives way first, then the baseline."""
        rows = [row for row in rows if row.subject]
        subject = max([columns(plain(row.subject)) for row in rows], default=0)
        for interval, baseline in ((True, True), (False, True), (False, False)):
            grid = cls(
                subject=subject,
                baseline=max([4, *(len(row.baseline) for row in rows)]) if baseline else 0,
                candidate=max([4, *(len(row.candidate) for row in rows)]),
                change=max([6, *(len(_change(row, interval=interval)) for row in rows)]),
                limit=max([5, *(columns(plain(row.limit)) for row in rows)]),
                interval=interval,
            )
            taken = len(INDENT) + sum(len(GAP) + one for one in grid[1:5] if one) + len(GAP)
            room = width - taken
            if room >= min(subject, LEAST_SUBJECT):
                break
        return grid._replace(subject=min(subject, room))

    def title(self, verdict: Verdict) -> str:
        """The line over the numbers."""
        base = "base" if verdict.baseline else ""
        change = "change (95% CI)" if self.interval else "change"
        return self._join(("", "", base, "here", change, "limit"))

    def write(self, line: Line) -> str:
        """One row of numbers."""
        row = line.row
        change = _change(row, interval=self.interval)
        subject = shorten(plain(row.subject), self.subject)
        numbers = (row.baseline, row.candidate, change, plain(row.limit))
        return self._join((line.word, subject, *numbers))

    def _join(self, texts: tuple[str, str, str, str, str, str]) -> str:
        word, subject, base, here, change, limit = texts
        cells = [fit(word, len(INDENT)), fit(subject, self.subject)]
        cells += [fit(base, self.baseline, right=True)] if self.baseline else []
        cells += [fit(here, self.candidate, right=True), fit(change, self.change)]
        return GAP.join([*cells, fit(limit, self.limit)]).rstrip()


def _change(row: Row, *, interval: bool) -> str:
    text = f"{row.change} ({row.interval})" if interval and row.interval else row.change
    if interval and row.candidate_interval:
        text = f"({row.candidate_interval})"
    return text


def _trade_off(verdict: Verdict, look: Look) -> str:
    trade = trade_off(verdict)
    if not (trade.better and trade.worse):
        return ""
    lines = [look.paint("A trade-off", Paint.STRONG)]
    for word, moved in (("better", trade.better), ("worse", trade.worse)):
        for one in moved[:MOST_CHANGES]:
            row = moved_row(one)
            numbers = f"{row.baseline} → {row.candidate}, {row.change} ({row.interval})"
            lines.append(look.wrap(f"{word:<9}{plain(row.subject)} {numbers}"))
    return "\n".join(lines)


def _plot(verdict: Verdict, look: Look) -> str:
    forest = plant(verdict, ALL) if look.verbose else plant_in_brief(verdict, MOST_BARS)
    drawn = draw(forest, look.width)
    return f"{drawn}\n{forest.left_out} more (--verbose)" if forest.left_out else drawn


def _fix(verdict: Verdict, look: Look) -> str:
    items = to_fix(verdict)
    if not items:
        return ""
    cause = root_cause(items)
    title = look.paint("To fix", Paint.STRONG) + (f": {cause}" if cause else "")
    written = [title]
    for number, item in enumerate(items, 1):
        more = f" ({item.more} more in this gate.)" if item.more else ""
        text = f"{clean(item.gate.text)}: {plain(item.reason)}{more}"
        written.append(look.wrap(text, " " * 4, f"{number:>2}  "))
        written += [look.wrap(clean(mend.text, 600), " " * 4, " " * 4) for mend in item.mends]
    return "\n".join(written)


def _end(verdict: Verdict, look: Look) -> str:
    word, how = DECIDED[verdict.decision]
    counts = ", ".join(counts_text(verdict))
    state = shown(verdict)
    but = ", but" if state is Shown.NO_BASELINE else " —"
    whole = say(Prose(verdict.reason)) if state is Shown.NOT_JUDGED else headline_phrase(verdict)
    text = look.wrap(f"{word}{but} {plain(whole)}")
    painted = look.paint(word, how) + text[len(word) :]
    return f"{painted}\n{counts}" if counts else painted
