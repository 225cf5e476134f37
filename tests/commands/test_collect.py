"""`gatepost collect --base`: both models on both test sets, where these differ."""

import shutil
from pathlib import Path

import pytest

from gates.evidence.manifest import read_manifest
from tests.cli.command import gatepost
from tests.cli.judged import make_judged
from tests.once import locked, shared_folder
from tests.shell.project import change_params, commit, copy_project, git

CROSSED = {"predictions_on_baseline_test.parquet", "baseline_predictions.parquet"}


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the tiny project, on a branch, without what it reproduced before."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    shared = shared_folder(tmp_path_factory) / "judged"
    with locked(shared):
        if not (shared / "done").exists():
            make_judged(shared / "both" / "project")
            (shared / "done").touch()
    copied = copy_project(shared / "both" / "project", tmp_path / "both")
    git(copied, "checkout", "-q", "-b", "proposal")
    return copied


def collected(project: Path) -> tuple[set[str], str]:
    """The names of the evidence, and what was said on the way."""
    commit(project)
    shutil.rmtree(project / "build", ignore_errors=True)
    out = project / "build" / "evidence"
    done = gatepost("collect", "--base", "main", "--out", out, cwd=project)
    assert done.returncode == 0, done.stderr
    return {file.name for file in read_manifest(out).files}, done.stderr


def test_where_the_test_rows_are_the_same_the_base_is_not_even_looked_for(project: Path) -> None:
    change_params(project, "shift: 900", "shift: 901")
    names, said = collected(project)
    assert not names & CROSSED
    assert not (project / "build" / "gatepost" / "evidence").exists()
    assert "no baseline" not in said


def test_where_they_differ_both_models_score_both(project: Path) -> None:
    change_params(project, "test_share: 4", "test_share: 5")
    names, _ = collected(project)
    assert names >= CROSSED


def test_a_broken_base_does_not_keep_what_mends_it_from_being_collected(project: Path) -> None:
    git(project, "checkout", "-q", "main")
    change_params(project, "test_share: 4", "test_share: none")
    commit(project)
    git(project, "checkout", "-q", "-B", "proposal")
    change_params(project, "test_share: none", "test_share: 5")
    names, said = collected(project)
    assert not names & CROSSED
    assert "no baseline: " in said
