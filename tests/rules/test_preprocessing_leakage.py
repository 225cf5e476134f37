"""Gate `preprocessing_leakage`: no row has a say in another's score, nothing is fitted to tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Outcome, Result, State
from gates.policy.settings import Settings
from gates.rules.preprocessing_leakage import PreprocessingLeakage
from gates.testing import case, evidence, outcome, seal

ROWS = 40
SCORES = [at / 100 for at in range(ROWS)]
IDS = [f"r{at}" for at in range(ROWS)]
CLEAN = {"schema": 1, "files": ["a.py", "b.py"], "unread": [], "spots": []}
SPOT = {"file": "a.py", "line": 3, "fault": "fit_on_test", "call": "scaler.fit(X_test)"}


def side(
    folder: Path,
    batches: Mapping[str, Any] | None = None,
    code: Any = None,
    rows: int = ROWS,
) -> Evidence:
    table = {"x": SCORES[:rows], "label": [at % 2 == 0 for at in range(rows)]}
    evidence(folder, {"x": "feature number"}, test=table, scores=SCORES[:rows])
    if batches is not None:
        pq.write_table(pa.table(dict(batches)), folder / "batches.parquet")
    if code is not None:
        (folder / "code.json").write_text(json.dumps(code), "utf-8")
    (folder / "manifest.json").unlink()
    seal(folder)
    return Evidence(folder)


def judged(new: Evidence, **keys: Any) -> Outcome:
    return outcome("preprocessing_leakage", PreprocessingLeakage(**keys), case(new))


def by_key(found: Outcome) -> dict[str | None, Finding]:
    return {each.subject.key: each for each in found.findings}


def test_rows_that_score_the_same_in_any_company_pass(tmp_path: Path) -> None:
    ways = {f"{way}.score": SCORES for way in ("alone", "shuffled", "parts")}
    result = judged(side(tmp_path / "a", {"row_id": IDS, **ways}))
    assert result.outcome is Result.PASSED
    assert [each.message for each in result.findings] == [
        "0 of 40 test rows get another score when they are scored alone.",
        "0 of 40 test rows get another score when they are scored in another order.",
        "0 of 40 test rows get another score when they are scored in small batches.",
    ]
    (shown,) = result.observations
    assert "no code.json" in shown.message


def test_a_score_that_depends_on_the_batch_fails(tmp_path: Path) -> None:
    again = [0.02, 0.01, *SCORES[2:]]
    table = {"row_id": IDS, "alone.score": again, "parts.score": SCORES}
    found = by_key(judged(side(tmp_path / "a", table)))
    alone = found["rows scored alone"]
    assert (alone.state, alone.blocks, alone.candidate) == (State.FAILED, True, 0.02)
    assert alone.message == (
        "1 of 40 test rows get another score when they are scored alone, by at most 0.02: the rows "
        "around a row have a say."
    )
    assert found["rows scored in small batches"].state is State.PASSED


@pytest.mark.parametrize(
    ("moved", "state"), [(2.0**-20, State.PASSED), (2.0**-19, State.FAILED)], ids=["at", "above"]
)
def test_scores_of_32_bits_are_as_close_as_such_numbers_get(
    tmp_path: Path, moved: float, state: State
) -> None:
    again = np.full(ROWS, 1 / 3, np.float32)
    table = {"row_id": IDS, "alone.score": again}
    one = side(tmp_path / "a", table)
    scores = again.astype(np.float64) + np.arange(ROWS) % 2 * moved
    predictions = pa.table({"row_id": IDS, "score": scores})
    pq.write_table(predictions, one.folder / "predictions.parquet")
    (one.folder / "manifest.json").unlink()
    seal(one.folder)
    (found,) = judged(Evidence(one.folder)).findings
    assert found.state is state
    assert found.limit.rule == "the same score within 9.53674e-07"


@pytest.mark.parametrize(("tolerance", "state"), [(0.02, State.PASSED), (0.019, State.FAILED)])
def test_the_tolerance_itself(tmp_path: Path, tolerance: float, state: State) -> None:
    table = {"row_id": IDS, "alone.score": [0.02, *SCORES[1:]]}
    (found,) = judged(side(tmp_path / "a", table), tolerance=tolerance).findings
    assert found.state is state


def test_rows_are_told_by_their_identifier(tmp_path: Path) -> None:
    table = {"row_id": IDS[::-1], "alone.score": SCORES[::-1]}
    assert judged(side(tmp_path / "a", table)).outcome is Result.PASSED


@pytest.mark.parametrize(
    ("tried", "of", "state"),
    [(30, 40, "passed"), (29, 40, "undecided"), (3, 3, "passed"), (0, 40, "undecided")],
)
def test_few_rows_prove_nothing(tmp_path: Path, tried: int, of: int, state: str) -> None:
    table = {
        "row_id": pa.array(IDS[:tried], pa.string()),
        "alone.score": pa.array(SCORES[:tried], pa.float64()),
    }
    found = judged(side(tmp_path / "a", table, rows=of)).findings[0]
    assert (found.state, found.blocks) == (state, False)


def test_few_rows_can_disprove(tmp_path: Path) -> None:
    found = judged(side(tmp_path / "a", {"row_id": ["r1"], "alone.score": [0.5]})).findings[0]
    assert found.state is State.FAILED


def test_a_numbers_tolerance_grows_with_it(tmp_path: Path) -> None:
    by = Settings(task="regression")
    table = {"x": [1.0] * 3, "label": [1e6, 2e6, 3e6]}
    folder = tmp_path / "a"
    evidence(
        folder,
        {"x": "feature number", "label": "label number"},
        test=table,
        scores={"prediction": [1e6, 2e6, 3e6]},
        settings=by,
    )
    again = pa.table({"row_id": ["r0", "r1", "r2"], "alone.prediction": [1e6 + 5e-4, 2e6, 3e6]})
    pq.write_table(again, folder / "batches.parquet")
    (folder / "manifest.json").unlink()
    seal(folder)
    assert judged(Evidence(folder, by)).outcome is Result.PASSED
    assert judged(Evidence(folder, by), tolerance=1e-10).outcome is Result.FAILED


def test_rows_that_nobody_tests_are_refused(tmp_path: Path) -> None:
    result = judged(side(tmp_path / "a", {"row_id": ["z"], "alone.score": [0.5]}))
    assert result.outcome is Result.ERRORED
    assert "1 of 1 rows are not in the test table" in result.reason


def test_clean_code_passes(tmp_path: Path) -> None:
    result = judged(side(tmp_path / "a", code=CLEAN))
    (found,) = result.findings
    assert (found.state, found.message) == (
        State.PASSED,
        "No fit in 2 Python files of the stages sees rows that it should not, as far as reading "
        "each function shows.",
    )
    assert "no batches.parquet" in result.observations[0].message


def test_a_leak_in_the_code_is_named_with_its_lines(tmp_path: Path) -> None:
    code = {**CLEAN, "spots": [SPOT, {**SPOT, "line": 9}]}
    (found,) = judged(side(tmp_path / "a", code=code)).findings
    assert (found.state, found.blocks) == (State.FAILED, True)
    assert found.message == "a.py:3, a.py:9: 'scaler.fit(X_test)' is fitted to test rows."
    assert found.subject.key == "a.py is fitted to test rows"
    assert found.mend


def test_each_fault_has_its_sentence(tmp_path: Path) -> None:
    faults = ("fit_on_test", "fit_on_joined", "fit_before_split")
    code = {**CLEAN, "spots": [{**SPOT, "fault": each} for each in faults]}
    found = judged(side(tmp_path / "a", code=code)).findings
    assert len({each.message for each in found}) == len({each.subject.key for each in found}) == 3


def test_code_that_nobody_could_read_is_named(tmp_path: Path) -> None:
    code = {**CLEAN, "unread": ["b.py"]}
    found = by_key(judged(side(tmp_path / "a", code=code)))
    assert (found["unread code"].state, found["unread code"].blocks) == (State.UNDECIDED, False)
    assert found["unread code"].message.startswith("'b.py' could not be read")
    assert "1 Python file of" in found["code of the stages"].message


@pytest.mark.parametrize("code", [[], {"files": 3}, {**CLEAN, "spots": [{**SPOT, "line": "x"}]}])
def test_what_is_no_scan_is_refused(tmp_path: Path, code: Any) -> None:
    assert judged(side(tmp_path / "a", code=code)).outcome is Result.ERRORED


def test_without_either_it_is_skipped(tmp_path: Path) -> None:
    result = judged(side(tmp_path / "a"))
    assert result.outcome is Result.SKIPPED
    assert "neither batches.parquet nor code.json" in result.reason


def test_a_pull_request_does_not_stop_the_measurement(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"row_id": IDS, "alone.score": SCORES})
    new = side(tmp_path / "new", code=CLEAN)
    result = outcome("preprocessing_leakage", PreprocessingLeakage(), case(new, old))
    lost, code = result.findings
    assert (lost.state, lost.blocks, code.state) == (State.UNDECIDED, True, State.PASSED)
    assert "The baseline's rows were scored in other company" in lost.message


def test_a_pull_request_does_not_stop_one_way_of_scoring(tmp_path: Path) -> None:
    old = side(tmp_path / "old", {"row_id": IDS, "alone.score": SCORES, "parts.score": SCORES})
    new = side(tmp_path / "new", {"row_id": IDS, "parts.score": SCORES})
    found = by_key(outcome("preprocessing_leakage", PreprocessingLeakage(), case(new, old)))
    lost = found["rows scored alone"]
    assert (lost.state, lost.blocks) == (State.UNDECIDED, True)
    assert "The baseline's rows were scored alone" in lost.message
    assert found["rows scored in small batches"].state is State.PASSED
