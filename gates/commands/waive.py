"""`gatepost waive`: write waivers for what blocks in the last verdict, or list those there are."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from math import isfinite
from pathlib import Path

import msgspec

from gates.commands.check import OUT, PARAMS, VERDICT, progress
from gates.day import read_day, utc_today
from gates.errors import ExitCode, PolicyError, UsageError
from gates.evidence.manifest import write_atomically
from gates.finding import Finding, Verdict, WaiverUse
from gates.git.call import run_git
from gates.git.repository import find_root
from gates.policy.policy import read_policy
from gates.reading.typed import nearest
from gates.report.words import clean
from gates.rules import GATES
from gates.verdict import read_verdict
from gates.waivers.append import append_waivers, difference
from gates.waivers.apply import bounded, objection, sentence_digest
from gates.waivers.waivers import FILE, LONGEST_DAYS, Waiver, Waivers, read_waivers

_TEXT_MAX = 600


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for, checked as far as it can be without a finding."""

    gate: str
    today: dt.date
    until: dt.date
    worst: float | None
    reason: str
    author: str


def run(arguments: argparse.Namespace) -> ExitCode:
    """Add waivers to the working tree's file, or list it; neither judges anything."""
    root = find_root(Path.cwd())
    today = read_day(arguments.date) if arguments.date else utc_today()
    if arguments.list:
        _list(root, _verdict_path(root, arguments.verdict), today)
        return ExitCode.MAY_MERGE
    _refuse_unwaivable(root, arguments.gate)
    wish = _wish(root, arguments, today)
    path = _verdict_path(root, arguments.verdict)
    chosen = choose_findings(_read_verdict(path), arguments.gate, arguments.finding, str(path))
    old = _read_text(root)
    present = read_waivers(old.encode(), FILE)
    waivers = [write_waiver(finding, wish) for finding in chosen]
    new = [
        waiver
        for waiver, finding in zip(waivers, chosen, strict=True)
        if not _is_covered(waiver, finding, present)
    ]
    if not new:
        raise UsageError(
            f"{FILE}: waives this already until then or later. It counts once it is on the base "
            "branch: propose it in a pull request of its own."
        )
    text = append_waivers(old, new)
    if arguments.dry_run:
        sys.stdout.write(difference(old, text))
        return ExitCode.MAY_MERGE
    write_atomically(root / FILE, text.encode())
    for waiver in new:
        sys.stdout.write(f"{FILE}: {waiver.gate}, {waiver.subject}, until {waiver.until}\n")
    progress("it counts once it is on the base branch: propose it in a pull request of its own")
    return ExitCode.MAY_MERGE


def choose_findings(
    verdict: Verdict, gate: str, fingerprint: str | None, name: str
) -> tuple[Finding, ...]:
    """The findings of a gate that block, or the one of them that is named.

    Raises:
        UsageError: there is none, or none of that fingerprint.
    """
    outcome = next((one for one in verdict.outcomes if one.gate == gate), None)
    if outcome is None:
        raise UsageError(f"{name}: has no gate {gate}. Run `gatepost check` again.")
    blocking = tuple(one for one in outcome.findings if one.blocks)
    if not blocking:
        raise UsageError(f"{name}: nothing of {gate} blocks there, so nothing is to be waived.")
    if fingerprint is None:
        return blocking
    chosen = tuple(one for one in blocking if one.fingerprint == fingerprint)
    if not chosen:
        known = "; ".join(f"{one.fingerprint} ({_about(one)})" for one in blocking)
        raise UsageError(f"--finding {fingerprint}: blocks nothing in {name}. What does: {known}.")
    return chosen


def write_waiver(finding: Finding, wish: Wish) -> Waiver:
    """The entry for one finding.

    Raises:
        UsageError: `worst` is missing, of no use, or better than what was found.
    """
    number, about = bounded(finding), f"{wish.gate}, {_about(finding)}"
    choose = f"One finding alone is waived with --finding {finding.fingerprint}."
    if number is None and wish.worst is not None:
        raise UsageError(
            f"--worst: {about}: has no number, and is waived only while it says the very same. "
            f"Leave --worst out. {choose}"
        )
    if number is not None and wish.worst is None:
        raise UsageError(
            f"--worst: {about}: is missing; the finding is at {number.value:.12g}. Give the worst "
            "value that you accept."
        )
    if number is not None and wish.worst is not None and not number.within(wish.worst):
        raise UsageError(
            f"--worst {wish.worst:.12g}: {about}: is at {number.value:.12g}, which is worse, so it "
            f"would block all the same. Give that or a worse value. {choose}"
        )
    said = None if number is not None else sentence_digest(finding)
    subject = _about(finding)
    if said is not None:
        subject = clean(f"{subject}: {_line(finding.message)}", _TEXT_MAX)
    return Waiver(
        gate=wish.gate,
        fingerprint=finding.fingerprint,
        subject=subject,
        worst=wish.worst,
        said=said,
        written=wish.today,
        until=wish.until,
        reason=wish.reason,
        author=wish.author,
    )


def _wish(root: Path, arguments: argparse.Namespace, today: dt.date) -> Wish:
    missing = [name for name in ("until", "reason") if not getattr(arguments, name)]
    if missing:
        raise UsageError(f"gatepost waive: --{missing[0]} is missing. See `gatepost waive --help`.")
    if arguments.worst is not None and not isfinite(arguments.worst):
        raise UsageError(f"--worst {arguments.worst}: no finite number. Give one.")
    reason = _line(arguments.reason)
    if clean(reason, _TEXT_MAX) != reason or not reason:
        raise UsageError(
            f"--reason {clean(reason)!r}: 1 to {_TEXT_MAX} visible characters are wanted."
        )
    return Wish(
        gate=arguments.gate,
        today=today,
        until=_until(arguments.until, today),
        worst=arguments.worst,
        reason=reason,
        author=_author(root),
    )


def _until(text: str, today: dt.date) -> dt.date:
    until = read_day(text)
    days = (until - today).days
    if not 0 <= days <= LONGEST_DAYS:
        latest = today + dt.timedelta(days=LONGEST_DAYS)
        what = "has passed" if days < 0 else f"is {days} days ahead"
        raise UsageError(f"--until {until}: {what}. Give a day from {today} to {latest} (UTC).")
    return until


def _author(root: Path) -> str:
    """Whoever Git says is at work here."""
    said = run_git(root, "config", "user.name", codes=(0, 1)).stdout.decode("utf-8", "replace")
    if not (name := clean(_line(said))):
        raise UsageError("git config user.name: not set, and a waiver needs an author. Set it.")
    return name


def _refuse_unwaivable(root: Path, gate: str | None) -> None:
    if gate is None:
        raise UsageError("gatepost waive: which gate? Name one, or list all waivers with --list.")
    try:
        policy = read_policy((root / PARAMS).read_bytes(), PARAMS)
    except OSError as error:
        raise PolicyError(f"{root / PARAMS}: cannot be read: {error.strerror}.") from error
    known = [*GATES, *policy.settings.custom]
    if gate not in known:
        raise UsageError(f"gatepost waive {gate}: no such gate; {nearest(gate, known)}")
    chosen = policy.gates.get(gate)
    if chosen is not None and not chosen.waivable:
        raise UsageError(
            f"{PARAMS}:{policy.line(gate, 'waivable')}: {gate} is `waivable: false`. Mend what it "
            "found."
        )


def _is_covered(waiver: Waiver, finding: Finding, present: Waivers) -> bool:
    """Whether an entry of the file does all that the new one would."""
    return any(
        (old.gate, old.fingerprint) == (waiver.gate, waiver.fingerprint)
        and old.until >= waiver.until
        and not objection(old, finding)
        for old in present.entries
    )


def _list(root: Path, path: Path, today: dt.date) -> None:
    """All waivers of the working tree with days left, and what the last verdict made of each."""
    waivers = read_waivers(_read_text(root).encode(), FILE)
    verdict = _read_verdict(path) if path.is_file() else None
    if not waivers.entries:
        progress(f"{FILE}: holds no waiver")
        return
    rows = [("until", "left", "last verdict", "gate", "finding")]
    rows += [
        (
            one.until.isoformat(),
            _left((one.until - today).days),
            _use(one, verdict),
            one.gate,
            f"{clean(one.subject)} ({one.fingerprint})",
        )
        for one in waivers.entries
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        sys.stdout.write("  ".join([*cells, row[4]]) + "\n")


def _left(days: int) -> str:
    return "ended" if days < 0 else f"{days} d"


def _use(waiver: Waiver, verdict: Verdict | None) -> str:
    """What became of it; the verdict knows only the base's waivers."""
    if verdict is None:
        return "no verdict"
    key = (waiver.gate, waiver.fingerprint, waiver.until.isoformat())
    known: Sequence[WaiverUse] = ()
    if verdict.waivers is not msgspec.UNSET:
        known = [
            one.use
            for one in verdict.waivers.listed
            if (one.gate, one.fingerprint, one.until) == key
        ]
    return known[0].value if known else "not in base"


def _verdict_path(root: Path, name: str | None) -> Path:
    return Path(name) if name else root / OUT / VERDICT


def _read_verdict(path: Path) -> Verdict:
    try:
        return read_verdict(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror}. Run `gatepost check` first, or name a "
            "verdict with --verdict."
        ) from error


def _read_text(root: Path) -> str:
    path = root / FILE
    if not path.exists():
        return ""
    content = path.read_bytes()
    read_waivers(content, FILE)  # refuses what is no UTF-8 as well
    return content.decode("utf-8-sig")


def _about(finding: Finding) -> str:
    return clean(finding.subject.text() or _line(finding.message))


def _line(text: str) -> str:
    return " ".join(text.split())
