"""`gatepost doctor` in a repository, as it is typed; nobody is asked over the network."""

import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.__main__ import main
from gates.commands.doctor import render
from gates.doctor.sign import Level, Sign
from gates.errors import ExitCode
from gates.testing import evidence, seal
from tests.doctor.recorded import APP, GOOD, ROOT
from tests.shell.project import commit, git, write
from tests.workflows.model import read_texts

Captured = pytest.CaptureFixture[str]
Spoil = Callable[[Path], object]
CODE = "print('a model')\n"
POLICY = """\
seed: 1
gates:
  evidence: {columns: columns.yaml}
  metric_regression:
    metrics:
      log_loss: {margin: 0.01}
      accuracy: {margin: 0.1}
"""
LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python train.py
    deps:
    - path: train.py
      hash: md5
      md5: {md5}
      size: 17
    outs:
    - path: model.pkl
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 0
"""
COLUMNS = """\
columns:
  row_id: {role: id, type: text, description: made at ingest}
  x: {role: feature, type: integer, unit: years, description: age}
  label: {role: label, type: boolean, description: left within a year}
"""
CONFIG = "[core]\n    remote = store\n['remote \"store\"']\n    url = s3://a/b\n    verify = true\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which everything on this machine is as it should be."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("GATEPOST_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "churn"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    texts = {name: text for name, text in read_texts().items() if name.endswith(".yml")}
    write(
        root,
        {
            **texts,
            "train.py": CODE,
            "dvc.yaml": "stages:\n  train: {cmd: python train.py, deps: [train.py]}\n",
            "dvc.lock": LOCK.format(md5=hashlib.md5(CODE.encode()).hexdigest()),  # noqa: S324
            "params.yaml": POLICY,
            "columns.yaml": COLUMNS,
            ".dvc/config": CONFIG,
            ".gitignore": "build/\n",
            "CODEOWNERS": "* @acme/data\n",
        },
    )
    labels = [True, False] * 100
    folder = root / "build/gatepost/candidate"
    scores = [0.9 if label else 0.1 for label in labels]
    made = evidence(folder, {}, test={"label": labels}, scores=scores)
    runs = {f"seed_{at}.score": scores for at in (21, 22)}
    pq.write_table(pa.table({"row_id": made.ids, **runs}), folder / "repeats.parquet")
    seal(folder)
    commit(root)
    monkeypatch.chdir(root)
    return root


def doctor(capsys: Captured, *arguments: str) -> tuple[int, dict[str, Sign]]:
    code = main(["doctor", "--json", *arguments])
    report = json.loads(capsys.readouterr().out)
    assert report["exit"] == code
    return code, {one["setting"]: Sign(**one) for one in report["signs"]}


def guard_all_but_a_gate_of_its_own(root: Path) -> None:
    policy = f"{POLICY}  custom: {{of_age: team/of_age.py}}\n  of_age: {{}}\n"
    guarded = ("/.github/", "/.dvc/", "/dvc.yaml", "/params.yaml", "/waivers.yaml", "/columns.yaml")
    owners = "".join(f"{one} @acme/data\n" for one in guarded)
    write(root, {"params.yaml": policy, "CODEOWNERS": owners, "team/of_age.py": ""})
    commit(root)


def replace(path: str, old: str, new: str) -> Spoil:
    def spoil(root: Path) -> None:
        text = (root / path).read_text("utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), "utf-8")
        commit(root)

    return spoil


def remove(path: str) -> Spoil:
    def spoil(root: Path) -> None:
        (root / path).unlink()
        commit(root)

    return spoil


@pytest.mark.usefixtures("repository")
def test_a_good_clone_is_ok_throughout(capsys: Captured) -> None:
    code, signs = doctor(capsys)
    assert {name for name, sign in signs.items() if sign.level != Level.OK} == set()
    assert code == ExitCode.MAY_MERGE
    assert len(signs) == 22


@pytest.mark.parametrize(
    ("spoil", "setting", "level", "said", "code"),
    [
        (remove("dvc.lock"), "pipeline", "missing", "no dvc.lock", 1),
        (remove("dvc.yaml"), "pipeline", "missing", "no dvc.yaml", 1),
        (
            replace("train.py", "a model", "b model"),
            "pipeline",
            "weak",
            "step with this tree: train.py",
            0,
        ),
        (
            replace(".dvc/config", "verify = true", ""),
            "DVC remote",
            "weak",
            "store: DVC believes",
            1,
        ),
        (
            replace(".dvc/config", "remote = store", ""),
            "DVC remote",
            "weak",
            "none is the default",
            0,
        ),
        (remove(".dvc/config"), "DVC remote", "missing", "none, so neither CI", 1),
        (replace("params.yaml", "gates:", "other:"), "policy", "missing", "no `gates:`", 1),
        (
            replace("params.yaml", "log_loss", "logloss"),
            "policy",
            "missing",
            "did you mean log_loss",
            1,
        ),
        (
            replace("columns.yaml", "description: age", "description: to be written"),
            "columns",
            "weak",
            "1 descriptions in columns.yaml are still to be written: x",
            0,
        ),
        (remove("columns.yaml"), "columns", "missing", "no columns.yaml", 1),
        (
            replace("CODEOWNERS", "* @acme/data", "/.github/ @acme/data"),
            "code owners",
            "weak",
            "nobody owns /params.yaml, /waivers.yaml, /dvc.yaml and 2 more",
            0,
        ),
        (
            replace("CODEOWNERS", "* @acme/data", "* @acme/data\n/params.yaml"),
            "code owners",
            "weak",
            "nobody owns /params.yaml",
            0,
        ),
        (remove("CODEOWNERS"), "code owners", "missing", "there is no CODEOWNERS", 1),
        (
            guard_all_but_a_gate_of_its_own,
            "code owners",
            "weak",
            "nobody owns /team/of_age.py",
            0,
        ),
        (
            replace("params.yaml", "{margin: 0.01}", "{margin: 0.000001, mode: strict}"),
            "strict limits",
            "weak",
            "200 test rows cannot decide",
            0,
        ),
        (
            replace(".github/workflows/gates.yml", "ubuntu-24.04", "self-hosted"),
            "runners",
            "weak",
            "gates.yml:16 self-hosted",
            1,
        ),
        (
            lambda root: write(root, {"waivers.yaml": "- a\n"}),
            "waivers",
            "missing",
            "waivers.yaml",
            1,
        ),
    ],
)
def test_one_weak_setting_is_named(
    repository: Path,
    capsys: Captured,
    spoil: Spoil,
    *,
    setting: str,
    level: str,
    said: str,
    code: int,
) -> None:
    spoil(repository)
    found, signs = doctor(capsys)
    assert signs[setting].level == level
    assert said in signs[setting].said
    assert signs[setting].mend.endswith(".")
    assert found == code


def test_a_policy_that_is_not_on_the_base_yet_is_the_pull_requests_own(
    repository: Path, capsys: Captured
) -> None:
    replace("params.yaml", "gates:", "other:")(repository)
    (repository / "params.yaml").write_text(POLICY, "utf-8")
    code, signs = doctor(capsys)
    assert (code, signs["policy"].level) == (ExitCode.BLOCKED, "weak")
    assert signs["policy"].forgeable


def test_a_margin_within_what_seeds_move_is_named(repository: Path, capsys: Captured) -> None:
    folder = repository / "build/gatepost/candidate"
    table = pq.ParquetFile(folder / "repeats.parquet").read()
    scores = table["seed_21.score"].to_pylist()
    other = [1 - score if at < 10 else score for at, score in enumerate(scores)]
    runs = {"row_id": table["row_id"], "seed_21.score": scores, "seed_22.score": other}
    pq.write_table(pa.table(runs), folder / "repeats.parquet")
    seal(folder)
    # Accuracies of 1, 1 and 0.95 have a spread of 0.0289; 4.24 times that is 0.122.
    _, signs = doctor(capsys)
    assert "accuracy (0.1, seeds ask for 0.12)" in signs["margins"].said


def test_without_repeated_trainings_nobody_knows(repository: Path, capsys: Captured) -> None:
    folder = repository / "build/gatepost/candidate"
    (folder / "repeats.parquet").unlink()
    seal(folder)
    code, signs = doctor(capsys)
    assert signs["margins"].level == "weak"
    assert code == ExitCode.MAY_MERGE


def test_without_evidence_it_is_said_what_could_not_be_looked_at(
    repository: Path, capsys: Captured
) -> None:
    (repository / "build/gatepost/candidate/manifest.json").unlink()
    code, signs = doctor(capsys)
    assert signs["strict limits"].level == "unknown"
    assert code == ExitCode.CANNOT_JUDGE


def test_a_shallow_clone_is_named(
    repository: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace("train.py", "a model", "b model")(repository)
    git(repository.parent, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    monkeypatch.chdir(repository.parent / "shallow")
    _, signs = doctor(capsys)
    assert signs["history"].level == "weak"


def test_people_read_a_line_a_setting_and_what_to_do(repository: Path, capsys: Captured) -> None:
    remove(".dvc/config")(repository)
    assert main(["doctor"]) == ExitCode.BLOCKED
    said = capsys.readouterr().out
    assert (
        "missing   DVC remote: none, so neither CI nor a reviewer can have the data\n"
        "          → Add one with `dvc remote add --default NAME URL`, then `dvc push`.\n"
    ) in said
    assert "\n21 ok, 1 missing\n" in said
    assert said.endswith("`gatepost doctor --github OWNER/NAME` does\n")


def test_nothing_hostile_reaches_the_terminal() -> None:
    sign = Sign(setting="columns", level=Level.WEAK, said="a\x1b[2Jb\n::error::c", mend="Mend it.")
    assert "\x1b" not in render([sign], asked=True)
    assert "\n::" not in render([sign], asked=True)


@pytest.mark.usefixtures("repository")
def test_github_is_asked_with_a_token_only(capsys: Captured) -> None:
    assert main(["doctor", "--github", "acme/churn"]) == ExitCode.USAGE
    assert "neither is set" in capsys.readouterr().err


def test_github_is_asked_by_pygithub_and_only_reads(
    repository: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(".dvc/config")(repository)
    verbs: list[str] = []

    class Recorded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            verbs.append(self.command)
            path = urlsplit(self.path).path.removeprefix(ROOT)
            status, body = GOOD[path]
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep standard error for what is tested."""

    with ThreadingHTTPServer(("localhost", 0), Recorded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("GITHUB_API_URL", f"http://localhost:{server.server_port}")
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_canary")
        code = main(["doctor", "--github", "acme/churn"])
        server.shutdown()
        thread.join()
    said = capsys.readouterr().out
    assert code == ExitCode.BLOCKED
    assert f"ok        required check: 'gatepost' counts from app {APP} only\n" in said
    assert "ok        environment ml-gate: only main may use it\n" in said
    assert "canary" not in said
    assert verbs == ["GET"] * 13


def test_outside_a_repository_it_says_so(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == ExitCode.USAGE
    assert "not in a Git work tree" in capsys.readouterr().err
