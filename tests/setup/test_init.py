"""`gatepost init` in a real repository of a user, as it is typed."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from gates.__main__ import main
from gates.errors import ExitCode
from gates.evidence.columns import Role, read_columns
from gates.policy.policy import read_policy
from gates.rules.gate import Gate
from gates.setup.pipeline import find_parts, read_pipeline
from tests.setup.project import PARAMS
from tests.shell.project import git, run

Captured = pytest.CaptureFixture[str]
WRITTEN = {
    "params.yaml",
    "data/columns.yaml",
    "waivers.yaml",
    ".github/workflows/gates.yml",
    ".github/workflows/report.yml",
    ".github/workflows/baseline.yml",
    ".github/CODEOWNERS",
    ".githooks/pre-push",
    ".gitignore",
}


def state_of(root: Path) -> dict[str, bytes]:
    """All files but Git's and DVC's own."""
    found = [path for path in root.rglob("*") if path.is_file()]
    kept = [path for path in found if not {".git", "tmp", "cache"} & set(path.parts[-4:-1])]
    return {str(path.relative_to(root)): path.read_bytes() for path in kept}


def test_a_dry_run_shows_a_diff_that_git_applies_and_writes_nothing(
    project: Path, capsys: Captured
) -> None:
    before = state_of(project)
    assert main(["init", "--dry-run"]) == ExitCode.MAY_MERGE
    diff = capsys.readouterr().out
    assert state_of(project) == before
    (project.parent / "init.diff").write_text(diff, "utf-8")
    git(project, "apply", "../init.diff")
    applied = state_of(project)
    assert (project / ".githooks/pre-push").stat().st_mode & stat.S_IXUSR
    git(project, "apply", "--reverse", "../init.diff")
    assert main(["init"]) == ExitCode.MAY_MERGE
    assert capsys.readouterr().out == diff
    assert state_of(project) == applied
    assert {name for name in applied if applied[name] != before.get(name)} == WRITTEN


def test_a_second_run_changes_nothing(project: Path, capsys: Captured) -> None:
    main(["init"])
    before = state_of(project)
    capsys.readouterr()
    assert main(["init"]) == ExitCode.MAY_MERGE
    said = capsys.readouterr()
    assert (said.out, state_of(project)) == ("", before)
    assert "nothing to write: everything is there" in said.err


def test_params_keep_their_comments_and_order(project: Path) -> None:
    main(["init"])
    text = (project / "params.yaml").read_text("utf-8")
    assert text.startswith(PARAMS + "\n# What a pull request must keep to")
    assert text.count("gates:\n") == 1


def test_the_evidence_is_found_in_the_pipeline(project: Path) -> None:
    main(["init"])
    sources = read_policy((project / "params.yaml").read_bytes(), "params.yaml").settings.evidence
    assert sources.files() == {
        "predictions.parquet": "out/predictions.parquet",
        "train.parquet": "data/prepared/train.parquet",
        "test.parquet": "data/prepared/test.parquet",
        "columns.yaml": "data/columns.yaml",
        "metrics.json": "reports/metrics.json",
    }
    assert sources.model == "models/churn.pkl"
    assert sources.predict == "python src/predict.py {model} {rows} {out}"


def test_the_dictionary_is_drafted_from_the_tables(project: Path) -> None:
    main(["init"])
    columns = read_columns((project / "data/columns.yaml").read_bytes(), "columns.yaml")
    roles = {name: entry.role for name, entry in columns.columns.items()}
    assert roles == {
        "customer": Role.ID,
        "household_id": Role.GROUP,
        "sex": Role.FEATURE,
        "age": Role.FEATURE,
        "plan": Role.FEATURE,
        "spent": Role.FEATURE,
        "note": Role.IGNORED,
        "year": Role.TIME,
        "weight": Role.WEIGHT,
        "churned": Role.LABEL,
    }
    assert columns.sensitive == ("sex", "age")
    assert columns.columns["plan"].levels == ("basic", "gold", "no")
    assert columns.columns["plan"].max_missing_share == 0.04  # 2.5 %, and room
    assert "    segment: [0, 25, 45, 65, 78]\n" in (project / "data/columns.yaml").read_text(
        "utf-8"
    )
    assert {entry.description for entry in columns.columns.values()} == {"to be written"}


def test_the_judge_reads_what_was_written(project: Path, capsys: Captured) -> None:
    main(["init"])
    for side in ("new", "old"):
        folder = project.parent / side
        folder.mkdir()
        for path in (
            *("data/prepared/train.parquet", "data/prepared/test.parquet"),
            *("out/predictions.parquet", "reports/metrics.json", "data/columns.yaml"),
        ):
            shutil.copy(project / path, folder)
        assert main(["pack", str(folder)]) == ExitCode.MAY_MERGE
    capsys.readouterr()
    sides = ["--candidate", "../new", "--baseline", "../old", "--policy", "params.yaml"]
    assert main(["judge", *sides, "--json"]) == ExitCode.MAY_MERGE
    verdict = json.loads(capsys.readouterr().out)
    outcomes = {each["gate"]: each["outcome"] for each in verdict["outcomes"]}
    assert outcomes == {
        "metric_regression": "passed",
        "quick_baseline": "passed",
        "segment_regression": "undecided",  # 16 positives younger than 25
        "group_disparity": "undecided",
        "columns": "passed",
        "schema": "passed",
        "missing_values": "undecided",  # 5 of 200 in a year say little about 4 %
        "drift": "undecided",
        "levels": "passed",
        "unit_change": "passed",
        "data_version": "skipped",
        "train_test_overlap": "passed",
        "version_leakage": "passed",
        "target_leakage": "passed",
        "unavailable_feature": "passed",
        "identifier_feature": "passed",
        "preprocessing_leakage": "skipped",
        "reported_metrics": "passed",
        "test_set_change": "passed",
        "test_set_reuse": "skipped",
        "policy_change": "passed",
    }


@pytest.mark.usefixtures("project")
def test_what_was_found_and_what_was_guessed_is_said(capsys: Captured) -> None:
    main(["init", "--dry-run"])
    said = capsys.readouterr().err
    assert "found   predictions: out/predictions.parquet (it has the column score)" in said
    assert "guessed label: churned" in said
    assert "missing repeats (optional" in said
    assert "10 descriptions are to be written" in said
    assert "guessed code owner: @acme" in said


def test_what_a_stage_writes_in_its_folder_is_found_from_the_root(project: Path) -> None:
    """With `wdir`, dvc.yaml's paths are relative to it."""
    (project / "ml").mkdir()
    for name in ("src", "data", "models", "out", "reports"):
        shutil.move(project / name, project / "ml" / name)
    text = (project / "dvc.yaml").read_text("utf-8").replace("    cmd:", "    wdir: ml\n    cmd:")
    text = text.replace("reports/metrics.json", "ml/reports/metrics.json")
    text = text.replace("params: [data]", "params: [../params.yaml: [data]]")
    (project / "dvc.yaml").write_text(text, "utf-8")
    (project / "dvc.lock").unlink()
    for locked in (False, True):
        if locked:
            run(project, "dvc", "commit", "-q", "--force")
            assert "wdir" not in (project / "dvc.lock").read_text("utf-8")
        parts = find_parts(project, read_pipeline(project))
        assert parts.predictions.value == "ml/out/predictions.parquet"
        assert parts.test.value == "ml/data/prepared/test.parquet"
        assert parts.model.value == "ml/models/churn.pkl"
        assert parts.metrics.value == "ml/reports/metrics.json"


def test_predictions_that_name_their_rows_otherwise_are_said_first(
    project: Path, capsys: Captured
) -> None:
    predictions = project / "out/predictions.parquet"
    table = pq.read_table(predictions)
    pq.write_table(table.rename_columns(["customer", "score"]), predictions)
    main(["init"])
    said = "it has the column score; call its row identifier row_id, which it lacks"
    assert f"first: out/predictions.parquet: {said}" in capsys.readouterr().err


def test_options_replace_guesses(project: Path, capsys: Captured) -> None:
    commit = "1b10c78c7865c340bc4f6099eb2f838309f1e8c3"
    arguments = ["--label", "plan", "--owner", "@acme/data", "--action", f"acme/gatepost@{commit}"]
    main(["init", *arguments])
    text = (project / "data/columns.yaml").read_bytes()
    assert read_columns(text, "columns.yaml").label == "plan"
    workflow = (project / ".github/workflows/report.yml").read_text("utf-8")
    assert workflow.count(f"- uses: acme/gatepost@{commit} # v") == 2
    assert "/params.yaml       @acme/data" in (project / ".github/CODEOWNERS").read_text("utf-8")
    assert "guessed" not in capsys.readouterr().err.split("action:")[1]


def test_a_changed_workflow_is_shown_and_kept(project: Path, capsys: Captured) -> None:
    main(["init"])
    path = project / ".github/workflows/gates.yml"
    own = path.read_text("utf-8").replace("ubuntu-24.04", "ubuntu-26.04")
    path.write_text(own, "utf-8")
    capsys.readouterr()
    assert main(["init"]) == ExitCode.MAY_MERGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "-    runs-on: ubuntu-26.04\n+    runs-on: ubuntu-24.04" in said.err
    assert "kept    .github/workflows/gates.yml: differs from what init would write" in said.err
    assert path.read_text("utf-8") == own


def test_the_hook_can_run_and_nothing_else_is_left(project: Path) -> None:
    main(["init"])
    assert (project / ".githooks/pre-push").stat().st_mode & stat.S_IXUSR
    assert not list(project.rglob(".gatepost-*"))
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "gatepost")
    (project / ".venv").mkdir()
    (project / ".venv" / "a").write_text("", "utf-8")
    assert git(project, "status", "--porcelain") == ""


def test_pre_commit_gets_an_entry_where_it_is_used(project: Path) -> None:
    (project / ".pre-commit-config.yaml").write_text("repos:\n- repo: meta\n  hooks: []\n", "utf-8")
    main(["init"])
    config = yaml.safe_load((project / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [hook["id"] for repo in config["repos"] for hook in repo["hooks"]] == ["gatepost"]
    assert not (project / ".githooks").exists()


def test_without_a_label_neither_limits_nor_dictionary_are_written(
    project: Path, capsys: Captured
) -> None:
    text = (project / "params.yaml").read_text("utf-8").replace("target: churned", "seed: 1")
    (project / "params.yaml").write_text(text, "utf-8")
    code = (project / "src/prepare.py").read_text("utf-8")
    (project / "src/prepare.py").write_text(
        code.replace('"churned": [i * 7919 % 1000 > 700', '"left": [i * 7919 % 1000 // 300'),
        "utf-8",
    )
    subprocess.run([sys.executable, "src/prepare.py"], check=True)
    main(["init"])
    said = capsys.readouterr().err
    needed = (
        "--label COLUMN, which is one of left, weight, year, note, spent, plan, age, sex and 1 more"
    )
    assert f"missing columns (neither they nor limits are written without {needed})" in said
    assert said.index(f"first: gatepost init again, with {needed}") < said.index("next: git add")
    assert not (project / "data/columns.yaml").exists()
    assert (project / "params.yaml").read_text("utf-8") == text
    main(["init", "--label", "left"])
    gates = read_policy((project / "params.yaml").read_bytes(), "p").gates.values()
    assert isinstance(next(iter(gates)), Gate)
    columns = (project / "data/columns.yaml").read_bytes()
    assert read_columns(columns, "columns.yaml").label == "left"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("dvc.yaml", "no dvc.yaml, so there is no pipeline"),
        (".dvc", "no .dvc, so there is no pipeline"),
        (".git", "not in a Git work tree"),
    ],
)
def test_what_is_no_dvc_repository_is_refused(
    project: Path, capsys: Captured, spoil: str, said: str
) -> None:
    path = project / spoil
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert main(["init"]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--label", "churn"], "did you mean churned?"),
        (["--owner", "me"], "no code owner"),
        (["--action", "acme/gatepost"], "not an action"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(
    project: Path, capsys: Captured, arguments: list[str], said: str
) -> None:
    assert main(["init", *arguments]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
    assert git(project, "status", "--porcelain") == ""


def test_params_that_the_judge_would_refuse_are_not_touched(
    project: Path, capsys: Captured
) -> None:
    (project / "params.yaml").write_text("a: &x 1\nb: *x\n", "utf-8")
    assert main(["init"]) == ExitCode.USAGE
    assert "params.yaml must be plain YAML" in capsys.readouterr().err
    assert not (project / "waivers.yaml").exists()


def test_data_that_is_not_here_is_asked_for(project: Path, capsys: Captured) -> None:
    shutil.rmtree(project / "data/prepared")
    assert main(["init"]) == ExitCode.MAY_MERGE
    said = capsys.readouterr().err
    assert "data/prepared/test.parquet is not here: run `dvc pull` or `dvc repro`" in said
    assert "wrote params.yaml" in said
    assert "data/columns.yaml" not in {*state_of(project)}


def test_limits_that_are_there_say_where_the_evidence_is(project: Path, capsys: Captured) -> None:
    own = "gates:\n  evidence: {predictions: out/predictions.parquet, columns: docs/c.yaml,\n"
    own += "    test: data/prepared/test.parquet, train: null, model: null, predict: null}\n"
    own += "  columns: {}\n"
    (project / "params.yaml").write_text(PARAMS + own, "utf-8")
    assert main(["init"]) == ExitCode.MAY_MERGE
    said = capsys.readouterr().err
    assert (project / "params.yaml").read_text("utf-8") == PARAMS + own
    assert "found   test: data/prepared/test.parquet (params.yaml says so)" in said
    columns = read_columns((project / "docs/c.yaml").read_bytes(), "c.yaml")
    assert columns.label == "churned"


def test_a_dictionary_that_is_there_is_used(project: Path) -> None:
    (project / "docs").mkdir()
    (project / "docs/columns.yaml").write_text(
        "columns:\n"
        "  customer: {role: id, type: text}\n"
        "  sex: {role: feature, type: category, sensitive: true, segment: true}\n"
        "  churned: {role: label, type: category, levels: [stayed, left]}\n",
        "utf-8",
    )
    main(["init"])
    settings = read_policy((project / "params.yaml").read_bytes(), "params.yaml").settings
    assert (settings.task, settings.segments) == ("binary", ("sex",))
    assert settings.evidence.columns == "docs/columns.yaml"
    assert not (project / "data/columns.yaml").exists()
