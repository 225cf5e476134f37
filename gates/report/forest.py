"""The forest plot: every compared change with its interval, on one axis.

The axis counts in multiples of each finding's own limit, so that recall (limit 0.05) and log loss
(limit 0.01) share it: 0 is no change, −1 is the limit, all to the left of −1 is forbidden.
"""

from math import isfinite
from typing import NamedTuple

import msgspec

from gates.finding import Family, Finding, State, Subject, Verdict
from gates.report.nesting import nested
from gates.report.sentences import cells, subject_phrase
from gates.report.summary import FAMILIES, Judged, findings_in, loss, waived_in
from gates.report.words import Name, Phrase, columns, fit, plain, say, shorten

FURTHEST_WORSE, NEAREST_WORSE = -4.0, -2.0
FURTHEST_BETTER, NEAREST_BETTER = 3.0, 1.0
STATES = {State.PASSED: "pass", State.FAILED: "FAIL", State.UNDECIDED: "undecided"}
SHADE, LIMIT, ZERO, POINT = "·", "┊", "│", "●"
LONGEST_LABEL = 40
VISIBLE = 0.01  # of a limit: less than a column, so that a picture would show nothing
NOT_PASSED = (State.FAILED, State.UNDECIDED)


class Bar(NamedTuple):
    """One row: a change and its interval in multiples of the limit, better to the right."""

    label: Phrase
    indented: bool
    low: float
    middle: float
    high: float
    change: str
    state: State
    waived: bool

    def word(self) -> str:
        """What it came to."""
        return "waived" if self.waived else STATES[self.state]


class Heading(NamedTuple):
    """A row that only names the metric of the rows under it."""

    label: Phrase


class Forest(NamedTuple):
    """All rows, the ends of the axis, and how many rows were left out."""

    rows: tuple[Bar | Heading, ...]
    lowest: float
    highest: float
    left_out: int


def plant(verdict: Verdict, most: int) -> Forest:
    """The plot of everything, with at most `most` bars: what failed first, then what moved most."""
    found = _drawable(verdict)
    return _forest(sorted(found, key=_importance)[:most], len(found))


def plant_in_brief(verdict: Verdict, most: int) -> Forest:
    """The plot in at most `most` rows: what is not proven harmless, and the whole test set.

    A broad segment stands for those inside it; segments that passed are left out.
    """
    found = _drawable(verdict)
    open_ones = [nest.judged for nest in nested(findings_in(verdict, *NOT_PASSED))]
    known = {id(one.finding) for one in (*open_ones, *waived_in(verdict))}
    wanted = [one for one in found if id(one.finding) in known or _is_whole(one)]
    wanted = sorted(wanted, key=_importance)[:most]
    while len(_rows_by_metric(wanted)) > most:
        wanted.pop()
    return _forest(wanted, len(found))


def _drawable(verdict: Verdict) -> list[Judged]:
    """What can be drawn; nothing where all of it passed and no number moved."""
    judged = (*findings_in(verdict, *State), *waived_in(verdict))
    found = [one for one in judged if _can_be_drawn(one.finding)]
    return found if any(_moved(one.finding) for one in found) else []


def _moved(finding: Finding) -> bool:
    change = abs(finding.change or 0.0)
    return change > VISIBLE * (finding.limit.margin or 0.0) or finding.state in NOT_PASSED


def _is_whole(one: Judged) -> bool:
    passed = one.finding.state is State.PASSED
    return passed and not one.finding.subject.segment


def _forest(kept: list[Judged], total: int) -> Forest:
    rows = _rows_by_metric(kept)
    bars = [row for row in rows if isinstance(row, Bar)]
    lows = [bar.low for bar in bars]
    highs = [bar.high for bar in bars]
    return Forest(
        rows=rows,
        lowest=max(FURTHEST_WORSE, min([NEAREST_WORSE, *lows])),
        highest=min(FURTHEST_BETTER, max([NEAREST_BETTER, *highs])),
        left_out=total - len(kept),
    )


def _can_be_drawn(finding: Finding) -> bool:
    drawn = (finding.change, finding.limit.margin, *(finding.interval or ()))
    if any(value is None or not isfinite(value) for value in drawn):
        return False
    known = finding.greater_is_better is not None and finding.interval_of == "change"
    return known and (finding.limit.margin or 0.0) > 0


def _importance(one: Judged) -> tuple[int, int, float]:
    order = {State.FAILED: 0, State.UNDECIDED: 1, State.PASSED: 2}
    margins = abs(loss(one.finding)) / (one.finding.limit.margin or 1.0)
    return order[one.finding.state], len(one.finding.subject.segment), -margins


def _rows_by_metric(found: list[Judged]) -> tuple[Bar | Heading, ...]:
    """Rows of one metric together: the whole test set first, then its segments, indented.

    Causes first, and within a family the metric that holds the worst.
    """
    groups: dict[Phrase, list[Judged]] = {}
    for one in sorted(sorted(found, key=_importance), key=_place_of_metric):
        whole = one.finding.subject
        groups.setdefault(subject_phrase(_without_segment(whole)), []).append(one)
    rows: list[Bar | Heading] = []
    for label, members in groups.items():
        ordered = sorted(members, key=lambda one: bool(one.finding.subject.segment))
        if ordered[0].finding.subject.segment:
            rows.append(Heading(label))
        rows += [_bar(one.finding, label) for one in ordered]
    return tuple(rows)


def _place_of_metric(one: Judged) -> int:
    family = one.outcome.family
    return -1 if family in {Family.METRICS, Family.SEGMENTS} else FAMILIES.index(family)


def _without_segment(subject: Subject) -> Subject:
    return msgspec.structs.replace(subject, segment={})


def _bar(finding: Finding, label: Phrase) -> Bar:
    margin = finding.limit.margin or 1.0
    low, high = finding.interval or (finding.change or 0.0, finding.change or 0.0)
    ends = (low / margin, high / margin)
    if finding.greater_is_better is False:
        ends = (-ends[1], -ends[0])
    segment = finding.subject.segment
    where = " and ".join(f"{name} = {level}" for name, level in segment.items())
    return Bar(
        label=say(Name(where)) if segment else label,
        indented=bool(segment),
        low=ends[0],
        middle=-loss(finding) / margin,
        high=ends[1],
        change=cells(finding).change,
        state=finding.state,
        waived=finding.waiver is not None,
    )


def draw(forest: Forest, width: int) -> str:
    """The plot as lines of at most `width` columns; empty where there is nothing to draw."""
    if not forest.rows:
        return ""
    labels = [_label(row) for row in forest.rows]
    label_width = min(LONGEST_LABEL, width * 2 // 5, max(columns(label) for label in labels))
    change_width = max([len(row.change) for row in forest.rows if isinstance(row, Bar)], default=0)
    state_width = max(len(word) for word in STATES.values())
    scale = Scale(
        forest.lowest, forest.highest, width - label_width - change_width - state_width - 5
    )
    indent = " " * (label_width + 1)
    lines = [(indent + scale.title()).rstrip()]
    for row, label in zip(forest.rows, labels, strict=True):
        bar = row if isinstance(row, Bar) else None
        drawn = f"{fit(shorten(label, label_width), label_width)} {scale.line(bar)}"
        if isinstance(row, Bar):
            drawn += f"  {row.change:>{change_width}}  {row.word()}"
        lines.append(drawn.rstrip())
    lines += [(indent + line).rstrip() for line in scale.axis()]
    return "\n".join(lines)


def _label(row: Bar | Heading) -> str:
    return ("  " if isinstance(row, Bar) and row.indented else "") + plain(row.label)


class Scale(NamedTuple):
    """An axis of `width` columns from `lowest` to `highest`."""

    lowest: float
    highest: float
    width: int

    def column(self, value: float) -> int:
        """The column of a value; outside the axis, the column of its end."""
        share = (value - self.lowest) / (self.highest - self.lowest)
        return min(self.width - 1, max(0, round(share * (self.width - 1))))

    def line(self, bar: Bar | None) -> str:
        """One row: the forbidden zone shaded, the limit, no change, and the interval over them."""
        limit, zero = self.column(-1.0), self.column(0.0)
        line = [SHADE] * limit + [" "] * (self.width - limit)
        line[limit], line[zero] = LIMIT, ZERO
        if bar is None:
            return "".join(line)
        low, high = self.column(bar.low), self.column(bar.high)
        for place in range(low, high + 1):
            line[place] = "┼" if place in {limit, zero} else "─"
        line[low], line[high] = "├", "┤"
        line[self.column(bar.middle)] = POINT
        if bar.low < self.lowest:
            line[0] = "<"
        if bar.high > self.highest:
            line[-1] = ">"
        return "".join(line)

    def title(self) -> str:
        """What the two sides mean."""
        words = [" "] * self.width
        _put(words, self.column(-1.0) // 2, "forbidden")
        _put(words, (self.column(0.0) + self.width) // 2, "better →")
        return "".join(words)

    def axis(self) -> tuple[str, str]:
        """The axis and its words: multiples of the limit, the limit, no change."""
        line = ["─"] * self.width
        words = [" "] * self.width
        ticks = {place: f"{place}×".replace("-", "−") for place in range(-4, 4)}
        ticks |= {-1: "limit", 0: "0", 1: "+1×", 2: "+2×", 3: "+3×"}
        for place in sorted(ticks, key=lambda place: (place not in {-1, 0}, place)):
            if self.lowest <= place <= self.highest:
                line[self.column(place)] = "┴"
                _put(words, self.column(place), ticks[place])
        return "".join(line), "".join(words)


def _put(words: list[str], middle: int, text: str) -> None:
    start = min(len(words) - len(text), max(0, middle - len(text) // 2))
    if start < 0:
        return
    around = slice(max(0, start - 1), start + len(text) + 1)
    if all(one == " " for one in words[around]):
        words[start : start + len(text)] = text
