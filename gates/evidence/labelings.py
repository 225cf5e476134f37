"""`labels.parquet`: what each of several labelers said of each row; read as hostile data."""

import msgspec
import numpy as np
import pyarrow as pa

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.labels import LARGEST
from gates.stats.agreement import Codes, Labels, Scale
from gates.tables.arrow import valid_of, values_of
from gates.tables.table import Floats, Mask, Table

LABELS = "labels.parquet"
ROW, LABELER, LABEL = "row_id", "labeler", "label"


class Labelings(msgspec.Struct, frozen=True, eq=False):
    """The labels that were given, without the missing ones; items are rows of the tables.

    `rows` holds the identifier of each item, `labelers` and `classes` the names of the codes;
    `classes` is empty where labels are numbers.
    """

    labels: Labels
    rows: pa.Array
    labelers: tuple[str, ...]
    classes: tuple[str, ...]


def read_labelings(evidence: Evidence, scale: Scale) -> Labelings:
    """The labels of all labelers; a label that is missing was not given.

    Args:
        evidence: that has the file.
        scale: nominal labels are texts, of which two are the same or not; others are numbers, or
            texts in the order of the label's levels.

    Raises:
        EvidenceError: a column is missing, a row or labeler has no name, somebody labelled a row
            twice, or a label is none of the scale's.
    """
    table = evidence.table(LABELS)
    for name in (ROW, LABELER, LABEL):
        if name not in table:
            raise EvidenceError(
                f"{table.path}: no column {name!r}; it has one row per label that somebody gave, "
                f"with {ROW}, {LABELER} and {LABEL}. Write the column."
            )
    given = ~table.missing(LABEL)
    items, rows = _items(table)
    labelers = table.categories(LABELER)
    for name, codes in ((ROW, items), (LABELER, labelers.codes)):
        if (nameless := int(np.count_nonzero(codes < 0))) > 0:
            raise EvidenceError(
                f"{table.path}: {nameless:,} of {table.rows:,} labels have no {name}. Name it."
            )
    values, classes = _values(evidence, table, scale, given)
    who = labelers.codes.astype(np.intp)
    _refuse_twice(table, items, who, labelers.levels)
    kept = np.unique(items[given])
    return Labelings(
        labels=Labels(np.searchsorted(kept, items[given]), who[given], values[given]),
        rows=rows.take(pa.array(kept.tolist(), pa.int64())),
        labelers=labelers.levels,
        classes=classes,
    )


def _items(table: Table) -> tuple[Codes, pa.Array]:
    """A code per label, -1 where the row has no name; and the rows' names by code."""
    coded = table.texts(ROW).dictionary_encode()
    codes = values_of(coded.indices, np.int32).astype(np.intp)
    codes[~valid_of(coded.indices)] = -1
    return codes, coded.dictionary


def _values(
    evidence: Evidence, table: Table, scale: Scale, given: Mask
) -> tuple[Floats, tuple[str, ...]]:
    levels = evidence.dictionary.columns[evidence.dictionary.label].levels
    if scale == "nominal":
        found = table.categories(LABEL)
        return found.codes.astype(np.float64), found.levels
    if table.types[LABEL] == "text" and scale == "ordinal" and levels:
        return _in_order(table, levels), levels
    if table.types[LABEL] == "text":
        raise EvidenceError(
            f"{table.path}: labels are text, which has no {scale} scale. Write numbers, list the "
            "label's levels in their order (ordinal), or set `scale: nominal`."
        )
    values = table.numbers(LABEL)
    if not bool((np.abs(values[given]) <= LARGEST).all()):
        raise EvidenceError(f"{table.path}: a label is beyond {LARGEST:g}. Mend or drop it.")
    return values, ()


def _in_order(table: Table, levels: tuple[str, ...]) -> Floats:
    found = table.categories(LABEL)
    for level in found.levels:
        if level not in levels:
            raise EvidenceError(
                f"{table.path}: a label is {level!r}, whose place among the label's levels is not "
                "said. Mend the label, or add the level to the dictionary."
            )
    places = [*(levels.index(level) for level in found.levels), -1]
    return np.array(places, dtype=np.float64)[found.codes]


def _refuse_twice(table: Table, items: Codes, who: Codes, names: tuple[str, ...]) -> None:
    pairs = items * max(1, len(names)) + who
    order = np.argsort(pairs, kind="stable")
    again = np.flatnonzero(pairs[order][1:] == pairs[order][:-1])
    if len(again):
        at = int(order[again[0]])
        row = table.texts(ROW)[at].as_py()
        raise EvidenceError(
            f"{table.path}: {names[who[at]]!r} labels row {row!r} more than once, and "
            f"{len(again) - 1:,} more labels are such. Keep one label of each labeler and row."
        )
