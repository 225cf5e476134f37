"""Where each input of a pipeline is kept: from the texts of DVC and the lists of Git."""

import json

import pytest

from gates.dvc.files import read_lock
from gates.dvc.origins import Known, dependencies_of, trace_inputs
from gates.errors import EvidenceError
from gates.evidence.kept_inputs import Input, Keeper, read_inputs

MD5, OTHER = "0" * 32, "1" * 32


def lock_of(*dependencies: str, outs: tuple[str, ...] = (), md5: str = MD5, **stage: str) -> bytes:
    deps = [{"path": path, "hash": "md5", "md5": md5, "size": 1} for path in dependencies]
    made = [{"path": path, "hash": "md5", "md5": md5, "size": 1} for path in outs]
    body = {"cmd": "python train.py", "deps": deps, "outs": made, **stage}
    return json.dumps({"schema": "2.0", "stages": {"train": body}}).encode()


def pointer(path: str, md5: str | None = MD5, **more: object) -> bytes:
    out = {"path": path, "hash": "md5", **({"md5": md5} if md5 else {})}
    return json.dumps({"outs": [out], **more}).encode()


def traced(path: str, **known: object) -> Input:
    given = {"lock": read_lock(lock_of(path)), **known}
    (found,) = trace_inputs(Known(**given)).inputs  # type: ignore[arg-type]
    return found


def test_a_file_under_dvc_is_known_by_its_pointers_md5() -> None:
    found = traced("data/raw.csv", pointers={"data/raw.csv.dvc": pointer("raw.csv")})
    assert (found.kept_by, found.hash, found.read) == (Keeper.DVC, MD5, MD5)


def test_a_file_in_git_is_known_by_its_blob() -> None:
    found = traced("train.py", tracked={"train.py": "abc", "train.pyc": "d"})
    assert (found.kept_by, found.hash) == (Keeper.GIT, "abc")


def test_what_neither_knows_is_kept_by_nothing() -> None:
    found = traced("data/raw.csv", tracked={"data/other.csv": "a"})
    assert (found.kept_by, found.outside) == (Keeper.NOTHING, False)


@pytest.mark.parametrize("path", ["/home/dana/zip.csv", "../zip.csv", "data/../../zip.csv"])
def test_a_path_out_of_the_repository(path: str) -> None:
    assert traced(path).outside


def test_a_remote_file_is_known_by_the_version_in_the_lock() -> None:
    lock = {"path": "s3://bucket/raw.csv", "etag": "9f3c"}
    stages = {"train": {"cmd": "c", "deps": [lock, {"path": "https://example.org/x"}]}}
    known = Known(lock=read_lock(json.dumps({"schema": "2.0", "stages": stages}).encode()))
    remote, other = sorted(trace_inputs(known).inputs, key=lambda one: one.path, reverse=True)
    assert (remote.kept_by, remote.hash) == (Keeper.LOCK, "9f3c")
    assert other.kept_by is Keeper.NOTHING


def test_what_a_stage_makes_is_no_input() -> None:
    made = read_lock(lock_of("build/a/part.csv", "build/a", "build", outs=("build/a",)))
    assert trace_inputs(Known(lock=made)).inputs == ()


def test_a_folder_may_be_in_git_and_under_dvc() -> None:
    tracked, pointers = {"data/.gitignore": "a"}, {"data/raw.csv.dvc": pointer("raw.csv")}
    found = traced("data", tracked=tracked, pointers=pointers, untracked=("data/new.csv", "x"))
    assert (found.kept_by, found.loose) == (Keeper.GIT, ("data/new.csv",))


def test_of_very_many_loose_files_the_first_are_listed() -> None:
    many = tuple(f"data/{at:05}.csv" for at in range(50_000))
    found = traced("data", tracked={"data/a": "a"}, untracked=many)
    assert found.loose == many[:100]


def test_a_file_in_a_folder_under_dvc() -> None:
    found = traced("data/raw/1.csv", pointers={"data/raw.dvc": pointer("raw", f"{MD5}.dir")})
    assert (found.kept_by, found.hash) == (Keeper.DVC, None)


@pytest.mark.parametrize(("frozen", "is_frozen"), [("true", True), ("false", False), (None, False)])
def test_an_import_is_frozen_or_fetched_anew(frozen: str | None, is_frozen: bool) -> None:
    said: dict[str, object] = {"frozen": frozen} if frozen else {}
    content = pointer("raw.csv", MD5, deps=[{"path": "https://example.org/x"}], **said)
    found = traced("raw.csv", pointers={"raw.csv.dvc": content})
    assert found.frozen is is_frozen


def test_a_pointer_without_a_hash_keeps_nothing() -> None:
    found = traced("raw.csv", pointers={"raw.csv.dvc": pointer("raw.csv", None)})
    assert found.kept_by is Keeper.NOTHING


def test_paths_are_from_the_root_whatever_folder_a_stage_works_in() -> None:
    pipeline = b"stages: {train: {cmd: c, wdir: model, frozen: true, deps: [../data/raw.csv]}}"
    lock = read_lock(lock_of("../data/raw.csv", "train.py"))
    found = trace_inputs(Known(lock=lock, pipeline=pipeline))
    assert [one.path for one in found.inputs] == ["data/raw.csv", "model/train.py"]
    assert dependencies_of(lock, pipeline) == ("data/raw.csv", "model/train.py")
    assert found.stages[0].frozen


def test_outputs_that_nobody_keeps_and_pointers_that_nobody_reads() -> None:
    pipeline = b"""stages: {train: {cmd: c, outs: [kept.csv, {also.csv: {persist: true}}],
        metrics: [{m.json: {cache: false}}, {in_git.json: {cache: false}}]}}"""
    known = Known(
        lock=read_lock(lock_of("train.py")),
        pipeline=pipeline,
        tracked={"in_git.json": "a"},
        pointers={"old.csv.dvc": pointer("old.csv")},
    )
    found = trace_inputs(known)
    assert (found.loose_outputs, found.unread) == (("m.json",), ("old.csv",))


def test_what_the_run_recorded_otherwise_than_the_commit() -> None:
    old = read_lock(json.dumps(_with_params(3)).encode())
    new = read_lock(json.dumps(_with_params(4, OTHER)).encode())
    changes = trace_inputs(Known(lock=new, committed=old)).lock_changes
    assert [(one.kind, one.name, one.committed, one.made) for one in changes] == [
        ("dependency", "train.py", MD5, OTHER),
        ("output", "model", MD5, OTHER),
        ("param", "train.depth in params.yaml", "3", "4"),
    ]
    assert trace_inputs(Known(lock=new, committed=new)).lock_changes == ()
    (gone,) = trace_inputs(Known(lock=read_lock(b"schema: '2.0'"), committed=old)).lock_changes
    assert (gone.kind, gone.committed, gone.made) == ("stage", "train", None)


def _with_params(depth: int, md5: str = MD5) -> object:
    stage = json.loads(lock_of("train.py", outs=("model",), md5=md5))
    stage["stages"]["train"]["params"] = {"params.yaml": {"train.depth": depth}}
    return stage


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"inputs": [{}]}', b'{"schema": 2, "inputs": [], "stages": []}']
)
def test_what_is_no_list_of_inputs_is_refused(content: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"inputs\.json: "):
        read_inputs(content, "inputs.json")


def test_a_list_that_does_not_say_its_schema_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"inputs\.json: .*`schema`\. Collect .* again"):
        read_inputs(b'{"inputs": [], "stages": []}', "inputs.json")
