"""The same verdict gives the same bytes, quickly, and without anything that judging needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERDICT = ROOT / "tests" / "golden" / "report" / "hostile" / "verdict.json"
RENDER = """
import sys
from pathlib import Path
from gates import report
verdict = report.read_verdict(Path(sys.argv[1]).read_bytes())
renders = (report.render_comment, report.render_html, report.render_junit, report.render_terminal)
texts = [render(verdict) for render in renders]
sys.stdout.buffer.write("\\0".join(texts).encode() + report.write_verdict(verdict))
"""
IMPORTS = """
import sys
from pathlib import Path
from gates import report
report.render_comment(report.read_verdict(Path(sys.argv[1]).read_bytes()))
print(*sys.modules)
"""
HEAVY = {
    "numpy",
    "scipy",
    "pyarrow",
    "yaml",
    "pandas",
    "sklearn",
    "dvc",
    "asyncio",
    "xml",
    "email",
    "ssl",
}


def run(program: str, **environment: str) -> bytes:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "TZ"))
    }
    made = subprocess.run(
        [sys.executable, "-c", program, str(VERDICT)],
        cwd=ROOT,
        env=inherited | environment,
        check=True,
        capture_output=True,
    )
    return made.stdout


@pytest.fixture(scope="module")
def usual() -> bytes:
    return run(RENDER, PYTHONHASHSEED="0", LC_ALL="C.UTF-8", TZ="UTC")


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Pacific/Kiritimati"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "de_DE.UTF-8", "TZ": "America/St_Johns"},
        {
            "PYTHONHASHSEED": "7",
            "LC_ALL": "tr_TR.UTF-8",
            "PYTHONUTF8": "0",
            "NO_COLOR": "1",
            "COLUMNS": "40",
        },
    ],
)
def test_same_bytes_everywhere(usual: bytes, environment: dict[str, str]) -> None:
    assert run(RENDER, **environment) == usual


def test_a_comment_imports_nothing_that_judging_needs() -> None:
    modules = {name.partition(".")[0] for name in run(IMPORTS).decode().split()}
    assert "jinja2" in modules
    assert not modules & HEAVY


def test_a_terminal_view_needs_no_templates() -> None:
    program = IMPORTS.replace("render_comment", "render_terminal")
    assert "jinja2" not in run(program).decode().split()
