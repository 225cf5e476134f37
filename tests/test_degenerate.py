"""Hardly any data, or data without a difference: a defined state with a reason, for every task."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gates.evidence.folder import Evidence
from gates.finding import State, Verdict
from gates.policy.policy import Policy
from gates.policy.settings import Settings
from gates.testing import evidence
from tests.build_tasks import WEIGHT, multiclass, regression
from tests.test_tasks import BINARY, MULTICLASS, REGRESSION, judged, policy, reasons

LISTED: dict[str, Any] = {
    "region": {
        "role": "feature",
        "type": "category",
        "description": "where",
        "segment": True,
        "sensitive": True,
    },
    **WEIGHT,
}
Shape = tuple[int, bool, bool]  # rows, one label everywhere, one answer everywhere
SHAPES: dict[str, Shape] = {
    "one row": (1, False, False),
    "two rows": (2, False, False),
    "few rows": (40, False, False),
    "one label": (200, True, False),
    "one answer": (200, False, True),
    "one of both": (200, True, True),
    "ties": (200, False, False),
}


def columns(rows: int, weights: Sequence[float]) -> dict[str, Any]:
    return {
        "region": ["north" if at % 3 else "south" for at in range(rows)],
        "w": list(weights),
        "person": [f"p{at}" for at in range(rows)],
    }


def binary_side(folder: Path, shape: Shape, listed: Any, table: Any, by: Settings) -> Evidence:
    rows, one_label, one_answer = shape
    return evidence(
        folder,
        listed,
        test={**table, "label": [one_label or at % 2 == 0 for at in range(rows)]},
        scores=[0.5 if one_answer else (0.2, 0.8)[at % 4 == 0] for at in range(rows)],
        settings=by,
    )


def class_side(folder: Path, shape: Shape, listed: Any, table: Any, by: Settings) -> Evidence:
    rows, one_label, one_answer = shape
    names = ("cat", "dog", "eel")
    return multiclass(
        folder,
        truth=["cat" if one_label else names[at % 3] for at in range(rows)],
        decided=["cat" if one_answer else names[at % 5 % 3] for at in range(rows)],
        dictionary=listed,
        columns=table,
        settings=by,
    )


def number_side(folder: Path, shape: Shape, listed: Any, table: Any, by: Settings) -> Evidence:
    rows, one_label, one_answer = shape
    return regression(
        folder,
        truth=[7.0 if one_label else float(at % 3) for at in range(rows)],
        predicted=[7.0 if one_answer else float(at % 2) for at in range(rows)],
        dictionary=listed,
        columns=table,
        settings=by,
    )


SEARCHING = """
  weak_segments: {}
  rare_class: {rarest: 2}
  churn: {share: 0.5, golden: {region: north}}
  suspicious_improvement: {}
"""
Side = Callable[[Path, Shape, Any, Any, Settings], Evidence]
TASKS: dict[str, tuple[str, Side]] = {
    "binary": (BINARY.replace("  sample_weight: w\n", ""), binary_side),
    "multiclass": (MULTICLASS, class_side),
    "regression": (REGRESSION, number_side),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e100, 1e-300])
def test_huge_and_tiny_numbers_are_judged_without_a_warning(tmp_path: Path, size: float) -> None:
    by, rows = policy(REGRESSION + SEARCHING), 200
    sides = []
    for name, wrong in (("old", 5), ("new", 3)):
        truth = [size * (at % 3 - 1) for at in range(rows)]
        predicted = [0.0 if at % wrong else one for at, one in enumerate(truth)]
        listed = {**LISTED, "person": "ignored text"}
        table = columns(rows, [1.0] * rows)
        side = regression(
            tmp_path / name, truth=truth, predicted=predicted, dictionary=listed, columns=table
        )
        sides.append(side)
    verdict = judged(by, sides[1], sides[0])
    assert reasons(verdict) == {}
    assert all(math.isfinite(value) for value in numbers_in(msgspec.to_builtins(verdict)))


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, float):
        yield value


def verdict_of(tmp_path: Path, by: Policy, side: Side, shape: Shape, role: str) -> Verdict:
    listed = {**LISTED, "person": f"{role} text"}
    rows = shape[0]
    weights = [float(1 + at % 2) for at in range(rows)]
    old = side(tmp_path / "old", shape, listed, columns(rows, weights), by.settings)
    new = side(
        tmp_path / "new", (rows, shape[1], True), listed, columns(rows, weights), by.settings
    )
    return judged(by, new, old)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("role", "weight"), [("ignored", ""), ("group", "w")])
def test_little_data_is_a_state_with_a_reason(
    tmp_path: Path, task: str, shape: str, role: str, weight: str
) -> None:
    text, side = TASKS[task]
    by = policy(text + SEARCHING, **({"sample_weight": weight} if weight else {}))
    verdict = verdict_of(tmp_path, by, side, SHAPES[shape], role)
    assert reasons(verdict) == {}
    for value in numbers_in(msgspec.to_builtins(verdict)):
        assert math.isfinite(value)
    for outcome in verdict.outcomes:
        for finding in outcome.findings:
            assert finding.message
            if finding.state is State.UNDECIDED and finding.candidate is None:
                assert "cannot be judged: " in finding.message
