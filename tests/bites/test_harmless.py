"""What harms nobody blocks nobody, by the repository's own limits."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gates.finding import Decision, State
from gates.policy.changes import policy_changes
from gates.policy.policy import Policy
from tests.bites.reference import Candidate, Reference, write_table
from tests.bites.verdicts import blocked_by, loosen, verdict_of


def test_nothing_changed(candidate: Candidate, policy: Policy) -> None:
    verdict = verdict_of(policy, candidate.sealed(), candidate.reference.evidence)
    findings = [finding for outcome in verdict.outcomes for finding in outcome.findings]
    assert verdict.decision is Decision.PASS
    assert {finding.change for finding in findings} <= {None, 0.0}
    assert State.FAILED not in {finding.state for finding in findings}


def test_another_seed(reseeded: Path, reference: Reference, policy: Policy) -> None:
    verdict = verdict_of(policy, reseeded, reference.evidence)
    assert blocked_by(verdict) == {}
    assert verdict.decision is Decision.PASS
    changes = [f.change for outcome in verdict.outcomes for f in outcome.findings if f.change]
    assert len(changes) > 20, "the seed changed nothing, so this test shows nothing"


def test_rows_in_another_order_are_the_same_rows(candidate: Candidate, policy: Policy) -> None:
    reference = candidate.reference
    same = verdict_of(policy, reference.evidence, reference.evidence)
    for name in ("train", "test", "predictions"):
        path = candidate.folder / f"{name}.parquet"
        table = pq.read_table(path)
        order = np.random.default_rng(5).permutation(table.num_rows)
        write_table(table.take(pa.array(order)), path)
    verdict = verdict_of(policy, candidate.sealed(), reference.evidence)
    assert [o.outcome for o in verdict.outcomes] == [o.outcome for o in same.outcomes]
    assert verdict.test_set == same.test_set


def test_a_limit_loosened_on_its_own_is_named_and_blocks_nothing(
    candidate: Candidate, policy: Policy
) -> None:
    changes = policy_changes(policy, loosen(policy))
    verdict = verdict_of(policy, candidate.sealed(), candidate.reference.evidence, changes)
    assert blocked_by(verdict) == {}
    (outcome,) = (outcome for outcome in verdict.outcomes if outcome.gate == "policy_change")
    assert [finding.subject.key for finding in outcome.findings] == [each.key for each in changes]
