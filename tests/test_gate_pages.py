"""The pages of docs/gates, which `gatepost explain --pages docs/gates` writes."""

from pathlib import Path

import pytest

from gates.gate_pages import INDEX, NOTE, pages
from gates.rules import GATES
from tests.cli.command import ROOT, gatepost

FOLDER = ROOT / "docs" / "gates"
PAGES = pages(GATES)


def test_there_is_a_page_for_each_gate_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)
    assert set(PAGES) == {INDEX, *(f"{name}.md" for name in GATES)}


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_gate_says(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name]


def test_every_gate_stands_in_the_index_once() -> None:
    lines = PAGES[INDEX].splitlines()
    for name in GATES:
        assert sum(line.startswith(f"| [`{name}`]({name}.md) | ") for line in lines) == 1


def test_pages_of_ours_that_are_gone_go_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("gates: {schema: {}}", "utf-8")
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "gone.md").write_text(f"# `gone`\n\n{NOTE}\n", "utf-8")
    (folder / "notes.md").write_text("# Our own notes\n", "utf-8")
    done = gatepost("explain", "--pages", folder, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{len(PAGES)} pages in {folder}\n")
    assert {path.name for path in folder.iterdir()} == {*PAGES, "notes.md"}


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pages").write_text("mine", "utf-8")
    done = gatepost("explain", "--pages", tmp_path / "pages", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a folder. Name another --pages." in done.stderr
