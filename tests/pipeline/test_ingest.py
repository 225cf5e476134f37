import hashlib

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.dictionary import Dictionary
from pipeline.ingest import IngestParams, ingest, ingest_batch, make_row_ids, read_label
from pipeline.stage import StageError

WORKERS = IngestParams(batches=(1994,), population="workers")
EVERYBODY = IngestParams(batches=(1994,), population="all")
BOTH_YEARS = IngestParams(batches=(1994, 1995), population="all")

Batches = dict[int, pa.Table]


def put(table: pa.Table, name: str, row: int, value: object) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array(values, table.schema.field(name).type))


def test_an_id_is_the_hash_of_the_row_and_its_position() -> None:
    batch = pa.table({"age": [30, 30], "sex": ["Male", "Male"]})
    first = hashlib.blake2b(b"30\x1fMale\x1f0", digest_size=8).hexdigest()
    second = hashlib.blake2b(b"30\x1fMale\x1f1", digest_size=8).hexdigest()
    assert make_row_ids(batch).to_pylist() == [first, second]


def test_a_new_batch_changes_no_id(batches: Batches, dictionary: Dictionary) -> None:
    alone = ingest([batches[1994]], EVERYBODY, dictionary)
    together = ingest([batches[1994], batches[1995]], BOTH_YEARS, dictionary)
    assert together.slice(0, alone.num_rows).equals(alone)


def test_the_order_of_the_batches_changes_no_row(batches: Batches, dictionary: Dictionary) -> None:
    one = ingest([batches[1994], batches[1995]], BOTH_YEARS, dictionary)
    turned = IngestParams(batches=(1995, 1994), population="all")
    other = ingest([batches[1995], batches[1994]], turned, dictionary)
    assert one.sort_by("row_id").equals(other.sort_by("row_id"))


def test_a_mended_label_changes_the_id_of_its_own_row_only(batches: Batches) -> None:
    before = make_row_ids(batches[1994]).to_pylist()
    flipped = "50000+." if batches[1994]["income_gt_50k"][5].as_py() == "- 50000." else "- 50000."
    after = make_row_ids(put(batches[1994], "income_gt_50k", 5, flipped)).to_pylist()
    assert [
        row for row, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1
    ] == [5]


def test_a_question_mark_is_missing_and_na_is_an_answer(
    batches: Batches, dictionary: Dictionary
) -> None:
    raw = put(put(batches[1994], "birth_country", 0, "?"), "hispanic_origin", 0, "NA")
    people = ingest_batch(raw, 1994, dictionary)
    assert people["birth_country"][0].as_py() is None
    assert people["hispanic_origin"][0].as_py() == "NA"
    assert people["hispanic_origin"].null_count == 0


def test_every_dictionary_column_is_there_in_its_order_and_type(
    workers: pa.Table, dictionary: Dictionary
) -> None:
    assert workers.column_names == list(dictionary.columns)
    assert workers.schema.field("industry_code").type == pa.string()
    assert workers.schema.field("age").type == pa.int64()
    assert workers.schema.field("income_gt_50k").type == pa.bool_()
    assert pc.unique(workers["year"]).to_pylist() == [1994, 1995]


def test_workers_are_16_or_older_and_worked(workers: pa.Table) -> None:
    assert pc.min(workers["age"]).as_py() >= 16
    assert pc.min(workers["weeks_worked"]).as_py() >= 1


def test_everybody_is_kept_where_the_population_is_all(
    batches: Batches, dictionary: Dictionary
) -> None:
    assert ingest([batches[1994]], EVERYBODY, dictionary).num_rows == batches[1994].num_rows


def test_labels_are_the_two_known_texts() -> None:
    raw = pa.chunked_array([["- 50000.", "50000+."]])
    assert read_label(raw).to_pylist() == [False, True]


@pytest.mark.parametrize("text", ["50000", "", "?"])
def test_a_third_label_is_refused_by_name(text: str) -> None:
    with pytest.raises(StageError, match=r"income_gt_50k: unknown value"):
        read_label(pa.chunked_array([["50000+.", text]]))


def test_a_batch_of_another_year_is_refused(batches: Batches, dictionary: Dictionary) -> None:
    with pytest.raises(StageError, match=r"batch 1994: holds rows of the years \[95\]"):
        ingest([batches[1995]], WORKERS, dictionary)


def test_a_batch_with_a_column_too_many_is_refused(
    batches: Batches, dictionary: Dictionary
) -> None:
    wide = batches[1994].append_column("salary", pa.nulls(batches[1994].num_rows, pa.int64()))
    with pytest.raises(StageError, match="differ from the dictionary: salary"):
        ingest([wide], WORKERS, dictionary)


def test_a_batch_named_twice_is_refused(batches: Batches, dictionary: Dictionary) -> None:
    twice = IngestParams(batches=(1994, 1994), population="all")
    with pytest.raises(StageError, match="row ids are not unique"):
        ingest([batches[1994], batches[1994]], twice, dictionary)
