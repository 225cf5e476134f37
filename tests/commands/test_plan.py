"""`gatepost plan`, run as it is typed; the repository around it is a real one."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gates.__main__ import main
from gates.errors import ExitCode
from gates.evidence.folder import Evidence
from gates.testing import evidence

ROWS = 200
LABELS = [True, False] * (ROWS // 2)
POLICY = """\
gates:
  metric_regression:
    metrics:
      accuracy: {margin: 0.1, mode: strict}
      recall: {margin: 0.01, mode: MODE}
"""


def scores(wrong: int) -> list[float]:
    return [float(0.9 if label == (at >= wrong) else 0.1) for at, label in enumerate(LABELS)]


def folder(path: Path, wrong: int = 20, revision: str = "41d07ab") -> Evidence:
    return evidence(path, {}, test={"label": LABELS}, scores=scores(wrong), revision=revision)


def policy(tmp_path: Path, mode: str = "guard") -> str:
    path = tmp_path / "params.yaml"
    path.write_text(POLICY.replace("MODE", mode), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("mode", "strict", "code"),
    [
        ("guard", True, ExitCode.MAY_MERGE),
        ("strict", False, ExitCode.MAY_MERGE),  # a plan is advice
        ("strict", True, ExitCode.BLOCKED),
    ],
)
def test_only_an_undecidable_strict_limit_is_an_error_and_only_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, *, strict: bool, code: ExitCode
) -> None:
    folder(tmp_path / "e")
    flags = ["--strict"] if strict else []
    arguments = ["plan", "--policy", policy(tmp_path, mode), "--evidence", str(tmp_path / "e")]
    assert main([*arguments, *flags]) == code
    assert "1 of 2 limits can be decided" in capsys.readouterr().out


def test_json_holds_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(tmp_path / "e")
    folder(tmp_path / "f", wrong=22, revision="52e18bc")
    sides = ["--evidence", str(tmp_path / "e"), "--second", str(tmp_path / "f")]
    main(["plan", "--policy", policy(tmp_path), *sides, "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert plan["churn"] == {"share": 0.01, "source": "measured", "between": "41d07ab and 52e18bc"}
    small, enough = plan["lines"]
    assert (small["subject"], small["answer"]) == ({"metric": "recall"}, "too small")
    assert (small["counted"], small["counts"], small["rows"]) == (100, "positives", 200)
    assert small["rows_needed"] == 2 * small["counted_needed"]
    assert (enough["subject"], enough["answer"]) == ({"metric": "accuracy"}, "decidable")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--churn", "0.5"], "--churn 0.5: a share of rows between 0 and 0.5, such as 0.02."),
        (["--churn", "nan"], "--churn nan: a share of rows between 0 and 0.5, such as 0.02."),
        (["--power", "1"], "--power 1: a chance from 0.5 to 1, such as 0.8."),
        (["--policy", "none.yaml"], "none.yaml: cannot be read: No such file or directory."),
    ],
)
def test_what_is_no_share_or_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: list[str], said: str
) -> None:
    arguments = ["plan", "--policy", policy(tmp_path), "--evidence", str(tmp_path / "e")]
    assert main([*arguments, *wrong]) == ExitCode.USAGE
    assert said in capsys.readouterr().err


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a policy and one commit; it has no pipeline."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    root = tmp_path / "repository"
    root.mkdir()
    policy(root)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=policy")
    monkeypatch.chdir(root)
    return root


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_base_in_the_local_store_counts_before_anything_newer(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = git(repository, "rev-parse", "HEAD")
    store = repository / "build" / "gatepost"
    folder(store / "evidence" / base, revision=base)
    folder(store / "candidate", wrong=24, revision="52e18bc")
    main(["plan", "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert plan["revision"] == base
    # The candidate is another model of the same test rows, so that churn is measured.
    assert plan["churn"]["between"] == f"{base[:12]} and 52e18bc"
    assert plan["churn"]["share"] == 0.02


def test_a_second_of_other_rows_is_left_alone(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = git(repository, "rev-parse", "HEAD")
    store = repository / "build" / "gatepost"
    folder(store / "evidence" / base, revision=base)
    evidence(store / "candidate", {}, test={"label": [True] * 40})
    main(["plan", "--json"])
    assert json.loads(capsys.readouterr().out)["churn"]["source"] == "assumed"


def test_without_the_base_the_newest_evidence_is_planned_with(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = repository / "build" / "gatepost" / "evidence"
    for name, when in (("a" * 40, 1_000), ("b" * 40, 2_000)):
        folder(store / name, revision=name)
        os.utime(store / name / "manifest.json", (when, when))
    main(["plan", "--json"])
    assert json.loads(capsys.readouterr().out)["revision"] == "b" * 40


def test_without_any_evidence_it_says_how_to_make_some(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(repository / "build", ignore_errors=True)
    assert main(["plan"]) == ExitCode.CANNOT_JUDGE
    assert "`gatepost collect --out DIR` and name it with --evidence" in capsys.readouterr().err
