"""A machine that is full, locked, foreign or small: one sentence, and what was there stays."""

import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import GATEPOST, ROOT, gatepost, user_environment
from tests.cli.folders import LIMITS, LISTED, ROWS, make_good, make_rows

CAN_MOUNT = (
    subprocess.run(("unshare", "-rm", "true"), stderr=subprocess.DEVNULL, check=False).returncode
    == 0
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good evidence and limits."""
    folder = tmp_path_factory.mktemp("here")
    make_good(folder / "good")
    (folder / "params.yaml").write_text(LIMITS)
    return folder


def judging(here: Path, *more: str | Path, policy: str = "params.yaml") -> tuple[str, ...]:
    sides = ("--candidate", here / "good", "--baseline", here / "good")
    return tuple(map(str, ("judge", *sides, "--policy", here / policy, *more)))


def run_limited(arguments: tuple[str, ...], limit: Callable[[], None]) -> tuple[int, str]:
    done = subprocess.run(
        [*GATEPOST, *arguments],
        cwd=ROOT,
        env=user_environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not CAN_MOUNT, reason="no user namespaces here")
def test_a_full_disk_leaves_the_old_verdict(here: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    out = small / "verdict.json"
    script = (
        f'mount -t tmpfs -o size=64k tmpfs "{small}" && echo old >"{out}" && '
        f'head -c 60000 /dev/zero >"{small}/fill" && {{ "$@"; echo "$?"; '
        f'cat "{out}"; ls -A "{small}"; }}'
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *GATEPOST, *judging(here, "--out", out)],
        cwd=ROOT,
        env=user_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["3", "old", "fill", "verdict.json"]
    assert done.stderr == (
        f"gatepost: {out}: No space left on device. Make room or give access, and run again.\n"
    )


def test_a_file_that_may_not_grow_leaves_the_old_verdict(here: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdict.json"
    out.write_text("old")
    code, said = run_limited(
        judging(here, "--out", out), lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    )
    assert (code, out.read_text("utf-8"), [one.name for one in tmp_path.iterdir()]) == (
        3,
        "old",
        ["verdict.json"],
    )
    assert said == f"gatepost: {out}: File too large. Make room or give access, and run again.\n"


def test_no_home_and_no_folder_for_temporary_files_are_needed(here: Path, tmp_path: Path) -> None:
    """As root, a read-only folder can be written; one that is not there cannot."""
    gone = str(tmp_path / "none")
    done = gatepost(*judging(here), HOME=gone, TMPDIR=gone, XDG_CACHE_HOME=gone)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "none").exists()


def test_a_policy_with_a_mark_and_other_line_ends_gives_the_same_verdict(here: Path) -> None:
    crlf = b"\xef\xbb\xbf" + LIMITS.replace("\n", "\r\n").encode()
    (here / "crlf.yaml").write_bytes(crlf)
    usual, other = (
        gatepost(*judging(here, "--json", policy=name)).stdout
        for name in ("params.yaml", "crlf.yaml")
    )
    assert usual == other
    assert usual.startswith("{")


def test_the_same_bytes_under_another_language_clock_and_seed(here: Path) -> None:
    usual = gatepost(*judging(here, "--json")).stdout
    foreign = gatepost(
        *judging(here, "--json"),
        LC_ALL="de_DE.UTF-8",
        TZ="Pacific/Kiritimati",
        PYTHONHASHSEED="7",
        OMP_NUM_THREADS="4",
    ).stdout
    assert usual == foreign
    assert usual.startswith("{")


def test_hundreds_of_columns_take_seconds(tmp_path: Path) -> None:
    """Opened once for all columns; once a column would take their square, and 16 s for 1,000."""
    rows, listed = make_rows(), dict(LISTED)
    for at in range(400):
        rows[f"c{at}"] = [(place * (at % 7 + 1)) % 5 for place in range(ROWS)]
        listed[f"c{at}"] = {"role": "feature", "type": "integer", "description": "a column"}
    make_good(tmp_path / "good", test=rows, train=rows, listed=listed)
    (tmp_path / "params.yaml").write_text(LIMITS)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = gatepost(*judging(tmp_path))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stderr) == (0, "")
    assert after.ru_utime - before.ru_utime < 3
