"""Plans for many classes and for numbers, as they are printed."""

from pathlib import Path

import pytest

from gates.commands.plan import make_plan
from gates.evidence.folder import Evidence
from gates.report.plan import render_plan
from tests.build_tasks import CLASSES, multiclass, regression
from tests.test_tasks import policy

ROWS = 300
LISTED = {"region": "feature category"}
COLUMNS = {"region": ["north" if at % 3 else "south" for at in range(ROWS)]}
GATES = """
gates:
  task: {task}
  segments: [region]
  metric_regression: {{metrics: {{{metric}: {{margin: 0.05}}}}}}
  segment_floor: {{metrics: {{{metric}: 0.5}}}}
  group_disparity:
    features: [region]
    metrics: {{{mean}: {{worsening: 0.05}}}}
"""


def classes(folder: Path) -> Evidence:
    truth = [CLASSES[at % 3] for at in range(ROWS)]
    return multiclass(folder, truth=truth, decided=truth, dictionary=LISTED, columns=COLUMNS)


def numbers(folder: Path) -> Evidence:
    truth = [float(at % 11) for at in range(ROWS)]
    return regression(folder, truth=truth, predicted=truth, dictionary=LISTED, columns=COLUMNS)


@pytest.mark.parametrize(
    ("task", "metric", "mean", "says"),
    [
        ("multiclass", "recall", "selection_rate", "6 % of the answers change: assumed"),
        ("regression", "mean_absolute_error", "mean_error", "predictions move by 10 % of the"),
    ],
)
def test_a_plan_speaks_of_the_task(
    tmp_path: Path, task: str, metric: str, mean: str, says: str
) -> None:
    made = classes(tmp_path / "e") if task == "multiclass" else numbers(tmp_path / "e")
    plan = make_plan(policy(GATES.format(task=task, metric=metric, mean=mean)), made)
    assert plan.positives is None
    assert {line.gate for line in plan.lines} == {
        "metric_regression",
        "segment_floor",
        "group_disparity",
    }
    text = " ".join(render_plan(plan).split())
    assert says in text
    assert "300 test rows churn" in text
    assert "positive" not in text
