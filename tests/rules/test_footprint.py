from pathlib import Path

import msgspec
import pytest

from gates.finding import Result, State
from gates.judging.served import Bound
from gates.rules.footprint import Footprint
from gates.serving.measured import Measured
from tests.serving.samples import SERVICE, honest, judged


def heavy(**changed: object) -> Measured:
    return honest(candidate=msgspec.structs.replace(SERVICE, **changed))


def test_the_same_size_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, "footprint", Footprint(), honest())
    assert [one.state for one in found.findings] == [State.PASSED] * 2
    assert "Resident memory: 250 MB where the baseline takes 250 MB" in found.findings[0].message
    assert "Start-up: 2 s" in found.observations[0].message


@pytest.mark.parametrize(
    ("changed", "states"),
    [
        ({"memory_bytes": 312_500_000}, [State.PASSED, State.PASSED]),
        ({"memory_bytes": 312_500_001}, [State.FAILED, State.PASSED]),
        ({"model_bytes": 1_000_000}, [State.PASSED, State.PASSED]),
        ({"model_bytes": 1_000_001}, [State.PASSED, State.FAILED]),
    ],
)
def test_the_limit_itself_is_accepted(
    tmp_path: Path, changed: dict[str, int], states: list[State]
) -> None:
    found = judged(tmp_path, "footprint", Footprint(), heavy(**changed))
    assert [one.state for one in found.findings] == states
    assert all(bool(one.mend) is (one.state is State.FAILED) for one in found.findings)


def test_ceilings_need_no_baseline(tmp_path: Path) -> None:
    gate = Footprint(memory_mb=Bound(ceiling=200.0), start_up_s=Bound(ceiling=2.0))
    alone = honest(baseline=None, baseline_reason="there is no baseline")
    found = judged(tmp_path, "footprint", gate, alone)
    assert [one.state for one in found.findings] == [State.FAILED, State.PASSED]
    assert "250 MB; 200 MB is accepted" in found.findings[0].message


def test_where_the_system_does_not_tell_nothing_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, "footprint", Footprint(), heavy(memory_bytes=None))
    assert found.findings[0].state is State.UNDECIDED
    assert "not measured" in found.findings[0].message


def test_without_a_baseline_there_is_nothing_to_compare(tmp_path: Path) -> None:
    alone = honest(baseline=None, baseline_reason="there is no baseline")
    found = judged(tmp_path, "footprint", Footprint(), alone)
    assert found.outcome is Result.SKIPPED
    assert found.reason == "not compared: there is no baseline"


def test_a_service_that_did_not_come_up_fails(tmp_path: Path) -> None:
    found = judged(tmp_path, "footprint", Footprint(), heavy(failure="it ended"))
    assert found.outcome is Result.FAILED
