import shutil
from pathlib import Path

import pytest

from gates.changes import find_changes
from gates.errors import EvidenceError, PolicyError
from gates.finding import Changes, Difference
from tests.shell.project import change_params, commit, git, run, write


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")


def test_nothing(project: Path) -> None:
    assert find_changes(project, head(project)) == Changes()


def test_params_by_their_dotted_names_as_json(project: Path) -> None:
    change_params(project, "{shift: 0, levels: [a, b]}", "{shift: 1.5, levels: [a], name: no}")
    change_params(project, "test_share: 4\n", "")
    assert find_changes(project, head(project)).params == (
        Difference(name="model.levels", baseline='["a","b"]', candidate='["a"]'),
        Difference(name="model.name", baseline=None, candidate='"no"'),
        Difference(name="model.shift", baseline="0", candidate="1.5"),
        Difference(name="test_share", baseline="4", candidate=None),
    )


def test_the_limits_are_left_to_the_verdict(project: Path) -> None:
    change_params(project, "task: binary", "task: regression")
    assert find_changes(project, head(project)) == Changes()


def test_data_by_what_dvc_records(project: Path) -> None:
    """`raw.csv` changes; `more.csv` comes; what stages make is no change of data."""
    base = head(project)
    with (project / "data/raw.csv").open("a") as stream:
        stream.write("\n100")
    write(project, {"data/more.csv": "1"})
    run(project, "dvc", "add", "-q", "data/raw.csv", "data/more.csv")
    changes = find_changes(project, base)
    assert changes.data == (
        Difference(name="data/more.csv", baseline=None, candidate="md5 c4ca4238a0b9, 1 bytes"),
        Difference(
            name="data/raw.csv",
            baseline="md5 2be28e957053, 289 bytes",
            candidate=changes.data[1].candidate,
        ),
    )
    assert (changes.data[1].candidate or "").endswith(", 293 bytes")
    assert changes.files == ("data/.gitignore",)


def test_data_from_outside_by_the_lock(project: Path) -> None:
    lock = project / "dvc.lock"
    dependency = "    - path: s3://bucket/rows.csv\n      etag: '{}'\n      size: 7\n    params:"
    lock.write_text(lock.read_text().replace("    params:", dependency.format("one"), 1))
    base = commit(project)
    lock.write_text(lock.read_text().replace("etag: 'one'", "etag: 'two'"))
    assert find_changes(project, base).data == (
        Difference(
            name="s3://bucket/rows.csv",
            baseline="version one, 7 bytes",
            candidate="version two, 7 bytes",
        ),
    )


def test_other_files_committed_or_not(project: Path) -> None:
    base = head(project)
    write(project, {"steps/train.py": "changed"})
    commit(project)
    write(project, {"steps/new.py": "new"})
    (project / "steps/score.py").unlink()
    shutil.rmtree(project / "out")
    assert find_changes(project, base).files == ("steps/new.py", "steps/score.py", "steps/train.py")


def test_what_the_pipeline_writes_is_its_result(project: Path) -> None:
    write(project, {"metrics.json": "{}", "plots.csv": ""})
    assert find_changes(project, head(project)).files == ("plots.csv",)


def test_params_that_came_or_went(project: Path) -> None:
    (project / "params.yaml").unlink()
    without = commit(project)
    assert {one.candidate for one in find_changes(project, f"{without}~1").params} == {None}
    write(project, {"params.yaml": "a: {}\n"})
    assert find_changes(project, without).params == (
        Difference(name="a", baseline=None, candidate="{}"),
    )


def test_an_alias_bomb_is_refused(project: Path) -> None:
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 20))
    write(project, {"params.yaml": "l0: &l0 [x]\n" + levels})
    with pytest.raises(PolicyError, match=r"params\.yaml:1: an anchor or alias"):
        find_changes(project, head(project))


def test_a_merge_conflict_in_the_lock_is_named(project: Path) -> None:
    write(project, {"dvc.lock": "<<<<<<< HEAD\nschema: '2.0'\n"})
    with pytest.raises(EvidenceError, match=r"dvc\.lock: not"):
        find_changes(project, head(project))
