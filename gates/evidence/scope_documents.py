"""A scope document → its parts: Markdown with one heading a part. Read as hostile data."""

import datetime as dt
import re
from typing import Final

import msgspec

from gates.errors import EvidenceError

BYTES_MAX: Final = 1 << 20
_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")
_DAY: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_ITEM: Final = re.compile(r"\s{0,3}[-*+]\s+(?P<text>\S.*)")
_RULE_CELL: Final = re.compile(r":?-+:?")
_COLUMNS_MIN: Final = 3  # what, from, until


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under one heading, without comments and blank lines."""

    line: int  # of the heading
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a timeline; a day that is no day is `None`."""

    process: str
    start: dt.date | None
    end: dt.date | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who agreed, and when, where a day is given."""

    who: str
    day: dt.date | None


def read_parts(content: bytes, name: str) -> dict[str, Part]:
    """A document's parts by their headings in small letters; of two of a name the first.

    Whatever stands in HTML comments is a hint of the template and says nothing.

    Raises:
        EvidenceError: it is not UTF-8.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvidenceError(
            f"{name}: not UTF-8 at byte {error.start}. Save it as UTF-8."
        ) from error
    heading, found, fenced = "", dict[str, tuple[int, list[str]]](), False
    for at, line in enumerate(_without_comments(text).splitlines(), start=1):
        fenced ^= bool(_FENCE.match(line))
        title = None if fenced else _HEADING.fullmatch(line)
        if title:
            heading = " ".join(title[2].lower().split())
            found.setdefault(heading, (at, []))
        elif heading and line.strip():
            found[heading][1].append(line.rstrip())
    return {name: Part(line=line, lines=tuple(lines)) for name, (line, lines) in found.items()}


def read_periods(part: Part) -> list[Period]:
    """The rows of a timeline: a table whose first columns are what, from and until."""
    rows = [_cells(line) for line in part.lines if "|" in line]
    body = rows[2:] if len(rows) > 1 and all(map(_RULE_CELL.fullmatch, rows[1])) else []
    return [
        Period(process=row[0], start=_day(row[1]), end=_day(row[2]))
        for row in body
        if len(row) >= _COLUMNS_MIN and row[0]
    ]


def read_agreements(part: Part) -> list[Agreement]:
    """The items of a list: a name, and a day somewhere behind it."""
    found = []
    for line in part.lines:
        if item := _ITEM.fullmatch(line):
            who, _, _ = _DAY.sub("\0", item["text"]).partition("\0")
            found.append(Agreement(who=who.strip(" ,;:·-–—("), day=_day(item["text"])))
    return [each for each in found if any(map(str.isalpha, each.who))]


def _without_comments(text: str) -> str:
    """The text with every comment's letters taken out, its line breaks left in."""
    kept = []
    while (start := text.find("<!--")) >= 0:
        end = text.find("-->", start + 4)
        end = len(text) if end < 0 else end + 3
        kept += [text[:start], "\n" * text.count("\n", start, end)]
        text = text[end:]
    return "".join([*kept, text])


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _day(text: str) -> dt.date | None:
    found = _DAY.search(text)
    try:
        return dt.date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None
