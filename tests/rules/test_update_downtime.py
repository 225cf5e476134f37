from pathlib import Path

import msgspec
import pytest

from gates.finding import Result, State
from gates.rules.update_downtime import UpdateDowntime
from tests.serving.samples import honest, judged, update


def test_an_update_that_nobody_notices_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, "update_downtime", UpdateDowntime(), honest())
    assert [one.state for one in found.findings] == [State.PASSED] * 4
    said = " ".join(one.message for one in found.findings)
    assert "A new model took 0.4 s to be put in place." in said
    assert "0 of 150 requests failed" in said
    assert "0.12 s, before them 0 s; 1 s is accepted" in said
    assert "refused with status 409" in said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"failed": 1}, "1 of 150 requests failed"),
        ({"requests": 0}, "0 of 0 requests"),
        ({"pause_ms": 1000.1}, "1 s is accepted"),
        ({"status": 404}, "answered with status 404"),
        ({"status": None, "seconds": 30.0}, "no answer in 30 s"),
        ({"broken_status": 200}, "A broken model file was accepted with status 200."),
        ({"broken_status": 200, "serves_after_broken": False}, "and no row answered"),
        ({"serves_after_broken": False}, "rows are not answered as before"),
        ({"broken_status": None}, "no answer came"),
        ({"broken_status": 302}, "no answer came"),
    ],
)
def test_whatever_goes_wrong_fails(tmp_path: Path, changed: dict[str, object], says: str) -> None:
    found = judged(tmp_path, "update_downtime", UpdateDowntime(), honest(update=update(**changed)))
    failed = [one for one in found.findings if one.state is State.FAILED]
    assert any(says in one.message for one in failed)
    assert all("beside the old one" in one.mend for one in failed)


@pytest.mark.parametrize(
    "changed",
    [{"failed": 5, "failed_before": 1}, {"pause_ms": 3000.0, "usual_ms": 501.0}],
)
def test_what_was_no_better_before_the_update_proves_nothing(
    tmp_path: Path, changed: dict[str, object]
) -> None:
    found = judged(tmp_path, "update_downtime", UpdateDowntime(), honest(update=update(**changed)))
    assert found.outcome is Result.UNDECIDED
    assert not any(one.blocks for one in found.findings)


def test_exactly_at_the_limits_it_passes(tmp_path: Path) -> None:
    gate = UpdateDowntime(max_failed=3, max_seconds=0.5)
    made = honest(update=update(failed=3, pause_ms=500.0))
    assert judged(tmp_path, "update_downtime", gate, made).outcome is Result.PASSED


def test_a_service_that_did_not_come_up_fails(tmp_path: Path) -> None:
    candidate = msgspec.structs.replace(honest().candidate, failure="it ended")
    made = honest(candidate=candidate, update=None)
    found = judged(tmp_path, "update_downtime", UpdateDowntime(), made)
    assert found.outcome is Result.FAILED
