"""`gatepost judge --anchor`: a second reference, without Git or DVC."""

from pathlib import Path

import pytest

from gates.__main__ import main
from gates.errors import ExitCode
from gates.finding import Verdict
from gates.testing import evidence
from gates.verdict import read_verdict

ROWS = 400
POLICY = """\
gates:
  references: [merge_base, anchor]
  metric_regression: {metrics: {accuracy: {margin: 0.05}}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release that is right on all rows, a base that is wrong on 16, a candidate on 20."""
    for name, wrong in (("release", 0), ("base", 16), ("candidate", 20)):
        scores = [0.1] * wrong + [0.9] * (ROWS - wrong)
        evidence(tmp_path / name, {}, test={"label": [1] * ROWS}, scores=scores, revision=name)
    (tmp_path / "params.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*more: str) -> tuple[int, Verdict]:
    sides = ("--candidate", "candidate", "--policy", "params.yaml", "--out", "verdict.json")
    code = main(("judge", *sides, *more))
    return code, read_verdict(Path("verdict.json").read_bytes())


@pytest.mark.usefixtures("here")
def test_a_release_blocks_what_the_base_lets_pass() -> None:
    code, verdict = run("--baseline", "base", "--anchor", "release")
    assert code == ExitCode.BLOCKED
    assert verdict.anchor is not None
    assert verdict.anchor.revision == "release"
    assert [one.subject.reference for one in verdict.outcomes[0].findings] == [None, "release"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--baseline", "base"), "no evidence of a release was given (--anchor)"),
        (("--baseline", "base", "--anchor", "base"), "its evidence is the baseline's"),
    ],
)
def test_why_there_is_none(options: tuple[str, ...], reason: str) -> None:
    code, verdict = run(*options)
    assert (code, verdict.anchor, verdict.anchor_reason) == (ExitCode.MAY_MERGE, None, reason)


def test_a_policy_that_does_not_ask_for_it(here: Path) -> None:
    (here / "params.yaml").write_text(POLICY.replace("[merge_base, anchor]", "[merge_base]"))
    code, verdict = run("--baseline", "base", "--anchor", "release")
    assert (code, verdict.anchor) == (ExitCode.MAY_MERGE, None)
    assert "does not ask for an anchor" in verdict.anchor_reason
