"""Which outputs are what, told from `dvc.yaml` and `dvc.lock`, mostly by names."""

from pathlib import Path

import pytest

from gates.errors import UsageError
from gates.setup.pipeline import How, find_parts, read_pipeline

FOREACH = """\
stages:
  train:
    foreach: [a, b]
    do:
      cmd: python train.py ${item}
      outs: ['models/${item}.pkl']
      metrics: [m.json]
  score: {cmd: s, deps: [models/a.pkl], outs: [out/scored.parquet], wdir: .}
plots: [p.csv]
"""
LOCK = """\
schema: '2.0'
stages:
  train@a:
    cmd: python train.py a
    outs:
    - {path: models/a.pkl, hash: md5, md5: d41d8cd98f00b204e9800998ecf8427e, size: 0}
    - {path: m.json, hash: md5, md5: d41d8cd98f00b204e9800998ecf8427e, size: 0}
"""


def repository(root: Path, pipeline: str, lock: str | None = None) -> Path:
    (root / ".dvc").mkdir()
    (root / "dvc.yaml").write_text(pipeline, "utf-8")
    if lock is not None:
        (root / "dvc.lock").write_text(lock, "utf-8")
    return root


def test_what_a_template_makes_is_known_from_the_lock(tmp_path: Path) -> None:
    pipeline = read_pipeline(repository(tmp_path, FOREACH, LOCK))
    assert [stage.name for stage in pipeline.stages] == ["score", "train@a"]
    assert pipeline.outputs == ("out/scored.parquet", "models/a.pkl", "m.json")
    parts = find_parts(tmp_path, pipeline)
    assert (parts.model.value, parts.model.how) == ("models/a.pkl", How.FOUND)
    assert (parts.metrics.value, parts.predictions.how) == ("m.json", How.GUESSED)


@pytest.mark.parametrize(
    ("out", "part", "how"),
    [
        ("data/test.parquet", "test", How.FOUND),
        ("data/X_test.parquet", "test", How.FOUND),
        ("data/holdout.parquet", "test", How.FOUND),
        ("data/latest.parquet", "test", How.ABSENT),
        ("data/test.csv", "test", How.ABSENT),
        ("data/train.parquet", "train", How.FOUND),
        ("data/constraints.parquet", "train", How.ABSENT),
        ("out/preds.parquet", "predictions", How.GUESSED),
        ("out/model.onnx", "model", How.GUESSED),
        ("out/model.csv", "model", How.ABSENT),
        ("out/environment.json", "environment", How.FOUND),
    ],
)
def test_names_tell_what_an_output_is(tmp_path: Path, out: str, part: str, how: How) -> None:
    root = repository(tmp_path, f"stages:\n  a: {{cmd: x, outs: [{out}]}}\n")
    found = getattr(find_parts(root, read_pipeline(root)), part)
    assert (found.value, found.how) == (None if how is How.ABSENT else out, how)


def test_a_table_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    root = repository(tmp_path, "stages:\n  a: {cmd: x, outs: [data/test.csv]}\n")
    said = find_parts(root, read_pipeline(root)).test.why
    assert said.startswith("data/test.csv is no Parquet file")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("p m.pkl test.parquet pred.parquet", "p {model} {rows} {out}"),
        ("p -m m.pkl -i=test.parquet -o pred.parquet", "p -m {model} -i={rows} -o {out}"),
        ("p m.pkl test.parquet", None),
        ("p m.pkl m.pkl test.parquet pred.parquet", None),  # which one is the model?
        ("p m.pkl test.parquet pred.parquet '{x}'", None),  # braces of its own
        ("p old/m.pkl test.parquet pred.parquet", None),
    ],
)
def test_a_command_is_taken_only_if_it_names_all_three(
    tmp_path: Path, command: str, expected: str | None
) -> None:
    root = repository(
        tmp_path,
        "stages:\n  a: {cmd: x, outs: [m.pkl, test.parquet]}\n"
        f'  b: {{cmd: "{command}", deps: [m.pkl, test.parquet], outs: [pred.parquet]}}\n',
    )
    assert find_parts(root, read_pipeline(root)).predict.value == expected


@pytest.mark.parametrize("text", ["", "stages:\n", "stages: [a]\n", "- a\n", "stages: {a: {}}\n"])
def test_a_pipeline_without_stages_finds_nothing(tmp_path: Path, text: str) -> None:
    root = repository(tmp_path, "x: 1\n")
    (root / "dvc.yaml").write_text(text or "{}", "utf-8")
    try:
        parts = find_parts(root, read_pipeline(root))
    except UsageError:
        return
    assert parts.predictions.how is How.ABSENT
