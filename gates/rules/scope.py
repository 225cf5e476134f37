"""Gate `scope`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final

import msgspec

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.evidence.scope_documents import (
    BYTES_MAX,
    Part,
    read_agreements,
    read_parts,
    read_periods,
)
from gates.finding import Family, Finding, Limit, Mode, State, Subject
from gates.rules.gate import NOT_EMPTY, Gate, Item, NotApplicableError

_TIMELINE: Final = "timeline"
_AGREED: Final = "agreed by"
_FREE: Final = ("remarks", _AGREED)  # may change without anybody's agreement
_DOCUMENTS: Final = ("roadmap", "approach")

Parts = Annotated[tuple[str, ...], NOT_EMPTY]  # that a document must have
Written = Mapping[str, Part]


class Scope(Gate, frozen=True, kw_only=True):
    """Blocks work whose roadmap or approach nobody has written down, or agreed to.

    What it blocks: a scope document (`gates.evidence.roadmap`, `gates.evidence.approach`) that is
    missing, lacks a part, or has one that says nothing yet; a timeline in which a process has no
    two days, or ends before it begins; and one that fewer than `approvers` people have agreed to,
    each with a day. A document that changed since its agreement is undecided until somebody agrees
    anew; with `mode: strict` that blocks.

    Why: a model that answers the wrong question passes every other gate. What is written down and
    agreed can be looked up by whoever reviews the next change.

    What it does not see: whether the text is true, whether the people agreed, and whether the days
    have passed: a verdict does not depend on the day it is given.

    Example:
        scope: {approvers: 2}
    """

    family: ClassVar[Family] = Family.SCOPE
    roadmap: Parts = ("problem", _TIMELINE, _AGREED)
    approach: Parts = ("problem", "processes", "time", "remarks", _AGREED)
    approvers: Annotated[int, msgspec.Meta(ge=1)] = 1
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per part of each document, and one on whether its agreement still holds."""
        given = [name for name in _DOCUMENTS if _has_either(case, name)]
        if not given:
            raise NotApplicableError(
                "no scope documents: `gates.evidence.roadmap` and `gates.evidence.approach` name "
                "none"
            )
        for name in _DOCUMENTS:
            yield from self._judge_document(case, name, _parts(case.candidate, name))

    def _judge_document(self, case: Case, name: str, parts: Written | None) -> Iterator[Item]:
        wanted = self.roadmap if name == "roadmap" else self.approach
        if parts is None:
            listed = ", ".join(wanted)
            mend = f"Write one with the parts {listed}, and name it in `gates.evidence.{name}`."
            yield _finding(name, "there", f"There is no {name} document.", mend)
            return
        for title in wanted:
            yield self._judge_part(name, title, parts.get(" ".join(title.lower().split())))
        before = _parts(case.baseline, name) if case.baseline else None
        if before is not None:
            yield self._judge_agreement(name, before, parts)

    def _judge_part(self, document: str, title: str, part: Part | None) -> Finding:
        key, where = f"{document}: {title}", f"The part “{title}” of the {document}"
        mend = f"Write it below a heading “{title}”."
        if part is None:
            return _finding(key, "written", f"The {document} has no part “{title}”.", mend)
        if not part.lines:
            said = f"{where} says nothing yet (line {part.line})."
            return _finding(key, "written", said, mend)
        problem = ""
        if title.lower() == _TIMELINE:
            problem = _problem_of_timeline(part)
        elif title.lower() == _AGREED:
            problem = self._problem_of_agreement(part)
        if problem:
            mend = f"Mend what stands below line {part.line}."
            return _finding(key, "written", f"{where}: {problem}.", mend)
        return _finding(key, "written", f"{where} is written.")

    def _problem_of_agreement(self, part: Part) -> str:
        agreed = {each.who for each in read_agreements(part) if each.day}
        if len(agreed) >= self.approvers:
            return ""
        return (
            f"{len(agreed)} of {self.approvers} people have agreed, each with a name and a day, "
            "such as `- Dana Scully, 2026-11-23`"
        )

    def _judge_agreement(self, document: str, before: Written, now: Written) -> Finding:
        changed = [
            name for name in now if name not in _FREE and _text(before, name) != _text(now, name)
        ]
        agreed_anew = _text(before, _AGREED) != _text(now, _AGREED)
        holds = agreed_anew or not changed
        named = ", ".join(map(repr, changed[:5]))
        return Finding(
            subject=Subject(key=f"{document}: agreement"),
            state=State.PASSED if holds else State.UNDECIDED,
            limit=Limit(rule="agreed as it stands", mode=self.mode),
            message=f"What was agreed of the {document} still stands, or was agreed anew."
            if holds
            else f"The {document} changed since it was agreed: {named}.",
            mend="" if holds else "Let whoever agreed agree anew, with today's day.",
        )


def _has_either(case: Case, name: str) -> bool:
    sides = (case.candidate, case.baseline)
    return any(side is not None and side.has(f"{name}.md") for side in sides)


def _parts(evidence: Evidence, name: str) -> Written | None:
    file = f"{name}.md"
    if not evidence.has(file):
        return None
    return read_parts(evidence.content(file, BYTES_MAX), str(evidence.folder / file))


def _text(parts: Written, name: str) -> str:
    return parts[name].text if name in parts else ""


def _problem_of_timeline(part: Part) -> str:
    periods = read_periods(part)
    if not periods:
        return "has no table of process, from and until"
    for period in periods:
        if period.start is None or period.end is None:
            return f"{period.process!r} has no two days as YYYY-MM-DD"
        if period.end < period.start:
            return f"{period.process!r} ends on {period.end}, before it begins on {period.start}"
    return ""


def _finding(key: str, rule: str, message: str, mend: str = "") -> Finding:
    """Failed where there is something to mend."""
    return Finding(
        subject=Subject(key=key),
        state=State.FAILED if mend else State.PASSED,
        limit=Limit(rule=rule, mode=Mode.STRICT),
        message=message,
        mend=mend,
    )
