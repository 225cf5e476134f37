"""Gate `segment_regression`: no declared segment is worse off than at the merge base."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gates.case.case import Case
from gates.finding import Finding, Limit, Mode, Result, State
from gates.judging.margin import Margin
from gates.policy.settings import Columns, Settings
from gates.rules.gate import Comparison, Correction
from gates.rules.segment_regression import Critical, SegmentRegression
from gates.testing import case, evidence, items, outcome

LISTED: dict[str, Any] = {
    "sex": "feature category",
    "town": "feature category",
    "age": {
        "role": "feature",
        "type": "integer",
        "description": "age",
        "segment": [0, 25, 45],
    },
}


def change(
    tmp_path: Path,
    columns: Mapping[str, list[Any]],
    newly_wrong: Sequence[int],
    segments: Sequence[Columns] = ("sex",),
) -> Case:
    """All rows are positive and found by the baseline; the candidate loses some of them."""
    rows = len(next(iter(columns.values())))
    test = {**columns, "label": [True] * rows}
    new = [0.1 if at in newly_wrong else 0.9 for at in range(rows)]
    listed = {name: LISTED[name] for name in columns}
    return case(
        evidence(tmp_path / "new", listed, test=test, scores=new),
        evidence(tmp_path / "old", listed, test=test, scores=[0.9] * rows),
        Settings(segments=tuple(segments)),
    )


def gate(*critical: Critical, min_rows: int = 30, **margins: float) -> SegmentRegression:
    named: Any = {name: Margin(margin=margin) for name, margin in (margins or RECALL).items()}
    return SegmentRegression(metrics=named, critical=critical, min_rows=min_rows)


RECALL = {"recall": 0.1}
SEXES = ["F"] * 100 + ["M"] * 900


def findings(gate: SegmentRegression, of: Case) -> tuple[Finding, ...]:
    return outcome("segment_regression", gate, of).findings


def names(found: Sequence[Any]) -> list[str]:
    return [each.subject.text() for each in found]


@pytest.mark.parametrize(
    ("lost", "state"),
    [(0, State.PASSED), (9, State.UNDECIDED), (10, State.FAILED), (50, State.FAILED)],
)
def test_a_loss_that_the_average_hides(tmp_path: Path, lost: int, state: State) -> None:
    """Ten of 100 women are exactly the accepted 0.1, and one in a hundred on average."""
    found = findings(gate(), change(tmp_path, {"sex": SEXES}, range(lost)))
    assert [(each.subject.segment, each.state) for each in found] == [
        ({"sex": "F"}, state),
        ({"sex": "M"}, State.PASSED),
    ]
    assert found[0].change == pytest.approx(-lost / 100)


def test_findings_come_by_declaration_then_level_then_metric(tmp_path: Path) -> None:
    columns = {"sex": ["M", "F"] * 50, "town": ["b"] * 50 + ["a"] * 50}
    of = change(tmp_path, columns, (), segments=("town", ("sex", "town")))
    assert names(items(gate(recall=0.1, accuracy=0.1, min_rows=1), of)) == [
        f"{metric} for {segment}"
        for segment in (
            "town = a",
            "town = b",
            "sex = F and town = a",
            "sex = F and town = b",
            "sex = M and town = a",
            "sex = M and town = b",
        )
        for metric in ("recall", "accuracy")
    ]


def test_a_number_is_cut_into_its_bands_and_what_is_missing_is_a_band(tmp_path: Path) -> None:
    """A band holds its lower edge; 45 is beyond the last."""
    ages = [0] * 30 + [24] * 30 + [25] * 30 + [45] * 30 + [None] * 30
    of = change(tmp_path, {"age": ages}, range(60, 90), segments=("age",))
    assert [(each.subject.segment["age"], each.change) for each in findings(gate(), of)] == [
        ("[0, 25)", 0.0),
        ("[25, 45)", -1.0),
        ("45 or more", 0.0),
        ("(missing)", 0.0),
    ]


@pytest.mark.parametrize(("rows", "judged"), [(29, False), (30, True)])
def test_what_is_too_small_is_counted_and_never_good(
    tmp_path: Path, rows: int, judged: bool
) -> None:
    towns = ["a"] * 60 + ["b"] * rows + ["c"] * 7
    found = findings(gate(), change(tmp_path, {"town": towns}, (), segments=("town",)))
    small = "1 segment" if judged else "2 segments"
    count = 7 if judged else rows + 7
    assert [each.subject.segment for each in found[:-1]] == [
        {"town": town} for town in ("ab" if judged else "a")
    ]
    assert found[-1].state is State.UNDECIDED
    assert found[-1].limit == Limit(rule="at least 30 rows", mode=Mode.GUARD)
    assert f"{small} of fewer than 30 rows, {count} rows in all" in found[-1].message


def test_a_critical_segment_gets_its_margin_mode_and_level(tmp_path: Path) -> None:
    """Six of 100 women are lost: less than everybody's 0.1, more than their own 0.05."""
    own = Critical(segment={"sex": "F"}, margin=0.05, mode=Mode.STRICT)
    of = change(tmp_path, {"sex": SEXES}, range(6))
    women, men = findings(gate(own), of)
    assert women.state is State.FAILED
    assert women.limit == Limit(margin=0.05, mode=Mode.STRICT)
    assert men.limit == Limit(margin=0.1, mode=Mode.GUARD)
    assert [i.correction for i in items(gate(own), of) if isinstance(i, Comparison)] == [
        Correction.CRITICAL,
        Correction.SEGMENTS,
    ]
    assert findings(gate(), of)[0].state is State.UNDECIDED


@pytest.mark.parametrize(
    ("segment", "segments", "reason"),
    [
        ({"sex": "f"}, ("sex",), "no test row is in it"),
        ({"town": "a"}, ("sex",), "`gates.segments` does not declare town"),
        ({"town": "a", "sex": "F"}, ("sex",), "`gates.segments` does not declare town × sex"),
    ],
)
def test_a_critical_segment_that_is_nowhere_never_passes(
    tmp_path: Path, segment: dict[str, str], segments: tuple[str, ...], reason: str
) -> None:
    own = Critical(segment=segment, margin=0.05, mode=Mode.STRICT)
    found = findings(gate(own), change(tmp_path, {"sex": SEXES}, (), segments))
    assert [each.subject.segment for each in found if each.state is State.UNDECIDED] == [segment]
    assert found[-1].limit == Limit(margin=0.05, mode=Mode.STRICT)
    assert reason in found[-1].message


def test_a_critical_segment_that_is_too_small_is_named(tmp_path: Path) -> None:
    own = Critical(segment={"sex": "F"}, margin=0.05, mode=Mode.STRICT)
    of = change(tmp_path, {"sex": ["F"] * 29 + ["M"] * 71}, ())
    women, men = findings(gate(own), of)
    assert (women.subject.segment, women.state) == ({"sex": "F"}, State.UNDECIDED)
    assert women.limit == Limit(margin=0.05, mode=Mode.STRICT)
    assert "29 rows; at least 30 are judged" in women.message
    assert men.state is State.PASSED


def test_a_critical_segment_none_of_whose_rows_counts_blocks_by_its_own_mode(
    tmp_path: Path,
) -> None:
    listed = {**LISTED, "weight": "weight number"}
    test = {
        "sex": SEXES,
        "town": ["a"] * 1000,
        "age": [30] * 1000,
        "weight": [0.0] * 100 + [1.0] * 900,
        "label": [True] * 1000,
    }
    settings = Settings(segments=("sex",), sample_weight="weight")
    new, old = (
        evidence(tmp_path / name, listed, test=test, scores=[0.9] * 1000, settings=settings)
        for name in ("new", "old")
    )
    own = Critical(segment={"sex": "F"}, margin=0.05, mode=Mode.STRICT)
    women, _ = findings(gate(own), case(new, old))
    assert (women.subject.segment, women.blocks) == ({"sex": "F"}, True)
    assert "0 rows; at least 30 are judged" in women.message
    women, _ = findings(gate(), case(new, old))
    assert (women.blocks, women.limit.rule) == (False, "rows with weight")


def test_a_critical_segment_is_the_same_in_whatever_order_its_columns_stand(
    tmp_path: Path,
) -> None:
    own = Critical(segment={"town": "a", "sex": "F"}, margin=0.3)
    columns = {"sex": ["F", "M"] * 40, "town": ["a"] * 80}
    found = findings(gate(own), change(tmp_path, columns, (), segments=(("sex", "town"),)))
    assert [each.limit.margin for each in found] == [0.3, 0.1]


def test_a_metric_without_a_value_in_a_segment_is_undecided(tmp_path: Path) -> None:
    """Fifty rows of one class have no AUC."""
    of = change(tmp_path, {"sex": ["F"] * 50}, ())
    (finding,) = findings(gate(roc_auc=0.1), of)
    assert finding.state is State.UNDECIDED
    assert "50 positives and 0 negatives" in finding.message


def test_without_segments_or_a_baseline_it_is_skipped(tmp_path: Path) -> None:
    of = change(tmp_path, {"sex": SEXES}, ())
    no_segments = case(of.candidate, of.baseline)
    no_baseline = case(of.candidate, None, of.settings)
    for each, reason in (
        (no_segments, "`gates.segments` declares no segment"),
        (no_baseline, "there is no baseline to compare with"),
    ):
        result = outcome("segment_regression", gate(), each)
        assert (result.outcome, result.reason) == (Result.SKIPPED, reason)
