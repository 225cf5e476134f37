"""`gatepost ledger`: count verdicts where they count, and say how worn each test set is."""

import argparse
import datetime as dt
import sys
from pathlib import Path

import msgspec

from gates.commands.check import PARAMS, progress
from gates.errors import EvidenceError, ExitCode, GatesError
from gates.finding import Wear
from gates.git.objects import fetch_branch
from gates.git.repository import find_root
from gates.ledger.branch import BRANCH, push, read_ledger, record
from gates.ledger.ledger import Ledger, Page, entry_of, write_entry
from gates.ledger.wear import measure_wear
from gates.policy.policy import Primary, read_policy
from gates.stats.reuse import (
    hoeffding_reach,
    log_looks_adaptive,
    log_looks_apart,
    log_looks_by_verdict,
)
from gates.verdict import read_verdict

_VERDICT_MAX_BYTES = 1 << 26
_NO_LEDGER = (
    f"no ledger here: `git fetch origin {BRANCH}:refs/remotes/origin/{BRANCH}` gets the remote's, "
    "`gatepost ledger record` starts one"
)


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How far a share may lie above its truth, 95 %, without any assumption but what is revealed.

    Between the first, where nobody learnt from a verdict, and the last, where everybody did.
    """

    apart: float
    by_verdict: float
    adaptive: float


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One test set, as `--json` prints it."""

    test_set: str
    rows: int
    last: str
    wear: Wear
    reach: Reach


def run(arguments: argparse.Namespace) -> ExitCode:
    """Record a verdict, or show what is recorded."""
    root = find_root(Path.cwd())
    if arguments.action == "record":
        return _record(root, Path(arguments.verdict), arguments.push)
    if arguments.action == "gather":
        return _gather(root, arguments)
    return _show(root, arguments)


def _record(root: Path, path: Path, remote: str | None) -> ExitCode:
    try:
        if path.stat().st_size > _VERDICT_MAX_BYTES:
            raise EvidenceError(f"{path}: larger than any verdict. Name a verdict.json.")
        verdict = read_verdict(path.read_bytes())
    except OSError as error:
        raise EvidenceError(
            f"{path}: cannot be read: {error.strerror}. Make one with `gatepost check`."
        ) from error
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    new = record(root, [entry_of(verdict, now)])
    progress(f"recorded on {BRANCH}" if new else f"it is on {BRANCH} already")
    if remote is not None:
        push(root, remote)
        progress(f"pushed to {remote}")
    return ExitCode.MAY_MERGE


def _gather(root: Path, arguments: argparse.Namespace) -> ExitCode:
    """Record the verdicts that the trusted workflow left; each counts once, however often."""
    from gates.commands.publish import open_github  # noqa: PLC0415 - only this asks GitHub
    from gates.github.fetch import take_verdict  # noqa: PLC0415
    from gates.github.runs import default_branch_of, find_verdicts, head_here  # noqa: PLC0415

    github, _ = open_github(head_here())
    fetch_branch(root, arguments.push, BRANCH)
    entries = []
    branch, _ = default_branch_of(github)
    for found in find_verdicts(
        github, branch, workflow=arguments.workflow, name=arguments.artifact
    ):
        try:
            verdict = take_verdict(github, found.artifact)
            entries.append(entry_of(verdict, found.run.created_at))
        except EvidenceError as error:
            progress(f"run {found.run.id} is not counted: {error}")
    if entries:
        new = record(root, entries)
        push(root, arguments.push)
        progress(f"recorded {new} of {len(entries)} verdicts on {BRANCH}, and pushed")
    return ExitCode.MAY_MERGE


def _show(root: Path, arguments: argparse.Namespace) -> ExitCode:
    ledger = read_ledger(root)
    if ledger is None:
        progress(_NO_LEDGER)
        ledger = Ledger()
    if arguments.test_set:
        ledger = ledger.narrowed(arguments.test_set)
    if ledger.unread:
        progress(f"unreadable entries, each counted as a time judged: {len(ledger.unread):,}")
    if arguments.lines:
        sys.stdout.write(b"".join(map(write_entry, ledger.entries)).decode())
        sys.stdout.write("unreadable\n" * len(ledger.unread))  # so that they count there too
        return ExitCode.MAY_MERGE
    primary = _primary(root)
    shown = [_shown(page, primary) for page in ledger.pages]
    if arguments.json:
        encoded = msgspec.json.format(msgspec.json.encode(shown), indent=2)
        sys.stdout.write(encoded.decode() + "\n")
    elif ledger.pages:
        sys.stdout.write("".join(f"{line}\n" for line in _table(shown)))
    return ExitCode.MAY_MERGE


def _primary(root: Path) -> Primary | None:
    """The work tree's primary metric; without a policy there is no margin to measure wear by."""
    try:
        return read_policy((root / PARAMS).read_bytes(), PARAMS).primary
    except (OSError, GatesError):
        return None


def _shown(page: Page, primary: Primary | None) -> Shown:
    wear, rows = measure_wear(None, page, primary), page.entries[-1].rows
    logs = (
        log_looks_apart(wear.judged),
        log_looks_by_verdict(wear.judged, wear.merged),
        log_looks_adaptive(wear.judged),
    )
    apart, by_verdict, adaptive = (hoeffding_reach(each, rows) for each in logs)
    return Shown(
        test_set=page.test_set,
        rows=rows,
        last=page.entries[-1].time[:10],
        wear=wear,
        reach=Reach(apart=apart, by_verdict=by_verdict, adaptive=adaptive),
    )


def _table(shown: list[Shown]) -> list[str]:
    lines = [f"{'test set':<10}{'rows':>9}  {'last':<12}how worn"]
    lines += [
        f"{one.test_set[:7]:<10}{one.rows:>9,}  {one.last:<12}{one.wear.text()}" for one in shown
    ]
    return lines
