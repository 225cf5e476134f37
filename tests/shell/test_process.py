import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gates.process import LAST_LINES, child_environment, plain, run_group
from tests.shell.project import environment

# A child that ignores being asked, and a grandchild that would go on writing.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sh", "-c", f"trap '' TERM; while :; do date >> {sys.argv[1]}; sleep 0.05; done"])
print("ready", flush=True)
time.sleep(60)
"""

RUNNER = """
import sys
from pathlib import Path
from gates.process import child_environment, run_group
run_group(sys.argv[1:], Path.cwd(), child_environment(), lambda line: print(line, flush=True))
"""


def shell(text: str, folder: Path, **variables: str) -> tuple[int, list[str]]:
    lines: list[str] = []
    ended = run_group(["sh", "-c", text], folder, child_environment(variables), lines.append)
    assert tuple(lines[-LAST_LINES:]) == ended.last_lines
    return ended.code, lines


def test_output_and_errors_come_line_by_line_in_order(tmp_path: Path) -> None:
    code, lines = shell("echo one; echo two >&2; printf three; exit 3", tmp_path)
    assert (code, lines) == (3, ["one", "two", "three"])


def test_a_death_by_signal_is_negative(tmp_path: Path) -> None:
    assert shell("kill -9 $$", tmp_path)[0] == -9


def test_a_child_that_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    assert shell("exec >&- 2>&-; sleep 0.3; exit 5", tmp_path)[0] == 5


def test_what_is_left_running_neither_keeps_us_nor_lives_on(tmp_path: Path) -> None:
    started = time.monotonic()
    code, lines = shell("(sleep 30; touch late) & echo $!", tmp_path)
    assert code == 0
    assert time.monotonic() - started < 5
    with pytest.raises(ProcessLookupError):
        wait_until_gone(int(lines[0]))


def test_a_progress_bar_and_a_terminals_codes_become_plain_lines(tmp_path: Path) -> None:
    _, lines = shell(r"printf '1%%\r2%%\r\n\033[31mred\033[0m\007\n\n'", tmp_path)
    assert lines == ["1%", "2%", "?[31mred?[0m?"]
    assert plain("caf\u00e9 \u202e".encode() + b"\xff") == "caf\u00e9 ?\ufffd"


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    _, lines = shell("head -c 3000000 /dev/zero | tr '\\0' a", tmp_path)
    assert max(map(len, lines)) <= 400


def test_python_and_dvc_of_our_environment_come_first() -> None:
    first = child_environment()["PATH"].split(os.pathsep)[0]
    assert Path(first) == Path(sys.executable).parent


def test_a_stages_own_variables_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DVC_ROOT", "DVC_STAGE", "GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "elsewhere")
    assert not {"DVC_ROOT", "DVC_STAGE", "GIT_DIR", "GIT_INDEX_FILE"} & child_environment().keys()
    assert child_environment({"DVC_ROOT": "here"})["DVC_ROOT"] == "here"


def test_the_whole_group_ends_with_us(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, sys.executable, "-c", STUBBORN, str(clock)],
        env={**environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    started = time.monotonic()
    process.terminate()
    _, errors = process.communicate(timeout=10)
    assert time.monotonic() - started < 7  # a cancelled job is killed soon after
    assert "KeyboardInterrupt" in errors
    size = clock.stat().st_size
    time.sleep(0.3)
    assert clock.stat().st_size == size


def wait_until_gone(pid: int) -> None:
    for _ in range(100):
        os.kill(pid, 0)
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":  # nobody reaps it here
            raise ProcessLookupError
        time.sleep(0.02)
