import hashlib

import pytest

from gates.dvc.files import read_lock
from gates.dvc.lock_step import find_out_of_step, read_by
from gates.errors import EvidenceError

CODE, DATA = b"print(1)\n", "0123456789abcdef" * 2
CODE_MD5 = hashlib.md5(CODE, usedforsecurity=False).hexdigest()
LOCK = read_lock(
    f"""\
schema: '2.0'
stages:
  make:
    cmd: python make.py
    deps:
    - {{path: data/raw.csv, hash: md5, md5: {DATA}, size: 3}}
    - {{path: make.py, hash: md5, md5: {CODE_MD5}, size: 9}}
    - {{path: 's3://bucket/more.csv', etag: abc, size: 3}}
    params:
      params.yaml:
        rate: 0.001
        model:
          levels: [a, b]
          weight:
        list.1: true
    outs:
    - {{path: out/a.csv, hash: md5, md5: {"1" * 32}, size: 3}}
  use:
    cmd: [one, two]
    deps:
    - {{path: out/a.csv, hash: md5, md5: {"1" * 32}, size: 3}}
    params:
      settings.toml: {{a: 1}}
""".encode()
)
KNOWN = {
    "make.py": CODE,
    "data/raw.csv.dvc": f"outs: [{{path: raw.csv, hash: md5, md5: {DATA}}}]".encode(),
    "params.yaml": b"rate: 1e-3\nmodel: {weight: null, levels: [a, b]}\nlist: [x, yes, True]\n",
    "settings.toml": b"a = 2",
    "dvc.yaml": b"stages: {make: {cmd: python make.py}, use: {cmd: [one, two]}, t: {foreach: []}}",
}


def test_what_must_be_known() -> None:
    assert set(KNOWN) - {"settings.toml"} <= set(read_by(LOCK))
    assert not any("s3" in path for path in read_by(LOCK))


def test_in_step_though_written_another_way() -> None:
    assert find_out_of_step(LOCK, KNOWN | {"params.yaml": params(b"yes", b"true")}) is None


def params(old: bytes, new: bytes) -> bytes:
    assert old in KNOWN["params.yaml"]
    return KNOWN["params.yaml"].replace(old, new)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("make.py", b"print(2)\n", "make.py"),
        (
            "data/raw.csv.dvc",
            KNOWN["data/raw.csv.dvc"].replace(DATA.encode(), b"0" * 32),
            "data/raw.csv",
        ),
        ("params.yaml", params(b"1e-3", b"0.002"), "rate in params.yaml"),
        ("params.yaml", params(b"[a, b]", b"[b, a]"), "model in params.yaml"),
        ("params.yaml", params(b"weight: null, ", b"weight: 1, "), "model in params.yaml"),
        ("params.yaml", b"", "rate in params.yaml"),
        (
            "dvc.yaml",
            KNOWN["dvc.yaml"].replace(b"make.py", b"make.py -v"),
            "the command of stage make",
        ),
        ("dvc.yaml", KNOWN["dvc.yaml"].replace(b"two", b"three"), "the command of stage use"),
    ],
)
def test_what_differs_is_named(name: str, content: bytes, what: str) -> None:
    known = KNOWN | {"params.yaml": params(b"yes", b"true")} | {name: content}
    assert find_out_of_step(LOCK, known) == what


def test_an_output_made_anew_without_what_uses_it() -> None:
    text = f"{{path: out/a.csv, hash: md5, md5: {'1' * 32}}}"
    stages = f"{{a: {{outs: [{text}]}}, b: {{deps: [{text.replace('1', '2')}]}}}}"
    lock = read_lock(f"schema: '2.0'\nstages: {stages}\n".encode())
    assert find_out_of_step(lock, {}) == "out/a.csv"


def test_a_template_is_not_compared() -> None:
    known = {"dvc.yaml": b"stages: {make: {cmd: 'python ${script}'}}"}
    assert find_out_of_step(LOCK, known) is None


def test_anchors_of_people_are_followed_and_bombs_are_not() -> None:
    shared = b"stages: {a: &a {cmd: x}, make: {<<: *a, cmd: python make.py}}"
    assert find_out_of_step(LOCK, {"dvc.yaml": shared}) is None
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 20))
    with pytest.raises(EvidenceError, match=r"params\.yaml: more than 100,000 values"):
        find_out_of_step(LOCK, {"params.yaml": f"l0: &l0 [x]\n{levels}".encode()})
