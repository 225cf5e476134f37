"""Each gate stands alone against the sabotage that is its own, by the repository's own limits."""

from pathlib import Path

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Decision
from gates.ledger.ledger import gather
from gates.policy.changes import policy_changes
from gates.policy.policy import Policy
from gates.rules import GATES
from tests.bites.reference import Candidate, Reference
from tests.bites.sabotages import SABOTAGES, copied_people, near_twins
from tests.bites.verdicts import blocked_by, loosen, verdict_of
from tests.entries import entry

# A floor asks nobody how it was before, so its sabotage is as old as the base: both sides have it.
INHERITED = ("metric_floor", "segment_floor")
LOOSENED = ("policy_change",)
REPEATED = ("test_set_reuse",)


def test_every_gate_has_its_sabotage_and_stands_in_the_policy(policy: Policy) -> None:
    assert set(SABOTAGES) == set(GATES) == set(policy.gates)


@pytest.mark.parametrize(
    "gate", [name for name in SABOTAGES if name not in (*INHERITED, *LOOSENED, *REPEATED)]
)
def test_it_bites_alone(gate: str, candidate: Candidate, policy: Policy) -> None:
    SABOTAGES[gate](candidate)
    verdict = verdict_of(policy, candidate.sealed(), candidate.reference.evidence)
    assert list(blocked_by(verdict)) == [gate], blocked_by(verdict)
    assert verdict.decision is Decision.FAIL


def test_nearly_equal_copies_are_all_that_blocks(candidate: Candidate, policy: Policy) -> None:
    near_twins(candidate)
    verdict = verdict_of(policy, candidate.sealed(), candidate.reference.evidence)
    messages = blocked_by(verdict)["train_test_overlap"]
    assert all("near twin" in message for message in messages)
    assert list(blocked_by(verdict)) == ["train_test_overlap"], blocked_by(verdict)


def test_copies_of_everybody_before_the_split_are_all_that_blocks(
    candidate: Candidate, policy: Policy
) -> None:
    copied_people(candidate)
    verdict = verdict_of(policy, candidate.sealed(), candidate.reference.evidence)
    messages = blocked_by(verdict)["train_test_overlap"]
    assert any("that the baseline knew" in message for message in messages)
    assert not any("expected by chance" in message for message in messages[1:])
    assert list(blocked_by(verdict)) == ["train_test_overlap"], blocked_by(verdict)


@pytest.mark.parametrize("gate", INHERITED)
def test_a_floor_bites_alone_what_is_no_worse_than_before(
    gate: str, candidate: Candidate, policy: Policy
) -> None:
    SABOTAGES[gate](candidate)
    folder = candidate.sealed()
    verdict = verdict_of(policy, folder, folder)
    assert list(blocked_by(verdict)) == [gate], blocked_by(verdict)


def test_one_seed_too_many_is_all_that_blocks(
    reseeded: Path, reference: Reference, policy: Policy
) -> None:
    """Twenty models whose log loss each moved by .005 at random: the best seems .012 better."""
    rows = Evidence(reseeded).test_digest
    past = [entry(at, test_set=rows, metric="log_loss", spread=0.005) for at in range(20)]
    verdict = verdict_of(policy, reseeded, reference.evidence, ledger=gather(past))
    assert list(blocked_by(verdict)) == ["test_set_reuse"], blocked_by(verdict)


def test_a_limit_loosened_beside_a_new_model_is_all_that_blocks(
    reseeded: Path, reference: Reference, policy: Policy
) -> None:
    changes = policy_changes(policy, loosen(policy))
    verdict = verdict_of(policy, reseeded, reference.evidence, changes)
    assert list(blocked_by(verdict)) == ["policy_change"], blocked_by(verdict)
