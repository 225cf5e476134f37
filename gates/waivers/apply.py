"""Outcomes and waivers → which findings no longer block, and what became of every waiver. Pure."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple

import msgspec

from gates.finding import (
    Finding,
    ListedWaiver,
    Outcome,
    Result,
    State,
    Waived,
    WaiverList,
    WaiverUse,
)
from gates.policy.policy import Policy
from gates.waivers.waivers import Waiver, Waivers

_ROUNDING = 1e-12  # as the judge's: another processor's last digits are not worse
Key = tuple[str, str]  # gate and fingerprint
Use = tuple[WaiverUse, str]


class Waiving(msgspec.Struct, frozen=True):
    """The waivers of the base, and the day, in UTC, on which they are asked for."""

    waivers: Waivers
    today: dt.date


class Bounded(NamedTuple):
    """The number of a finding that a waiver bounds."""

    value: float
    smaller_is_worse: bool

    def within(self, worst: float) -> bool:
        """Whether it is no worse than that; not a number never is."""
        sign = 1 if self.smaller_is_worse else -1
        return sign * self.value >= sign * worst - _ROUNDING


def bounded(finding: Finding) -> Bounded | None:
    """The change where a margin limits it, else the candidate's value; `None` for a mere rule."""
    limit = finding.limit
    value = finding.candidate if limit.margin is None else finding.change
    smaller = finding.greater_is_better if limit.margin is not None else limit.floor is not None
    if limit.rule is not None or value is None or smaller is None or not isfinite(value):
        return None
    return Bounded(value, smaller)


def sentence_digest(finding: Finding) -> str:
    """What stands for the exact sentence of a finding: any other number in it is another one."""
    encoded = finding.message.encode("utf-8", "surrogatepass")
    return hashlib.sha256(encoded).hexdigest()[:16]


def objection(waiver: Waiver, finding: Finding) -> str:
    """Why a waiver does not cover the finding that it names; empty where it does."""
    number = bounded(finding)
    if waiver.worst is None:
        if number is not None:
            return "bounds a sentence, but the finding has a number: waive it again with `worst`"
        same = waiver.said == sentence_digest(finding)
        return "" if same else "the finding says something else than when it was waived"
    if number is None:
        return "bounds a number, but the finding has none: waive it again without `worst`"
    if number.within(waiver.worst):
        return ""
    return f"the finding got worse: {number.value:.6g}, beyond {waiver.worst:.6g}"


def waive(
    outcomes: Sequence[Outcome], policy: Policy, waiving: Waiving
) -> tuple[tuple[Outcome, ...], WaiverList]:
    """The outcomes with what is waived in them, and every waiver with its use, in file order."""
    entries, today = waiving.waivers.entries, waiving.today
    uses = [_closed(waiver, policy, today) for waiver in entries]
    open_ones: dict[Key, list[int]] = {}
    for at, waiver in enumerate(entries):
        if uses[at] is None:
            open_ones.setdefault((waiver.gate, waiver.fingerprint), []).append(at)
    waived: list[Outcome] = []
    for outcome in outcomes:
        findings: list[Finding] = []
        for finding in outcome.findings:
            named = open_ones.get((outcome.gate, finding.fingerprint), [])
            findings.append(_try(finding, named, waiving, uses))
        waived.append(_settle(outcome, tuple(findings)))
    listed = tuple(
        _listed(waiver, line, use or (WaiverUse.UNUSED, "nothing that it names is there"), today)
        for waiver, line, use in zip(entries, waiving.waivers.lines, uses, strict=True)
    )
    return tuple(waived), WaiverList(day=today.isoformat(), listed=listed)


def _closed(waiver: Waiver, policy: Policy, today: dt.date) -> Use | None:
    """Why a waiver counts for nothing, whatever was found."""
    if waiver.until < today:
        return WaiverUse.EXPIRED, f"ended with {waiver.until}"
    if waiver.written > today:
        return WaiverUse.EARLY, f"is dated {waiver.written}, which is still to come"
    gate = policy.gates.get(waiver.gate)
    if gate is None:
        return WaiverUse.UNUSED, "the policy has no such gate"
    return None if gate.waivable else (WaiverUse.REFUSED, "the gate is `waivable: false`")


def _try(
    finding: Finding, named: Iterable[int], waiving: Waiving, uses: list[Use | None]
) -> Finding:
    """The finding with the longest waiver that covers it; notes what became of each."""
    covering: list[int] = []
    for at in named:
        why = objection(waiving.waivers.entries[at], finding)
        if not finding.blocks:
            uses[at] = uses[at] or (WaiverUse.UNUSED, "what it names does not block: take it out")
        elif why:
            uses[at] = uses[at] or (WaiverUse.EXCEEDED, why)
        else:
            uses[at] = (WaiverUse.USED, "")
            covering.append(at)
    if not covering:
        return finding
    longest = max(covering, key=lambda at: waiving.waivers.entries[at].until)
    return msgspec.structs.replace(finding, waiver=_waived(longest, waiving))


def _waived(at: int, waiving: Waiving) -> Waived:
    waiver = waiving.waivers.entries[at]
    return Waived(
        until=waiver.until.isoformat(),
        days_left=(waiver.until - waiving.today).days,
        worst=waiver.worst,
        reason=waiver.reason,
        author=waiver.author,
        approved_by=waiver.approved_by or "",
        line=waiving.waivers.lines[at],
    )


def _settle(outcome: Outcome, findings: tuple[Finding, ...]) -> Outcome:
    """The gate's outcome by what is not waived; `waived` where nothing else blocks."""
    waivers = [one.waiver for one in findings if one.waiver is not None]
    if not waivers:
        return outcome
    if any(one.blocks for one in findings):
        failed = any(one.state is State.FAILED and one.blocks for one in findings)
        result, reason = (Result.FAILED if failed else Result.UNDECIDED), outcome.reason
    else:
        result, reason = Result.WAIVED, _in_brief(waivers)
    return msgspec.structs.replace(outcome, outcome=result, reason=reason, findings=findings)


def _in_brief(waivers: Sequence[Waived]) -> str:
    """The waiver that ends first, and of how many findings it is one."""
    first = min(waivers, key=lambda one: one.days_left)
    if len(waivers) == 1:
        return first.text()
    return f"{len(waivers):,} findings, the first {first.text()}"


def _listed(waiver: Waiver, line: int, use: Use, today: dt.date) -> ListedWaiver:
    return ListedWaiver(
        gate=waiver.gate,
        fingerprint=waiver.fingerprint,
        subject=waiver.subject,
        until=waiver.until.isoformat(),
        days_left=(waiver.until - today).days,
        use=use[0],
        why=use[1],
        reason=waiver.reason,
        line=line,
    )
