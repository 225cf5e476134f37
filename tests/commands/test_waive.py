"""`gatepost waive`: written for what blocks, refused where it would not help."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from gates.__main__ import main
from gates.commands.waive import Wish, write_waiver
from gates.errors import ExitCode, UsageError
from gates.finding import Decision, Finding, Limit, Result, State, Subject, Verdict
from gates.testing import evidence
from gates.verdict import read_verdict
from gates.waivers.append import append_waivers
from gates.waivers.apply import objection
from gates.waivers.waivers import read_waivers
from tests.shell.project import git, make_git

ROWS = 400
POLICY = """\
gates:
  metric_regression:
    metrics: {accuracy: {margin: 0.05}, recall: {margin: 0.05}}
  metric_floor: {waivable: false, metrics: {accuracy: 0.97}}
  schema: {}
"""
VERDICT = "build/gatepost/verdict.json"
DAY = ("--date", "2026-11-23")
WISH = ("waive", "metric_regression", "--reason", "a bad week", "--until", "2026-12-20", *DAY)
EXCEPT_FLOOR = POLICY.replace(", metrics: {accuracy: 0.97}", ", metrics: {accuracy: 0.5}")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose candidate gets 40 of 400 rows wrong, all of them positives."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    root = tmp_path / "here"
    make_git(root)
    git(root, "config", "user.name", "Dana")
    labels = [True] * 200 + [False] * 200
    for name, wrong in (("base", 0), ("worse", 40), ("worst", 60)):
        scores = [0.1] * wrong + [0.9] * (200 - wrong) + [0.1] * 200
        evidence(root / name, {}, test={"label": labels}, scores=scores)
    (root / "params.yaml").write_text(EXCEPT_FLOOR)
    (root / "build" / "gatepost").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def judge(candidate: str, *more: str) -> Verdict:
    sides = ("--candidate", candidate, "--baseline", "base", "--policy", "params.yaml")
    main(("judge", *sides, "--out", VERDICT, *DAY, *more))
    return read_verdict(Path(VERDICT).read_bytes())


def waivers() -> list[tuple[str, float | None]]:
    entries = read_waivers(Path("waivers.yaml").read_bytes(), "waivers.yaml").entries
    return [(one.subject, one.worst) for one in entries]


@pytest.mark.usefixtures("here")
def test_what_is_written_waives_it_and_only_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    assert judge("worse").decision is Decision.FAIL
    assert main((*WISH, "--worst=-0.2")) == ExitCode.MAY_MERGE
    assert waivers() == [("accuracy", -0.2), ("recall", -0.2)]
    assert "propose it in a pull request of its own" in capsys.readouterr().err
    waived = judge("worse", "--waivers", "waivers.yaml")
    assert (waived.decision, waived.outcomes[0].outcome) == (Decision.PASS, Result.WAIVED)
    worst = judge("worst", "--waivers", "waivers.yaml")  # recall falls by 0.3
    assert worst.decision is Decision.FAIL
    assert [one.waiver is None for one in worst.outcomes[0].findings] == [False, True]


@pytest.mark.usefixtures("here")
def test_it_ends_with_its_last_day() -> None:
    judge("worse")
    main((*WISH, "--worst=-0.2"))
    for day, decision in (("2026-12-20", Decision.PASS), ("2026-12-21", Decision.FAIL)):
        verdict = judge("worse", "--waivers", "waivers.yaml", "--date", day)
        assert verdict.decision is decision


@pytest.mark.usefixtures("here")
def test_one_finding_alone(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = judge("worse").outcomes[0].findings[1].fingerprint
    assert main((*WISH, "--worst=-0.2", "--finding", chosen)) == ExitCode.MAY_MERGE
    assert waivers() == [("recall", -0.2)]
    assert main((*WISH, "--worst=-0.2")) == ExitCode.MAY_MERGE  # adds what is missing
    assert waivers() == [("recall", -0.2), ("accuracy", -0.2)]
    assert main((*WISH, "--worst=-0.2")) == ExitCode.USAGE
    assert "waives this already" in capsys.readouterr().err
    assert len(waivers()) == 2


def test_a_dry_run_shows_the_difference_and_writes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge("worse")
    (here / "waivers.yaml").write_text("# ours\n")
    capsys.readouterr()
    assert main((*WISH, "--worst=-0.2", "--dry-run")) == ExitCode.MAY_MERGE
    shown = capsys.readouterr().out
    assert shown.startswith("--- waivers.yaml\n+++ waivers.yaml\n")
    assert '+  author: "Dana"\n' in shown
    assert (here / "waivers.yaml").read_text() == "# ours\n"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--until", "2026-11-22"), "has passed. Give a day from 2026-11-23 to 2026-12-23"),
        (("--until", "2026-12-24"), "is 31 days ahead. Give a day from 2026-11-23"),
        (("--until", "soon"), "'soon': not a day"),
        (("--worst=-0.15",), "recall: is at -0.2, which is worse"),
        (("--worst=0.2",), "accuracy: is at -0.1, which is worse"),
        (("--worst=nan",), "no finite number"),
        (("--reason", " "), "1 to 600 visible characters"),
        (("--reason", "a\u202eb"), "1 to 600 visible characters"),
        (("--finding", "0f3b9a7c2d1e4f56"), "blocks nothing in"),
        (("--verdict", "nowhere.json"), "nowhere.json: cannot be read"),
        (("--verdict", "base/manifest.json"), "Make the file again"),
    ],
)
def test_what_would_not_help_is_refused(
    change: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    judge("worse")
    capsys.readouterr()
    assert main((*WISH, "--worst=-0.2", *change)) in (ExitCode.USAGE, ExitCode.CANNOT_JUDGE)
    assert message in capsys.readouterr().err
    assert not Path("waivers.yaml").exists()


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("metric_regresion", "no such gate; did you mean metric_regression?"),
        ("metric_floor", "params.yaml:4: metric_floor is `waivable: false`"),
        ("drift", "has no gate drift"),
        ("schema", "nothing of schema blocks there"),
    ],
)
def test_gates_that_cannot_be_waived(
    here: Path, gate: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "params.yaml").write_text(POLICY)
    judge("worse")
    assert main(("waive", gate, *WISH[2:], "--worst=-0.2")) == ExitCode.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("missing", ["--until", "--reason", "gate", "worst"])
def test_what_is_missing_is_named(missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    judge("worse")
    given = {"--until": "2026-12-20", "--reason": "a bad week"}
    given.pop(missing, None)
    options = [word for pair in given.items() for word in pair]
    gate = [] if missing == "gate" else ["metric_regression"]
    assert main(("waive", *gate, *options, *DAY)) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert {"gate": "which gate?", "worst": "--worst: metric_regression, accuracy"}.get(
        missing, f"{missing} is missing"
    ) in said


def test_nobody_writes_without_a_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(here, "config", "--unset", "user.name")
    judge("worse")
    assert main((*WISH, "--worst=-0.2")) == ExitCode.USAGE
    assert "git config user.name: not set" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_the_list_says_what_the_last_verdict_made_of_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    judge("worse")
    main((*WISH, "--worst=-0.2"))
    judge("worst", "--waivers", "waivers.yaml")
    main((*WISH[:5], "2026-12-23", *DAY, "--worst=-0.3"))  # longer and further, not on the base
    capsys.readouterr()
    assert main(("waive", "--list", "--date", "2026-12-21")) == ExitCode.MAY_MERGE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["2026-12-20", "ended", "used"],
        ["2026-12-20", "ended", "exceeded"],
        ["2026-12-23", "2", "d"],
    ]
    assert "not in base" in lines[3]
    assert "recall" in lines[3]


@pytest.mark.usefixtures("here")
def test_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("waive", "--list")) == ExitCode.MAY_MERGE
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "  waivers.yaml: holds no waiver\n")


@pytest.mark.parametrize("option", ["--waivers", "--candidate-waivers"])
def test_a_file_that_cannot_be_read_is_a_policy_error(
    here: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = ("judge", "--candidate", "worse", "--baseline", "base", "--policy", "params.yaml")
    assert main((*sides, option, "nowhere.yaml")) == ExitCode.USAGE
    assert "nowhere.yaml: cannot be read" in capsys.readouterr().err
    (here / "waivers.yaml").write_text("- gate: schema\n")
    assert main((*sides, option, "waivers.yaml", "--out", VERDICT)) == ExitCode.USAGE
    assert "waivers.yaml:1: [0]: fingerprint is missing" in capsys.readouterr().err
    assert not Path(VERDICT).exists()


def test_a_finding_without_a_number_is_waived_by_what_it_says() -> None:
    said = Finding(
        subject=Subject(column="dividends"),
        state=State.FAILED,
        limit=Limit(rule="as declared"),
        message="dividends: 12 rows hold\ntext.\u202e",
        fingerprint="0f3b9a7c2d1e4f56",
    )
    wish = Wish(
        gate="schema",
        today=dt.date(2026, 11, 23),
        until=dt.date(2026, 12, 1),
        worst=None,
        reason="a bad week",
        author="Dana",
    )
    waiver = write_waiver(said, wish)
    assert waiver.subject == "dividends: dividends: 12 rows hold text.\N{REPLACEMENT CHARACTER}"
    assert read_waivers(append_waivers("", [waiver]).encode(), "w").entries == (waiver,)
    assert objection(waiver, said) == ""
    grown = msgspec.structs.replace(said, message="dividends: 25,832 rows hold\ntext.\u202e")
    assert "says something else" in objection(waiver, grown)
    with pytest.raises(UsageError, match="Leave --worst out"):
        write_waiver(said, msgspec.structs.replace(wish, worst=12.0))
