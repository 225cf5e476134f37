"""The two checkers of workflow files that others wrote, as we call them."""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent


def zizmor(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Audit a folder as strictly as zizmor can, without a network; 0 is no finding."""
    strict = ("--offline", "--no-progress", "--strict-collection", "--persona", "auditor")
    return _run("zizmor", *strict, str(folder))


def schema(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Hold workflows to the schema that check-jsonschema brings; 0 is valid."""
    files = sorted(str(path) for path in (folder / ".github/workflows").iterdir())
    return _run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)


def action_schema(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The same for the action."""
    file = str(folder / "action.yml")
    return _run("check-jsonschema", "--builtin-schema", "vendor.github-actions", file)


def _run(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = (str(BIN / program), *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
