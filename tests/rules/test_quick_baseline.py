"""Gate `quick_baseline`: a model beats a dummy and a simple model, or does not merge."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.evidence.folder import Evidence
from gates.finding import Finding, Mode, Result, State, TestSetOf
from gates.policy.settings import Settings
from gates.rules.quick_baseline import Demand, QuickBaseline
from gates.testing import case, evidence, outcome
from tests.rivals import with_simple, with_table

ROWS = 400
LABELS = [at % 4 == 0 for at in range(ROWS)]  # a quarter is positive
GOOD = [0.8 if label else 0.2 for label in LABELS]
FAIR = [0.6 if label else 0.4 for label in LABELS]


def accuracy(gain: float = 0.0, mode: Mode = Mode.GUARD) -> QuickBaseline:
    return QuickBaseline(metrics={"accuracy": Demand(gain=gain)}, mode=mode)


def made_of(folder: Path, scores: list[float], train: list[bool] | None = None) -> Evidence:
    """Training rows of which half are positive, unless said otherwise."""
    trained = train or LABELS[:200]
    return evidence(folder, {}, test={"label": LABELS}, train={"label": trained}, scores=scores)


def judged(gate: QuickBaseline, made: Evidence, old: Evidence | None = None) -> list[Finding]:
    return list(outcome("quick_baseline", gate, case(made, old)).findings)


def wrong_on(count: int) -> list[float]:
    return [1 - score if at < count else score for at, score in enumerate(GOOD)]


def test_a_dummy_says_the_share_of_the_training_rows(tmp_path: Path) -> None:
    """−.25 ln .25 − .75 ln .75 = .5623; the model's loss is −ln .8 = .2231 for every row."""
    (found,) = judged(QuickBaseline(), made_of(tmp_path / "e", GOOD))
    loss = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert found.state is State.PASSED
    assert found.candidate == pytest.approx(loss + math.log(0.8))
    assert "log_loss against a dummy: better by 0.3392 (0.2231 against 0.5623;" in found.message


def test_a_model_that_is_worse_than_always_no_fails(tmp_path: Path) -> None:
    """A dummy has 300 of 400 right; the model is wrong in 200."""
    (found,) = judged(accuracy(), made_of(tmp_path / "e", wrong_on(200)))
    assert found.state is State.FAILED
    assert "worse by 0.25 (0.5 against 0.75;" in found.message
    assert found.mend


def test_what_is_neither_shown_nor_refuted_is_undecided(tmp_path: Path) -> None:
    """95 wrong against the dummy's 100."""
    (found,) = judged(accuracy(), made_of(tmp_path / "e", wrong_on(95)))
    assert found.state is State.UNDECIDED
    assert found.rows_needed is not None
    assert found.rows_needed > ROWS
    assert not found.blocks
    (strict,) = judged(accuracy(mode=Mode.STRICT), made_of(tmp_path / "s", wrong_on(95)))
    assert strict.blocks


@pytest.mark.parametrize(
    ("gain", "state"), [(0.0, State.PASSED), (0.2231, State.PASSED), (0.5, State.FAILED)]
)
def test_a_declared_gain_over_the_simple_model(tmp_path: Path, gain: float, state: State) -> None:
    """Losses are −ln .8 and −ln .6 in every row, so that the gain of .2877 is exact."""
    made = with_simple(made_of(tmp_path / "e", GOOD), FAIR)
    gate = QuickBaseline(metrics={"log_loss": Demand(gain=gain)})
    _, simple = judged(gate, made)
    assert simple.subject.key == "log_loss against the simple model"
    assert simple.candidate == pytest.approx(math.log(0.8 / 0.6))
    assert simple.state is state


@pytest.mark.parametrize(("gain", "state"), [(0.1875, State.PASSED), (0.1876, State.FAILED)])
def test_exactly_the_gain_is_enough(tmp_path: Path, gain: float, state: State) -> None:
    """Every row's squared error falls from 1/4 to 1/16, so that there is no doubt."""
    sure = [0.75 if label else 0.25 for label in LABELS]
    made = with_simple(made_of(tmp_path / "e", sure), [0.5] * ROWS)
    gate = QuickBaseline(metrics={"brier_score_loss": Demand(gain=gain)})
    assert judged(gate, made)[1].state is state


def test_the_same_answers_are_no_gain(tmp_path: Path) -> None:
    made = with_simple(made_of(tmp_path / "e", GOOD), GOOD)
    found = judged(QuickBaseline(), made)[1]
    assert found.state is State.FAILED
    assert found.message == "The model says the same of every row as the simple model does."


def test_a_model_that_says_one_thing_is_the_dummy(tmp_path: Path) -> None:
    (found,) = judged(QuickBaseline(), made_of(tmp_path / "e", [0.25] * ROWS))
    assert found.state is State.FAILED
    assert "as a dummy does" in found.message


def test_a_simple_model_made_worse_does_not_help(tmp_path: Path) -> None:
    """The base's simple model still says what it did."""
    old = with_simple(made_of(tmp_path / "old", GOOD), GOOD)
    new = with_simple(made_of(tmp_path / "new", FAIR), [0.5] * ROWS)
    _, own, base = judged(QuickBaseline(), new, old)
    assert (own.state, base.state) == (State.PASSED, State.FAILED)
    assert base.subject.key == "log_loss against the base's simple model"


def test_the_bases_simple_model_counts_on_shared_rows(tmp_path: Path) -> None:
    """The new test set keeps the first 200 rows, and relabels four of them."""
    old = with_simple(made_of(tmp_path / "old", GOOD), FAIR)
    labels = [*(not label for label in LABELS[:4]), *LABELS[4:200]]
    new = evidence(tmp_path / "new", {}, test={"label": labels}, scores=GOOD[:200])
    gone, base, *_ = judged(QuickBaseline(), new, old)
    assert base.support is not None
    assert base.support.rows == 196
    assert base.candidate == pytest.approx(math.log(0.8 / 0.6))
    assert gone.state is State.UNDECIDED
    assert "this pull request none" in gone.message


def test_a_simple_model_that_is_gone_is_told_where_nothing_else_is_judged(tmp_path: Path) -> None:
    old = with_simple(made_of(tmp_path / "old", GOOD), FAIR)
    rows = {"row_id": [f"n{at}" for at in range(ROWS)], "label": LABELS}
    new = evidence(tmp_path / "new", {}, test=rows, scores=GOOD)
    (gone,) = outcome("quick_baseline", QuickBaseline(), case(new, old)).findings
    assert (gone.subject.key, gone.state) == ("the simple model", State.UNDECIDED)


def test_an_easy_test_set_does_not_hide_a_model_that_says_nothing(tmp_path: Path) -> None:
    """It is right on the 300 rows that are new, and wrong on all that it was asked before."""
    old = with_simple(made_of(tmp_path / "old", GOOD), FAIR)
    wrong = [1 - score for score in GOOD]
    new = evidence(
        tmp_path / "new",
        {},
        test={"row_id": [f"n{at}" for at in range(300)], "label": LABELS[:300]},
        train={"label": LABELS[:200]},
        scores=GOOD[:300],
        other_scores={"predictions_on_baseline_test.parquet": (list(old.ids.to_pylist()), wrong)},
    )
    found = [(each.subject.test_set, each.state) for each in judged(accuracy(), new, old)]
    gone, own, dummy, simple = found
    assert gone == (None, State.UNDECIDED)  # the simple model
    assert own == (None, State.PASSED)
    assert dummy == simple == (TestSetOf.BASELINE, State.FAILED)


def test_the_same_simple_model_is_judged_once(tmp_path: Path) -> None:
    old = with_simple(made_of(tmp_path / "old", GOOD), FAIR)
    new = with_simple(made_of(tmp_path / "new", GOOD), FAIR)
    assert len(judged(QuickBaseline(), new, old)) == 2


def test_without_training_labels_and_simple_model_it_is_skipped(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": LABELS}, scores=GOOD)
    found = outcome("quick_baseline", QuickBaseline(), case(made))
    assert found.outcome is Result.SKIPPED
    assert "no training labels and no quick_baselines.parquet" in found.reason


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "roc_auc", "f1"])
def test_few_rows_prove_nothing(tmp_path: Path, rows: int, metric: Any) -> None:
    made = evidence(
        tmp_path / "e",
        {},
        test={"label": LABELS[:rows]},
        train={"label": LABELS[:1]},
        scores=GOOD[:rows],
    )
    gate = QuickBaseline(metrics={metric: Demand()})
    (found,) = outcome("quick_baseline", gate, case(made)).findings
    assert found.state is State.UNDECIDED


@pytest.mark.parametrize("bad", [[float("nan")] * ROWS, [2.0] * ROWS, [None] * ROWS])
def test_a_simple_model_that_says_no_probability_is_refused(tmp_path: Path, bad: Any) -> None:
    made = with_simple(made_of(tmp_path / "e", GOOD), bad)
    assert outcome("quick_baseline", QuickBaseline(), case(made)).outcome is Result.ERRORED


def test_rows_of_one_person_are_one_witness(tmp_path: Path) -> None:
    """Forty people of ten rows each: the interval is as wide as forty rows make it."""
    draws = np.random.default_rng(4)
    right = np.repeat(draws.random(40) < 0.8, 10)
    labels = np.array(LABELS)
    scores = np.where(labels == right, 0.9, 0.1)
    columns = {"label": LABELS, "person": [f"p{at // 10}" for at in range(ROWS)]}
    widths = []
    for role in ("group", "ignored"):
        made = evidence(
            tmp_path / role,
            {"person": f"{role} text"},
            test=columns,
            train={"label": LABELS},
            scores=scores.tolist(),
        )
        (found,) = outcome("quick_baseline", accuracy(), case(made)).findings
        assert found.interval is not None
        widths.append(found.interval[1] - found.interval[0])
    assert widths[0] > 1.5 * widths[1]


def test_many_classes(tmp_path: Path) -> None:
    levels = ["a", "b", "c"]
    labels = [levels[at % 3] for at in range(90)]
    said = {f"score_{one}": [0.8 if one == label else 0.1 for label in labels] for one in levels}
    settings = Settings(task="multiclass")
    made = evidence(
        tmp_path / "e",
        {"label": {"role": "label", "type": "category", "levels": levels, "description": "x"}},
        test={"label": labels},
        train={"label": labels[:30]},
        scores=said,
        settings=settings,
    )
    third = {f"simple.score_{one}": [1 / 3] * 90 for one in levels}
    made = with_table(made, "quick_baselines", None, **third)
    dummy, simple = judged(QuickBaseline(), made)
    assert dummy.candidate == pytest.approx(math.log(3) + math.log(0.8))
    assert simple.candidate == pytest.approx(dummy.candidate)
    assert {dummy.state, simple.state} == {State.PASSED}


@pytest.mark.parametrize(
    ("metric", "gain"), [("mean_absolute_error", 33 - 10), ("mean_squared_error", 3267 - 100)]
)
def test_a_numbers_dummy_is_the_best_constant(tmp_path: Path, metric: Any, gain: float) -> None:
    """Labels are 0, 0, 0, 132 over and over: the median is 0, the mean 33, the variance 3,267."""
    labels = [0.0, 0.0, 0.0, 132.0] * 25
    train = {"label": labels[:20]}
    made = evidence(
        tmp_path / "e",
        {"label": "label number"},
        test={"label": labels},
        train=train,
        scores={"prediction": [label + 10 for label in labels]},
        settings=Settings(task="regression"),
    )
    (found,) = judged(QuickBaseline(metrics={metric: Demand()}), made)
    assert found.candidate == pytest.approx(gain)
    assert found.state is State.PASSED


def test_weights_count_for_the_dummy_too(tmp_path: Path) -> None:
    """The one positive training row weighs as much as the three others: a share of one half."""
    columns = {"label": LABELS, "w": [1.0] * ROWS}
    made = evidence(
        tmp_path / "e",
        {"w": "weight number"},
        test=columns,
        train={"label": LABELS[:4], "w": [3.0, 1.0, 1.0, 1.0]},
        scores=GOOD,
        settings=Settings(sample_weight="w"),
    )
    (found,) = judged(QuickBaseline(), made)
    assert found.candidate == pytest.approx(math.log(2) + math.log(0.8))


def test_a_row_without_weight_is_nobodys(tmp_path: Path) -> None:
    """The first four rows, which the model gets wrong and the base's simple model right."""
    scores = wrong_on(4)
    weights = [0.0] * 4 + [1.0] * (ROWS - 4)
    settings = Settings(sample_weight="w")
    made = {}
    for side in ("old", "new"):
        columns = {"label": LABELS, "w": weights}
        plain = evidence(
            tmp_path / side, {"w": "weight number"}, test=columns, scores=scores, settings=settings
        )
        made[side] = plain
    old = with_simple(made["old"], [*GOOD[:4], *FAIR[4:]])
    gone, base = judged(QuickBaseline(), made["new"], old)
    assert gone.subject.key == "the simple model"
    assert base.candidate == pytest.approx(math.log(0.8 / 0.6))
