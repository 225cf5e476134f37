"""`gatepost judge`: evidence folders and a policy → verdict, without Git, DVC or a model."""

import argparse
from pathlib import Path

from gates.case import Case
from gates.commands.show import print_verdict
from gates.errors import ExitCode, PolicyError
from gates.evidence import Evidence
from gates.finding import PolicyChange
from gates.judge import judge
from gates.manifest import write_atomically
from gates.policy import Policy, read_policy
from gates.policy_changes import policy_changes
from gates.verdict import write_verdict


def run(arguments: argparse.Namespace) -> ExitCode:
    """Judge, print, and write the verdict where asked."""
    policy = _read(arguments.policy)
    changes: tuple[PolicyChange, ...] = ()
    if arguments.candidate_policy:
        changes = policy_changes(policy, _read(arguments.candidate_policy))
    candidate = Evidence(Path(arguments.candidate))
    baseline = Evidence(Path(arguments.baseline), beside=candidate) if arguments.baseline else None
    verdict = judge(policy, Case(policy.settings, candidate, baseline, changes))
    if arguments.out:
        write_atomically(Path(arguments.out), write_verdict(verdict))
    return print_verdict(verdict, as_json=arguments.json, verbose=arguments.verbose)


def _read(name: str) -> Policy:
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise PolicyError(
            f"{name}: cannot be read: {error.strerror}. Name a params.yaml."
        ) from error
    return read_policy(content, name)
