"""The command line as a user calls it: a process of its own, or its `main` alone."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from gates.__main__ import main
from tests.shell.project import environment

ROOT = Path(__file__).parents[2]
GATEPOST = (sys.executable, "-m", "gates")


def user_environment(**more: str) -> dict[str, str]:
    """Nobody's settings, no terminal's, no CI's; and ours is the package that is called."""
    ours = {
        name: value
        for name, value in environment().items()
        if name not in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS")
    }
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**ours, "PYTHONPATH": path, **more}


def gatepost(
    *arguments: str | Path, cwd: Path | None = None, **more: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with variables besides the usual ones."""
    return subprocess.run(
        [*GATEPOST, *map(str, arguments)],
        cwd=cwd or ROOT,
        env=user_environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def call_main(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in this process, where a test is about its words and exit code only."""
    command = [*map(str, arguments)]
    printed, said = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with (
        mock.patch.dict(os.environ, user_environment(), clear=True),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(said),
    ):
        try:
            code: int | str | None = main(command)
        except SystemExit as ended:  # argparse's
            code = ended.code
    printed.flush()
    printed.seek(0)
    return subprocess.CompletedProcess(command, int(code or 0), printed.read(), said.getvalue())
