"""The comment on a pull request: what a reader must know, within what GitHub accepts."""

import re
from pathlib import Path
from typing import NamedTuple

from gates.finding import Result, Side, State, Verdict
from gates.report.changes import MOST_POLICY_CHANGES, changes_of, difference, policy_lines, side
from gates.report.figures import counted
from gates.report.forest import draw, plant
from gates.report.headline import headline_phrase
from gates.report.remedy import root_cause, to_fix
from gates.report.rows import Rooms, Row, folds_of, row_of, top_of
from gates.report.summary import (
    SIGNS,
    Judged,
    counts_text,
    loosened,
    nothing_moved,
    shown,
    tally,
    trade_off,
)
from gates.report.templates import render
from gates.report.words import Markdown, Name, code, fence, first_sentence, short

BUDGET_BYTES = 60_000
PLOT_COLUMNS = 98  # a comment's width on GitHub
MOST_DIFFERENCES = 10
MOST_MOVES = 4  # on each side of a trade-off
ALL = 1_000  # rows: each takes more than 60 bytes, so that no more could fit
DIFFER = {True: "differs", False: "differ"}
HOLDS = {State.PASSED: "kept", State.FAILED: "broken", State.UNDECIDED: "undecided"}
LIMITS_FROM = {
    "base": "limits of the merge base",
    "candidate": "limits of this PR, not of the merge base",
    "file": "limits of the given file",
}
JUDGED_BY = {
    "base": "judged by the limits of the merge base; the new ones count from the next PR on:",
    "candidate": "judged by the new limits:",
    "file": "judged by the limits of the given file:",
}


class Room(NamedTuple):
    """How much of each section is shown; smaller rooms are tried until the comment fits."""

    segments: int = ALL
    data: int = ALL
    others: int = ALL
    bars: int = 20
    mends: bool = True
    failed: int = ALL
    doubts: int = 5
    only_counts: bool = False


def _rooms() -> tuple[Room, ...]:
    """From everything to a heading with counts; the order is what a reader misses least."""
    whole = Room()
    steps = [
        whole,
        whole._replace(segments=20),
        whole._replace(segments=20, data=0),
        whole._replace(segments=0, data=0, others=0),
        whole._replace(segments=0, data=0, others=0, bars=12),
        whole._replace(segments=0, data=0, others=0, bars=12, mends=False),
    ]
    steps += [steps[-1]._replace(failed=failed) for failed in (200, 100, 50, 20, 5)]
    return (*steps, steps[-1]._replace(failed=0, doubts=0, only_counts=True))


def comment(verdict: Verdict, *, overrides: Path | None = None) -> str:
    """The comment of a verdict, at most 60,000 bytes; its last line is for machines.

    Sections give way in a fixed order, each leaving its count; the heading, the failing rows (or
    how many there are) and the last line never do.
    """
    line = marker(verdict)
    for room in _rooms():
        text = render("comment.md.j2", overrides, **_values(verdict, room)).strip()
        text = re.sub(r"\n{3,}", "\n\n", text)
        whole = f"{text}\n\n{line}\n"
        if len(whole.encode()) <= BUDGET_BYTES:
            return whole
    heading = text.splitlines()[0]
    return f"{heading[:1000]}\n\n{line}\n"


def marker(verdict: Verdict) -> str:
    """The last line, by which a program knows the comment and what it judged."""
    counts = " ".join(f"{result.value}={found}" for result, found in tally(verdict).items())
    base = _bare(verdict.baseline.revision) if verdict.baseline else "none"
    head = _bare(verdict.candidate.revision)
    return (
        f"<!-- gatepost v1 head={head} base={base} decision={verdict.decision.value} {counts} -->"
    )


def _bare(revision: str) -> str:
    """A revision that cannot end an HTML comment or forge a field."""
    return re.sub(r"[^0-9A-Za-z._/]", "_", revision[:64]) or "unknown"


def not_judged(message: str, *, revision: str = "", overrides: Path | None = None) -> str:
    """The comment where no verdict could be made, with the error as it was said."""
    told = message.strip() or "no reason was given"
    first = first_sentence(told)
    text = render(
        "not_judged.md.j2",
        overrides,
        reason=first,
        details=fence(told) if first != told else Markdown(""),
        revision=Name(short(revision)) if revision else "",
    )
    line = f"<!-- gatepost v1 head={_bare(revision)} base=none decision=cannot_judge -->"
    return f"{text.strip()}\n\n{line}\n"


def running(
    revision: str, *, previous: Verdict | None = None, overrides: Path | None = None
) -> str:
    """The comment while a revision is judged; an earlier verdict no longer counts."""
    text = render(
        "running.md.j2",
        overrides,
        revision=Name(short(revision)),
        previous=Name(short(previous.candidate.revision)) if previous else "",
        sign=SIGNS[shown(previous)] if previous else "",
        counts=counts_text(previous) if previous else (),
    )
    line = f"<!-- gatepost v1 head={_bare(revision)} base=none decision=running -->"
    return f"{text.strip()}\n\n{line}\n"


def _values(verdict: Verdict, room: Room) -> dict[str, object]:
    """Everything the template may print."""
    return {
        **_head(verdict),
        **_changed(verdict),
        **_judged(verdict, room),
        "head_hash": _hash(verdict.candidate),
        "base_hash": _hash(verdict.baseline),
        "gatepost": Name(verdict.gatepost),
        "limits_words": LIMITS_FROM[verdict.policy_from],
    }


def _head(verdict: Verdict) -> dict[str, object]:
    state = shown(verdict)
    differ = len(verdict.environment)
    same = first_sentence(verdict.reason) == verdict.reason
    return {
        "sign": SIGNS[state],
        "state": state.value,
        "headline": headline_phrase(verdict),
        "differs": f"; {counted(differ, 'thing')} {DIFFER[differ == 1]} from the baseline run"
        if differ
        else "",
        "counts": counts_text(verdict),
        "waived": counted(tally(verdict)[Result.WAIVED], "waiver"),
        "details": Markdown("") if same else fence(verdict.reason),
        "candidate": side(verdict.candidate),
        "baseline": side(verdict.baseline) if verdict.baseline else None,
        "baseline_reason": verdict.baseline_reason,
        "base_column": _column_title(verdict.baseline),
    }


def _changed(verdict: Verdict) -> dict[str, object]:
    differ = len(verdict.environment)
    weaker = len(loosened(verdict))
    return {
        "changes": changes_of(verdict),
        "test_set": verdict.test_set,
        "environment": tuple(map(difference, verdict.environment[:MOST_DIFFERENCES])),
        "environment_words": f"{counted(differ, 'thing')} {DIFFER[differ == 1]}",
        "environment_left_out": max(0, differ - MOST_DIFFERENCES),
        "policy_changes": policy_lines(verdict),
        "policy_changes_left_out": max(0, len(verdict.policy_changes) - MOST_POLICY_CHANGES),
        "policy_words": JUDGED_BY[verdict.policy_from],
        "loosened": weaker,
        "loosened_words": counted(weaker, "limit"),
    }


def _judged(verdict: Verdict, room: Room) -> dict[str, object]:
    rooms = Rooms(room.segments, room.data, room.others, observations=min(room.others, 40))
    top = top_of(verdict, room.failed, room.doubts)
    trade = trade_off(verdict)
    forest = plant(verdict, room.bars)
    drawn = "" if nothing_moved(verdict) else draw(forest, PLOT_COLUMNS)
    items = to_fix(verdict)
    return {
        "top": top,
        "failed_total": f"{len(top.failed) + top.failed_left_out:,}",
        "only_counts": room.only_counts,
        "better": moves(trade.better),
        "worse": moves(trade.worse),
        "plot": fence(drawn, longest=BUDGET_BYTES) if drawn else Markdown(""),
        "plot_left_out": forest.left_out,
        "items": () if room.only_counts else items,
        "mends": room.mends,
        "root_cause": root_cause(items),
        "folds": () if room.only_counts else folds_of(verdict, rooms, room.doubts),
    }


def _column_title(baseline: Side | None) -> Markdown:
    return code(short(baseline.revision), cell=True) if baseline else Markdown("baseline")


def _hash(one: Side | None) -> Markdown:
    """A commit's hash where the revision is one; nothing else may stand in a command line."""
    whole = one is not None and not one.dirty and re.fullmatch("[0-9a-f]{7,64}", one.revision)
    return Markdown(one.revision if one is not None and whole else "")


class Move(NamedTuple):
    """One entry of a trade-off, and whether its limit holds."""

    row: Row
    holds: str


def moves(found: tuple[Judged, ...]) -> tuple[Move, ...]:
    """What moved, the largest first."""
    return tuple(Move(row_of(one), HOLDS[one.finding.state]) for one in found[:MOST_MOVES])
