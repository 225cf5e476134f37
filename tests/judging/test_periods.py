"""The periods of the base's time column are looked at, whatever the pull request calls it."""

from pathlib import Path

import pytest

from gates.finding import Result
from gates.rules.calibration import CalibrationGate
from gates.rules.gate import Gate
from gates.rules.missing_values import MissingValues
from gates.rules.schema import Schema
from gates.testing import case, evidence, outcome

YEARS = [1994] * 1000 + [1995] * 100
SIZES = [float(at % 7) for at in range(1000)]
ENTRY = {"role": "feature", "type": "number", "description": "size", "missing": {"max_share": 0.2}}


@pytest.mark.parametrize("role", ["time", "feature", "ignored"])
@pytest.mark.parametrize(
    ("gate", "last"),
    [
        (Schema(), 3.0),  # constant in 1995
        (MissingValues(), None),  # missing in 1995, 9 % of all rows
        (CalibrationGate(ceiling=0.4), 1.0),  # wrong in 1995
    ],
    ids=["schema", "missing_values", "calibration"],
)
def test_a_period_that_breaks(gate: Gate, last: float | None, role: str, tmp_path: Path) -> None:
    labels = [at % 2 == 0 for at in range(1100)]
    wrong = isinstance(gate, CalibrationGate)
    scores = [0.5] * 1000 + ([0.99 if not each else 0.01 for each in labels[1000:]])
    new, old = (
        evidence(
            tmp_path / name,
            {"year": f"{of} integer", "size": ENTRY},
            test={"year": YEARS, "size": sizes, "label": labels},
            scores=scores if wrong and broken else [0.5] * 1100,
        )
        for name, of, sizes, broken in (
            ("new", role, [*SIZES, *[last] * 100], True),
            ("old", "time", [*SIZES, *SIZES[:100]], False),
        )
    )
    assert outcome("it", gate, case(new, old)).outcome is Result.FAILED
