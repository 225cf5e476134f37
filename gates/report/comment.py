"""The comment on a pull request: what a reader must know, within what GitHub accepts."""

import re
from pathlib import Path
from typing import NamedTuple

from gates.finding import Side, Verdict
from gates.report.changes import anchor_phrase, anchor_words
from gates.report.data_changes import data_section
from gates.report.folds import Fold, Shares, folds_of
from gates.report.forest import draw, plant_in_brief
from gates.report.headline import headline_phrase
from gates.report.lines import (
    changes_line,
    counts_line,
    decided,
    differing_versions,
    environment_line,
    fix_list,
    policy_section,
    waivers_section,
)
from gates.report.remedy import root_cause, to_fix
from gates.report.rows_judged import is_worn, test_set_words, wear_phrase
from gates.report.sections import (
    base_title,
    findings_section,
    fold_body,
    quiet_lines,
    trade_off_table,
)
from gates.report.summary import SIGNS, counts_text, shown, tally
from gates.report.templates import render
from gates.report.top import top_of
from gates.report.trade_off import trade_off
from gates.report.words import Markdown, Name, fence, first_sentence, short

BUDGET_BYTES = 60_000
PLOT_COLUMNS = 98  # a comment's width on GitHub
MOST_BARS = 12
ALL = 1_000  # rows: each takes more than 60 bytes, so that no more could fit
LIMITS_FROM = {
    "base": "limits of the merge base",
    "candidate": "limits of this PR, not of the merge base",
    "file": "limits of the given file",
}


class Room(NamedTuple):
    """How much of each section is shown; smaller rooms are tried until the comment fits."""

    nearest: int = 3  # passed findings of a gate
    observed: int = 3
    bars: int = MOST_BARS
    mends: bool = True
    failed: int = ALL
    failed_of_gate: int = 6
    doubts: int = 3
    only_counts: bool = False


def _rooms() -> tuple[Room, ...]:
    """From everything to a heading with counts; the order is what a reader misses least."""
    steps = [Room(), Room(nearest=0), Room(nearest=0, observed=0)]
    steps.append(steps[-1]._replace(mends=False))
    steps += [steps[-1]._replace(failed=failed) for failed in (200, 100, 50, 20, 5)]
    return (*steps, steps[-1]._replace(failed=0, doubts=0, only_counts=True))


def comment(verdict: Verdict, *, overrides: Path | None = None, checks_url: str = "") -> str:
    """The comment of a verdict, at most 60,000 bytes; its last line is for machines.

    `checks_url` is where the commit's checks are shown, for who wants more than the comment has.

    Sections give way in a fixed order, each leaving its count; the heading, the failing rows (or
    how many there are) and the last line never do.
    """
    line = marker(verdict)
    for room in _rooms():
        values = _values(verdict, room) | {"checks_url": Markdown(checks_url)}
        text = render("comment.md.j2", overrides, **values).strip()
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
        **_judged(verdict, room),
        "head_hash": _hash(verdict.candidate),
        "base_hash": _hash(verdict.baseline),
        "gatepost": Name(verdict.gatepost),
        "limits_words": LIMITS_FROM[verdict.policy_from],
    }


def _head(verdict: Verdict) -> dict[str, object]:
    state = shown(verdict)
    same = first_sentence(verdict.reason) == verdict.reason
    return {
        "sign": SIGNS[state],
        "state": state.value,
        "decided": decided(verdict, state),
        "headline": headline_phrase(verdict),
        "differs": differing_versions(verdict),
        "counts": counts_line(verdict),
        "details": Markdown("") if same else fence(verdict.reason),
        "has_baseline": verdict.baseline is not None,
        "baseline_reason": verdict.baseline_reason,
        "anchor": anchor_phrase(verdict),
        "anchor_words": anchor_words(verdict),
        "test_set": test_set_words(verdict),
        "wear": wear_phrase(verdict),
        "is_worn": is_worn(verdict),
        "changes": changes_line(verdict),
        "data": data_section(verdict),
        "environment": environment_line(verdict),
        "policy_changes": policy_section(verdict),
        "waivers": waivers_section(verdict),
    }


def _judged(verdict: Verdict, room: Room) -> dict[str, object]:
    base = base_title(short(verdict.baseline.revision) if verdict.baseline else None)
    top = top_of(verdict, room.failed, room.failed_of_gate, room.doubts)
    shares = Shares(room.nearest, room.observed)
    folds = () if room.only_counts else folds_of(verdict, top, shares)
    items = () if room.only_counts else to_fix(verdict)
    forest = plant_in_brief(verdict, room.bars)
    drawn = draw(forest, PLOT_COLUMNS)
    return {
        "findings": findings_section(top, base),
        "failed_total": f"{top.failed_total:,}",
        "only_counts": room.only_counts,
        "trade_off": trade_off_table(*trade_off(verdict), base),
        "plot": fence(drawn, longest=BUDGET_BYTES) if drawn else Markdown(""),
        "plot_left_out": forest.left_out,
        "to_fix": fix_list(items, mends=room.mends),
        "root_cause": root_cause(items),
        "folds": tuple(Folded.of(one, base) for one in folds if one.has_rows),
        "quiet": quiet_lines(one for one in folds if not one.has_rows),
        "any_gate": bool(folds),
    }


class Folded(NamedTuple):
    """A fold as the template prints it."""

    sign: str
    family: str
    summary: str
    body: Markdown

    @classmethod
    def of(cls, fold: Fold, base: Markdown) -> "Folded":
        """The fold with its table."""
        return cls(fold.sign, fold.family, fold.summary, fold_body(fold, base))


def _hash(one: Side | None) -> Markdown:
    """A commit's hash where the revision is one; nothing else may stand in a command line."""
    whole = one is not None and not one.dirty and re.fullmatch("[0-9a-f]{7,64}", one.revision)
    return Markdown(one.revision if one is not None and whole else "")
