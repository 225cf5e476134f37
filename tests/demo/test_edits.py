"""Every story of the demo can still be written: its edits find what they change, and leave sense.

Whether the gates then say what they must is what `make demo` shows.
"""

import ast
import shutil
from pathlib import Path

import pytest
import yaml

from demo.stage import expect_little, rewind_to_1994, serve, train_once
from demo.stories import STORIES, Story
from gates.policy.policy import read_policy
from gates.rules import GATES
from tests.bites.reference import copy_tracked

NEEDS_A_RUN = ("edited_metrics", "relabelled", "forgotten")  # edits look at what the pipeline made
EDITED = [
    one for one in STORIES if one.starts_from in ("main", "served") and one.name not in NEEDS_A_RUN
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference project as its stories start from it, before anything has run."""
    root = tmp_path_factory.mktemp("project")
    copy_tracked(root)
    train_once(root)
    expect_little(root)
    return root


@pytest.fixture
def root(project: Path, tmp_path: Path) -> Path:
    """A copy that a story may edit."""
    return shutil.copytree(project, tmp_path / "root", ignore=shutil.ignore_patterns(".git"))


@pytest.mark.parametrize("story", EDITED, ids=[one.name for one in EDITED])
def test_a_storys_edit_finds_what_it_changes(story: Story, root: Path) -> None:
    if story.starts_from == "served":
        serve(root)
    before = texts(root)
    story.edit(root)
    after = texts(root)
    assert before != after
    for name, text in after.items():
        if name.endswith(".py"):
            ast.parse(text, name)
        elif name.endswith((".yaml", ".lock")):
            yaml.safe_load(text)
    read_policy((root / "params.yaml").read_bytes(), "params.yaml")


def test_the_year_before_can_be_had(root: Path) -> None:
    (root / "data/raw/census_1995.parquet").touch()
    rewind_to_1994(root)
    assert "census_1995" not in (root / "dvc.yaml").read_text("utf-8")


def test_a_story_names_gates_that_there_are() -> None:
    for story in STORIES:
        assert story.blocked_by <= set(GATES), story.name
        assert bool(story.blocked_by) is (story.decision == "fail"), story.name
    assert len({story.name for story in STORIES}) == len(STORIES)


def texts(root: Path) -> dict[str, str]:
    """All files of a project that are text, by path."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".yaml", ".lock", ".md", ".json", ".dvc"):
            found[str(path.relative_to(root))] = path.read_text("utf-8")
    return found
