"""`gatepost plan`: which limits the test set can decide, before anything is trained."""

import argparse
import os
import shutil
import sys
from pathlib import Path

import msgspec

from gates import __version__
from gates.case.effect import CONFIDENCE
from gates.commands.check import PARAMS, progress
from gates.custom import loading, reading_below
from gates.errors import EvidenceError, ExitCode, PolicyError, UsageError
from gates.evidence.folder import Evidence
from gates.git.repository import find_root
from gates.plan.at_hand import find_evidence, find_second
from gates.plan.plan import Plan, plan_lines
from gates.plan.questions import ask
from gates.plan.second_model import SecondModelCase, choose_second
from gates.policy.policy import Policy, read_policy
from gates.report.plan import render_plan


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print the plan; with --strict, a strict limit that cannot be decided is exit code 1."""
    _require_shares(arguments.churn, arguments.power)
    policy = _read(Path(arguments.policy) if arguments.policy else find_root(Path.cwd()) / PARAMS)
    if arguments.evidence:
        evidence, second = Evidence(Path(arguments.evidence), policy.settings), None
    else:
        evidence, second = _find(find_root(Path.cwd()), policy)
    if arguments.second:
        second = Evidence(Path(arguments.second), policy.settings)
    plan = make_plan(policy, evidence, second, churn=arguments.churn, power=arguments.power)
    _print(plan, as_json=arguments.json, verbose=arguments.verbose)
    undecidable = arguments.strict and plan.strict_undecidable
    return ExitCode.BLOCKED if undecidable else ExitCode.MAY_MERGE


def make_plan(
    policy: Policy,
    evidence: Evidence,
    second: Evidence | None = None,
    *,
    churn: float | None = None,
    power: float = 0.8,
) -> Plan:
    """The plan of a policy on the test set of some evidence.

    Args:
        policy: the limits.
        evidence: the test set, and one model's scores of it.
        second: another model's scores of the same rows.
        churn: the share of answers that two models give differently; measured where left out.
        power: the chance of either answer where it is true.

    Raises:
        EvidenceError: a folder cannot be read, or the second is of other rows.
    """
    scores, how = choose_second(policy.settings.decision_threshold, evidence, second, churn)
    asked = ask(policy, SecondModelCase(policy.settings, evidence, scores))
    return Plan(
        gatepost=__version__,
        revision=evidence.manifest.revision,
        rows=evidence.test.rows,
        positives=int(evidence.labels.sum()) if policy.settings.task == "binary" else None,
        power=power,
        churn=how,
        families=asked.families,
        lines=plan_lines(asked.questions, asked.families, keep_confidence=CONFIDENCE, power=power),
        skipped=asked.skipped,
    )


def _require_shares(churn: float | None, power: float) -> None:
    if churn is not None and not 0 < churn < 0.5:  # noqa: PLR2004 - half is a coin's answer
        raise UsageError(f"--churn {churn:g}: a share of rows between 0 and 0.5, such as 0.02.")
    if not 0.5 <= power < 1:  # noqa: PLR2004
        raise UsageError(f"--power {power:g}: a chance from 0.5 to 1, such as 0.8.")


def _find(root: Path, policy: Policy) -> tuple[Evidence, Evidence | None]:
    """What lies at hand, and another model's evidence of the very same test rows."""
    first = find_evidence(root, policy.settings.evidence, progress)
    evidence, folder = Evidence(first, policy.settings), find_second(root, first)
    if folder is None:
        return evidence, None
    try:
        second = Evidence(folder, policy.settings)
        same = second.test_digest == evidence.test_digest
    except EvidenceError as error:
        progress(f"not used: {error}")
        return evidence, None
    return evidence, second if same else None


def _read(path: Path) -> Policy:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError(
            f"{path}: cannot be read: {error.strerror}. Name a params.yaml with --policy."
        ) from error
    return read_policy(content, path.name, loading(reading_below(path.parent)))


def _print(plan: Plan, *, as_json: bool, verbose: bool) -> None:
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(plan), indent=2).decode() + "\n"
    else:
        width = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        text = render_plan(plan, width=width, colour=colour, verbose=verbose)
    sys.stdout.write(text)
