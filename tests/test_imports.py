"""Who may import whom, and what must not be loaded when nobody needs it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from gates.rules import GATES
from gates.rules.gate import Gate

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
LARGE = ("gates.case.passes", "gates.reduction", "gates.tables.embedded", "gates.tables.spark")
SHELL = (
    "gates.baseline",
    "gates.changes",
    "gates.collect",
    "gates.commands",
    "gates.dvc",
    "gates.git",
    "gates.github",
    "gates.ledger.branch",
    "gates.process",
    "gates.scratch",
)
# What a gate has no business with: who calls it, and what is made of its findings.
ABOVE = ("gates.__main__", "gates.judge", "gates.policy.policy", "gates.report")
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


def of(names: set[str], *packages: str) -> set[str]:
    """Those of the names that are one of these packages, or within it."""
    return {name for name in names for one in packages if f"{name}.".startswith(f"{one}.")}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / "gates" / folder).rglob("*.py"))]


@pytest.mark.parametrize(
    ("code", "also"),
    [
        ("import gates.commands.judge", LARGE),
        ("import gates.report, gates.verdict", ("numpy", "pyarrow", "scipy", "yaml")),
        (
            "import gates.__main__ as m\ntry: m.main(['--help'])\nexcept SystemExit: pass",
            ("numpy", "pyarrow", "scipy", "yaml", "jinja2", "msgspec"),
        ),
        ("import gates.baseline.find", ("numpy", "scipy")),
        ("import gates.commands.publish, gates.commands.intake", TRUSTED),
        ("import gates.commands.receive, gates.commands.confirm", TRUSTED),
        ("import gates.commands.init, gates.commands.doctor", ("jinja2", "gates.judge")),
        (
            "import numpy as np, pyarrow as pa\n"
            "from gates.tables.json_rows import encode_rows\n"
            "buffers = pa.py_buffer(np.array([0, 1])), pa.py_buffer(b'a')\n"
            "encode_rows(pa.LargeStringArray.from_buffers(1, *buffers), np.array([0]), (True,))",
            (),
        ),
    ],
    ids=["judge", "report", "help", "baseline", "publish", "receive", "init", "rows"],
)
def test_a_command_loads_nothing_heavy(code: str, also: tuple[str, ...]) -> None:
    assert not of(loaded(code), *HEAVY, *also)


@pytest.mark.parametrize("path", modules("stats"), ids=lambda path: path.stem)
def test_statistics_know_nothing_of_gates(path: Path) -> None:
    ours = {name for name in imported_by(path) if name.startswith("gates.")}
    assert all(name.startswith(("gates.stats", "gates.finding")) for name in ours)


@pytest.mark.parametrize("path", modules("rules", "judging"), ids=lambda path: path.stem)
def test_gates_know_neither_the_judge_nor_the_shell(path: Path) -> None:
    assert not of(imported_by(path), *ABOVE, *SHELL)


def test_gates_that_a_policy_does_not_name_are_not_imported() -> None:
    """`gates.policy` knows one of them by its type."""
    policy = b"gates: {metric_floor: {metrics: {roc_auc: 0.9}}}"
    reached = loaded(
        f"from gates.policy.policy import read_policy; read_policy({policy!r}, 'params.yaml')"
    )
    ours = {name.removeprefix("gates.rules.") for name in reached}
    assert ours & set(GATES) == {"metric_floor", "metric_regression"}


@pytest.mark.parametrize("name", GATES)
def test_a_gate_is_defined_in_the_module_of_its_name(name: str) -> None:
    assert issubclass(GATES[name], Gate)
    assert GATES[name].__module__ == f"gates.rules.{name}"


def test_among_the_gates_is_nothing_else() -> None:
    others = {path.stem for path in modules("rules")} - {"__init__", "gate"}
    assert others == set(GATES)


def test_what_is_no_gate_imports_nothing() -> None:
    assert "gate" not in GATES
    with pytest.raises(KeyError):
        GATES["gate"]


@pytest.mark.parametrize("path", modules("judging"), ids=lambda path: path.stem)
def test_what_gates_judge_by_knows_none_of_them(path: Path) -> None:
    of_gates = {name for name in imported_by(path) if name.startswith("gates.rules.")}
    assert all(name.startswith("gates.rules.gate") for name in of_gates)


def test_findings_import_nothing_of_ours() -> None:
    assert not {n for n in imported_by(ROOT / "gates/finding.py") if n.startswith("gates")}


def test_the_judge_runs_where_data_is_only_data() -> None:
    """Neither Git nor DVC nor a process nor a model is within its reach."""
    reached = loaded(
        "import gates.judge, gates.policy.policy, gates.evidence.folder, gates.policy.changes"
    )
    assert not of(reached, *SHELL)
    assert not of(reached, "joblib", *HEAVY)


BANNED = {"pickle", "joblib", "dill", "cloudpickle", "torch", "skops", "marshal", "shelve", "dvc"}
ON_THE_TRUSTED_SIDE = ("receive", "confirm", "publish", "sweep", "intake", "judge", "ledger")


def reached_from(*names: str) -> set[Path]:
    """Every module of ours that these import, at once or later, by their text; and all gates."""
    found: set[Path] = set()
    waiting = [ROOT / "gates" / "commands" / f"{name}.py" for name in names] + modules("rules")
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            ours = {name for name in imported_by(path) if name.split(".")[0] == "gates"}
            places = [ROOT.joinpath(*name.split(".")) for name in ours]
            files = [place.with_suffix(".py") for place in places]
            files += [place / "__init__.py" for place in places]
            waiting += [file for file in files if file.is_file()]
    return found


def test_nothing_on_the_trusted_side_can_open_a_model() -> None:
    """What it imports late counts too, which running it would not show.

    But for the engine that needs PySpark, which the trusted side does not install.
    """
    assert "pyspark" not in (ROOT / "requirements-report.lock").read_text("utf-8")
    reached = {
        path for path in reached_from(*ON_THE_TRUSTED_SIDE) if not path.name.startswith("spark")
    }
    assert ROOT / "gates/judge.py" in reached
    assert ROOT / "gates/github/intake.py" in reached
    wrong = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in reached
        for name in imported_by(path)
        if name.split(".")[0] in BANNED
    }
    assert wrong == set()
