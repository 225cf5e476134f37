import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.dvc.files import Recorded, read_lock, read_pointer
from gates.errors import EvidenceError

LOCK = b"""\
schema: '2.0'
stages:
  train:
    cmd: python -m train && echo *
    deps:
    - path: data/./raw.csv
      hash: md5
      md5: 2be28e9570532797457abb9b3322d160
      size: 289
    - path: s3://bucket/rows.csv
      etag: '"abc"'
      size: 7
    params:
      params.yaml:
        yes: no
    outs:
    - path: 1_000
      hash: md5
      md5: '12345678901234567890123456789012'
      size: 1
    - path: out/folder
      hash: md5
      md5: 0d35772914145e46e9fbc6bee942c13a.dir
      size: 43
      nfiles: 2
    - path: out/old.csv
      md5: 80e4974b478c24486edbfbc7e47050df
      size: 24
"""


def test_every_entry_by_its_path() -> None:
    lock = read_lock(LOCK)
    assert list(lock.stages) == ["train"]
    assert list(lock.outputs) == ["1_000", "out/folder", "out/old.csv"]
    assert lock.stages["train"].params == {"params.yaml": {"yes": "no"}}
    assert lock.dependencies["data/raw.csv"] == Recorded(
        path="data/raw.csv", md5="2be28e9570532797457abb9b3322d160", bytes=289
    )
    assert lock.outputs["out/folder"].md5 == "0d35772914145e46e9fbc6bee942c13a.dir"


@pytest.mark.parametrize(
    ("pipeline", "path", "params"),
    [
        (b"stages: {train: {wdir: a/b}}", "a/b/data/raw.csv", "a/b/params.yaml"),
        (b"stages: {train: {wdir: ../a}}", "../a/data/raw.csv", "../a/params.yaml"),
        (b"stages: {train: {foreach: [1], do: {wdir: a}}}", "a/data/raw.csv", "a/params.yaml"),
        (b"stages: {train: {wdir: '${where}'}}", "data/raw.csv", "params.yaml"),
        (b"stages: {other: {wdir: a}}", "data/raw.csv", "params.yaml"),
    ],
    ids=["below", "above", "group", "template", "another"],
)
def test_paths_are_those_from_the_root(pipeline: bytes, path: str, params: str) -> None:
    lock = read_lock(LOCK, pipeline=pipeline)
    assert {path, "s3://bucket/rows.csv"} <= set(lock.dependencies)
    assert list(lock.stages["train"].params) == [params]


def test_a_number_in_a_name_or_a_hash_stays_text() -> None:
    assert read_lock(LOCK).outputs["1_000"].md5 == "12345678901234567890123456789012"


def test_a_hash_of_dvc_2_names_no_object() -> None:
    old = read_lock(LOCK).outputs["out/old.csv"]
    assert (old.md5, old.other) == (None, "80e4974b478c24486edbfbc7e47050df")


def test_for_a_reader() -> None:
    lock = read_lock(LOCK)
    assert lock.dependencies["data/raw.csv"].text() == "md5 2be28e957053, 289 bytes"
    assert lock.dependencies["s3://bucket/rows.csv"].text() == 'version "abc", 7 bytes'


def test_a_pointer_is_relative_to_its_file() -> None:
    content = b"outs:\n- md5: 2be28e9570532797457abb9b3322d160\n  hash: md5\n  path: raw.csv\n"
    assert read_pointer(content, "data/raw.csv.dvc") == (
        Recorded(path="data/raw.csv", md5="2be28e9570532797457abb9b3322d160"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"stages: {}\n", r"dvc\.lock: schema ''; this reads '2\.0'"),
        (b"schema: '3.0'\n", r"schema '3\.0'"),
        (b"<<<<<<< HEAD\nschema: '2.0'\n=======\n", r"not YAML.*merge conflict"),
        (b"schema: '2.0'\nstages: [a]\n", r"not as DVC writes it: .*\$\.stages"),
        (
            LOCK.replace(b"2be28e9570532797457abb9b3322d160", b"../../../etc/passwd"),
            r"raw\.csv: '\.\./\.\./\.\./etc/passwd' is no MD5",
        ),
        (
            b"schema: '2.0'\nstages: &a\n  x: {outs: []}\n  y: *a\n",
            r"an alias \(\*a\), which DVC never writes",
        ),
        (b"schema: '2.0'\nstages: " + b"[" * 1_000_000, r"nested more than 64 deep"),
        (b"schema: '2.0'\nstages:\n" + b"- " * 1_000_000, r"nested more than 64 deep"),
        (b"\xff\xfe\x00", r"not YAML"),
    ],
    ids=[
        "none",
        "newer",
        "conflict",
        "shape",
        "traversal",
        "alias",
        "deep",
        "deep block",
        "binary",
    ],
)
def test_what_is_no_lock_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        read_lock(content)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (read_lock, read_pointer):
        try:
            read(content, "some")
        except EvidenceError as error:
            assert str(error).startswith("some: ")
