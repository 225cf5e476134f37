"""What a Spark worker does with one partition, without Spark."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from gates.errors import EvidenceError
from gates.tables.engine import MAX_BATCH_ROWS
from gates.tables.spark_partition import Faults, Partial, Task

Rows = Counter[tuple[Any, ...]]


class Tally(msgspec.Struct, frozen=True):
    """A kernel that counts equal rows."""

    def start(self) -> Rows:
        return Counter()

    def take(self, value: Rows, batch: pa.RecordBatch) -> Rows:
        assert batch.num_rows <= MAX_BATCH_ROWS
        value.update(tuple(row.values()) for row in batch.to_pylist())
        if ("refused",) in value:
            raise EvidenceError("a column: holds what is refused. Mend it.")
        return value

    def merge(self, one: Rows, other: Rows) -> Rows:
        return one + other


JOIN = Task(
    kernel=Tally(),
    names=("test.age", "new.score"),
    kinds=(pa.uint8(), pa.float64()),
    widths=(1, 1),
)


def joined(*rows: tuple[int, str | None, int | None, float | None]) -> Partial[Rows]:
    """One partition: table number, identifier, the first table's column, the second's."""
    columns = [pa.array([row[at] for row in rows]) for at in range(4)]
    types = (pa.int8(), pa.string(), pa.int16(), pa.float64())
    arrays = [column.cast(kind) for column, kind in zip(columns, types, strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, names=["s", "k", "c0_1", "c1_1"])
    halves = [batch.slice(0, 2), batch.slice(2)]
    return JOIN.merge_all(value for out in JOIN.reduce_join(halves) for value in out.column(0))


def test_rows_are_joined_by_identifier_whatever_their_order() -> None:
    total = joined((1, "b", None, 0.2), (0, "a", 30, None), (0, "b", None, None), (1, "a", 0, 0.1))
    assert total.value == {(30, 0.1): 1, (None, 0.2): 1}
    assert total.faults == (Faults(), Faults())


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ([(0, "a"), (1, None)], (Faults(), Faults(nameless=1, absent=1, lost=("a",)))),
        ([(0, None), (1, "a")], (Faults(nameless=1), Faults(unknown=1))),
        ([(0, "a"), (1, "b")], (Faults(), Faults(absent=1, lost=("a",), unknown=1))),
        (
            [(0, "a"), (0, "a"), (0, "a"), (1, "a"), (1, "a")],
            (Faults(repeated=2, twice=("a",)), Faults(repeated=1, twice=("a",))),
        ),
    ],
    ids=["no identifier", "none in the first table", "another row", "repeated"],
)
def test_identifiers_that_do_not_fit_are_counted(
    rows: Sequence[tuple[int, str | None]], faults: tuple[Faults, ...]
) -> None:
    total = joined(*((number, name, None, None) for number, name in rows))
    assert total.faults == faults
    assert total.value == {}


def test_faults_of_partitions_add_up_and_name_the_first_three() -> None:
    one = Faults(nameless=1, repeated=2, twice=("b", "d"), absent=3)
    other = Faults(repeated=2, twice=("a", "c"), unknown=4)
    total = Faults(nameless=1, repeated=4, twice=("a", "b", "c"), absent=3, unknown=4)
    assert one + other == other + one == total


SINGLE = Task(kernel=Tally(), names=("test.word",), kinds=(pa.large_string(),), widths=(1,))


def words(*rows: str) -> pa.RecordBatch:
    return pa.record_batch({"c0": list(rows)})


def test_a_kernel_never_gets_more_rows_than_it_was_promised() -> None:
    batch = words(*(["a"] * (MAX_BATCH_ROWS + 1)))
    total = SINGLE.merge_all(value for out in SINGLE.reduce_rows([batch]) for value in out[0])
    assert total.value == {("a",): MAX_BATCH_ROWS + 1}


def test_partitions_merge_in_any_order_and_in_steps() -> None:
    parts = [batch for word in "abca" for batch in SINGLE.reduce_rows([words(word)])]
    merged = [*SINGLE.merge(parts[:3]), parts[3]]
    for batches in (parts, parts[::-1], merged):
        total = SINGLE.merge_all(value for batch in batches for value in batch.column(0))
        assert total.value == {("a",): 2, ("b",): 1, ("c",): 1}


def test_what_a_kernel_refuses_is_said_once() -> None:
    parts = [*SINGLE.reduce_rows([words("refused")]), *SINGLE.reduce_rows([words("refused")])]
    total = SINGLE.merge_all(value for batch in parts for value in batch.column(0))
    assert total.refused == ("a column: holds what is refused. Mend it.",)
