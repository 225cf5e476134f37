import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gates.dvc.command import run_dvc
from gates.dvc.reproduce import reproduce
from gates.errors import PipelineError
from tests.shell.project import cached, change_params, environment, git, run, wait_for, write

REPRODUCE = """
import sys
from pathlib import Path
from gates.dvc.reproduce import reproduce
reproduce(Path(sys.argv[1]), lambda line: print(line, flush=True))
"""

HOLD_LOCK = """
import sys, time
import zc.lockfile
held = zc.lockfile.LockFile(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def start_reproduction(root: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", REPRODUCE, str(root)],
        env={**environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def replace_stage(root: Path, step: str, text: str) -> None:
    write(root, {f"steps/{step}.py": text})


def test_each_stage_is_named_with_its_time_or_why_it_did_not_run(
    project: Path, said: list[str]
) -> None:
    change_params(project, "shift: 0", "shift: 5")
    shutil.rmtree(project / "out")
    reproduce(project, said.append)
    assert said[:3] == ["split: from the cache", "train: running", said[2]]
    assert re.fullmatch(r"train: \d+\.\d s", said[2])
    assert said[3:4] == ["score: running"]
    assert '"shift": 5' in (project / "out/model.json").read_text()


def test_a_fresh_clone_gets_its_data_and_computes_the_rest(project: Path, said: list[str]) -> None:
    """What stages make is not pulled, though the remote has it: nobody computed it here."""
    clone = project.parent / "clone"
    git(project.parent, "clone", "-q", str(project), str(clone))
    reproduce(clone, said.append)
    assert said[0] == "pull of 1 data file"
    assert [line for line in said if "running" in line] == [
        "split: running",
        "train: running",
        "score: running",
    ]
    assert git(clone, "status", "--porcelain") == ""


def test_data_in_the_cache_needs_no_remote(project: Path, said: list[str]) -> None:
    (project / "data/raw.csv").unlink()
    shutil.rmtree(project.parent / "remote")
    reproduce(project, said.append)
    assert said[0] == "checkout of 1 data file"


def test_a_failed_stage_is_named_with_its_code_and_last_words(
    project: Path, said: list[str]
) -> None:
    replace_stage(project, "train", "print('::error::boo'); raise SystemExit('no rows left')")
    with pytest.raises(PipelineError) as failure:
        reproduce(project, said.append)
    message = str(failure.value)
    assert message.startswith(f"{project}: stage train exited with 1. Mend it; `dvc repro train`")
    assert "\n  | ::error::boo\n" in message  # never at the start of a line
    assert "\n  | no rows left\n" in message
    assert said == ["split: unchanged", "train: running"]


class TestRunCache:
    """A forged entry says that this stage was run before, with a result that suits somebody."""

    @pytest.fixture
    def forged(self, project: Path) -> Path:
        change_params(project, "shift: 0", "shift: 5")
        run(project, "dvc", "repro", "-q", "train")
        entry = next(
            path
            for path in (project / ".dvc/cache/runs").rglob("*")
            if path.is_file() and "model.shift: 5" in path.read_text()
        )
        text = entry.read_text()
        five = run(project, "md5sum", "out/model.json").split()[0]
        git(project, "checkout", "-q", "params.yaml", "dvc.lock")
        zero = cached(project, "out/model.json")
        assert five in text
        entry.write_text(text.replace(five, zero.parent.name + zero.name))
        change_params(project, "shift: 0", "shift: 5")
        return project

    def test_is_used_when_allowed(self, forged: Path, said: list[str]) -> None:
        reproduce(forged, said.append)
        assert "train: from the cache" in said
        assert '"shift": 0' in (forged / "out/model.json").read_text()

    def test_is_not_believed_when_not(self, forged: Path, said: list[str]) -> None:
        reproduce(forged, said.append, use_run_cache=False)
        assert "train: running" in said
        assert '"shift": 5' in (forged / "out/model.json").read_text()


class TestData:
    def test_missing_everywhere_is_said(self, project: Path, said: list[str]) -> None:
        (project / "data/raw.csv").unlink()
        shutil.rmtree(project.parent / "remote")
        shutil.rmtree(project / ".dvc/cache")
        with pytest.raises(PipelineError, match=r"1 of 1 data file cannot be had: data/raw"):
            reproduce(project, said.append)

    @pytest.mark.parametrize("verify", [False, True])
    def test_damaged_on_the_remote_is_never_used(
        self, project: Path, said: list[str], verify: bool
    ) -> None:
        """DVC itself accepts it from a remote without `verify`, and calls it up to date."""
        damaged = cached(project, "data/raw.csv").relative_to(project / ".dvc/cache")
        (project / "data/raw.csv").unlink()
        shutil.rmtree(project / ".dvc/cache")
        stored = project.parent / "remote" / damaged
        stored.chmod(0o644)
        stored.write_bytes(b"1\n2\n")
        stored.chmod(0o444)
        if verify:
            with (project / ".dvc/config").open("a") as config:
                config.write("    verify = true\n")
        message = "cannot be had" if verify else "does not match its recorded hash"
        with pytest.raises(PipelineError, match=message):
            reproduce(project, said.append)


class TestLock:
    @pytest.fixture
    def busy(self, project: Path) -> Path:
        train = (project / "steps/train.py").read_text()
        replace_stage(project, "train", f"import time; time.sleep(2)\n{train}")
        return project

    def test_another_process_is_waited_for(self, busy: Path, said: list[str]) -> None:
        other = start_reproduction(busy)
        wait_for(other, "train: running")
        reproduce(busy, said.append)
        other.communicate(timeout=20)
        assert other.returncode == 0
        waiting = [line for line in said if line.startswith("waiting for another DVC process")]
        assert len(waiting) == 1
        assert "dvc repro" in waiting[0]
        assert "train: unchanged" in said

    def test_but_not_for_ever_and_it_is_said_who(self, project: Path, said: list[str]) -> None:
        (project / ".dvc/tmp").mkdir(exist_ok=True)
        lock = str(project / ".dvc/tmp/lock")
        with subprocess.Popen(
            [sys.executable, "-c", HOLD_LOCK, lock], stdout=subprocess.PIPE, text=True
        ) as holder:
            wait_for(holder, "held")
            with pytest.raises(PipelineError, match=rf"waited 0 s .*process {holder.pid}\."):
                reproduce(project, said.append, lock_wait_s=0)
            holder.kill()


def test_what_a_killed_dvc_left_locked_is_no_hindrance(project: Path, said: list[str]) -> None:
    """DVC writes down who reads and writes what; the killed never take it back."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    held = {"pid": dead.pid, "cmd": "dvc repro train"}
    locks = {"write": {str(project / "out/model.json"): held}}
    (project / ".dvc/tmp").mkdir(exist_ok=True)
    (project / ".dvc/tmp/rwlock").write_text(json.dumps(locks))
    change_params(project, "shift: 0", "shift: 3")
    reproduce(project, said.append)
    assert '"shift": 3' in (project / "out/model.json").read_text()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_stage_too(project: Path, sent: signal.Signals) -> None:
    """DVC itself leaves the stage running, which later overwrites what came after."""
    replace_stage(
        project,
        "train",
        "import time, pathlib\nfor i in range(600):\n"
        "    pathlib.Path('out/model.json').write_text(str(i)); time.sleep(0.05)",
    )
    process = start_reproduction(project)
    wait_for(process, "train: running")
    model = project / "out/model.json"
    while not model.exists():
        time.sleep(0.02)
    process.send_signal(sent)
    process.communicate(timeout=10)
    assert process.returncode != 0
    before = model.read_text()
    time.sleep(0.3)
    assert model.read_text() == before


def test_without_dvc_its_installation_is_named(
    project: Path, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_only = tmp_path / "bin"
    git_only.mkdir()
    (git_only / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(git_only))
    monkeypatch.setattr(sys, "executable", str(git_only / "python"))
    with pytest.raises(PipelineError, match=r"dvc: not found .*gatepost\[dvc\]"):
        reproduce(project, said.append)


def test_without_a_pipeline_the_way_out_is_named(project: Path, said: list[str]) -> None:
    (project / "dvc.yaml").unlink()
    with pytest.raises(PipelineError, match=r"no dvc\.yaml, .*gatepost pack"):
        reproduce(project, said.append)


def test_dvc_sends_no_analytics(project: Path, said: list[str]) -> None:
    write(project, {"dvc.yaml": "stages: {say: {cmd: 'echo $DVC_NO_ANALYTICS'}}\n"})
    lines: list[str] = []
    assert run_dvc(project, ["repro"], said.append, on_line=lines.append).code == 0
    assert "1" in lines
    assert "DVC_NO_ANALYTICS" not in os.environ
