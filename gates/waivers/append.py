"""New entries at the end of a `waivers.yaml`; comments, order and spelling of the rest stay."""

import difflib
import json
import re
from collections.abc import Sequence

from gates.errors import PolicyError
from gates.waivers.waivers import FILE, Waiver, read_waivers

_HEAD = """\
# Findings that do not block for a while. Only the base branch's entries count, up to the day
# `until` (UTC), and while the finding is no worse than `worst`. `gatepost waive` adds one.
"""
_ITEM = re.compile(r"^( *)- ", re.MULTILINE)


def append_waivers(text: str, waivers: Sequence[Waiver]) -> str:
    """The file's text with these entries after its own.

    Raises:
        PolicyError: the file cannot be read, or is written so that nothing can be added below it.
    """
    old = read_waivers(text.encode(), FILE).entries
    item = _ITEM.search(text) if old else None
    indent = item[1] if item else ""
    line_end = "\r\n" if "\r\n" in text else "\n"
    before = text or _HEAD
    if not before.endswith("\n"):
        before += line_end
    lines = [f"{indent}{line}" for waiver in waivers for line in _lines(waiver)]
    whole = before + "".join(f"{line}{line_end}" for line in lines)
    if _entries(whole) != (*old, *waivers):
        raise PolicyError(
            f"{FILE}: written so that an entry cannot be added below. Write it as a list with "
            "`- gate: …` at the start of a line, and run this again."
        )
    return whole


def difference(old: str, new: str) -> str:
    """What would change, as a unified diff."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), FILE, FILE, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _entries(text: str) -> tuple[Waiver, ...] | None:
    try:
        return read_waivers(text.encode(), FILE).entries
    except PolicyError:
        return None


def _lines(waiver: Waiver) -> list[str]:
    bound = (
        f"said: {_quoted(waiver.said)}" if waiver.said is not None else f"worst: {waiver.worst!r}"
    )
    approved = [f"approved_by: {_quoted(waiver.approved_by)}"] if waiver.approved_by else []
    first, *rest = (
        f"gate: {waiver.gate}",
        f"fingerprint: {_quoted(waiver.fingerprint)}",
        f"subject: {_quoted(waiver.subject)}",
        bound,
        f"written: {waiver.written}",
        f"until: {waiver.until}",
        f"reason: {_quoted(waiver.reason)}",
        f"author: {_quoted(waiver.author)}",
        *approved,
    )
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
