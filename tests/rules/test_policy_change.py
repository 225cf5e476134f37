"""Gate `policy_change`: a limit is not loosened beside a change of the model."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Direction, Observation, PolicyChange, Result, State
from gates.policy.settings import Settings
from gates.rules.policy_change import PolicyChangeGate
from gates.testing import evidence, items, outcome

LABELS = [True, False] * 20
SCORES = [0.25] * 40

LOOSER = PolicyChange(
    key="gates.drift.tolerance", direction=Direction.LOOSENED, base="0.1", candidate="0.5"
)
GONE = PolicyChange(key="gates.calibration", direction=Direction.LOOSENED, base='"present"')
TIGHTER = PolicyChange(
    key="gates.drift.notice", direction=Direction.TIGHTENED, base="0.1", candidate="0.05"
)
OTHER = PolicyChange(
    key="gates.segments", direction=Direction.CHANGED, base='"sex"', candidate='"race"'
)


def side(
    folder: Path,
    scores: Sequence[float] = SCORES,
    labels: Sequence[bool] = LABELS,
    train: Sequence[int] = (1, 2),
) -> Evidence:
    return evidence(
        folder,
        {"x": "feature integer"},
        test={"x": list(range(40)), "label": list(labels)},
        train={"x": list(train), "label": [True, False]},
        scores=scores,
    )


def changed(new: Evidence, old: Evidence | None, *changes: PolicyChange) -> Case:
    return Case(Settings(), new, old, changes)


@pytest.mark.parametrize(
    ("new", "state"),
    [
        ({}, State.PASSED),
        ({"scores": [0.25 + 1e-10] * 40}, State.PASSED),  # another processor's last digits
        ({"scores": [0.25 + 1e-8, *SCORES[1:]]}, State.FAILED),
        ({"labels": [False, *LABELS[1:]]}, State.FAILED),
        ({"train": (1, 3)}, State.FAILED),
    ],
    ids=["nothing else", "rounding", "one score", "one label", "one training value"],
)
def test_a_loosened_limit_blocks_beside_a_change_of_what_is_judged(
    tmp_path: Path, new: dict[str, Sequence[float]], state: State
) -> None:
    candidate = side(tmp_path / "new", **new)  # type: ignore[arg-type]  # by name, as above
    of = changed(candidate, side(tmp_path / "old"), LOOSER)
    (finding,) = outcome("policy_change", PolicyChangeGate(), of).findings
    assert finding.state is state
    assert finding.message == (
        "gates.drift.tolerance: 0.1 → 0.5 (loosened); judged by the base's value."
    )


def test_a_new_waiver_is_a_loosening_that_counts_later(tmp_path: Path) -> None:
    new = PolicyChange(
        key="waivers.drift.0f3b9a7c2d1e4f56", direction=Direction.LOOSENED, candidate='"age"'
    )
    of = changed(side(tmp_path / "a", train=(1, 3)), side(tmp_path / "b"), new)
    (finding,) = outcome("policy_change", PolicyChangeGate(), of).findings
    assert finding.state is State.FAILED
    assert finding.message == (
        'waivers.drift.0f3b9a7c2d1e4f56: absent → "age" (loosened); '
        "it counts once it is on the base."
    )


def test_every_loosening_is_a_finding_and_all_else_is_shown(tmp_path: Path) -> None:
    made = side(tmp_path / "a")
    found = outcome(
        "policy_change", PolicyChangeGate(), changed(made, made, TIGHTER, GONE, OTHER, LOOSER)
    )
    assert [each.subject.key for each in found.findings] == [GONE.key, LOOSER.key]
    assert [each.subject.key for each in found.observations] == [TIGHTER.key, OTHER.key]
    assert 'gates.calibration: "present" → absent (loosened)' in found.findings[0].message


@pytest.mark.parametrize("changes", [(), (TIGHTER,), (TIGHTER, OTHER)], ids=len)
def test_a_policy_that_asks_for_no_less_passes(
    tmp_path: Path, changes: tuple[PolicyChange, ...]
) -> None:
    made = side(tmp_path / "a")
    found = outcome("policy_change", PolicyChangeGate(), changed(made, made, *changes))
    assert found.outcome is Result.PASSED
    assert len(found.observations) == len(changes)


def test_without_a_baseline_nothing_can_be_said_of_a_loosening(tmp_path: Path) -> None:
    found = outcome(
        "policy_change", PolicyChangeGate(), changed(side(tmp_path / "a"), None, LOOSER)
    )
    assert (found.outcome, found.reason) == (
        Result.SKIPPED,
        "there is no baseline, so nothing was loosened against it",
    )


def test_a_tightened_limit_needs_no_baseline(tmp_path: Path) -> None:
    of = changed(side(tmp_path / "a"), None, TIGHTER)
    found = items(PolicyChangeGate(), of)
    assert [isinstance(item, Observation) for item in found] == [False, True]
