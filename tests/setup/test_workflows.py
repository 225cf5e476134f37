"""The workflows of a user's repository are ours, line by line, but for where three things are."""

import difflib
from pathlib import Path

import msgspec
import pytest

from gates import __version__
from gates.setup.change import What, write_all
from gates.setup.pipeline import How
from gates.setup.workflows import (
    NAMES,
    adapt,
    find_install,
    find_release,
    template,
    write_workflows,
)
from tests.workflows.tools import BIN, zizmor

ROOT = Path(__file__).parents[2]
COMMIT = "3d3c42e5aac5ba805825da76410c181273ba90b1"
RELEASE = find_release(f"acme/gatepost@{COMMIT}")
INSTALL = ("python -m venv .venv", ".venv/bin/python -m pip install --quiet gatepost")


def changed_lines(name: str) -> tuple[list[str], list[str]]:
    ours = (ROOT / ".github/workflows" / name).read_text("utf-8").splitlines()
    theirs = adapt(template(name), RELEASE, INSTALL, "trunk").splitlines()
    lines = list(difflib.ndiff(ours, theirs))
    gone = [line[2:].strip() for line in lines if line.startswith("- ")]
    return gone, [line[2:].strip() for line in lines if line.startswith("+ ")]


@pytest.mark.parametrize("name", NAMES)
def test_only_the_named_lines_differ(name: str) -> None:
    gone, come = changed_lines(name)
    assert set(gone) <= {"- uses: $/", "run: make .venv/.ready", "branches: [main]"}
    uses = f"- uses: acme/gatepost@{COMMIT} # v{__version__}"
    assert set(come) <= {uses, "run: |", *INSTALL, "branches: [trunk]"}
    assert come.count(uses) == gone.count("- uses: $/") >= 1


def test_nothing_of_ours_is_left() -> None:
    texts = [adapt(template(name), RELEASE, INSTALL, "trunk") for name in NAMES]
    assert not any("$/" in text.replace("${{", "") or "make " in text for text in texts)
    assert sum(text.count(INSTALL[1]) for text in texts) == 2
    assert sum(text.count("branches: [trunk]") for text in texts) == 1


def test_a_release_is_named_by_its_commit() -> None:
    assert RELEASE.is_pinned
    assert RELEASE.requirement.endswith(f"github.com/acme/gatepost@{COMMIT}")


def test_without_a_commit_the_tag_is_a_guess() -> None:
    release = msgspec.structs.replace(find_release("acme/gatepost@v9.9"), how=How.GUESSED)
    assert not release.is_pinned
    assert "uses: acme/gatepost@v9.9\n" in adapt(template("gates.yml"), release, INSTALL, "main")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["uv.lock", "pyproject.toml"], "uv pip install --quiet --python .venv/bin/python "),
        (["requirements.txt", "pyproject.toml"], " -r requirements.txt "),
        (["pyproject.toml"], " -e . "),
    ],
)
def test_packages_are_installed_as_the_repository_lists_them(
    tmp_path: Path, files: list[str], expected: str
) -> None:
    for name in files:
        (tmp_path / name).write_text("", "utf-8")
    commands, how = find_install(tmp_path, RELEASE)
    assert expected in commands[-1]
    assert how is How.FOUND


def test_packages_that_nobody_lists_are_said_to_be_missing(tmp_path: Path) -> None:
    assert find_install(tmp_path, RELEASE)[1] is How.ABSENT


@pytest.mark.skipif(not (BIN / "zizmor").is_file(), reason="needs the package zizmor")
def test_zizmor_finds_nothing_in_what_is_written(tmp_path: Path) -> None:
    write_all(tmp_path, write_workflows(tmp_path, RELEASE, INSTALL, "main"))
    done = zizmor(tmp_path)
    assert (done.returncode, "No findings" in done.stdout + done.stderr) == (0, True), done.stdout


def test_windows_line_ends_are_no_difference(tmp_path: Path) -> None:
    for change in write_workflows(tmp_path, RELEASE, INSTALL, "main"):
        path = tmp_path / change.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change.new.replace("\n", "\r\n").encode())
    again = write_workflows(tmp_path, RELEASE, INSTALL, "main")
    assert {change.what for change in again} == {What.SAME}
