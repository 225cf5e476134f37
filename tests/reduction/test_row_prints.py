import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.reduction.row_prints import LabelDifferences, RowPrints, digest_of

KERNEL = RowPrints(identifier="id", label="y", weight="w")
PLAIN = RowPrints(identifier="id", label="y")
IDS = [f"r{at}" for at in range(12)]


def batch(ids: list[str], labels: list[bool], weights: list[float]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"id": ids, "y": labels, "w": weights})


def whole(labels: list[bool]) -> pa.RecordBatch:
    return batch(IDS, labels, [1.0] * 12)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 12), st.lists(st.booleans(), min_size=12))
def test_no_order_and_no_part_changes_a_byte(
    order: list[int], cut: int, labels: list[bool]
) -> None:
    labels = labels[:12]
    one = whole(labels)
    moved = batch([IDS[at] for at in order], [labels[at] for at in order], [1.0] * 12)
    parts = [KERNEL.take(KERNEL.start(), moved[:cut]), KERNEL.take(KERNEL.start(), moved[cut:])]
    expected = digest_of(KERNEL.take(KERNEL.start(), one))
    assert digest_of(KERNEL.merge(*parts)) == expected
    assert digest_of(KERNEL.merge(parts[1], KERNEL.start())) != expected or cut == 0


@pytest.mark.parametrize(
    "other",
    [
        batch(["r", *IDS[1:]], [True] * 12, [1.0] * 12),
        batch(IDS, [False] + [True] * 11, [1.0] * 12),
        batch(IDS, [True] * 12, [2.0] + [1.0] * 11),
        batch(IDS[:11], [True] * 11, [1.0] * 11),
        batch([*IDS, "r0", "r0"], [True] * 14, [1.0] * 14),
    ],
    ids=["identifier", "label", "weight", "one less", "twice more"],
)
def test_every_other_row_is_another_digest(other: pa.RecordBatch) -> None:
    assert digest_of(KERNEL.take(KERNEL.start(), other)) != digest_of(
        KERNEL.take(KERNEL.start(), whole([True] * 12))
    )


def test_labels_may_change_places_only_with_their_rows() -> None:
    one = PLAIN.take(PLAIN.start(), whole([True, False] * 6))
    other = PLAIN.take(PLAIN.start(), whole([False, True] * 6))
    assert digest_of(one) != digest_of(other)


@pytest.mark.parametrize(
    "kernel",
    [
        RowPrints(identifier="id", label="c", is_binary=False),
        RowPrints(identifier="id", label="w", is_binary=False, is_number=True),
    ],
    ids=["class", "number"],
)
def test_labels_of_other_tasks(kernel: RowPrints) -> None:
    rows = {"id": ["a", "b"], "c": ["x", "y"], "w": [1.0, 2.0]}
    swapped = {"id": ["a", "b"], "c": ["y", "x"], "w": [2.0, 1.0]}
    digests = {
        digest_of(kernel.take(kernel.start(), pa.RecordBatch.from_pydict(each)))
        for each in (rows, swapped)
    }
    assert len(digests) == 2


def test_stored_otherwise_is_the_same() -> None:
    """Whole numbers or text, coded or not, 0 and 1 or false and true."""
    ones = pa.RecordBatch.from_pydict({"id": [1, 2], "y": [0, 1]})
    others = pa.RecordBatch.from_pydict(
        {"id": pa.array(["1", "2"]).dictionary_encode(), "y": [False, True]}
    )
    first, second = (digest_of(PLAIN.take(PLAIN.start(), each)) for each in (ones, others))
    assert first == second


def test_labels_that_differ_are_counted() -> None:
    kernel = LabelDifferences(labels=("a", "b"), positives=(None, "yes"))
    rows = pa.RecordBatch.from_pydict({"a": [1, 0, 1, None], "b": ["yes", "no", "no", "no"]})
    assert kernel.take(kernel.start(), rows) == 2
    assert kernel.merge(1, 2) == 3
    assert np.isscalar(kernel.start())
