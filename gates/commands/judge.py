"""`gatepost judge`: evidence folders and a policy → verdict, without Git, DVC or a model."""

import argparse
import sys
from pathlib import Path

from gates.case.anchor import Anchor, NoAnchor
from gates.case.case import Case
from gates.commands.engines import chosen_engine
from gates.commands.show import print_verdict
from gates.custom import loading, reading_below
from gates.day import read_day, utc_today
from gates.errors import ExitCode, PolicyError, UsageError
from gates.evidence.folder import Evidence
from gates.evidence.manifest import write_atomically
from gates.evidence.store import Store
from gates.finding import PolicyChange, Side
from gates.judge import judge
from gates.ledger.ledger import Ledger, read_ledger_lines
from gates.ledger.wear import with_wear
from gates.memory import keep_freed_memory
from gates.policy.changes import policy_changes, waiver_changes
from gates.policy.policy import Policy, read_policy
from gates.policy.settings import Settings
from gates.verdict import write_verdict
from gates.waivers.apply import Waiving
from gates.waivers.waivers import Waivers, read_waivers


def run(arguments: argparse.Namespace) -> ExitCode:
    """Judge, print, and write the verdict where asked."""
    keep_freed_memory()
    out = _writable(arguments.out) if arguments.out else None
    policy = _read_judging(arguments.policy)
    waiving = Waiving(
        _read_waivers(arguments.waivers),
        read_day(arguments.date) if arguments.date else utc_today(),
    )
    changes: tuple[PolicyChange, ...] = ()
    if arguments.candidate_policy:
        changes = policy_changes(policy, _read(arguments.candidate_policy))
    if arguments.candidate_waivers:
        proposed = _read_waivers(arguments.candidate_waivers)
        changes += waiver_changes(waiving.waivers.entries, proposed.entries)
    with chosen_engine(arguments.engine) as store:
        settings, baseline = policy.settings, None
        candidate = Evidence(store(arguments.candidate), settings)
        if arguments.baseline:
            baseline = Evidence(store(arguments.baseline), settings, beside=candidate)
        anchor = _open_anchor(
            arguments.anchor and store(arguments.anchor), settings, candidate, baseline
        )
        asked = policy.asks(candidate)
        case = Case(settings, candidate, baseline, changes, anchor=anchor, asked=asked)
        _say_why_by_rows(case)
        case.test_set = with_wear(case, policy.primary, _read_ledger(arguments.ledger))
        verdict = judge(policy, case, waiving)
    if out:
        write_atomically(out, write_verdict(verdict))
    return print_verdict(verdict, as_json=arguments.json, verbose=arguments.verbose)


def _say_why_by_rows(case: Case) -> None:
    """On standard error, before much memory is taken."""
    for against in case.references:
        if reason := against.why_by_rows:
            since = f" since {against.reference}" if against.reference else ""
            sys.stderr.write(
                f"gatepost: all {case.candidate.test.rows:,} test rows are read into memory"
                f"{since}: {reason}\n"
            )


def _open_anchor(
    folder: Store | None, settings: Settings, candidate: Evidence, baseline: Evidence | None
) -> Anchor | NoAnchor | None:
    """The last release's evidence; one and the same as the baseline's is compared only once."""
    if "anchor" not in settings.references:
        reason = "`gates.references` of the policy does not ask for an anchor"
        return NoAnchor(reason=reason) if folder else None
    if folder is None:
        return NoAnchor(reason="no evidence of a release was given (--anchor)")
    if baseline is None:
        return NoAnchor(reason="there is no baseline, and an anchor is compared with beside it")
    evidence = Evidence(folder, settings, beside=candidate)
    if evidence.manifest.files == baseline.manifest.files:
        return NoAnchor(reason="its evidence is the baseline's")
    return Anchor(side=Side(revision=evidence.manifest.revision), evidence=evidence)


def _read_ledger(name: str | None) -> Ledger | None:
    if name is None:
        return None
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{name}: cannot be read: {error.strerror}. Name a file that "
            "`gatepost ledger show --lines` wrote."
        ) from error
    return read_ledger_lines(content, name)


def _writable(name: str) -> Path:
    """Where the verdict will go; asked before judging, so that none is lost."""
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"{path.parent} is no folder"
        raise UsageError(f"{name}: cannot be written: {what}. Name a file with --out.")
    return path


def _read(name: str) -> Policy:
    return read_policy(_content(name, "params.yaml"), name)


def _read_judging(name: str) -> Policy:
    """The policy that judges; a team's own gates are those beside it, which are run."""
    load = loading(reading_below(Path(name).parent))
    return read_policy(_content(name, "params.yaml"), name, load)


def _read_waivers(name: str | None) -> Waivers:
    return read_waivers(_content(name, "waivers.yaml"), name) if name else Waivers()


def _content(name: str, usual: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise PolicyError(f"{name}: cannot be read: {error.strerror}. Name a {usual}.") from error
