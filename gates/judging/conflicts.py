"""Rows that are equal in all features and labelled otherwise, within a table and across two."""

from collections.abc import Mapping
from typing import cast

import msgspec
import numpy as np
import numpy.typing as npt

from gates.evidence.folder import Evidence
from gates.stats.growth import Sample
from gates.tables.duplicates import find_duplicates
from gates.tables.table import Floats, Table

TRAIN_ROWS, TEST_ROWS, ACROSS = "train", "test", "test against train"


class Conflicts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Of one place: per row the share of its twins with another label, over rows with a twin."""

    place: str
    rows: int
    features: int
    sample: Sample
    contradicted: int = 0  # rows with at least one twin with another label
    least_wrong: int = 0  # rows that any model of these features gets wrong

    @property
    def twins(self) -> int:
        """Rows that have a twin."""
        return int(self.sample.size)

    @property
    def of(self) -> str:
        """Whose rows they are, in words."""
        return f"{TEST_ROWS if self.place == ACROSS else self.place} rows"

    @property
    def where(self) -> str:
        """What makes a row a twin, in words."""
        inside = " in train" if self.place == ACROSS else ""
        return f"a twin{inside}, equal in all {self.features} features"


def labelled_tables(evidence: Evidence) -> dict[str, Table]:
    """The test table, and the training table where it has rows and labels."""
    tables = {TEST_ROWS: evidence.test}
    if (
        evidence.train is not None
        and evidence.train.rows
        and evidence.dictionary.label in evidence.train
    ):
        tables[TRAIN_ROWS] = evidence.train
    return tables


def find_conflicts(evidence: Evidence, names: list[str], apart: float) -> Mapping[str, Conflicts]:
    """Conflicts within each table, and of test rows with their twins in train.

    Args:
        evidence: one side.
        names: features by which rows are equal.
        apart: from a number's twins, in standard deviations of the label.
    """
    tables = labelled_tables(evidence)
    found = find_duplicates(names, tuple(tables.values()))
    labels = {
        place: np.asarray(evidence.labels if place == TEST_ROWS else evidence.labels_of(table))
        for place, table in tables.items()
    }
    grouped = {
        place: _Grouped(rows, codes, labels[place][rows], found.groups)
        for place, rows, codes in zip(tables, found.rows, found.codes, strict=True)
    }
    numbers = evidence.settings.task == "regression"
    reach = apart * _spread(labels) if numbers else None
    places = {
        place: _within(place, tables[place].rows, len(names), of, reach)
        for place, of in grouped.items()
    }
    if TRAIN_ROWS in grouped:
        places[ACROSS] = _across(
            tables[TEST_ROWS].rows, len(names), grouped[TEST_ROWS], grouped[TRAIN_ROWS], reach
        )
    return places


def _spread(labels: Mapping[str, npt.NDArray[np.generic]]) -> float:
    """Standard deviation of the label over all tables; of huge numbers without overflow."""
    every = np.concatenate([np.asarray(each, dtype=np.float64) for each in labels.values()])
    largest = float(np.abs(every).max(initial=0.0))
    return float((every / largest).std()) * largest if largest else 0.0


class _Grouped(msgspec.Struct, frozen=True, eq=False):
    """The rows of one table that have a twin in any: places, groups of twins, labels."""

    rows: npt.NDArray[np.intp]
    codes: npt.NDArray[np.intp]
    labels: npt.NDArray[np.generic]
    groups: int

    @property
    def sizes(self) -> Floats:
        """Rows by group."""
        return np.bincount(self.codes, minlength=self.groups).astype(np.float64)

    def count(self, codes: npt.NDArray[np.intp], labels: npt.NDArray[np.generic]) -> Floats:
        """For given groups and labels, how many rows of this table have both."""
        _, numbers = np.unique(np.concatenate([self.labels, labels]), return_inverse=True)
        most = 1 + int(numbers.max(initial=0))
        pairs = np.concatenate([self.codes, codes]) * most + numbers
        _, at = np.unique(pairs, return_inverse=True)
        own = len(self.codes)
        counts = np.bincount(at[:own], minlength=1 + int(at.max(initial=0)))
        return counts[at[own:]].astype(np.float64)

    def medians(self) -> Floats:
        """The label's by group; `nan` where the table has none of it."""
        values = cast("Floats", self.labels)
        order = np.lexsort((values, self.codes))
        sizes = self.sizes.astype(np.intp)
        ends = np.cumsum(sizes)
        middle = np.full(self.groups, np.nan)
        here = sizes > 0
        low = values[order][(ends - sizes + (sizes - 1) // 2)[here]]
        high = values[order][(ends - sizes + sizes // 2)[here]]
        middle[here] = low / 2 + high / 2
        return middle


def _within(place: str, rows: int, features: int, of: _Grouped, reach: float | None) -> Conflicts:
    size = of.sizes[of.codes]
    if reach is None:
        same = of.count(of.codes, of.labels)
        other = (size - same) / np.maximum(size - 1, 1)
    else:
        values = cast("Floats", of.labels)
        same = np.ones(len(of.codes))
        other = (np.abs(values - of.medians()[of.codes]) > reach).astype(np.float64)
    twins = size > 1
    largest = np.zeros(of.groups)
    np.maximum.at(largest, of.codes, same)
    wrong = float((of.sizes - largest)[of.sizes > 1].sum()) if reach is None else 0.0
    return Conflicts(
        place=place,
        rows=rows,
        features=features,
        sample=_sample(rows, of, other, twins),
        contradicted=int(np.count_nonzero(other[twins])),
        least_wrong=int(wrong),
    )


def _across(
    rows: int, features: int, test: _Grouped, train: _Grouped, reach: float | None
) -> Conflicts:
    size = train.sizes[test.codes]
    twins = size > 0
    if reach is None:
        other = 1 - train.count(test.codes, test.labels) / np.maximum(size, 1)
    else:
        middle = np.where(twins, train.medians()[test.codes], 0.0)
        other = (np.abs(cast("Floats", test.labels) - middle) > reach).astype(np.float64)
    return Conflicts(
        place=ACROSS,
        rows=rows,
        features=features,
        sample=_sample(rows, test, other, twins),
        contradicted=int(np.count_nonzero(other[twins])),
    )


def _sample(rows: int, of: _Grouped, other: Floats, twins: npt.NDArray[np.bool_]) -> Sample:
    values, counted = np.zeros(rows), np.zeros(rows)
    values[of.rows[twins]] = other[twins]
    counted[of.rows[twins]] = 1.0
    units = np.full(rows, -1, dtype=np.intp)
    units[of.rows] = of.codes
    return Sample(values, counted, units)
