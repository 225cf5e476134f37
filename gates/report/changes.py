"""What a pull request changes: data, parameters, code and limits, as phrases."""

import re
from typing import NamedTuple

from gates.finding import Difference, Direction, Family, PolicyChange, Side, State, Verdict
from gates.report.words import Name, Phrase, Prose, say, short

MOST_NAMED = 8  # parameters, data files or code files in the line of what changed
MOST_POLICY_CHANGES = 20
_VERSION = re.compile(r"\d+(\.\d+)+\w*")


def side(one: Side) -> Phrase:
    """A revision as a reader names it, with what is not committed."""
    return say(Name(short(one.revision)), " with uncommitted changes" if one.dirty else "")


def anchor_phrase(verdict: Verdict) -> Phrase:
    """The second reference, or why there is none; nothing where the policy asks for none."""
    one = verdict.anchor
    if one is None:
        return say("none: ", Prose(verdict.anchor_reason)) if verdict.anchor_reason else say()
    named = (Name(one.tag), " at ") if one.tag else ()
    found = (" (", Prose(one.found), ")") if one.found else ()
    return say(*named, *side(one), *found)


def anchor_words(verdict: Verdict) -> str:
    """What the second reference is."""
    best = verdict.anchor is not None and verdict.anchor.best
    return "the best baseline so far" if best else "the last release"


class Changed(NamedTuple):
    """One kind of thing that the pull request changes."""

    kind: str
    named: tuple[Phrase, ...]
    more: int


def changes_of(verdict: Verdict) -> tuple[Changed, ...]:
    """What this pull request changes: data first, then parameters, then code."""
    if verdict.changes is None:
        return ()
    found = {
        "data": tuple(map(difference, verdict.changes.data)),
        "params": tuple(map(difference, verdict.changes.params)),
        "files": tuple(say(Name(path)) for path in verdict.changes.files),
    }
    return tuple(
        Changed(kind, named[:MOST_NAMED], len(named[MOST_NAMED:]))
        for kind, named in found.items()
        if named
    )


def difference(one: Difference) -> Phrase:
    """`train.max_depth` 6 → 9, or what was added or removed."""
    if one.baseline is None:
        return say(
            Name(one.name), " added: " if one.candidate else " added", *_value(one.candidate)
        )
    if one.candidate is None:
        return say(Name(one.name), " removed")
    return say(Name(one.name), " ", Name(one.baseline), " → ", Name(one.candidate))


def _value(text: str | None) -> tuple[Name, ...]:
    return (Name(text),) if text else ()


def policy_lines(verdict: Verdict) -> tuple[Phrase, ...]:
    """The changed limits that no failed finding names, the loosened ones first."""
    order = (Direction.LOOSENED, Direction.CHANGED, Direction.TIGHTENED)
    failed = {
        finding.subject.key
        for outcome in verdict.outcomes
        for finding in outcome.findings
        if finding.state is State.FAILED and outcome.family is Family.SCOPE
    }
    unnamed = [one for one in verdict.policy_changes if one.key not in failed]
    ordered = sorted(unnamed, key=lambda one: order.index(one.direction))
    return tuple(policy_line(one) for one in ordered[:MOST_POLICY_CHANGES])


def policy_line(one: PolicyChange) -> Phrase:
    """`gates.metric_floor.roc_auc` 0.9 → 0.8, loosened."""
    values = difference(Difference(name=one.key, baseline=one.base, candidate=one.candidate))
    return say(*values, f" ({one.direction.value})")


def versions(verdict: Verdict) -> tuple[Difference, ...]:
    """Packages, or Python itself, that differ between the two runs."""
    return tuple(
        one
        for one in verdict.environment
        if one.name == "python"
        or one.name.startswith("packages.")
        or (_VERSION.fullmatch(one.baseline or "") and _VERSION.fullmatch(one.candidate or ""))
    )
