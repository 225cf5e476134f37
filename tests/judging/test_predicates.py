"""Which columns make segments, and by which levels; the same in train and test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gates.evidence.folder import Evidence
from gates.judging.predicates import MOST_COLUMNS, Searched, rows_of, searched_columns
from gates.stats.slices import Slice
from gates.testing import evidence


def searched(
    folder: Path, entry: Any, values: Sequence[Any], train: Sequence[Any] | None = None
) -> tuple[Evidence, list[Searched]]:
    labels = [at % 2 == 0 for at in range(len(values))]
    made = evidence(
        folder,
        {"x": entry},
        test={"x": values, "label": labels},
        train=None if train is None else {"x": train, "label": [True] * len(train)},
    )
    return made, searched_columns(made.test, made.dictionary, ())


BANDED = {
    "role": "feature",
    "type": "number",
    "description": "x",
    "segment": [0, 25, 45],
}


@pytest.mark.parametrize(
    ("entry", "values", "levels"),
    [
        ("feature category", ["b", "a", None], ("a", "b", "(missing)")),
        ("feature integer", [0, 1, 2, 1], ("0", "1", "2", "(missing)")),
        ("feature boolean", [True, False], ("false", "true", "(missing)")),
        ("time integer", [1994, 1995], ("1994", "1995", "(missing)")),
        (
            "feature number",
            [float(at) for at in range(100)],
            ("below 24", "[24, 49)", "[49, 74)", "74 or more", "(missing)"),
        ),
        (
            "feature number",
            [0.0] * 60 + [float(at) for at in range(1, 41)],
            ("below 1", "[1, 10)", "[10, 20)", "[20, 30)", "30 or more", "(missing)"),
        ),
        (
            BANDED,
            [float(at) for at in range(60)],
            ("below 0", "[0, 25)", "[25, 45)", "45 or more", "(missing)"),
        ),
    ],
    ids=["category", "few numbers", "boolean", "time", "quarters", "mostly zero", "bands"],
)
def test_levels_of_a_column(
    tmp_path: Path, entry: Any, values: Sequence[Any], levels: tuple[str, ...]
) -> None:
    made, [column] = searched(tmp_path / "e", entry, values)
    assert column.levels == levels
    codes = column.codes(made.test)
    assert codes.min() >= 0
    assert [column.levels[code] == "(missing)" for code in codes] == [one is None for one in values]


@pytest.mark.parametrize(
    "entry",
    ["feature text", "feature image", "weight number", "group category", "ignored category"],
)
def test_what_makes_no_segment(tmp_path: Path, entry: str) -> None:
    kind: list[Any] = [1.0, 2.0] if entry == "weight number" else ["a", "b"]
    assert searched(tmp_path / "e", entry, kind)[1] == []


def test_one_value_or_nothing_splits_no_rows(tmp_path: Path) -> None:
    assert searched(tmp_path / "a", "feature number", [1.0, 1.0])[1] == []
    assert searched(tmp_path / "b", "feature number", [None, None, None])[1] == []


def test_a_level_of_train_alone_is_no_level_and_infinity_is_in_the_last_band(
    tmp_path: Path,
) -> None:
    made, [column] = searched(tmp_path / "e", "feature category", ["a", "b"], ["b", "c", None, "a"])
    assert made.train is not None
    assert column.codes(made.train).tolist() == [1, -1, 2, 0]
    values = [float(at) for at in range(99)] + [float("inf")]
    made, [column] = searched(tmp_path / "f", "feature number", values)
    assert column.codes(made.test)[-1] == 3


def test_declared_and_sensitive_columns_come_first_then_what_splits_most(tmp_path: Path) -> None:
    rows = 60
    sensitive = {"role": "ignored", "type": "category", "description": "x", "sensitive": True}
    made = evidence(
        tmp_path / "e",
        {"even": "feature category", "rare": "feature category", "sex": sensitive},
        test={
            "even": ["a", "b", "c"] * (rows // 3),
            "rare": ["x"] + ["y"] * (rows - 1),
            "sex": ["f", "m"] * (rows // 2),
            "label": [True, False] * (rows // 2),
        },
    )
    found = searched_columns(made.test, made.dictionary, ("rare",))
    assert [column.name for column in found] == ["sex", "rare", "even"]
    assert [c.name for c in searched_columns(made.test, made.dictionary, (), ("even",))] == ["even"]


def test_very_many_columns_are_cut(tmp_path: Path) -> None:
    names = [f"c{at}" for at in range(MOST_COLUMNS + 5)]
    made = evidence(
        tmp_path / "e",
        dict.fromkeys(names, "feature category"),
        test={**{name: ["a", "b"] for name in names}, "label": [True, False]},
    )
    assert len(searched_columns(made.test, made.dictionary, ())) == MOST_COLUMNS


def test_rows_of_a_slice(tmp_path: Path) -> None:
    made, [column] = searched(tmp_path / "e", "feature category", ["a", "b", "a"])
    found = Slice(predicates=((0, 0),), rows=2, mean=0.0, p_value=1.0)
    assert rows_of(found, [column.codes(made.test)]).tolist() == [True, False, True]
