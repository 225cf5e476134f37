"""`gatepost check`: reproduce the working tree, find the baseline, judge, show."""

import argparse
import datetime as dt
import os
import sys
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from gates.baseline.anchor import find_anchor
from gates.baseline.base import Baseline, NoBaseline
from gates.baseline.find import find_baseline
from gates.case.case import Case
from gates.changes import find_changes
from gates.collect.collect import collect, read_reported
from gates.commands.show import REPORTS, own_templates, print_verdict, write_reports
from gates.custom import loading, reading_below
from gates.day import read_day, utc_today
from gates.dvc.reproduce import reproduce
from gates.dvc.trace_inputs import trace_tree
from gates.errors import ExitCode, GatesError, PolicyError
from gates.evidence.folder import Evidence
from gates.evidence.manifest import write_atomically
from gates.finding import PolicyChange, Side, Verdict
from gates.git.files import is_dirty, read_file
from gates.git.history import merge_base
from gates.git.repository import find_root, resolve
from gates.judge import judge
from gates.ledger.branch import BRANCH, read_ledger
from gates.ledger.wear import rank_by_primary, with_wear
from gates.memory import keep_freed_memory
from gates.policy.changes import policy_changes, waiver_changes
from gates.policy.policy import Policy, has_policy, read_policy
from gates.report import render_not_judged
from gates.serving.step import ServingBase
from gates.verdict import write_verdict
from gates.waivers.apply import Waiving
from gates.waivers.waivers import FILE as WAIVERS
from gates.waivers.waivers import Waivers, read_waivers

OUT = Path("build") / "gatepost"
VERDICT = "verdict.json"
PARAMS = "params.yaml"


class Policies(msgspec.Struct, frozen=True):
    """The policy that judges, whose it is, and what the working tree would make of it."""

    judging: Policy
    policy_from: Literal["base", "candidate"]
    candidate: Policy


class WaiversOfBoth(msgspec.Struct, frozen=True):
    """The waivers that count, and those that would once this change is merged."""

    base: Waivers
    candidate: Waivers


def run(arguments: argparse.Namespace) -> ExitCode:
    """Judge the working tree; leaves verdict, comment, page and JUnit file in `build/gatepost`."""
    root = find_root(Path.cwd())
    today = read_day(arguments.date) if arguments.date else utc_today()
    out = root / OUT
    out.mkdir(parents=True, exist_ok=True)
    for name in (VERDICT, *REPORTS):  # an earlier verdict must not be taken for this one
        (out / name).unlink(missing_ok=True)
    try:
        # In CI others may write to what a cache is restored from, so nothing is taken from it.
        use_run_cache = not arguments.no_run_cache and not os.environ.get("CI")
        verdict = _check(root, arguments.base, today, use_run_cache=use_run_cache)
    except GatesError as error:
        text = render_not_judged(str(error), overrides=own_templates(root))
        write_atomically(out / "comment.md", text.encode())
        raise
    write_atomically(out / VERDICT, write_verdict(verdict))
    write_reports(verdict, out, own_templates(root))
    code = print_verdict(verdict, as_json=arguments.json, verbose=arguments.verbose)
    progress(f"report: {OUT / 'report.html'} · comment: {OUT / 'comment.md'} · exit {code.value}")
    return code


def progress(line: str) -> None:
    """One line of progress on standard error."""
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _check(root: Path, base_name: str | None, today: dt.date, *, use_run_cache: bool) -> Verdict:
    base, head = merge_base(root, base_name), resolve(root, "HEAD")
    policies, waivers = read_policies(root, base), read_both_waivers(root, base)
    sources, settings = policies.candidate.settings.evidence, policies.judging.settings
    progress(f"base {base[:7]} (merge base)   head {head[:7]}")
    # Before the pipeline runs, which writes to the tree.
    reported, dirty = read_reported(root, sources), is_dirty(root)
    reproduce(root, progress, use_run_cache=use_run_cache)
    found = find_baseline(root, base, settings.evidence, progress)
    baseline = found if isinstance(found, Baseline) else None
    collected = collect(
        root,
        sources,
        root / OUT / "candidate",
        revision=head,
        dirty=dirty,
        progress=progress,
        reported=reported,
        baseline=baseline,
        serving=ServingBase(task=settings.task, baseline=baseline),
        inputs=trace_tree(root, head),
    )
    changes = (
        *policy_changes(policies.judging, policies.candidate),
        *waiver_changes(waivers.base.entries, waivers.candidate.entries),
    )
    candidate = Evidence(collected.folder, settings, verify=False)  # written a moment ago, by us
    case = _case_of(root, policies.judging, candidate, found, changes)
    verdict = judge(policies.judging, case, Waiving(waivers.base, today))
    return msgspec.structs.replace(
        verdict,
        baseline=Side(revision=base, found=baseline.found) if baseline else None,
        baseline_reason=found.reason if isinstance(found, NoBaseline) else "",
        policy_from=policies.policy_from,
        changes=find_changes(root, base),
    )


def _case_of(
    root: Path,
    policy: Policy,
    candidate: Evidence,
    found: Baseline | NoBaseline,
    changes: tuple[PolicyChange, ...],
) -> Case:
    """Both sides and the anchor, with how often these test rows were judged."""
    settings, baseline, anchor = policy.settings, None, None
    ledger = read_ledger(root, candidate.test_digest)
    if ledger is None:
        progress(
            f"no ledger here yet (branch {BRANCH}), so nobody counts how often these rows "
            "are judged"
        )
    if isinstance(found, Baseline):
        baseline = Evidence(found.folder, settings, verify=False, beside=candidate)
        ranked = rank_by_primary(ledger, candidate.test_digest, policy.primary)
        anchor = find_anchor(root, found.revision, candidate, settings, progress, ranked=ranked)
    asked = policy.asks(candidate)
    case = Case(settings, candidate, baseline, changes, anchor=anchor, asked=asked)
    keep_freed_memory()
    case.test_set = with_wear(case, policy.primary, ledger)
    return case


def read_policies(root: Path, base: str) -> Policies:
    """The base's policy and the working tree's; where the base has none, the tree's judges.

    Raises:
        PolicyError: the working tree has no policy, or either cannot be read.
    """
    path = root / PARAMS
    if not path.is_file():
        raise PolicyError(f"{path}: not there. Write one with a `gates:` block in it.")
    own = path.read_bytes()
    content = read_file(root, base, PARAMS)
    name = f"{base[:7]}:{PARAMS}"
    if content is None or not has_policy(content, name):
        policy = read_policy(own, PARAMS, loading(reading_below(root)))
        return Policies(policy, "candidate", policy)
    judging = read_policy(content, name, loading(partial(read_file, root, base)))
    return Policies(judging, "base", read_policy(own, PARAMS))


def read_both_waivers(root: Path, base: str) -> WaiversOfBoth:
    """The waivers of the base's commit and those of the working tree; no file has none.

    Raises:
        PolicyError: either cannot be read; a broken file must not get to the base.
    """
    path = root / WAIVERS
    own = path.read_bytes() if path.is_file() else b""
    content = read_file(root, base, WAIVERS) or b""
    return WaiversOfBoth(read_waivers(content, f"{base[:7]}:{WAIVERS}"), read_waivers(own, WAIVERS))
