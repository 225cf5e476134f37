"""The gap between a group and the rest: of rates, of numbers, of weighted rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.judging.gap import Gap, measure_gap, rate_of
from gates.metrics.group import GroupMean, group_means, group_names
from gates.policy.settings import Settings
from gates.stats.undefined import UndefinedError
from gates.testing import case, evidence
from tests.build_tasks import WEIGHT, multiclass, regression

WEIGHTED = Settings(sample_weight="w")
LISTED = {"sex": "feature category"}


def gap_of(mean: GroupMean, of: Case, value: str) -> Gap:
    (arena,) = of.arenas
    return measure_gap(mean, of, [arena.segments(("sex",))[value,]])


def weighed(folder: Path, selected: list[bool], weights: list[float]) -> Evidence:
    """Two women, then two men; all labels positive."""
    return evidence(
        folder,
        {**LISTED, **WEIGHT},
        test={"sex": ["f", "f", "m", "m"], "w": weights, "label": [True] * 4},
        scores=[0.9 if one else 0.1 for one in selected],
        settings=WEIGHTED,
    )


def test_a_gap_of_weighted_rows_is_by_hand(tmp_path: Path) -> None:
    """Women 3/4 → 1/4 of their weight, men 1/3 throughout: the gap 5/12 turns to −1/12."""
    weights = [3.0, 1.0, 1.0, 2.0]
    old = weighed(tmp_path / "old", [True, False, True, False], weights)
    new = weighed(tmp_path / "new", [False, True, True, False], weights)
    of = case(new, old)
    found = gap_of(GroupMean("selection_rate"), of, "f")
    assert found.before == pytest.approx(3 / 4 - 1 / 3)
    assert found.after == pytest.approx(1 / 4 - 1 / 3)
    assert found.contributions.sum() == pytest.approx(found.growth)
    rate = rate_of(GroupMean("selection_rate"), of.scored, np.array([0, 1]))
    assert rate.value == pytest.approx(1 / 4)
    assert rate.rows == 2
    assert rate.effective == pytest.approx(16 / 10)


def test_a_gap_of_numbers_is_by_hand(tmp_path: Path) -> None:
    """Errors of women 1 and 3, of men −1 and 1: mean error 2 against 0; then 0 against 0."""
    sides = {"old": [1.0, 3.0, -1.0, 1.0], "new": [-1.0, 1.0, -1.0, 1.0]}
    columns = {"sex": ["f", "f", "m", "m"]}
    old, new = (
        regression(
            tmp_path / name, truth=[0.0] * 4, predicted=errors, dictionary=LISTED, columns=columns
        )
        for name, errors in sides.items()
    )
    found = gap_of(GroupMean("mean_error"), case(new, old), "f")
    assert (found.before, found.after, found.growth) == (2.0, 0.0, -2.0)
    assert found.contributions.sum() == pytest.approx(-2.0)
    assert found.interval[0] <= -2.0 <= found.interval[1]
    assert gap_of(GroupMean("mean_absolute_error"), case(new, old), "f").before == 1.0
    assert gap_of(GroupMean("mean_prediction"), case(new, old), "f").before == 2.0


def test_a_rate_of_one_class_counts_its_rows(tmp_path: Path) -> None:
    """Of women's eels one of two is found, of men's none: a gap of one half."""
    columns = {"sex": ["f", "f", "f", "m", "m"]}
    made = multiclass(
        tmp_path / "e",
        truth=["eel", "eel", "cat", "eel", "cat"],
        decided=["eel", "cat", "cat", "dog", "eel"],
        dictionary=LISTED,
        columns=columns,
    )
    means = group_means("true_positive_rate", made.classes)
    assert list(means) == [f"true_positive_rate.{one}" for one in ("cat", "dog", "eel")]
    found = gap_of(means["true_positive_rate.eel"], case(made, made), "f")
    assert (found.before, found.counted, found.same) == (0.5, 3, True)
    with pytest.raises(UndefinedError, match="counts no row of the group, or none of the rest"):
        gap_of(means["true_positive_rate.dog"], case(made, made), "f")
    wrongly = group_means("false_positive_rate", made.classes)["false_positive_rate.eel"]
    assert gap_of(wrongly, case(made, made), "f").before == -1.0


@pytest.mark.parametrize("name", group_names("regression"))
@pytest.mark.parametrize("rows", [2, 3, 60])
def test_contributions_of_numbers_add_up_to_the_growth(
    tmp_path: Path, name: Any, rows: int
) -> None:
    draws = np.random.default_rng(3)
    truth = draws.normal(size=rows)
    columns = {"sex": ["f" if at % 3 else "m" for at in range(rows)]}
    old, new = (
        regression(
            tmp_path / side,
            truth=truth.tolist(),
            predicted=(truth + draws.normal(size=rows)).tolist(),
            dictionary=LISTED,
            columns=columns,
        )
        for side in ("old", "new")
    )
    try:
        found = gap_of(GroupMean(name), case(new, old), "f")
    except UndefinedError as error:  # one row a side has no spread
        assert rows < 4, str(error)
        return
    assert found.contributions.sum() == pytest.approx(found.growth)
    assert found.interval[0] <= found.growth <= found.interval[1]
