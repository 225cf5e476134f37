from pathlib import Path

import msgspec
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Outcome, Result, State
from gates.policy.settings import Settings
from gates.rules.serving_parity import ServingParity
from gates.serving.measured import Measured, Sampled
from gates.testing import case, evidence, outcome, seal
from tests.serving.samples import IDS, SCORES, honest, judged, sampled, write


def with_answers(**changed: object) -> Measured:
    return honest(sampled=msgspec.structs.replace(sampled(), **changed))


def test_the_pipelines_own_predictions_pass(tmp_path: Path) -> None:
    found = judged(tmp_path, "serving_parity", ServingParity(), honest())
    assert [one.state for one in found.findings] == [State.PASSED] * 3
    assert "4 sample rows asked one by one are answered as" in found.findings[0].message


@pytest.mark.parametrize(
    ("moved", "state"), [(1e-9, State.PASSED), (0.25, State.PASSED), (0.26, State.FAILED)]
)
def test_the_largest_difference_of_any_row_decides(
    tmp_path: Path, moved: float, state: State
) -> None:
    answers = tuple((score,) for score in (*SCORES[:1], SCORES[1] + moved, *SCORES[2:]))
    made = with_answers(single=answers)
    found = judged(tmp_path, "serving_parity", ServingParity(tolerance=0.25), made)
    said = found.findings[0]
    assert said.state is state
    assert said.candidate == pytest.approx(moved)
    assert [one.state for one in found.findings[1:]] == [State.PASSED] * 2
    if state is State.FAILED:
        assert "1 are answered otherwise than predicted, by at most 0.26" in said.message
        assert "such as r1" in said.message


def test_each_way_is_judged_for_itself(tmp_path: Path) -> None:
    shifted = tuple((score + 0.01,) for score in SCORES)
    found = judged(tmp_path, "serving_parity", ServingParity(), with_answers(reloaded=shifted))
    assert [one.state for one in found.findings] == [State.PASSED, State.PASSED, State.FAILED]
    assert "asked after an update" in found.findings[2].message


def test_a_row_without_an_answer_fails(tmp_path: Path) -> None:
    made = with_answers(batch=(None, *sampled().batch[1:]))
    found = judged(tmp_path, "serving_parity", ServingParity(), made)
    assert found.findings[1].state is State.FAILED
    assert "1 got no valid answer, such as r0" in found.findings[1].message


def test_without_any_answer_there_is_no_number(tmp_path: Path) -> None:
    found = judged(tmp_path, "serving_parity", ServingParity(), with_answers(single=(None,) * 4))
    assert (found.findings[0].state, found.findings[0].candidate) == (State.FAILED, None)


def test_no_row_at_all_is_no_pass(tmp_path: Path) -> None:
    none = Sampled(columns=("score",), rows=(), single=(), batch=())
    found = judged(tmp_path, "serving_parity", ServingParity(), honest(sampled=none))
    assert {one.state for one in found.findings} == {State.FAILED}


def test_without_an_update_two_ways_are_left(tmp_path: Path) -> None:
    found = judged(tmp_path, "serving_parity", ServingParity(), with_answers(reloaded=None))
    assert len(found.findings) == 2


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"rows": ("r0", "r1", "r2", "x9")}, "the row 'x9'"), ({"columns": ("y",)}, "they are score")],
)
def test_answers_to_other_questions_are_refused(
    tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    found = judged(tmp_path, "serving_parity", ServingParity(), with_answers(**changed))
    assert found.outcome is Result.ERRORED
    assert says in found.reason


def test_large_numbers_are_compared_by_their_size(tmp_path: Path) -> None:
    """Of a regression: 1,000,000.5 for 1,000,000 is half a millionth off."""
    settings = Settings(task="regression")
    values = [1e6, 2.0, 3.0, 4.0]
    made = evidence(
        tmp_path / "e",
        {"label": "label number"},
        test={"label": [1.0, 2.0, 3.0, 4.0]},
        scores={"prediction": values},
        settings=settings,
    )
    answers = tuple((one,) for one in (1e6 + 0.5, *values[1:]))
    asked = Sampled(columns=("prediction",), rows=IDS, single=answers, batch=answers)
    write(made.folder, honest(sampled=asked))
    assert _judged(made.folder, settings).outcome is Result.PASSED


def test_each_class_has_its_score(tmp_path: Path) -> None:
    settings = Settings(task="multiclass")
    label = {"role": "label", "type": "category", "levels": ["a", "b"], "description": "kind"}
    scores = {"score_a": [0.1, 0.2, 0.3, 0.4], "score_b": [0.9, 0.8, 0.7, 0.6]}
    made = evidence(
        tmp_path / "e",
        {"label": label},
        test={"label": ["a", "b", "a", "b"]},
        scores=scores,
        settings=settings,
    )
    answers = tuple(zip(*scores.values(), strict=True))
    asked = Sampled(columns=tuple(scores), rows=IDS, single=answers, batch=answers)
    write(made.folder, honest(sampled=asked))
    assert _judged(made.folder, settings).outcome is Result.PASSED


def _judged(folder: Path, settings: Settings) -> Outcome:
    seal(folder)
    return outcome("serving_parity", ServingParity(), case(Evidence(folder, settings)))
