import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dictionary import Dictionary
from pipeline.ingest import IngestParams, ingest
from pipeline.split import SIDES, SplitParams, choose_test, draw, split
from pipeline.stage import StageError
from tests.pipeline.samples import SPLIT

Sides = dict[str, pa.Table]


def people(ids: list[str], years: list[int]) -> pa.Table:
    return pa.table({"row_id": ids, "year": years, "uci_split": ["train"] * len(ids)})


def side_of(sides: Sides) -> dict[str, str]:
    return {row: side for side in SIDES for row in sides[side]["row_id"].to_pylist()}


def test_a_draw_is_the_hexadecimal_fraction() -> None:
    ids = pa.chunked_array([["0000000080000000", "ffffffff40000000"]])
    assert draw(ids, slice(8, 16)).tolist() == [0.5, 0.25]


def test_low_draws_go_to_test_and_the_rest_to_train_or_validation() -> None:
    ids = ["8000000000000000", "0000000080000000", "8000000080000000"]
    dealt = split(people(ids, [1994, 1994, 1994]), SPLIT)
    assert side_of(dealt) == {ids[0]: "test", ids[1]: "validation", ids[2]: "train"}


@given(st.sets(st.text("0123456789abcdef", min_size=16, max_size=16)), st.floats(0, 0.99))
def test_a_row_stays_on_its_side_whatever_comes_along(more: set[str], share: float) -> None:
    old = ["0000000000000000", "8000000000000000", "0000000080000000", "ffffffffffffffff"]
    params = msgspec.structs.replace(SPLIT, test_share=share)
    alone = choose_test(people(old, [1994] * 4), params)
    ids = old + sorted(more - set(old))
    together = choose_test(people(ids, [1994] * len(ids)), params)
    assert together[:4].tolist() == alone.tolist()


def test_a_new_batch_moves_no_old_row(
    batches: dict[int, pa.Table], dictionary: Dictionary, sides: Sides
) -> None:
    first = ingest([batches[1994]], IngestParams(batches=(1994,), population="workers"), dictionary)
    before, after = side_of(split(first, SPLIT)), side_of(sides)
    assert before.items() <= after.items()
    assert len(after) > len(before)


def test_every_worker_is_dealt_to_exactly_one_side(workers: pa.Table, sides: Sides) -> None:
    ids = [row for side in SIDES for row in sides[side]["row_id"].to_pylist()]
    assert sorted(ids) == sorted(workers["row_id"].to_pylist())


def test_sides_are_sorted_and_keep_every_column(workers: pa.Table, sides: Sides) -> None:
    for side in SIDES:
        ids = sides[side]["row_id"].to_pylist()
        assert ids == sorted(ids)
        assert sides[side].column_names == workers.column_names


def test_about_a_third_is_for_testing(workers: pa.Table, sides: Sides) -> None:
    # 632 workers: the standard deviation of the share is 1.9 points.
    assert sides["test"].num_rows / workers.num_rows == pytest.approx(0.335, abs=0.06)


def test_years_choose_what_is_learnt_and_what_is_tested(workers: pa.Table) -> None:
    dealt = split(workers, msgspec.structs.replace(SPLIT, train_years=(1994,)))
    assert pc.unique(dealt["train"]["year"]).to_pylist() == [1994]
    assert pc.unique(dealt["validation"]["year"]).to_pylist() == [1994]
    assert sorted(pc.unique(dealt["test"]["year"]).to_pylist()) == [1994, 1995]


def test_the_publishers_split_follows_the_two_files(workers: pa.Table) -> None:
    dealt = split(workers, msgspec.structs.replace(SPLIT, by="publisher"))
    assert pc.unique(dealt["test"]["uci_split"]).to_pylist() == ["test"]
    assert pc.unique(dealt["train"]["uci_split"]).to_pylist() == ["train"]


def test_an_empty_side_is_refused(workers: pa.Table) -> None:
    with pytest.raises(StageError, match="no test rows"):
        split(workers, msgspec.structs.replace(SPLIT, test_years=(1996,)))


def test_a_share_of_one_is_no_share() -> None:
    with pytest.raises(msgspec.ValidationError, match="< 1"):
        msgspec.convert(msgspec.to_builtins(SPLIT) | {"test_share": 1.0}, SplitParams)
