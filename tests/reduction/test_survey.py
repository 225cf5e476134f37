import msgspec
import numpy as np
import pyarrow as pa
import pytest

from gates.errors import EvidenceError
from gates.reduction.coding import Cut
from gates.reduction.scored_rows import Columns, Faults
from gates.reduction.survey import Survey, Surveyed

COLUMNS = Columns(label="y", baseline="old", candidate="new", decision_threshold=0.5)


def survey(labels: pa.Array, columns: Columns = COLUMNS, **more: pa.Array) -> Surveyed:
    scores = {"old": pa.array([0.25] * len(labels)), "new": pa.array([0.5] * len(labels))}
    batch = pa.RecordBatch.from_pydict({"y": labels, **scores, **more})
    kernel = Survey(columns=columns, cuts=tuple(Cut(column=name) for name in more), ranked=True)
    return kernel.take(kernel.start(), batch)


@pytest.mark.parametrize(
    "labels",
    [
        pa.array([True, False, True]),
        pa.array([1, 0, 1], pa.int8()),
        pa.array([1.0, 0.0, 1.0]),
        pa.array([True, False, True]).dictionary_encode(),
    ],
    ids=["boolean", "integer", "number", "dictionary"],
)
def test_labels_may_be_written_in_any_way(labels: pa.Array) -> None:
    found = survey(labels)
    # The candidate says yes to all, the baseline to none.
    assert found.cells.tolist() == [0, 1, 0, 0, 0, 2, 0, 0]
    assert not found.faults
    assert found.farthest == 0.25
    assert found.least_likely == (0.25, 0.5)


def test_a_text_label_has_a_positive_level() -> None:
    columns = msgspec.structs.replace(COLUMNS, positive="ill")
    found = survey(pa.array(["ill", "well", None, "ill"]), columns)
    assert found.cells.tolist() == [0, 2, 0, 0, 0, 2, 0, 0]
    assert found.faults == Faults(no_label=1)


def test_faults_are_counted_not_dropped() -> None:
    assert survey(pa.array([1.0, 2.0, None, float("nan"), 0.5])).faults == Faults(
        no_label=2, wrong_label=2
    )
    nothing = pa.array([None, None], pa.float64())
    kernel = Survey(columns=COLUMNS)
    batch = pa.RecordBatch.from_pydict(
        {"y": pa.array([True, False]), "old": nothing, "new": pa.array([-1e-12, 1.1])}
    )
    found = kernel.take(kernel.start(), batch)
    assert found.rows == 2
    assert found.faults == Faults(no_baseline_score=2, wrong_candidate_score=1)


def test_text_where_scores_should_be_is_refused() -> None:
    kernel = Survey(columns=COLUMNS)
    words = pa.array(["high"])
    batch = pa.RecordBatch.from_pydict({"y": pa.array([True]), "old": words, "new": words})
    with pytest.raises(EvidenceError, match="holds text where numbers are needed"):
        kernel.take(kernel.start(), batch)


def test_levels_are_counted_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = survey(pa.array([True] * 4), s=pa.array(["b", "a", None, "b"]))
    assert found.levels == ({"a": 1, "b": 2, None: 1},)
    monkeypatch.setattr("gates.reduction.survey.MAX_LEVELS", 2)
    with pytest.raises(EvidenceError, match="s: more than 2 values, too many for segments"):
        survey(pa.array([True] * 3), s=pa.array(["a", "b", "c"]))


def test_the_digest_tells_scores_labels_and_levels_apart() -> None:
    same = survey(pa.array([True, False]), s=pa.array(["a", "b"])).digest()
    assert same == survey(pa.array([True, False]), s=pa.array(["a", "b"])).digest()
    assert same != survey(pa.array([True, True]), s=pa.array(["a", "b"])).digest()
    assert same != survey(pa.array([True, False]), s=pa.array(["a", None])).digest()
    assert same != survey(pa.array([True, False]), s=pa.array(["a", ""])).digest()


def test_bins_remember_whether_they_hold_one_score() -> None:
    kernel = Survey(columns=COLUMNS, ranked=True)
    scores = pa.array([0.5, 0.5, 0.500001, 1.0])
    batch = pa.RecordBatch.from_pydict(
        {"y": pa.array([True, False, True, True]), "old": scores, "new": pa.array([0.5] * 4)}
    )
    found = kernel.take(kernel.start(), batch)
    assert found.bins is not None
    old, new = (each.binned() for each in found.bins)
    assert np.flatnonzero(old.mixed).tolist() == [32_768]
    assert not new.mixed.any()
    assert old.positives[[32_768, 65_535]].tolist() == [2, 1]
