from pathlib import Path

import msgspec
import pytest

from gates.finding import Decision, Result, State
from gates.judge import judge
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.reading.strict_yaml import Document
from gates.rules.fault_tolerance import FaultTolerance
from gates.rules.gate import Gate
from gates.serving.measured import Fault
from gates.testing import case, evidence
from tests.serving.samples import faults, honest, judged


def bad(outcome: str, features: int = 1) -> tuple[Fault, ...]:
    return tuple(
        Fault(feature=f"f{at}", kind="null", outcome=outcome, status=500, said="KeyError: 'x'")  # type: ignore[arg-type]
        for at in range(features)
    )


def test_clear_refusals_pass_one_finding_a_kind(tmp_path: Path) -> None:
    found = judged(tmp_path, "fault_tolerance", FaultTolerance(), honest())
    assert [one.state for one in found.findings] == [State.PASSED] * 5
    assert found.findings[0].message == (
        "A feature is left out: 0 answered and 2 refused clearly, of 2 rows."
    )


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("unclear", "refused without naming the feature for f0"),
        ("error", "answered with a server error for f0"),
        ("invalid", "answered without a finite number for f0"),
        ("dropped", "left without an answer for f0"),
        ("crashed", "the service ended for f0"),
        ("hung", "no answer in time for f0"),
    ],
)
def test_each_way_to_fall_fails(tmp_path: Path, outcome: str, says: str) -> None:
    made = honest(faults=bad(outcome))
    (said,) = judged(tmp_path, "fault_tolerance", FaultTolerance(), made).findings
    assert said.state is State.FAILED
    assert says in said.message
    assert "(f0: KeyError: 'x')" in said.message
    assert "422" in said.mend


def test_many_features_are_counted_and_few_named(tmp_path: Path) -> None:
    made = honest(faults=(*bad("crashed", 30), *bad("error", 2)))
    (said,) = judged(tmp_path, "fault_tolerance", FaultTolerance(), made).findings
    assert "the service ended for f0, f1, f2, f3 and 26 more; answered with" in said.message
    assert said.candidate == 32


def test_what_there_was_no_time_for_is_undecided(tmp_path: Path) -> None:
    made = honest(faults=faults()[:4], faults_left_out=6)
    found = judged(tmp_path, "fault_tolerance", FaultTolerance(), made)
    assert found.outcome is Result.UNDECIDED
    assert found.findings[0].message.startswith("6 of 10 wrong rows were not tried")


def test_where_none_was_tried_nothing_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, "fault_tolerance", FaultTolerance(), honest(faults=()))
    assert found.outcome is Result.UNDECIDED


def test_where_it_is_required_a_service_must_be_measured(tmp_path: Path) -> None:
    made = case(evidence(tmp_path / "e", {}, test={"label": [0, 1]}))
    gates: dict[str, Gate] = {"fault_tolerance": FaultTolerance(required=True)}
    verdict = judge(Policy(Settings(), gates, Document("", {}, {})), made)
    assert verdict.outcomes[0].outcome is Result.SKIPPED
    assert verdict.decision is Decision.CANNOT_JUDGE
    assert verdict.reason.startswith("fault_tolerance is required: no service was measured")


def test_a_service_that_did_not_come_up_fails(tmp_path: Path) -> None:
    candidate = msgspec.structs.replace(honest().candidate, failure="it ended")
    made = honest(candidate=candidate, faults=())
    found = judged(tmp_path, "fault_tolerance", FaultTolerance(), made)
    assert [one.state for one in found.findings] == [State.FAILED]
