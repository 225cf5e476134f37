"""`waivers.yaml`: findings that a team takes upon itself for a while → Waivers, or a refusal."""

import datetime as dt
from typing import Annotated

import msgspec

from gates.errors import PolicyError
from gates.reading.strict_yaml import load
from gates.reading.typed import build

FILE = "waivers.yaml"
LONGEST_DAYS = 30

Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=600)]


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One finding that does not block up to a day, as long as it gets no worse.

    A finding with a number is bounded by `worst`, in the finding's own unit and sign; one without
    is waived only while it says the very same.
    """

    gate: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
    fingerprint: Hex  # of the finding
    subject: Text  # for readers; the fingerprint decides
    worst: float | None = None  # the worst value that is still waived
    said: Hex | None = None  # of a finding without a number: the digest of its sentence
    written: dt.date
    until: dt.date  # its last day, to midnight UTC
    reason: Text
    author: Text
    approved_by: Text | None = None

    def __post_init__(self) -> None:
        """Refuse what has no bound, or lasts too long.

        Raises:
            ValueError: saying which.
        """
        if (self.worst is None) == (self.said is None):
            raise ValueError(
                "needs exactly one of worst and said: the worst value that is still waived, or "
                "the digest of a sentence without a number. `gatepost waive` writes the right one."
            )
        days = (self.until - self.written).days
        if not 0 <= days <= LONGEST_DAYS:
            raise ValueError(
                f"until {self.until} is {days} days after written {self.written}; 0 to "
                f"{LONGEST_DAYS} are allowed. Waive it again when it ends."
            )


class Waivers(msgspec.Struct, frozen=True):
    """All entries in the file's order, and the line (from 1) at which each starts."""

    entries: tuple[Waiver, ...] = ()
    lines: tuple[int, ...] = ()


def read_waivers(content: bytes, name: str) -> Waivers:
    """Parse the waivers of one revision; an empty file has none.

    Args:
        content: the whole of a `waivers.yaml`: a list of entries.
        name: what messages call the file.

    Raises:
        PolicyError: anything in it is not as it must be, with its line.
    """
    document = load(content, name, PolicyError)
    if document.value is None:
        return Waivers()
    entries = build(document, tuple[Waiver, ...], (), PolicyError)
    return Waivers(entries, tuple(document.lines[at,] for at in range(len(entries))))
