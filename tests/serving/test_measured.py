import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gates.errors import EvidenceError
from gates.evidence.manifest import FILES
from gates.reading.strict_json import MAX_BYTES
from gates.serving import SERVING
from gates.serving.measured import read_measured
from tests.serving.samples import faults, honest, latency, sampled, served, times

ROOT = Path(__file__).parents[2]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    assert SERVING in FILES
    read = read_measured(served(tmp_path / "e", honest()).candidate)
    assert msgspec.json.encode(read) == msgspec.json.encode(honest())


def edited(**changed: object) -> bytes:
    value = msgspec.to_builtins(honest())
    return json.dumps({**value, **changed}).encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{}", "schema"),
        (b'{"schema": 1, "schema": 1}', "stands twice"),
        (b"[" * 100_000, "not strict JSON"),
        (b"\xff", "not strict JSON"),
        (edited(seconds=-1), "seconds"),
        (edited(more=1), "more"),
        (edited(candidate={"memory_bytes": 1.5}), "memory_bytes"),
        (edited(faults=[{"feature": "a", "kind": "rude", "outcome": "answered"}]), "kind"),
        (edited(latency={"rate_per_s": 1, "turns": [{"candidate": [-1]}]}), "candidate"),
        (edited(sampled=msgspec.to_builtins(sampled(("r0", "r0"), (0.1, 0.2)))), "stands twice"),
        (edited(sampled={**msgspec.to_builtins(sampled()), "batch": [[0.1]]}), "1 answers to 4"),
        (edited(sampled={**msgspec.to_builtins(sampled()), "batch": [[0.1, 1]] * 4}), "batch"),
        (b"9" * (MAX_BYTES + 1), "at most"),
    ],
)
def test_a_claim_that_is_no_measurement_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    case = served(tmp_path / "e", content)
    with pytest.raises(EvidenceError, match=says):
        read_measured(case.candidate)


def test_the_judge_reaches_nothing_that_runs_a_service() -> None:
    reached = (
        "import gates.judge, sys; from gates.rules import GATES; [GATES[name] for name in GATES];"
        " print(*[m for m in sys.modules if 'serving' in m])"
    )
    done = subprocess.run(
        [sys.executable, "-c", reached], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ours = {name for name in done.stdout.split() if name.startswith("gates.serving")}
    assert ours == {"gates.serving", "gates.serving.measured"}


def test_a_long_measurement_of_many_features_is_small_enough_to_be_taken_in() -> None:
    """200 rows a second for 30 s, and 300 features, each broken in five ways."""
    turns = times(count=300)
    many = honest(
        latency=latency(turns, turns), faults=faults([f"feature {at}" for at in range(300)])
    )
    assert len(msgspec.json.encode(many)) < MAX_BYTES / 2
