import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gates.errors import GitError
from gates.git.files import read_file
from gates.scratch import scratch_folder, temporary_worktree
from tests.shell.project import environment, git, make_git, run, worktrees, write

HOLD = """
import sys, time
from pathlib import Path
from gates.scratch import temporary_worktree
with temporary_worktree(Path(sys.argv[1]), "HEAD") as tree:
    print(tree, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_git(tmp_path / "repository")
    return tmp_path / "repository"


def hold_worktree(root: Path) -> tuple["subprocess.Popen[str]", Path]:
    """A process that stands in a temporary work tree, and where."""
    here = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        env={**environment(), "PYTHONPATH": str(here)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_scratch_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_living_owners_folder_stays(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()


def test_a_worktree_is_the_commit_and_leaves_nothing(root: Path) -> None:
    write(root, {"a.txt": "not committed\n"})
    with temporary_worktree(root, "HEAD") as tree:
        assert (tree / "a.txt").read_text() == "one\n"
        assert run(tree, "git", "rev-parse", "--show-toplevel") == str(tree)
        assert git(root, "status", "--porcelain") == "M a.txt"
    assert worktrees(root) == []


def test_hooks_do_not_run_in_it(root: Path) -> None:
    hook = root / ".git" / "hooks" / "post-checkout"
    write(root, {".git/hooks/post-checkout": "#!/bin/sh\ntouch hooked\n"})
    hook.chmod(0o755)
    with temporary_worktree(root, "HEAD") as tree:
        assert not (tree / "hooked").exists()


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_it_is_removed_on_an_exception(root: Path, raised: type[BaseException]) -> None:
    with pytest.raises(raised), temporary_worktree(root, "HEAD"):
        raise raised
    assert worktrees(root) == []


def test_an_unknown_commit_leaves_nothing(root: Path) -> None:
    with pytest.raises(GitError, match="worktree"), temporary_worktree(root, "nowhere"):
        pass
    assert worktrees(root) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_is_removed_when_we_are_asked_to_stop(root: Path, sent: signal.Signals) -> None:
    process, tree = hold_worktree(root)
    assert (tree / "a.txt").is_file()
    process.send_signal(sent)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert worktrees(root) == []


def test_what_a_killed_process_left_is_removed_by_the_next(root: Path) -> None:
    process, tree = hold_worktree(root)
    process.kill()
    process.communicate(timeout=10)
    assert tree.is_dir()
    with temporary_worktree(root, "HEAD") as other:
        assert not tree.exists()
        assert len(git(root, "worktree", "list").splitlines()) == 2
        assert other.is_dir()
    assert worktrees(root) == []


def test_a_living_process_keeps_its_worktree(root: Path) -> None:
    process, tree = hold_worktree(root)
    try:
        with temporary_worktree(root, "HEAD"):
            assert (tree / "a.txt").is_file()
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert worktrees(root) == []


def test_the_users_own_worktrees_are_left_alone(root: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    git(root, "worktree", "add", "-q", "--detach", str(away))
    away.rename(tmp_path / "on-another-disk")  # `git worktree prune` would forget it
    with temporary_worktree(root, "HEAD"):
        pass
    assert str(away) in git(root, "worktree", "list")


def test_it_works_from_a_linked_worktree(root: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(root, "worktree", "add", "-q", "--detach", str(linked))
    with temporary_worktree(linked, "HEAD") as tree:
        assert tree.is_relative_to(root / ".git")
        assert read_file(tree, "HEAD", "a.txt") == b"one\n"
    assert len(git(root, "worktree", "list").splitlines()) == 2


def test_nothing_is_left_wherever_the_kill_falls(root: Path) -> None:
    """SIGKILL at any time of a short life; the next use clears up after it."""
    for delay_ms in range(0, 120, 15):
        here = Path(__file__).parents[2]
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(root)],
            env={**environment(), "PYTHONPATH": str(here)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(delay_ms / 1000)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with temporary_worktree(root, "HEAD"):
        pass
    assert worktrees(root) == []
