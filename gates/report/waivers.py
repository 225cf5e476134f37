"""The waivers of the base and what became of each, as phrases."""

import msgspec

from gates.finding import ListedWaiver, Verdict, WaiverUse
from gates.report.words import Name, Phrase, Prose, say


def listed_waivers(verdict: Verdict) -> tuple[ListedWaiver, ...]:
    """All waivers of the base; nothing where it has none."""
    return () if verdict.waivers is msgspec.UNSET else verdict.waivers.listed


def idle_waivers(verdict: Verdict) -> list[Phrase]:
    """Waivers that let nothing pass, each with its reason."""
    return [
        say(Name(one.gate), " for ", Name(one.subject), ": ", *idle_reason(one), *_line(one))
        for one in listed_waivers(verdict)
        if one.use is not WaiverUse.USED
    ]


def idle_reason(one: ListedWaiver) -> Phrase:
    """Why a waiver had no effect."""
    return say(Prose(one.why)) if one.why else say(one.use.value)


def left(one: ListedWaiver) -> str:
    """`27 days left`, `its last day` or `ended`."""
    if one.days_left < 0:
        return "ended"
    if one.days_left == 0:
        return "its last day"
    return "1 day left" if one.days_left == 1 else f"{one.days_left} days left"


def _line(one: ListedWaiver) -> tuple[str, ...]:
    return (f" (line {one.line})",) if one.line else ()
