"""The stages' Python files become `code.json`; what no stage depends on is not read."""

import json
from pathlib import Path
from typing import Any

from gates.collect.stage_code import write_scan

LOCK = """schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - {path: train.py, hash: md5, md5: 00000000000000000000000000000000, size: 1}
    - {path: gone.py, hash: md5, md5: 00000000000000000000000000000000, size: 1}
    - {path: data.csv, hash: md5, md5: 00000000000000000000000000000000, size: 1}
"""


def scanned(root: Path) -> Any:
    out = root / "evidence"
    out.mkdir()
    (file,) = write_scan(root, out)
    assert (file.name, file.bytes) == ("code.json", (out / "code.json").stat().st_size)
    return json.loads((out / "code.json").read_text("utf-8"))


def test_leaks_in_the_code_of_stages_are_found(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK, "utf-8")
    (tmp_path / "train.py").write_text("x = 1\nscaler.fit(X_test)\n", "utf-8")
    (tmp_path / "other.py").write_text("scaler.fit(X_test)\n", "utf-8")
    assert scanned(tmp_path) == {
        "schema": 1,
        "files": ["train.py"],
        "unread": [],
        "spots": [
            {"file": "train.py", "line": 2, "fault": "fit_on_test", "call": "scaler.fit(X_test)"}
        ],
    }


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK, "utf-8")
    (tmp_path / "train.py").write_bytes(b"\xff\xfe\x00")
    assert scanned(tmp_path)["unread"] == ["train.py"]


def test_a_pipeline_without_python_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK, "utf-8")
    assert write_scan(tmp_path, tmp_path) == []


def test_a_tree_without_a_lock_leaves_nothing(tmp_path: Path) -> None:
    assert write_scan(tmp_path, tmp_path) == []
