"""A class of few rows, which an average over all rows hardly knows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.finding import Result, State
from gates.metrics import RareMetric
from gates.rules.gate import NotApplicableError
from gates.rules.rare_class import Demand, RareClass
from gates.testing import case, evidence, items, outcome
from tests.build_tasks import CLASSES, multiclass, regression

ROWS = 1_000
RECALL: dict[RareMetric, Demand] = {"recall": Demand(floor=0.5)}


def side(folder: Path, found: int, *, positives: int = 100, wrong: int = 0) -> Evidence:
    """A model that finds so many of the positives, and takes so many negatives for them."""
    labels = [at < positives for at in range(ROWS)]
    decided = [at < found or positives <= at < positives + wrong for at in range(ROWS)]
    scores = [0.9 if one else 0.1 for one in decided]
    return evidence(folder, {}, test={"label": labels}, scores=scores)


@pytest.mark.parametrize(
    ("found", "state"),
    [(30, State.FAILED), (50, State.UNDECIDED), (80, State.PASSED)],
    ids=["provably below", "exactly at the floor", "provably above"],
)
def test_recall_of_the_positives_has_a_floor(tmp_path: Path, found: int, state: State) -> None:
    [finding] = outcome(
        "rare_class", RareClass(metrics=RECALL), case(side(tmp_path / "e", found))
    ).findings
    assert (finding.state, finding.subject.metric) == (state, "recall")
    assert finding.candidate == found / 100
    assert finding.support is not None
    assert finding.support.positives == 100
    assert bool(finding.mend) is (state is not State.PASSED)


def test_undecided_says_how_many_rows_would_do(tmp_path: Path) -> None:
    made = side(tmp_path / "e", 55)
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert finding.rows_needed == pytest.approx(ROWS * (0.0956 / 0.05) ** 2, rel=0.05)


def test_too_few_rows_of_the_class_are_undecided(tmp_path: Path) -> None:
    made = side(tmp_path / "e", 5, positives=10)
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert finding.state is State.UNDECIDED
    assert "of 1,000 test rows 10 are of this class; at least 30 are judged" in finding.message
    assert finding.rows_needed == 3_000


def test_the_negatives_may_be_the_rarer_ones(tmp_path: Path) -> None:
    labels = [at >= 100 for at in range(ROWS)]
    scores = [0.1 if at < 20 else 0.9 for at in range(ROWS)]
    made = evidence(tmp_path / "e", {}, test={"label": labels}, scores=scores)
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert finding.subject.metric == "recall.negative"
    assert finding.candidate == 0.2
    assert finding.state is State.FAILED


def test_a_fall_against_the_baseline_blocks(tmp_path: Path) -> None:
    sides = side(tmp_path / "new", 40), side(tmp_path / "old", 80)
    found = outcome("rare_class", RareClass(), case(*sides))
    assert found.outcome is Result.FAILED
    recall, precision = found.findings
    assert recall.state is State.FAILED
    assert recall.change == pytest.approx(-0.4)
    assert precision.state is not State.FAILED
    assert outcome("rare_class", RareClass(), case(sides[1], sides[1])).outcome is Result.PASSED


def test_average_precision_is_that_of_scikit_learn(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    labels = random.random(ROWS) < 0.9  # so that the negatives are looked for
    scores = np.clip(0.5 + 0.2 * labels + random.normal(0, 0.2, ROWS), 0, 1)
    made = evidence(tmp_path / "e", {}, test={"label": labels.tolist()}, scores=scores.tolist())
    gate = RareClass(metrics={"average_precision": Demand(floor=0.05)})
    [finding] = outcome("rare_class", gate, case(made)).findings
    assert finding.candidate == pytest.approx(average_precision_score(~labels, 1 - scores))
    few = side(tmp_path / "few", 20, positives=40)
    [finding] = outcome("rare_class", gate, case(few)).findings
    assert "from 50 on" in finding.message


def test_of_many_classes_the_rarest_or_those_that_are_named(tmp_path: Path) -> None:
    truth = ["cat"] * 600 + ["dog"] * 300 + ["eel"] * 60
    decided = ["cat"] * 600 + ["dog"] * 300 + ["cat"] * 50 + ["eel"] * 10
    made = multiclass(tmp_path / "e", truth=truth, decided=decided)
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert finding.subject.metric == "recall.eel"
    assert finding.candidate == pytest.approx(10 / 60)
    assert finding.state is State.FAILED
    two = items(RareClass(metrics=RECALL, rarest=5), case(made))
    assert [one.subject.metric for one in two] == ["recall.eel", "recall.dog"]
    named = items(RareClass(metrics=RECALL, classes=("cat",)), case(made))
    assert [one.subject.metric for one in named] == ["recall.cat"]
    with pytest.raises(EvidenceError, match="'cow' is no class of the label, which has cat, dog"):
        items(RareClass(metrics=RECALL, classes=("cat", "cow")), case(made))


def test_a_class_that_has_vanished_is_undecided(tmp_path: Path) -> None:
    truth = ["cat", "dog"] * 50
    made = multiclass(tmp_path / "e", truth=truth, decided=truth, classes=CLASSES)
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert (finding.subject.metric, finding.state) == ("recall.eel", State.UNDECIDED)
    assert finding.rows_needed is None


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_any_row(tmp_path: Path, rows: int) -> None:
    made = evidence(tmp_path / "e", {}, test={"label": [True] * rows})
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert finding.state is State.UNDECIDED


def test_where_it_has_nothing_to_judge(tmp_path: Path) -> None:
    numbers = regression(tmp_path / "n", truth=[1.0], predicted=[1.0])
    with pytest.raises(NotApplicableError, match="no classes"):
        items(RareClass(), case(numbers))
    with pytest.raises(NotApplicableError, match="no baseline"):
        items(RareClass(), case(side(tmp_path / "e", 50)))
    with pytest.raises(ValueError, match="asks nothing"):
        Demand()


def test_rows_of_few_people_prove_nothing(tmp_path: Path) -> None:
    table: dict[str, Any] = {
        "person": [f"p{at % 10}" for at in range(ROWS)],
        "label": [at < 100 for at in range(ROWS)],
    }
    listed = {"person": "group text"}
    made = evidence(tmp_path / "e", listed, test=table, scores=[0.1] * ROWS)
    [finding] = outcome("rare_class", RareClass(metrics=RECALL), case(made)).findings
    assert finding.state is State.UNDECIDED
