"""The repository's own limits, a verdict by them, and what in it keeps from merging."""

from pathlib import Path

import msgspec

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import PolicyChange, Result, Verdict
from gates.judge import judge
from gates.ledger.ledger import Ledger
from gates.ledger.wear import with_wear
from gates.policy.policy import Policy
from gates.rules.metric_regression import MetricRegression


def verdict_of(
    policy: Policy,
    candidate: Path,
    baseline: Path,
    changes: tuple[PolicyChange, ...] = (),
    *,
    ledger: Ledger | None = None,
) -> Verdict:
    sides = Evidence(candidate), Evidence(baseline)
    case = Case(policy.settings, *sides, changes)
    case.test_set = with_wear(case, policy.primary, ledger)
    return judge(policy, case)


def blocked_by(verdict: Verdict) -> dict[str, list[str]]:
    """Messages of what keeps the pull request from merging, by gate."""
    found = {
        outcome.gate: [finding.message for finding in outcome.findings if finding.blocks]
        for outcome in verdict.outcomes
    }
    broken = {o.gate: [o.reason] for o in verdict.outcomes if o.outcome is Result.ERRORED}
    return {gate: messages for gate, messages in {**found, **broken}.items() if messages}


def loosen(policy: Policy) -> Policy:
    """The same, with twice the margins."""
    gate = policy.gates["metric_regression"]
    assert isinstance(gate, MetricRegression)
    metrics = {
        name: msgspec.structs.replace(margin, margin=2 * margin.margin)
        for name, margin in gate.metrics.items()
    }
    looser = msgspec.structs.replace(gate, metrics=metrics)
    return msgspec.structs.replace(policy, gates={**policy.gates, "metric_regression": looser})
