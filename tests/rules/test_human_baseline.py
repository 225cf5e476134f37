"""Gate `human_baseline`: how far a model is behind people, who were counted or asked."""

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gates.errors import PolicyError
from gates.evidence.folder import Evidence
from gates.finding import Finding, Result, State, TestSetOf
from gates.policy.policy import read_policy
from gates.policy.settings import Settings
from gates.rules.human_baseline import HumanBaseline, People
from gates.stats.proportion import newcombe_difference, wilson
from gates.testing import case, evidence, outcome
from tests.rivals import with_table

ROWS = 400
LABELS = [at % 2 == 0 for at in range(ROWS)]


def wrong_on(count: int) -> list[float]:
    return [float(label is not (at < count)) for at, label in enumerate(LABELS)]


def made_of(folder: Path, wrong: int) -> Evidence:
    return evidence(folder, {}, test={"label": LABELS}, scores=wrong_on(wrong))


def people(**keys: Any) -> HumanBaseline:
    asked = {"level": 0.9, "how": "three nurses", **keys}
    return HumanBaseline(metrics={"accuracy": People(**asked)})


def judged(gate: HumanBaseline, made: Evidence, old: Evidence | None = None) -> Finding:
    (found,) = outcome("human_baseline", gate, case(made, old)).findings
    return found


def answered(made: Evidence, wrong: int, rows: int = ROWS) -> Evidence:
    said = [bool(score) for score in wrong_on(wrong)][:rows]
    return with_table(made, "human", [f"r{at}" for at in range(rows)], label=said)


@pytest.mark.parametrize(
    ("wrong", "state"), [(4, State.PASSED), (40, State.UNDECIDED), (120, State.FAILED)]
)
def test_a_declared_level_is_kept_or_not(tmp_path: Path, wrong: int, state: State) -> None:
    """People have 90 of 100 right; the model 99, 90 and 70."""
    found = judged(people(rows=500), made_of(tmp_path / "e", wrong))
    assert found.state is state
    assert found.candidate == pytest.approx(0.1 - wrong / ROWS)
    assert "(three nurses, 500 rows)" in found.message


def test_the_distance_has_the_uncertainty_of_both(tmp_path: Path) -> None:
    """Two shares of separate rows: Newcombe's interval of 360/400 − 450/500."""
    found = judged(people(rows=500), made_of(tmp_path / "e", 40))
    expected = newcombe_difference(360, 400, 450, 500, 0.95)
    assert found.interval == pytest.approx((expected.lower, expected.upper))


def test_a_level_without_rows_is_taken_as_exact(tmp_path: Path) -> None:
    found = judged(people(), made_of(tmp_path / "e", 40))
    own = wilson(360, 400, 0.95)
    assert found.interval == pytest.approx((own.lower - 0.9, own.upper - 0.9))


def test_a_level_may_bring_its_own_interval(tmp_path: Path) -> None:
    found = judged(people(interval=(0.8, 0.95)), made_of(tmp_path / "e", 40))
    own = wilson(360, 400, 0.95)
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(-math.hypot(0.9 - own.lower, 0.05))
    assert found.interval[1] == pytest.approx(math.hypot(own.upper - 0.9, 0.1))


@pytest.mark.parametrize(("margin", "state"), [(0.3, State.PASSED), (0.1, State.FAILED)])
def test_a_margin_is_how_far_behind_it_may_be(tmp_path: Path, margin: float, state: State) -> None:
    found = judged(people(margin=margin), made_of(tmp_path / "e", 120))
    assert found.state is state
    assert f"at most {margin:g} behind is accepted" in found.message


def test_less_is_better_where_it_is_an_error(tmp_path: Path) -> None:
    """People are off by 5 on average, the model by 2: it is 3 ahead."""
    labels = [float(at) for at in range(100)]
    made = evidence(
        tmp_path / "e",
        {"label": "label number"},
        test={"label": labels},
        scores={"prediction": [label + 2 for label in labels]},
        settings=Settings(task="regression"),
    )
    metrics = {"mean_absolute_error": People(level=5.0, how="two assessors")}
    found = judged(HumanBaseline(metrics=metrics), made)  # type: ignore[arg-type]
    assert found.candidate == pytest.approx(3)
    assert found.state is State.PASSED


def test_peoples_own_answers_are_paired_with_the_models(tmp_path: Path) -> None:
    """Of 100 rows people have 98 right, the model 50, and of those two that people have not."""
    made = answered(made_of(tmp_path / "e", 50), 2, 100)
    found = judged(HumanBaseline(), made)
    assert found.candidate == pytest.approx(0.5 - 0.98)
    assert found.state is State.FAILED
    assert "people's own answers to 100 test rows" in found.message
    assert found.support is not None
    assert found.support.rows == 100


def test_the_bases_people_are_asked_first(tmp_path: Path) -> None:
    """A pull request brings people who are wrong in every row; the base's were right."""
    old = answered(made_of(tmp_path / "old", 0), 0)
    new = answered(made_of(tmp_path / "new", 100), ROWS)
    assert judged(HumanBaseline(), new, old).state is State.FAILED
    assert judged(HumanBaseline(), new).state is State.PASSED


def easier(folder: Path) -> Evidence:
    """A new test set on which the model is right, and which the old rows are not in."""
    return evidence(
        folder,
        {},
        test={"row_id": [f"n{at}" for at in range(ROWS)], "label": LABELS},
        scores=wrong_on(0),
        other_scores={
            "predictions_on_baseline_test.parquet": (
                [f"r{at}" for at in range(ROWS)],
                wrong_on(200),
            )
        },
    )


def test_an_easy_test_set_does_not_hide_what_people_do_better(tmp_path: Path) -> None:
    """On the base's rows half of the answers are wrong; people were right in nine of ten."""
    of = case(easier(tmp_path / "new"), made_of(tmp_path / "old", 0))
    own, on_base = outcome("human_baseline", people(rows=500), of).findings
    assert (own.state, own.subject.test_set) == (State.PASSED, None)
    assert (on_base.state, on_base.subject.test_set) == (State.FAILED, TestSetOf.BASELINE)
    assert "accuracy against people on the baseline's rows" in on_base.message


def test_peoples_answers_count_on_the_bases_rows(tmp_path: Path) -> None:
    """They answered rows that the pull request takes out of the test set."""
    old = answered(made_of(tmp_path / "old", 0), 4)
    own, on_base = outcome(
        "human_baseline", HumanBaseline(), case(easier(tmp_path / "new"), old)
    ).findings
    assert own.state is State.UNDECIDED
    assert on_base.candidate == pytest.approx(0.5 - 0.99)
    assert on_base.state is State.FAILED


def test_the_same_answers_are_as_good(tmp_path: Path) -> None:
    found = judged(
        HumanBaseline(metrics={"accuracy": People(margin=0.02)}),
        answered(made_of(tmp_path / "e", 10), 10),
    )
    assert (found.candidate, found.state) == (0.0, State.PASSED)


@pytest.mark.parametrize(
    ("metric", "ids", "reason"),
    [
        ("log_loss", None, "no probabilities"),
        ("accuracy", [f"x{at}" for at in range(ROWS)], "answered none of the test rows"),
    ],
)
def test_what_people_cannot_tell_is_undecided(
    tmp_path: Path, metric: Any, ids: list[str] | None, reason: str
) -> None:
    made = with_table(made_of(tmp_path / "e", 4), "human", ids, label=LABELS)
    found = judged(HumanBaseline(metrics={metric: People()}), made)
    assert found.state is State.UNDECIDED
    assert reason in found.message


def test_many_classes_are_answered_by_name(tmp_path: Path) -> None:
    levels = ["a", "b"]
    labels = [levels[at % 2] for at in range(60)]
    sure = {f"score_{one}": [0.9 if one == label else 0.1 for label in labels] for one in levels}
    made = evidence(
        tmp_path / "e",
        {"label": {"role": "label", "type": "category", "levels": levels, "description": "x"}},
        test={"label": labels},
        scores=sure,
        settings=Settings(task="multiclass"),
    )
    made = with_table(made, "human", label=["a"] * 60)
    assert judged(HumanBaseline(), made).candidate == pytest.approx(0.5)


def test_where_nobody_was_asked_it_is_skipped(tmp_path: Path) -> None:
    found = outcome("human_baseline", HumanBaseline(), case(made_of(tmp_path / "e", 0)))
    assert found.outcome is Result.SKIPPED
    assert "no human-level performance is declared" in found.reason


@pytest.mark.parametrize("rows", [1, 2])
def test_few_rows_prove_nothing(tmp_path: Path, rows: int) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS[:rows]}, scores=[0.0] * rows)
    assert judged(people(rows=10), made).state is State.UNDECIDED


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ("{level: 0.9}", "`level` needs `how`"),
        ("{rows: 10}", "say how `level` was measured"),
        ("{level: 0.9, how: x, interval: [0.95, 0.99]}", "does not hold `level` 0.9"),
        ("{level: .nan, how: x}", "nan"),
    ],
)
def test_a_level_that_nobody_can_trace_is_refused(keys: str, wrong: str) -> None:
    text = f"gates:\n  human_baseline:\n    metrics:\n      accuracy: {keys}\n"
    with pytest.raises((PolicyError, msgspec.ValidationError), match=wrong):
        read_policy(text.encode(), "params.yaml")
