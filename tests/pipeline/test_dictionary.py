from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from pipeline.dictionary import Dictionary, read_dictionary
from pipeline.stage import StageError
from tests.pipeline.samples import ROOT

ENTRIES = yaml.safe_load((ROOT / "data" / "columns.yaml").read_text())["columns"]
BROKEN = {
    "employment_status",
    "migration_msa",
    "migration_reg",
    "migration_sunbelt",
    "migration_within_reg",
    "prev_residence_region",
    "prev_residence_state",
    "same_house_1yr",
}


def test_the_eight_broken_columns_are_ignored_and_say_why(dictionary: Dictionary) -> None:
    assert set(dictionary.with_role("ignored")) == BROKEN | {"uci_split"}
    assert all("ignored because" in ENTRIES[name]["description"] for name in BROKEN)


def test_there_is_one_label_one_id_one_time_and_one_weight(dictionary: Dictionary) -> None:
    assert dictionary.only("label") == "income_gt_50k"
    assert dictionary.only("id") == "row_id"
    assert dictionary.only("time") == "year"
    assert dictionary.only("weight") == "instance_weight"


def test_a_role_that_two_columns_have_is_not_the_only_one(dictionary: Dictionary) -> None:
    with pytest.raises(StageError, match="31 columns have role feature; one must"):
        dictionary.only("feature")


@pytest.mark.parametrize("name", [name for name in ENTRIES if "levels" in ENTRIES[name]])
def test_levels_are_complete_texts_and_unique(name: str, workers: pa.Table) -> None:
    levels = ENTRIES[name]["levels"]
    assert all(isinstance(level, str) for level in levels)
    assert len(set(levels)) == len(levels)
    assert set(pc.unique(workers[name]).drop_null().to_pylist()) <= set(levels)


@pytest.mark.parametrize("name", [name for name in ENTRIES if "range" in ENTRIES[name]])
def test_values_lie_in_their_range(name: str, workers: pa.Table) -> None:
    low, high = ENTRIES[name]["range"]
    assert low <= pc.min(workers[name]).as_py() <= pc.max(workers[name]).as_py() <= high


def test_only_what_may_be_missing_is_missing(workers: pa.Table) -> None:
    missing = {name for name in workers.column_names if workers[name].null_count}
    assert missing <= {name for name in ENTRIES if "missing" in ENTRIES[name]}


@pytest.mark.parametrize(
    "text",
    ["", "columns: [age]", "columns: {age: {role: features, type: integer}}", "columns: {age: ["],
)
def test_what_is_no_dictionary_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text(text)
    with pytest.raises(StageError, match=r"columns\.yaml: not a column dictionary"):
        read_dictionary(path)
