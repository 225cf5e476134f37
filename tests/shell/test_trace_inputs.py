"""A real work tree's inputs, asked of Git and read from DVC's files."""

import json
from pathlib import Path

from gates.dvc.trace_inputs import trace_tree
from gates.evidence.kept_inputs import Keeper, encode_inputs, read_inputs
from gates.git.files import list_tracked, list_untracked
from tests.shell.project import commit, make_git, write

MD5 = "0" * 32


def test_each_input_is_where_it_is_kept(tmp_path: Path) -> None:
    paths = ("a b/ü.py", "raw.csv", "data/raw.csv")
    deps = [{"path": path, "hash": "md5", "md5": MD5} for path in paths]
    lock = {"schema": "2.0", "stages": {"train": {"cmd": "c", "deps": deps}}}
    out = {"path": "raw.csv", "hash": "md5", "md5": MD5}
    make_git(root := tmp_path / "repository")
    write(
        root,
        {
            "a b/ü.py": "print()",
            "data/raw.csv.dvc": json.dumps({"outs": [out]}),
            "dvc.lock": json.dumps(lock),
        },
    )
    commit(root, "a pipeline")
    write(root, {"raw.csv": "1"})
    found = trace_tree(root, "HEAD")
    assert found is not None
    assert {one.path: one.kept_by for one in found.inputs} == {
        "a b/ü.py": Keeper.GIT,
        "raw.csv": Keeper.NOTHING,
        "data/raw.csv": Keeper.DVC,
    }
    assert (found.committed, found.lock_changes) == (True, ())
    assert read_inputs(encode_inputs(found), "inputs.json") == found


def test_a_commit_without_a_lock_has_nothing_to_compare_with(tmp_path: Path) -> None:
    make_git(root := tmp_path / "repository")
    assert trace_tree(root, "HEAD") is None
    write(root, {"dvc.lock": "schema: '2.0'"})
    found = trace_tree(root, "HEAD")
    assert found is not None
    assert not found.committed


def test_paths_are_taken_as_they_are_written(tmp_path: Path) -> None:
    make_git(root := tmp_path / "repository")
    write(root, {"x[1].csv": "1", "x1.csv": "2", "*": "3"})
    assert list_untracked(root, ["x[1].csv", "*"]) == ("*", "x[1].csv")
    commit(root, "odd names")
    assert set(list_tracked(root, ["x[1].csv", "*"])) == {"x[1].csv", "*"}
    assert set(list_tracked(root, [])) >= {"x[1].csv", "*", "x1.csv"}
