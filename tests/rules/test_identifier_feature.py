"""Gate `identifier_feature`: a feature describes its row and does not name it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.finding import Finding, Result, State
from gates.rules.identifier_feature import IdentifierFeature
from gates.stats.sequence import correlate
from gates.testing import case, evidence, outcome

ROWS = 200
RANDOM = np.random.default_rng(7)
SHUFFLED = RANDOM.permutation(ROWS).tolist()


def finding(
    tmp_path: Path, values: Any, entry: Any = "feature integer", ids: Any = None, **keys: Any
) -> Finding:
    table = {"x": values, "label": [at % 2 == 0 for at in range(len(values))]}
    table |= {} if ids is None else {"row_id": ids}
    side = evidence(tmp_path / "a", {"x": entry}, test=table)
    (found,) = outcome("identifier_feature", IdentifierFeature(**keys), case(side)).findings
    return found


def described(kind: str, **more: Any) -> dict[str, Any]:
    return {"role": "feature", "type": kind, "description": "what x is", **more}


@pytest.mark.parametrize(
    ("values", "entry", "text"),
    [
        (SHUFFLED, "feature integer", "names its row: 200 distinct values in 200 rows of"),
        ([f"k{at}" for at in SHUFFLED], "feature category", "names its row"),
        ([f"k{at}" for at in SHUFFLED], "feature text", "names its row"),
        ([f"r{at}" for at in range(ROWS)], "feature text", "equals the row's identifier"),
        (
            [at / 10 for at in range(ROWS)],
            "feature number",
            "runs along with the order of the rows (correlation 1.00000), 200 distinct values",
        ),
        ([-5.0 * at for at in range(ROWS)], "feature number", "runs along with the order"),
        (list(range(ROWS)), described("integer", unit="dollars"), "runs along with the order"),
    ],
)
def test_what_names_its_row_fails(tmp_path: Path, values: Any, entry: Any, text: str) -> None:
    found = finding(tmp_path, values, entry)
    assert (found.state, found.blocks) == (State.FAILED, True)
    assert found.message.startswith(f"'x' {text}")


def test_a_number_that_the_identifier_holds_too(tmp_path: Path) -> None:
    ids = [f"r{at:04d}" for at in SHUFFLED]
    found = finding(tmp_path, [at * 0.5 for at in SHUFFLED], "feature number", ids)
    assert found.message.startswith("'x' runs along with the number in 'row_id' (correlation 1.0")


@pytest.mark.parametrize(
    ("values", "entry"),
    [
        (RANDOM.normal(size=ROWS).tolist(), "feature number"),  # unique, as measures are
        (sorted(RANDOM.normal(size=ROWS).tolist()), "feature number"),  # a table sorted by it
        (sorted(RANDOM.exponential(size=ROWS).tolist()), "feature number"),
        (SHUFFLED, described("integer", unit="dollars")),
        (SHUFFLED, described("integer", range=[0, 1000])),
        ([at // 2 for at in range(ROWS)], "feature integer"),  # half of the values are distinct
        ([f"some words about {at}" for at in range(ROWS)], "feature text"),
        ([None] * 150 + list(range(50)), "feature integer"),  # too few to say so
    ],
)
def test_what_describes_its_row_passes(tmp_path: Path, values: Any, entry: Any) -> None:
    if isinstance(values[0], str):
        table = {"x": values, "y": SHUFFLED, "label": [at % 2 == 0 for at in range(ROWS)]}
        listed = {"x": entry, "y": described("integer", unit="m")}
        side = evidence(tmp_path / "a", listed, test=table)
        result = outcome("identifier_feature", IdentifierFeature(), case(side))
        assert result.outcome is Result.PASSED
    else:
        found = finding(tmp_path, values, entry)
        assert (found.state, found.message) == (State.PASSED, "'x' is no identifier of rows.")


@pytest.mark.parametrize(("share", "state"), [(0.96, State.PASSED), (0.95, State.FAILED)])
def test_the_share_itself(tmp_path: Path, share: float, state: State) -> None:
    values = [*SHUFFLED[10:], *SHUFFLED[10:20]]  # 190 of 200
    assert finding(tmp_path, values, unique_share=share).state is state


def test_few_rows_cannot_tell(tmp_path: Path) -> None:
    found = finding(tmp_path, list(range(99)))
    assert (found.state, found.blocks, found.rows_needed) == (State.UNDECIDED, False, 100)
    assert found.message == "'x' has 99 rows only: cannot be judged."


def test_without_a_feature_that_could_name_rows_it_is_skipped(tmp_path: Path) -> None:
    table = {"x": [True, False], "label": [True, False]}
    side = evidence(tmp_path / "a", {"x": "feature boolean"}, test=table)
    result = outcome("identifier_feature", IdentifierFeature(), case(side))
    assert result.outcome is Result.SKIPPED


@pytest.mark.parametrize(
    ("values", "others", "expected"),
    [
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], 1.0),
        ([1.0, 2.0, 3.0, np.nan], [2.0, 4.0, 6.0, 1.0], 1.0),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], 0.0),
        ([1.0, 2.0], [1.0, 2.0], 0.0),  # any two points lie on a line
        ([1e300, 2e300, 3e300], [1.0, 2.0, 3.0], 1.0),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], 0.8),
    ],
)
def test_the_correlation(values: list[float], others: list[float], expected: float) -> None:
    assert correlate(np.array(values), np.array(others)) == pytest.approx(expected)
