"""A tiny project under Git and DVC, made with the real programs, and copies of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from gates.evidence.sources import Sources

SOURCES = Sources(
    predictions="out/predictions.parquet",
    train="out/train.parquet",
    test="out/test.parquet",
    columns="columns.yaml",
    metrics="metrics.json",
    environment="out/environment.json",
    model="out/model.json",
    predict="python -m steps.score --model {model} --rows {rows} --out {out}",
)

DVC_YAML = """\
stages:
  split:
    cmd: python -m steps.split
    deps: [data/raw.csv, steps/split.py]
    params: [test_share]
    outs: [out/train.parquet, out/test.parquet]
  train:
    cmd: python -m steps.train
    deps: [out/train.parquet, steps/train.py]
    params: [model.shift]
    outs: [out/model.json, out/environment.json]
  score:
    cmd: python -m steps.score --model out/model.json --rows out/test.parquet
      --out out/predictions.parquet
    deps: [out/model.json, out/test.parquet, steps/score.py]
    outs: [out/predictions.parquet]
    metrics: [{metrics.json: {cache: false}}]
"""

PARAMS = """\
test_share: 4
model: {shift: 0, levels: [a, b]}
gates: {task: binary}
"""

COLUMNS = """\
columns:
  row_id: {role: id, type: text}
  x: {role: feature, type: integer}
  label: {role: label, type: boolean}
"""

SPLIT = """\
import re
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
share = int(re.search(r"test_share: (\\d+)", Path("params.yaml").read_text())[1])
rows = [int(line) for line in Path("data/raw.csv").read_text().split()]
Path("out").mkdir(exist_ok=True)
test, train = rows[::share], [row for at, row in enumerate(rows) if at % share]
for name, xs in (("test", test), ("train", train)):
    labels = [x % 2 == 0 for x in xs]
    table = pa.table({"row_id": [f"r{x}" for x in xs], "x": xs, "label": labels})
    pq.write_table(table, f"out/{name}.parquet")
"""

TRAIN = """\
import json, re
from pathlib import Path
import pyarrow.parquet as pq
rows = pq.ParquetFile("out/train.parquet").metadata.num_rows
shift = int(re.search(r"shift: (\\d+)", Path("params.yaml").read_text())[1])
Path("out/model.json").write_text(json.dumps({"rows": rows, "shift": shift}))
Path("out/environment.json").write_text(json.dumps({"packages": {"tiny": "1.0"}, "threads": 2}))
"""

SCORE = """\
import argparse, json
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
parser = argparse.ArgumentParser()
for name in ("--model", "--rows", "--out"):
    parser.add_argument(name)
given = parser.parse_args()
model = json.loads(Path(given.model).read_text())
rows = pq.ParquetFile(given.rows).read()
scores = [min((x + model["shift"]) / 1000, 1.0) for x in rows["x"].to_pylist()]
pq.write_table(pa.table({"row_id": rows["row_id"], "score": scores}), given.out)
if given.out == "out/predictions.parquet":
    Path("metrics.json").write_text(json.dumps({"rows": len(scores)}))
"""


def environment() -> dict[str, str]:
    """Ours, with the programs of this interpreter first, and nobody's Git or DVC settings."""
    return {
        **os.environ,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def git(folder: Path, *arguments: str) -> str:
    return run(folder, "git", *arguments)


def commit(folder: Path, message: str = "change") -> str:
    """Commit everything; the commit's hash."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def make_git(folder: Path) -> str:
    """A repository with one commit on `main`; its hash."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    write(folder, {"a.txt": "one\n"})
    return commit(folder, "first")


def make_project(folder: Path) -> None:
    """The project, reproduced, committed on `main` and pushed to `../remote`."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    write(
        folder,
        {
            "dvc.yaml": DVC_YAML,
            "params.yaml": PARAMS,
            "columns.yaml": COLUMNS,
            "steps/__init__.py": "",
            "steps/split.py": SPLIT,
            "steps/train.py": TRAIN,
            "steps/score.py": SCORE,
            "data/raw.csv": "\n".join(map(str, range(100))),
            ".gitignore": "out/\nbuild/\n__pycache__/\ndata/raw.csv\n",
            ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
            ".dvc/config": "[core]\n    analytics = false\n    autostage = false\n"
            "    remote = sample\n['remote \"sample\"']\n    url = ../../remote\n",
        },
    )
    run(folder, "dvc", "add", "-q", "data/raw.csv")
    run(folder, "dvc", "repro", "-q")
    run(folder, "dvc", "push", "-q")
    commit(folder, "the pipeline")


def copy_project(project: Path, folder: Path) -> Path:
    """A copy of the project and of its remote, to be changed freely."""
    shutil.copytree(project.parent, folder, symlinks=True)
    return folder / project.name


def change_params(root: Path, old: str, new: str) -> None:
    path = root / "params.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def cached(root: Path, path: str) -> Path:
    """The object of an output or a pointer in the project's DVC cache."""
    lines = (root / "dvc.lock").read_text("utf-8").splitlines()
    at = next(i for i, line in reversed([*enumerate(lines)]) if line.strip() == f"- path: {path}")
    md5 = next(line.split()[-1] for line in lines[at:] if line.strip().startswith("md5:"))
    return root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    """Read a process's output up to a line."""
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"it ended with {process.wait()} and never said {line!r}")


def worktrees(root: Path) -> list[str]:
    """What is left of temporary work trees, by Git's word and on disk."""
    listed = git(root, "worktree", "list", "--porcelain").split("\n\n")
    folder = root / ".git" / "gatepost"
    return listed[1:] + sorted(p.name for p in folder.iterdir() if folder.is_dir())


def without_predict(sources: Sources) -> Sources:
    return msgspec.structs.replace(sources, predict=None)
