"""One setting as it was found, and what all of them together mean."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from gates.errors import ExitCode

_SHOWN = 3


class Level(StrEnum):
    """How a setting is."""

    OK = "ok"
    WEAK = "weak"
    MISSING = "missing"
    UNKNOWN = "unknown"  # it could not be looked at


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """One setting: how it is, what was seen, and what to do about it."""

    setting: str
    level: Level
    said: str
    mend: str = ""
    forgeable: bool = False  # it lets somebody make a verdict say what the evidence does not


def ok(setting: str, said: str) -> Sign:
    """A setting that is as it should be."""
    return Sign(setting=setting, level=Level.OK, said=said)


def weak(setting: str, said: str, mend: str = "", *, forgeable: bool = False) -> Sign:
    """A setting that is there, and does less than it seems to."""
    return Sign(setting=setting, level=Level.WEAK, said=said, mend=mend, forgeable=forgeable)


def missing(setting: str, said: str, mend: str = "", *, forgeable: bool = False) -> Sign:
    """A setting that is not there."""
    return Sign(setting=setting, level=Level.MISSING, said=said, mend=mend, forgeable=forgeable)


def unknown(setting: str, said: str, mend: str = "") -> Sign:
    """A setting that could not be looked at."""
    return Sign(setting=setting, level=Level.UNKNOWN, said=said, mend=mend)


def exit_code_of(signs: Sequence[Sign]) -> ExitCode:
    """1 where something is missing or lets a verdict be forged; 3 where only that is unknown."""
    if any(one.level is Level.MISSING or _lets_forge(one) for one in signs):
        return ExitCode.BLOCKED
    if any(one.level is Level.UNKNOWN for one in signs):
        return ExitCode.CANNOT_JUDGE
    return ExitCode.MAY_MERGE


def listed(places: Sequence[str]) -> str:
    """The first few of some places, and how many more there are."""
    more = len(places) - _SHOWN
    return ", ".join(places[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _lets_forge(sign: Sign) -> bool:
    return sign.level is Level.WEAK and sign.forgeable
