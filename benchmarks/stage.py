"""The stage of the benchmarks: a throw-away clone with a pull request, and the evidence of both."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from gates.policy.settings import Settings
from gates.process import child_environment

ROOT = Path(__file__).parent.parent
STAGE = ROOT / "build" / "benchmarks"
CLONE = STAGE / "repository"
STORES = STAGE / "stores"
CANDIDATE, BASELINE = STAGE / "candidate", STAGE / "baseline"
ALL_GATES, FEW_GATES = STAGE / "all_gates.yaml", STAGE / "few_gates.yaml"
FEW = (  # what goal 10 calls metrics, segments and fairness
    *("metric_regression", "metric_floor", "calibration"),
    *("segment_regression", "segment_floor", "group_disparity"),
)
_EDIT = ("learning_rate: 0.05", "learning_rate: 0.06")


def environment() -> dict[str, str]:
    """That of a user: compiled modules are kept, and our own gates are found from any folder."""
    variables = child_environment({"PYTHONPATH": str(ROOT)})
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def set_the_stage(gatepost: Sequence[str]) -> None:
    """Reproduce `main` and a pull request to it; DVC's cache is kept, so a second time is quick."""
    for folder in (CLONE, STORES):
        shutil.rmtree(folder, ignore_errors=True)
    STAGE.mkdir(parents=True, exist_ok=True)
    _run(STAGE, "git", "clone", "--quiet", "--no-local", str(ROOT), CLONE.name)
    _run(CLONE, "git", "checkout", "--quiet", "-B", "main")
    _run(CLONE, "git", "config", "user.name", "Benchmark")
    _run(CLONE, "git", "config", "user.email", "benchmark@example.org")
    _run(CLONE, "dvc", "config", "--local", "--quiet", "cache.dir", str(STAGE / "cache"))
    _run(CLONE, "dvc", "pull", "--quiet", "--recursive", "data/raw")
    _reproduce_and_commit("The reference project")
    _run(CLONE, "git", "checkout", "--quiet", "-b", "pull-request")
    params = CLONE / "params.yaml"
    text = params.read_text("utf-8")
    assert text.count(_EDIT[0]) == 1, f"params.yaml has no {_EDIT[0]!r} to change"
    params.write_text(text.replace(*_EDIT), "utf-8")
    _reproduce_and_commit("Learn a little faster")
    for revision, folder in (("main", BASELINE), ("pull-request", CANDIDATE)):
        shutil.rmtree(folder, ignore_errors=True)
        _run(CLONE, *gatepost, "collect", "--rev", revision, "--out", str(folder))
    _write_policies()


def _reproduce_and_commit(message: str) -> None:
    _run(CLONE, "dvc", "repro", "--quiet")
    _run(CLONE, "git", "add", "--all")
    _run(CLONE, "git", "commit", "--quiet", "--allow-empty", "--message", message)


def _write_policies() -> None:
    shutil.copy(CLONE / "params.yaml", ALL_GATES)
    gates = yaml.safe_load(ALL_GATES.read_text("utf-8"))["gates"]
    few = {name: gates[name] for name in gates if name in (*Settings.__struct_fields__, *FEW)}
    assert few.keys() >= set(FEW), f"params.yaml lacks {set(FEW) - few.keys()}"
    FEW_GATES.write_text(yaml.safe_dump({"gates": few}), "utf-8")


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL)
