"""Gate `segment_floor`: no declared segment gets a model that is too bad for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gates.case.case import Case
from gates.finding import Finding, Limit, Mode, Result, State
from gates.policy.settings import Settings
from gates.rules.segment_floor import SegmentFloor
from gates.testing import case, evidence, items, outcome


def scored(tmp_path: Path, towns: Mapping[str | None, tuple[int, int]]) -> Case:
    """All rows are positive; of each town so many are found, of so many."""
    names = [town for town, (_, rows) in towns.items() for _ in range(rows)]
    scores = [0.9 if at < hits else 0.1 for hits, rows in towns.values() for at in range(rows)]
    made = evidence(
        tmp_path / "a",
        {"town": "feature category"},
        test={"town": names, "label": [True] * len(names)},
        scores=scores,
    )
    return case(made, None, Settings(segments=("town",)))


def gate(**metrics: float) -> SegmentFloor:
    bounds: Any = metrics
    return SegmentFloor(metrics=bounds)


def findings(gate: SegmentFloor, of: Case) -> tuple[Finding, ...]:
    return outcome("segment_floor", gate, of).findings


@pytest.mark.parametrize(
    ("hits", "state"),
    [
        (95, State.PASSED),  # Wilson's lower limit is 0.888
        (80, State.UNDECIDED),  # 0.711 to 0.867
        (75, State.UNDECIDED),  # exactly at the floor
        (50, State.FAILED),  # at most 0.596
    ],
)
def test_one_bad_segment_is_found_whatever_the_average(
    tmp_path: Path, hits: int, state: State
) -> None:
    of = scored(tmp_path, {"a": (hits, 100), "b": (9_900, 9_900)})
    first, second = findings(gate(accuracy=0.75), of)
    assert (first.subject.segment, first.candidate, first.state) == (
        {"town": "a"},
        hits / 100,
        state,
    )
    assert second.state is State.PASSED
    assert first.limit == Limit(floor=0.75, mode=Mode.GUARD)


def test_findings_come_by_level_then_metric(tmp_path: Path) -> None:
    of = scored(tmp_path, {"b": (40, 40), None: (40, 40), "a": (40, 40)})
    assert [item.subject.text() for item in items(gate(recall=0.5, accuracy=0.5), of)] == [
        f"{metric} for town = {town}"
        for town in ("a", "b", "(missing)")
        for metric in ("recall", "accuracy")
    ]


@pytest.mark.parametrize(("rows", "small"), [(29, "2 segments"), (30, "1 segment")])
def test_what_is_too_small_is_counted_and_never_good(tmp_path: Path, rows: int, small: str) -> None:
    found = findings(gate(accuracy=0.5), scored(tmp_path, {"a": (rows, rows), "b": (5, 5)}))
    assert found[-1].state is State.UNDECIDED
    assert small in found[-1].message
    assert found[-1].support is not None
    assert found[-1].support.rows == (34 if rows == 29 else 5)


def test_a_metric_without_a_value_in_a_segment_is_undecided(tmp_path: Path) -> None:
    (finding,) = findings(gate(specificity=0.5), scored(tmp_path, {"a": (40, 40)}))
    assert (finding.state, finding.candidate) == (State.UNDECIDED, None)
    assert "cannot be judged" in finding.message


def test_without_segments_it_is_skipped(tmp_path: Path) -> None:
    of = case(scored(tmp_path, {"a": (40, 40)}).candidate)
    result = outcome("segment_floor", gate(accuracy=0.5), of)
    assert (result.outcome, result.reason) == (
        Result.SKIPPED,
        "`gates.segments` declares no segment",
    )
