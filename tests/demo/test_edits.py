"""Every story of the demo can still be written: its edits find what they change, and leave sense.

Whether the gates then say what they must is what `make demo` shows.
"""

import ast
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from demo import experiments, labelers, splits
from demo.edits import StoryError, paste_stage
from demo.stage import expect_little, rewind_to_1994, serve, train_once
from demo.stories import STORIES
from demo.story import Story
from gates.policy.policy import read_policy
from gates.rules import GATES
from tests.bites.reference import copy_tracked

# Their edits look at what the pipeline made.
NEEDS_A_RUN = ("edited_metrics", "relabelled", "forgotten", "second_team", "sixth_look")
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
    if story.prepare is not None:
        story.prepare(root)
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


def test_every_gate_fails_in_a_story() -> None:
    shown = frozenset[str]().union(*(story.blocked_by for story in STORIES))
    assert set(GATES) - shown == set()


def test_a_stage_can_be_pasted_once_it_was_cut(tmp_path: Path) -> None:
    path, whole = tmp_path / "dvc.yaml", tmp_path / "whole.yaml"
    whole.write_text("stages:\n  one:\n    cmd: a\n  two:\n    cmd: b\n")
    path.write_text("stages:\n  two:\n    cmd: b\n")
    paste_stage(path, "one", whole)
    assert yaml.safe_load(path.read_text()) == yaml.safe_load(whole.read_text())
    with pytest.raises(StoryError, match="'three' does not stand there"):
        paste_stage(path, "three", whole)


def test_households_are_of_two_and_every_other_one_is_in_both_years(root: Path) -> None:
    splits.forecast_the_year_before(root)
    people = pa.table({"row_id": list("abcdefgh"), "year": [1994] * 4 + [1995] * 4})
    named = load_split(root).number_households(people)["household"].to_pylist()
    assert named == ["0 of 1994", "0 of 1994", "1", "1", "0 of 1995", "0 of 1995", "1", "1"]


def test_a_balanced_sample_has_as_many_of_either_label(root: Path) -> None:
    splits.train_on_a_balanced_sample(root)
    split = load_split(root)
    vars(split)["ROWS_OF_EACH"] = 2
    labels = [False, False, False, True, False, True, True]
    train = pa.table({"row_id": list("abcdefg"), "income_gt_50k": labels})
    assert split.balance(train)["row_id"].to_pylist() == ["a", "b", "d", "f"]


def test_the_test_set_of_the_experiments_is_small(root: Path) -> None:
    experiments.keep_few_test_rows(root)
    assert f'sides["test"].slice(0, {experiments.TEST_ROWS})' in ast.unparse(
        ast.parse((root / "pipeline/split.py").read_text("utf-8"))
    ).replace("'", '"')


def test_the_second_team_is_believed_and_contradicts_itself(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = labelers.PANEL_ROWS
    incorporated = np.arange(rows) < rows // 2
    table = pa.table(
        {
            "row_id": [f"{at}" for at in range(rows)],
            "class_of_worker": np.where(incorporated, labelers.INCORPORATED, "Private").tolist(),
            "income_gt_50k": np.ones(rows, np.bool_),
        }
    )
    made = root / "build/pipeline"
    made.mkdir(parents=True)
    for side in ("train", "test"):
        pq.write_table(table, made / f"{side}.parquet")
    labelers.add_second_team(root)
    monkeypatch.chdir(root)
    learnt = load_split(root).add_second_team(table)
    first = learnt["income_gt_50k"].to_numpy()[:rows]
    assert abs(first[incorporated].mean() - labelers.SLIPS) < 0.02  # 2500 rows
    assert first[~incorporated].mean() > 1 - labelers.SLIPS
    differing = 2 * labelers.SLIPS * (1 - labelers.SLIPS)  # of two labelers who slip on their own
    labelled = rows // 2 + labelers.OTHER_ROWS
    assert abs((learnt.num_rows - rows) / labelled - differing) < 0.02
    assert len(set(learnt["row_id"].to_pylist())) == learnt.num_rows


def load_split(root: Path) -> ModuleType:
    """The stage as a story left it."""
    module = ModuleType("split")
    exec((root / "pipeline/split.py").read_text("utf-8"), module.__dict__)  # noqa: S102 - our own
    return module


def texts(root: Path) -> dict[str, str]:
    """All files of a project that are text, by path."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".yaml", ".lock", ".md", ".json", ".dvc"):
            found[str(path.relative_to(root))] = path.read_text("utf-8")
    return found
