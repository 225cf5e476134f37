"""`gatepost ledger` and `judge --ledger`: recorded, shown, and read by the next verdict."""

import json
from pathlib import Path

import pytest

from gates.__main__ import main
from gates.errors import ExitCode
from gates.finding import Decision
from gates.testing import evidence
from gates.verdict import read_verdict
from tests.entries import entry, lines
from tests.shell.project import git, make_git

ROWS = 400
POLICY = """\
gates:
  metric_regression: {metrics: {accuracy: {margin: 0.01}}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, evidence of a base that is wrong on 16 of 400 rows, and of better models."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    root = tmp_path / "here"
    make_git(root)
    for name, wrong in (("base", 16), ("one", 0), ("two", 4)):
        scores = [0.1] * wrong + [0.9] * (ROWS - wrong)
        revision = f"{len(name)}{wrong:039x}"
        evidence(root / name, {}, test={"label": [1] * ROWS}, scores=scores, revision=revision)
    (root / "params.yaml").write_text(POLICY)
    monkeypatch.chdir(root)
    return root


def judge(candidate: str, *more: str) -> int:
    sides = ("--candidate", candidate, "--baseline", "base", "--policy", "params.yaml")
    return main(("judge", *sides, "--out", f"{candidate}.json", *more))


def shown(capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    assert main(("ledger", "show", *more)) == ExitCode.MAY_MERGE
    return capsys.readouterr().out


@pytest.mark.usefixtures("here")
def test_from_verdict_to_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == ""
    judge("one")
    assert "wear" not in Path("one.json").read_text()
    for _ in range(2):  # the second time it is there already
        assert main(("ledger", "record", "one.json")) == ExitCode.MAY_MERGE
    Path("ledger.jsonl").write_text(shown(capsys, "--lines"))
    assert len(Path("ledger.jsonl").read_text().splitlines()) == 1
    judge("two", "--ledger", "ledger.jsonl")
    found = read_verdict(Path("two.json").read_bytes()).test_set
    assert found is not None
    assert found.wear is not None
    assert (found.wear.judged, found.wear.margin) == (2, 0.01)
    before = Path("two.json").read_bytes()
    judge("two", "--ledger", "ledger.jsonl")
    assert Path("two.json").read_bytes() == before
    main(("ledger", "record", "two.json"))
    (page,) = json.loads(shown(capsys, "--json"))
    assert (page["rows"], page["wear"]["judged"]) == (400, 2)
    assert page["reach"]["apart"] <= page["reach"]["by_verdict"] <= page["reach"]["adaptive"]
    assert "judged 2 times" in shown(capsys)
    assert shown(capsys, "--test-set", page["test_set"][:7]) == shown(capsys)
    assert shown(capsys, "--test-set", "nothing") == ""


@pytest.mark.usefixtures("here")
def test_a_worn_out_test_set_blocks_where_that_is_asked() -> None:
    judge("one")
    verdict = read_verdict(Path("one.json").read_bytes())
    assert verdict.test_set is not None
    past = [entry(at, test_set=verdict.test_set.digest) for at in range(30)]
    Path("ledger.jsonl").write_bytes(lines(*past))
    assert judge("one", "--ledger", "ledger.jsonl") == ExitCode.MAY_MERGE
    Path("params.yaml").write_text(f"{POLICY}  test_set_reuse: {{mode: strict}}\n")
    assert judge("one", "--ledger", "ledger.jsonl") == ExitCode.BLOCKED
    verdict = read_verdict(Path("one.json").read_bytes())
    assert verdict.decision is Decision.FAIL
    assert "31 equally good models" in verdict.outcomes[1].findings[0].message


@pytest.mark.usefixtures("here")
def test_a_broken_ledger_counts_and_does_not_stop_anything() -> None:
    Path("ledger.jsonl").write_bytes(b"{\n[]\n\xff\n")
    assert judge("one", "--ledger", "ledger.jsonl") == ExitCode.MAY_MERGE
    found = read_verdict(Path("one.json").read_bytes()).test_set
    assert found is not None
    assert found.wear is not None
    assert (found.wear.judged, found.wear.unread) == (4, 3)


def test_it_is_pushed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(here.parent, "clone", "-q", "--bare", str(here), "remote")
    git(here, "remote", "add", "origin", str(here.parent / "remote"))
    judge("one")
    assert main(("ledger", "record", "one.json", "--push", "origin")) == ExitCode.MAY_MERGE
    assert "pushed to origin" in capsys.readouterr().err
    assert git(here.parent / "remote", "ls-tree", "-r", "--name-only", "gatepost-ledger")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("record", "none.json"), ExitCode.CANNOT_JUDGE, "none.json: cannot be read"),
        (("record", "params.yaml"), ExitCode.CANNOT_JUDGE, "verdict.json"),
        (("record", "one.json", "--push", "x"), ExitCode.USAGE, "'x': no remote"),
    ],
)
def test_what_cannot_be_done(
    arguments: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    judge("one")
    assert main(("ledger", *arguments)) == code
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_ledger_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge("one", "--ledger", "none.jsonl") == ExitCode.USAGE
    assert "none.jsonl: cannot be read" in capsys.readouterr().err
