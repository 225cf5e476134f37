"""A user's repository with DVC and without gatepost, made with the real programs."""

from pathlib import Path

from tests.shell.project import commit, git, run, write

PARAMS = """\
# What the model is trained on, and how.
data:
  target: churned        # the column to predict
  test_share: 3

model: {depth: 4}        # deeper was no better
"""

DVC_YAML = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [src/prepare.py]
    params: [data]
    outs: [data/prepared/train.parquet, data/prepared/test.parquet]
  fit:
    cmd: python src/fit.py
    deps: [src/fit.py, data/prepared/train.parquet]
    outs: [models/churn.pkl]
  predict:
    cmd: python src/predict.py models/churn.pkl data/prepared/test.parquet out/predictions.parquet
    deps: [src/predict.py, models/churn.pkl, data/prepared/test.parquet]
    outs: [out/predictions.parquet]
metrics:
  - reports/metrics.json
"""

PREPARE = """\
import datetime as dt, pathlib
import pyarrow as pa, pyarrow.parquet as pq
pathlib.Path("data/prepared").mkdir(parents=True, exist_ok=True)
rows = range(1200)
test, train = [i for i in rows if i % 3 == 0], [i for i in rows if i % 3]
for name, kept in (("test", test), ("train", train)):
    table = pa.table({
        "customer": [f"c{i:05}" for i in kept],
        "household_id": [i // 6 for i in kept],
        "sex": ["Female" if i % 7 < 3 else "Male" for i in kept],
        "age": [18 + i * 37 % 60 for i in kept],
        "plan": [None if i % 41 == 0 else ("basic", "gold", "no")[i // 3 % 3] for i in kept],
        "spent": [i * 7919 % 1000 / 10 for i in kept],
        "note": [f"called on day {i}" for i in kept],
        "year": [2024 + i % 2 for i in kept],
        "weight": [1.0 + i % 3 for i in kept],
        "churned": [i * 7919 % 1000 > 700 for i in kept],
    })
    pq.write_table(table, f"data/prepared/{name}.parquet")
"""

FIT = """\
import pathlib
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/churn.pkl").write_bytes(b"a model")
"""

PREDICT = """\
import json, pathlib, sys
import pyarrow as pa, pyarrow.parquet as pq
_, model, rows, out = sys.argv
table = pq.ParquetFile(rows).read()
spent = table["spent"].to_pylist()
scores = [min(0.99, max(0.01, x / 100 + (0.2 if x > 50 else -0.2))) for x in spent]
pathlib.Path(out).parent.mkdir(exist_ok=True)
pq.write_table(pa.table({"row_id": table["customer"], "score": scores}), out)
pathlib.Path("reports").mkdir(exist_ok=True)
hits = [(s >= 0.5) == y for s, y in zip(scores, table["churned"].to_pylist())]
pathlib.Path("reports/metrics.json").write_text(json.dumps({"accuracy": sum(hits) / len(hits)}))
"""


def make_user_project(root: Path) -> None:
    """The repository, reproduced and committed on `main`."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "remote", "add", "origin", "https://github.com/acme/churn.git")
    write(
        root,
        {
            "params.yaml": PARAMS,
            "dvc.yaml": DVC_YAML,
            "src/prepare.py": PREPARE,
            "src/fit.py": FIT,
            "src/predict.py": PREDICT,
            "requirements.txt": "pyarrow\n",
            ".gitignore": "/data/prepared/\n/models/\n/out/\n",
            ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
            ".dvc/config": "[core]\n    analytics = false\n    autostage = false\n",
        },
    )
    run(root, "dvc", "repro", "-q")
    commit(root, "the pipeline")
