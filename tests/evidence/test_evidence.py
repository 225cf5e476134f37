import math
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.manifest import File, digest, write_manifest
from gates.testing import evidence, seal

AGE = {"age": "feature integer"}
TEST = {"age": [30, 40, 50], "label": [False, True, True]}


def refusal(folder: Path) -> str:
    """What opening and reading a folder ends with."""
    try:
        read = Evidence(folder)
        _ = read.ids, read.labels, read.scores, read.reported
    except EvidenceError as error:
        return str(error)
    raise AssertionError("it was read without complaint")


def test_a_folder_becomes_values_in_the_order_of_the_test_rows(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST, scores=[0.1, 0.8, 0.6])
    table = pq.read_table(made.folder / "predictions.parquet")
    pq.write_table(table.take([2, 0, 1]), made.folder / "predictions.parquet")
    seal(made.folder)
    read = Evidence(made.folder)
    assert read.scores.tolist() == [0.1, 0.8, 0.6]
    assert read.labels.tolist() == [False, True, True]


def test_the_test_digest_is_of_rows_and_labels_whatever_their_order(tmp_path: Path) -> None:
    first = evidence(tmp_path / "a", {}, test={"row_id": ["x", "yy"], "label": [0, 1]})
    turned = evidence(tmp_path / "b", {}, test={"row_id": ["yy", "x"], "label": [1, 0]})
    relabelled = evidence(tmp_path / "c", {}, test={"row_id": ["x", "yy"], "label": [1, 0]})
    shifted = evidence(tmp_path / "d", {}, test={"row_id": ["xy", "y"], "label": [0, 1]})
    assert first.test_digest == turned.test_digest
    assert len({first.test_digest, relabelled.test_digest, shifted.test_digest}) == 3


def test_a_folder_without_a_manifest_is_no_evidence(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    (made.folder / "manifest.json").unlink()
    assert "no manifest.json, so this is not complete evidence" in refusal(made.folder)
    assert "gatepost pack" in refusal(made.folder)


@pytest.mark.parametrize("name", ["test.parquet", "predictions.parquet", "columns.yaml"])
def test_a_tampered_file_is_named(tmp_path: Path, name: str) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    content = bytearray((made.folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (made.folder / name).write_bytes(content)
    assert f"{name}: its SHA-256 is" in refusal(made.folder)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    path = made.folder / "test.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    assert "it was cut short or changed" in refusal(made.folder)


@pytest.mark.parametrize("cut", [0, 3, 100, 400])
def test_a_truncated_table_that_the_manifest_knows_is_no_traceback(
    tmp_path: Path, cut: int
) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    path = made.folder / "test.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    entry = File(name=path.name, bytes=cut, sha256=digest(path)[0], rows=3)
    files = tuple(entry if old.name == path.name else old for old in made.manifest.files)
    write_manifest(made.folder, msgspec.structs.replace(made.manifest, files=files))
    assert "not readable as Parquet" in refusal(made.folder)


def rewrite(folder: Path, name: str, columns: dict[str, object]) -> None:
    """Replace a table and declare the folder complete again."""
    pq.write_table(pa.table(columns), folder / name)
    seal(folder)


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"row_id": ["r0", "r1"], "score": [0.1, 0.2]}, "1 of 3 test rows have no prediction"),
        (
            {"row_id": ["r0", "r1", "r2", "r9"], "score": [0.1, 0.2, 0.3, 0.4]},
            "1 predictions are of rows that are not in the test table",
        ),
        (
            {"row_id": ["r0", "r1", "r1"], "score": [0.1, 0.2, 0.3]},
            "1 of 3 values of row_id stand more than once, such as 'r1'",
        ),
        ({"row_id": ["r0", "r1", None], "score": [0.1, 0.2, 0.3]}, "1 of 3 rows have no row_id"),
        ({"row_id": ["r0", "r1", "r2"], "score": [0.1, math.nan, 0.3]}, "1 of 3 scores are"),
        ({"row_id": ["r0", "r1", "r2"], "score": [0.1, math.inf, 0.3]}, "1 of 3 scores are"),
        ({"row_id": ["r0", "r1", "r2"], "score": [0.1, None, 0.3]}, "1 of 3 scores are missing"),
        ({"row_id": ["r0", "r1", "r2"], "score": [0.1, 1.7, 0.3]}, "outside [0, 1], such as 1.7"),
        ({"row_id": ["r0", "r1", "r2"], "score": ["a", "b", "c"]}, "where numbers are needed"),
        ({"row_id": ["r0", "r1", "r2"]}, "no column 'score'"),
        ({"row_id": [["r0"], ["r1"]], "score": [0.1, 0.2]}, "columns hold one value a row"),
    ],
)
def test_a_prediction_table_that_does_not_fit_is_refused(
    tmp_path: Path, columns: dict[str, object], complaint: str
) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    rewrite(made.folder, "predictions.parquet", columns)
    assert complaint in refusal(made.folder)


@pytest.mark.parametrize(
    ("label", "complaint"),
    [
        ([0, 1, 2], "the label 'label' holds 2; a binary task has 0 and 1"),
        ([0, 1, None], "the label 'label' is missing in 1 of 3 rows"),
        (["no", "yes", "no"], "Add `levels: [<negative>, <positive>]`"),
    ],
)
def test_a_label_that_is_not_binary_is_refused(
    tmp_path: Path, label: list[object], complaint: str
) -> None:
    made = evidence(tmp_path / "e", AGE, test={"age": [1, 2, 3], "label": label})
    assert complaint in refusal(made.folder)


def test_a_text_label_is_read_by_its_levels(tmp_path: Path) -> None:
    entry = {"role": "label", "type": "category", "levels": ["no", "yes"]}
    made = evidence(tmp_path / "e", {"label": entry}, test={"label": ["yes", "no", "yes"]})
    assert made.labels.tolist() == [True, False, True]
    other = evidence(tmp_path / "o", {"label": entry}, test={"label": ["yes", "maybe"]})
    assert "the label 'label' holds 'maybe'; its levels are no, yes" in refusal(other.folder)


def test_an_empty_test_set_cannot_be_judged(tmp_path: Path) -> None:
    empty = {"age": pa.array([], pa.int64()), "label": pa.array([], pa.bool_())}
    with pytest.raises(EvidenceError, match="no rows, so nothing can be judged"):
        evidence(tmp_path / "e", AGE, test=empty)


@pytest.mark.parametrize(
    ("dictionary", "complaint"),
    [
        ("columns: {row_id: {role: id, type: text}}", "columns with role label: none; exactly one"),
        (
            "columns: {a: {role: feture, type: text}}",
            "columns.a.role: 'feture': did you mean feature?",
        ),
        ("columns: {a: {role: id, typ: text}}", "columns.a.typ: unknown key; did you mean type?"),
        ("colums: {}", "colums: unknown key; did you mean columns?"),
        ("columns: {a: {role: id, type: text, range: [3, 1]}}", "expected [lowest, highest]"),
        ("columns: {a: {role: id, type: text, segment: [3, 1]}}", "two or more rising edges"),
    ],
)
def test_a_dictionary_that_says_nothing_clear_is_refused(
    tmp_path: Path, dictionary: str, complaint: str
) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    (made.folder / "columns.yaml").write_text(dictionary)
    seal(made.folder)
    assert complaint in refusal(made.folder)


def test_reported_metrics_are_flat_numbers(tmp_path: Path) -> None:
    reported = {"roc_auc": 0.9, "by": {"sex": {"gap": 0.1}}, "note": "x", "ok": True}
    made = evidence(tmp_path / "e", AGE, test=TEST, metrics=reported)
    assert made.reported == {"roc_auc": 0.9, "by.sex.gap": 0.1}


def test_a_linked_file_is_not_evidence(tmp_path: Path) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    path = made.folder / "test.parquet"
    path.rename(tmp_path / "elsewhere.parquet")
    path.symlink_to(tmp_path / "elsewhere.parquet")
    assert "listed in the manifest, but not a file here" in refusal(made.folder)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "model.pkl"])
def test_a_manifest_may_only_list_known_names(tmp_path: Path, name: str) -> None:
    made = evidence(tmp_path / "e", AGE, test=TEST)
    path = made.folder / "manifest.json"
    path.write_text(path.read_text().replace("columns.yaml", name))
    assert f"lists {name!r} 1 time(s)" in refusal(made.folder)
