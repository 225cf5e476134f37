"""Evidence that is opened beside other evidence, and reads once what both have."""

from pathlib import Path

from gates.evidence.folder import Evidence
from gates.testing import evidence

AGE = {"age": "feature integer"}
TEST = {"age": [30, 40], "label": [False, True]}


def test_what_both_have_is_read_once(tmp_path: Path) -> None:
    new = evidence(tmp_path / "new", AGE, test=TEST, scores=[0.1, 0.9])
    evidence(tmp_path / "old", AGE, test=TEST, scores=[0.2, 0.8])
    old = Evidence(tmp_path / "old", beside=new)
    assert (old.test, old.dictionary) == (new.test, new.dictionary)
    assert old.ids is new.ids
    assert old.labels is new.labels
    assert old.test_digest == new.test_digest
    assert old.scores.tolist() == [0.2, 0.8]


def test_what_differs_is_read_from_its_own_folder(tmp_path: Path) -> None:
    new = evidence(tmp_path / "new", AGE, test=TEST)
    evidence(tmp_path / "old", AGE, test={"age": [30, 40], "label": [True, True]})
    old = Evidence(tmp_path / "old", beside=new)
    assert old.labels.tolist() == [True, True]
    assert new.labels.tolist() == [False, True]
    assert old.test_digest != new.test_digest


def test_one_table_under_two_dictionaries_has_labels_for_each(tmp_path: Path) -> None:
    """Which of two texts is the positive one stands in the dictionary, not in the table."""
    table = {"label": ["no", "yes"]}
    entry = {"role": "label", "type": "category", "description": "the answer"}
    new = evidence(tmp_path / "new", {"label": {**entry, "levels": ["no", "yes"]}}, test=table)
    evidence(tmp_path / "old", {"label": {**entry, "levels": ["yes", "no"]}}, test=table)
    old = Evidence(tmp_path / "old", beside=new)
    assert old.test is new.test
    assert new.labels.tolist() == [False, True]
    assert old.labels.tolist() == [True, False]
