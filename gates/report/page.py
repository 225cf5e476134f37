"""The report as one HTML file that needs nothing else: no script, no font, no address."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from gates.finding import ListedWaiver, Outcome, Result, State, Verdict, WaiverUse
from gates.report.changes import (
    anchor_phrase,
    anchor_words,
    changes_of,
    difference,
    policy_line,
    side,
)
from gates.report.data_changes import table_views
from gates.report.figures import counted
from gates.report.folds import summary_of, unsaid
from gates.report.forest import Bar, Forest, Heading, plant, plant_in_brief
from gates.report.headline import headline_phrase
from gates.report.remedy import root_cause, to_fix
from gates.report.rows import Row, moved_row, observed_row, row_of, stopped_row
from gates.report.rows_judged import is_worn, test_set_words, wear_phrase
from gates.report.summary import FAMILIES, Judged, Shown, blocks, counts_text, loosened, shown
from gates.report.templates import render
from gates.report.trade_off import trade_off
from gates.report.waivers import idle_reason, left, listed_waivers
from gates.report.words import Name, Phrase, Prose, plain, say, shorten

MOST_BARS = 60
FEW_BARS = 16  # in sight; the others are folded away
LABEL_COLUMNS, INDENT_COLUMNS = 38, 4
WORDS = {
    Shown.PASSED: "Passed",
    Shown.WAIVED: "Passed with a waiver",
    Shown.UNCHANGED: "Nothing to judge",
    Shown.NO_BASELINE: "Passed, but",
    Shown.BLOCKED: "Blocked",
    Shown.NOT_JUDGED: "Could not decide",
}
TONES = {
    Shown.BLOCKED: "bad",
    Shown.NOT_JUDGED: "bad",
    Shown.NO_BASELINE: "doubt",
}
TONE_OF_RESULT = {
    Result.PASSED: "good",
    Result.FAILED: "bad",
    Result.ERRORED: "bad",
    Result.UNDECIDED: "doubt",
    Result.WAIVED: "doubt",
    Result.SKIPPED: "quiet",
}
RESULT_WORDS = {Result.ERRORED: "crashed"}
TONE_OF_STATE = {State.PASSED: "good", State.FAILED: "bad", State.UNDECIDED: "doubt"}
WORST_FIRST = (State.FAILED, State.UNDECIDED, State.PASSED)
LIMITS_FROM = {
    "base": "The limits are those of the merge base.",
    "candidate": "The limits are those of this pull request, not of the merge base.",
    "file": "The limits are those of the given file.",
}


class Told(NamedTuple):
    """One finding of a gate."""

    tone: str
    word: str
    row: Row
    message: Phrase
    mend: Phrase


class GateView(NamedTuple):
    """One gate with everything it said."""

    anchor: str
    gate: Name
    family: str
    tone: str
    word: str
    summary: str
    reason: Phrase
    numbers: bool
    told: tuple[Told, ...]
    seen: tuple[Row, ...]
    is_open: bool


class WaiverView(NamedTuple):
    """One waiver of the base, and what became of it."""

    gate: Name
    subject: Name
    until: str
    left: str
    used: bool
    why: Phrase
    reason: Prose


class Drawn(NamedTuple):
    """One row of the picture, in its coordinates; an end outside the axis is an arrow."""

    top: float
    label: str
    indented: bool
    bar: bool
    low: float
    middle: float
    high: float
    beyond_low: bool
    beyond_high: bool
    outside: bool
    change: str
    tone: str
    word: str


class Tick(NamedTuple):
    """A mark on the axis."""

    at: float
    text: str


class Picture(NamedTuple):
    """The forest plot: rows, marks, and where the forbidden zone ends."""

    rows: tuple[Drawn, ...]
    ticks: tuple[Tick, ...]
    left: float
    right: float
    limit: float
    zero: float
    bottom: float
    left_out: int


LEFT, RIGHT, TOP, STEP = 320.0, 730.0, 34.0, 24.0
TICKS = {-4: "−4×", -3: "−3×", -2: "−2×", -1: "limit", 0: "no change", 1: "+1×", 2: "+2×", 3: "+3×"}


def page(verdict: Verdict, *, overrides: Path | None = None) -> str:
    """The HTML report of a verdict: everything it holds, the decision first."""
    state = shown(verdict)
    trade = trade_off(verdict)
    items = to_fix(verdict)
    brief, forest = plant_in_brief(verdict, FEW_BARS), plant(verdict, MOST_BARS)
    return render(
        "report.html.j2",
        overrides,
        tone=TONES.get(state, "good"),
        decided=WORDS[state],
        headline=_headline(verdict, state),
        title=plain(say("Model gate: ", *headline_phrase(verdict))),
        counts=counts_text(verdict),
        candidate=side(verdict.candidate),
        baseline=side(verdict.baseline) if verdict.baseline else None,
        found=verdict.baseline.found if verdict.baseline else "",
        baseline_reason=verdict.baseline_reason,
        anchor=anchor_phrase(verdict),
        anchor_words=anchor_words(verdict),
        changes=changes_of(verdict),
        data=table_views(verdict),
        test_set=test_set_words(verdict),
        wear=wear_phrase(verdict),
        is_worn=is_worn(verdict),
        picture=paint(brief) if brief.rows else None,
        whole=paint(forest) if brief.left_out else None,
        items=items,
        root_cause=root_cause(items),
        better=tuple(map(moved_row, trade.better)),
        worse=tuple(map(moved_row, trade.worse)),
        gates=tuple(_gate(outcome, place) for place, outcome in enumerate(_ordered(verdict), 1)),
        policy_changes=tuple(policy_line(one) for one in verdict.policy_changes),
        waivers=tuple(map(_waiver, listed_waivers(verdict))),
        day=verdict.waivers.day if verdict.waivers is not msgspec.UNSET else "",
        loosened=counted(len(loosened(verdict)), "limit") if loosened(verdict) else "",
        limits_from=LIMITS_FROM[verdict.policy_from],
        environment=tuple(map(difference, verdict.environment)),
        gatepost=Name(verdict.gatepost),
    )


def _headline(verdict: Verdict, state: Shown) -> Phrase:
    return say(Prose(verdict.reason)) if state is Shown.NOT_JUDGED else headline_phrase(verdict)


def _ordered(verdict: Verdict) -> list[Outcome]:
    """Gates in root-cause order, those that block before the others."""
    return sorted(verdict.outcomes, key=lambda one: (not blocks(one), FAMILIES.index(one.family)))


def _gate(outcome: Outcome, place: int) -> GateView:
    findings = sorted(outcome.findings, key=lambda one: WORST_FIRST.index(one.state))
    told = _mends_once([_told(Judged(outcome, finding)) for finding in findings])
    return GateView(
        anchor=f"gate-{place}",
        gate=Name(outcome.gate),
        family=outcome.family.value,
        tone=TONE_OF_RESULT[outcome.outcome],
        word=RESULT_WORDS.get(outcome.outcome, outcome.outcome.value),
        summary=", ".join(summary_of([outcome])) if findings else "",
        reason=stopped_row(outcome).message if outcome.reason else say(),
        numbers=any(one.row.candidate or one.row.change for one in told),
        told=told,
        seen=tuple(observed_row(outcome, one) for one in unsaid(outcome)),
        is_open=blocks(outcome),
    )


def _told(one: Judged) -> Told:
    return Told(
        tone="doubt" if one.finding.waiver else TONE_OF_STATE[one.finding.state],
        word="waived" if one.finding.waiver else one.finding.state.value,
        row=row_of(one),
        message=say(Prose(one.finding.message)),
        mend=say(Prose(one.finding.mend)) if one.finding.mend else say(),
    )


def _mends_once(told: list[Told]) -> tuple[Told, ...]:
    """What to do stands beside the first finding that asks for it."""
    said: set[Phrase] = set()
    kept = []
    for one in told:
        kept.append(one._replace(mend=say()) if one.mend in said else one)
        said |= {one.mend} if one.tone != "good" else set()
    return tuple(kept)


def _waiver(one: ListedWaiver) -> WaiverView:
    return WaiverView(
        gate=Name(one.gate),
        subject=Name(one.subject),
        until=one.until,
        left=left(one),
        used=one.use is WaiverUse.USED,
        why=idle_reason(one),
        reason=Prose(one.reason),
    )


def paint(forest: Forest) -> Picture:
    """The plot in the coordinates of an SVG that is 960 wide."""
    rows = tuple(_drawn(forest, row, TOP + at * STEP) for at, row in enumerate(forest.rows))
    return Picture(
        rows=rows,
        ticks=tuple(
            Tick(_across(forest, at), text)
            for at, text in TICKS.items()
            if forest.lowest <= at <= forest.highest
        ),
        left=LEFT,
        right=RIGHT,
        limit=_across(forest, -1.0),
        zero=_across(forest, 0.0),
        bottom=TOP + len(rows) * STEP,
        left_out=forest.left_out,
    )


def _across(forest: Forest, value: float) -> float:
    share = (value - forest.lowest) / (forest.highest - forest.lowest)
    return round(LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT), 1)


def _drawn(forest: Forest, row: Bar | Heading, top: float) -> Drawn:
    indent = INDENT_COLUMNS if isinstance(row, Bar) and row.indented else 0
    label = shorten(plain(row.label), LABEL_COLUMNS - indent)
    if isinstance(row, Heading):
        return Drawn(
            top, label, False, False, LEFT, LEFT, LEFT, False, False, True, "", "quiet", ""
        )
    return Drawn(
        top=top,
        label=label,
        indented=row.indented,
        bar=True,
        low=_across(forest, row.low),
        middle=_across(forest, row.middle),
        high=_across(forest, row.high),
        beyond_low=row.low < forest.lowest,
        beyond_high=row.high > forest.highest,
        outside=not forest.lowest <= row.middle <= forest.highest,
        change=row.change,
        tone="doubt" if row.waived else TONE_OF_STATE[row.state],
        word="waived" if row.waived else row.state.value,
    )
