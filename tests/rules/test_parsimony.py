"""Gate `parsimony`: what is larger has to be better."""

import math
from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Mode, Result, State, TestSetOf
from gates.rules.parsimony import Parsimony
from gates.rules.quick_baseline import Demand
from gates.testing import case, evidence, outcome
from tests.rivals import with_simple, with_sizes, with_table

ROWS = 400
LABELS = [at % 2 == 0 for at in range(ROWS)]
SMALL, LARGE = {"bytes": 100, "features": 5}, {"bytes": 1000, "features": 5}


def sure(score: float) -> list[float]:
    """The same loss in every row, so that there is no doubt about a gain."""
    return [score if label else 1 - score for label in LABELS]


def gate(gain: float = 0.01, mode: Mode = Mode.GUARD, **keys: Any) -> Parsimony:
    return Parsimony(metrics={"log_loss": Demand(gain=gain)}, mode=mode, **keys)


def made_of(folder: Path, scores: list[float]) -> Evidence:
    return evidence(folder, {}, test={"label": LABELS}, scores=scores)


def sized(folder: Path, scores: list[float], size: dict[str, int]) -> Evidence:
    return with_sizes(made_of(folder, scores), {"candidate": size})


def judged(asked: Parsimony, new: Evidence, old: Evidence | None = None) -> list[Finding]:
    return list(outcome("parsimony", asked, case(new, old)).findings)


def test_what_a_model_gains_over_a_simple_one_may_be_worth_it(tmp_path: Path) -> None:
    made = with_simple(made_of(tmp_path / "e", sure(0.8)), sure(0.6))
    (found,) = judged(gate(), made)
    assert found.state is State.PASSED
    assert found.candidate == pytest.approx(math.log(0.8 / 0.6))
    assert "worth the 0.01 that is asked for" in found.message


@pytest.mark.parametrize(
    ("mode", "state", "blocks"),
    [(Mode.GUARD, State.UNDECIDED, False), (Mode.STRICT, State.FAILED, True)],
)
def test_a_simple_model_that_is_nearly_as_good_would_do(
    tmp_path: Path, mode: Mode, state: State, *, blocks: bool
) -> None:
    made = with_simple(made_of(tmp_path / "e", sure(0.8)), sure(0.799))
    (found,) = judged(gate(mode=mode), made)
    assert (found.state, found.blocks) == (state, blocks)
    assert "less than the 0.01 that is asked for: a simpler model would do" in found.message
    assert found.mend


def test_what_the_rows_cannot_tell_is_said(tmp_path: Path) -> None:
    """Half of the rows gain .4, half lose nearly as much."""
    better, worse = sure(0.9), sure(0.5)
    mixed = [better[at] if at % 4 < 2 else worse[at] for at in range(ROWS)]
    made = with_simple(made_of(tmp_path / "e", mixed), sure(0.668))
    (found,) = judged(gate(), made)
    assert found.state is State.UNDECIDED
    assert "these rows cannot tell whether it is 0.01" in found.message
    assert found.rows_needed is None or found.rows_needed > ROWS


def test_a_simple_model_that_is_no_simpler_is_no_measure(tmp_path: Path) -> None:
    made = with_simple(made_of(tmp_path / "e", sure(0.8)), sure(0.8))
    made = with_sizes(made, {"candidate": SMALL, "simple": LARGE})
    (found,) = judged(gate(mode=Mode.STRICT), made)
    assert found.state is State.PASSED
    assert "The simple model is no simpler: 1,000 bytes, 5 features" in found.message


@pytest.mark.parametrize(
    ("size", "grown"),
    [
        ({"bytes": 200, "features": 5}, False),
        ({"bytes": 201, "features": 5}, True),
        ({"bytes": 90, "features": 6}, True),
        ({"bytes": 1, "features": 1}, False),
    ],
)
def test_growth_is_more_bytes_or_any_feature(
    tmp_path: Path, size: dict[str, int], *, grown: bool
) -> None:
    """Twice 100 bytes are accepted, to the byte."""
    old = sized(tmp_path / "old", sure(0.8), SMALL)
    new = sized(tmp_path / "new", sure(0.8), size)
    (found,) = judged(gate(mode=Mode.STRICT), new, old)
    assert found.state is (State.FAILED if grown else State.PASSED)


def test_growth_for_the_same_answers_is_for_nothing(tmp_path: Path) -> None:
    old, new = sized(tmp_path / "old", sure(0.8), SMALL), sized(tmp_path / "n", sure(0.8), LARGE)
    (found,) = judged(gate(), new, old)
    assert found.interval == (0.0, 0.0)
    assert "no better (0.2231 against 0.2231; 95 % interval of the gain +0 to +0)" in found.message
    assert "(1,000 bytes, 5 features; the base's model has 100 bytes, 5 features)" in found.message


def test_growth_that_pays_passes(tmp_path: Path) -> None:
    old, new = sized(tmp_path / "old", sure(0.7), SMALL), sized(tmp_path / "n", sure(0.8), LARGE)
    (found,) = judged(gate(mode=Mode.STRICT), new, old)
    assert found.state is State.PASSED
    assert found.candidate == pytest.approx(math.log(0.8 / 0.7))


def test_growth_that_cannot_be_compared_is_undecided(tmp_path: Path) -> None:
    """No row of the base's test set is left."""
    old = sized(tmp_path / "old", sure(0.8), SMALL)
    ids = [f"x{at}" for at in range(ROWS)]
    new = evidence(tmp_path / "n", {}, test={"row_id": ids, "label": LABELS}, scores=sure(0.8))
    (found,) = judged(gate(), with_sizes(new, {"candidate": LARGE}), old)
    assert found.state is State.UNDECIDED
    assert "cannot be judged" in found.message


def test_an_easy_test_set_does_not_make_growth_worth_it(tmp_path: Path) -> None:
    """The larger model says of the base's rows what the smaller one did."""
    old = sized(tmp_path / "old", sure(0.8), SMALL)
    easy = evidence(
        tmp_path / "n",
        {},
        test={"row_id": [f"x{at}" for at in range(ROWS)], "label": LABELS},
        scores=sure(0.9),
        other_scores={
            "predictions_on_baseline_test.parquet": (old.ids.to_pylist(), sure(0.8)),
            "baseline_predictions.parquet": ([f"x{at}" for at in range(ROWS)], sure(0.6)),
        },
    )
    both, on_base = judged(gate(mode=Mode.STRICT), with_sizes(easy, {"candidate": LARGE}), old)
    assert (both.state, both.subject.test_set) == (State.PASSED, None)
    assert (on_base.state, on_base.subject.test_set) == (State.FAILED, TestSetOf.BASELINE)


def test_without_a_measure_it_is_skipped(tmp_path: Path) -> None:
    new = sized(tmp_path / "new", sure(0.8), LARGE)
    found = outcome("parsimony", gate(), case(new, made_of(tmp_path / "old", sure(0.8))))
    assert found.outcome is Result.SKIPPED
    assert "no simple model" in found.reason


@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows_prove_nothing(tmp_path: Path, rows: int) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS[:rows]}, scores=sure(0.8)[:rows])
    made = with_table(made, "quick_baselines", None, **{"simple.score": sure(0.6)[:rows]})
    (found,) = judged(gate(mode=Mode.STRICT), made)
    assert found.state is State.UNDECIDED


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"candidate": {"bytes": -1, "features": 1}},
        {"candidate": {"bytes": 1.5, "features": 1}},
        {"candidate": SMALL, "other": SMALL},
        [],
    ],
)
def test_sizes_that_are_none_are_refused(tmp_path: Path, sizes: Any) -> None:
    made = with_sizes(made_of(tmp_path / "e", sure(0.8)), sizes)
    found = outcome("parsimony", gate(), case(made, made))
    assert found.outcome is Result.ERRORED
    assert "sizes.json" in found.reason
