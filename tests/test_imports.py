"""Who may import whom, and what must not be loaded when nobody needs it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = (
    "pandas",
    "pyspark",
    "sklearn",
    "fairlearn",
    "dvc",
    "github",
    "scipy.stats",
    "skops",
    "mlflow",
)
SHELL = {
    "anchor",
    "git",
    "git_objects",
    "ledger_store",
    "dvc",
    "baseline",
    "collect",
    "commands",
    "process",
    "scratch",
    "rescore",
    "changes",
    "checks",
    "cml",
    "event",
    "github",
    "github_calls",
    "intake",
    "publish",
    "sticky",
}
# What publishing has no need of, where the token is: it judges nothing and runs no repository.
TRUSTED = ("numpy", "pyarrow", "scipy", "yaml", "gates.judge", "gates.git", "gates.dvc", "requests")


def loaded(code: str) -> set[str]:
    probe = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def imported_by(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / "gates" / folder).rglob("*.py"))]


@pytest.mark.parametrize(
    ("code", "also"),
    [
        ("import gates.commands.judge", ()),
        ("import gates.report, gates.verdict", ("numpy", "pyarrow", "scipy", "yaml")),
        (
            "import gates.__main__ as m\ntry: m.main(['--help'])\nexcept SystemExit: pass",
            ("numpy", "pyarrow", "scipy", "yaml", "jinja2", "msgspec"),
        ),
        ("import gates.baseline", ("numpy", "scipy")),
        ("import gates.commands.publish, gates.commands.intake", TRUSTED),
    ],
    ids=["judge", "report", "help", "baseline", "publish"],
)
def test_a_command_loads_nothing_heavy(code: str, also: tuple[str, ...]) -> None:
    assert not loaded(code) & {*HEAVY, *also}


@pytest.mark.parametrize("path", modules("stats"), ids=lambda path: path.stem)
def test_statistics_know_nothing_of_gates(path: Path) -> None:
    ours = {name for name in imported_by(path) if name.startswith("gates.")}
    assert all(name.startswith(("gates.stats", "gates.finding")) for name in ours)


@pytest.mark.parametrize("path", modules("rules"), ids=lambda path: path.stem)
def test_gates_know_neither_the_judge_nor_the_shell(path: Path) -> None:
    parts = {name.split(".")[1] for name in imported_by(path) if name.startswith("gates.")}
    assert not parts & {"judge", "report", "policy", "__main__", *SHELL}


def test_findings_import_nothing_of_ours() -> None:
    assert not {n for n in imported_by(ROOT / "gates/finding.py") if n.startswith("gates")}


def test_the_judge_runs_where_data_is_only_data() -> None:
    """Neither Git nor DVC nor a process nor a model is within its reach."""
    reached = loaded("import gates.judge, gates.policy, gates.evidence, gates.policy_changes")
    ours = {name.split(".")[1] for name in reached if name.startswith("gates.")}
    assert not ours & SHELL
    assert not reached & {"joblib", *HEAVY}
