"""What to fix, in the order in which causes should be suspected."""

import re
from typing import NamedTuple

from gates.finding import Family, Outcome, Result, Verdict
from gates.report.sentences import reason, subject_phrase
from gates.report.summary import FAMILIES, Judged, problems, stopped
from gates.report.words import Name, Phrase, Prose, say

MOST_MENDS = 3
_FIGURES = re.compile(r"[\d.,%]+")
ROOT_CAUSES = {
    Family.LEAKAGE: "leakage first: it may explain the rest",
    Family.DATA: "data first: it may explain the rest",
    Family.LABELS: "labels first: they may explain the rest",
    Family.SPLIT: "the split first: it may explain the rest",
    Family.REPRODUCIBILITY: "reproducibility first: the other numbers rest on it",
}


class Item(NamedTuple):
    """One thing to fix: a gate, its worst finding, and what to do about it."""

    gate: Name
    family: Family
    about: Phrase
    reason: Phrase
    mends: tuple[Prose, ...]
    more: int


def to_fix(verdict: Verdict) -> tuple[Item, ...]:
    """One item a gate, in root-cause order."""
    by_gate: dict[str, list[Judged]] = {}
    for one in problems(verdict):
        by_gate.setdefault(one.outcome.gate, []).append(one)
    items = [_item(found) for found in by_gate.values()]
    items += [_stop(outcome) for outcome in stopped(verdict) if outcome.gate not in by_gate]
    return tuple(sorted(items, key=lambda item: FAMILIES.index(item.family)))


def _item(found: list[Judged]) -> Item:
    outcome, worst = found[0]
    mends: dict[str, str] = {}
    for mend in (one.finding.mend for one in found if one.finding.mend):
        mends.setdefault(_FIGURES.sub("", mend), mend)  # said once, with the worst one's figures
    return Item(
        gate=Name(outcome.gate),
        family=outcome.family,
        about=subject_phrase(worst.subject) if mends else say(),
        reason=_in_a_sentence(reason(worst, outcome.family)),
        mends=tuple(Prose(mend) for mend in mends.values())[:MOST_MENDS],
        more=len(found) - 1,
    )


def _in_a_sentence(words: Phrase) -> Phrase:
    last = words[-1] if words else ""
    ends = not isinstance(last, str) and last.text.rstrip().endswith((".", "!", "?"))
    return words if ends else say(*words, ".")


def _stop(outcome: Outcome) -> Item:
    crashed = outcome.outcome is Result.ERRORED
    why = "It crashed: " if crashed else "It is required, but was skipped: "
    return Item(Name(outcome.gate), outcome.family, say(), say(why, Prose(outcome.reason)), (), 0)


def root_cause(items: tuple[Item, ...]) -> str:
    """Why the first thing to fix comes first, where it may explain the others."""
    if len(items) > 1 and items[0].family is not items[-1].family:
        return ROOT_CAUSES.get(items[0].family, "")
    return ""
