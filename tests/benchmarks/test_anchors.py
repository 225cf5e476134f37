"""A tenth of the hostile evidence of `benchmarks.anchors` is refused, and nothing of it runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.anchors import ANCHORS
from benchmarks.canaries import make_canaries
from benchmarks.hostile import Files, Hostile, make_all, make_files
from gates.__main__ import main
from gates.errors import EvidenceError
from gates.github.intake import Budget, take_in
from tests.cli.folders import LIMITS

Judge = Callable[[Hostile], int]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("anchors")
    (found / "params.yaml").write_text(LIMITS, "utf-8")
    return found


@pytest.fixture(scope="module")
def files(root: Path) -> Files:
    return make_files(root / "good", rows=2_000)


@pytest.fixture
def judge(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Take in and judge, beside what was taken in."""
    monkeypatch.chdir(tmp_path)

    def once(each: Hostile) -> int:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        try:
            take_in(each.archive, folder, digest=None, revision="0000000", budget=Budget())
        except EvidenceError as error:
            return int(error.exit_code)
        sides = ("--candidate", str(folder), "--baseline", str(root / "good"))
        return main(("judge", *sides, "--policy", str(root / "params.yaml")))

    return once


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_evidence_is_refused_or_blocked(files: Files, judge: Judge) -> None:
    made = list(make_all(files))
    assert len({each.name for each in made}) == len(made) >= 200
    passed = {each.name: code for each in made[::10] if (code := judge(each)) not in (1, 3)}
    assert passed == {}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_canary_goes_off(files: Files, judge: Judge, tmp_path: Path) -> None:
    fired = tmp_path / "fired"
    made = list(make_canaries(files, fired))
    assert len(made) >= 200
    assert {judge(each) for each in made[::10]} <= {0, 1, 3}
    assert not fired.exists()


def test_each_anchor_that_is_measured_says_which_it_is() -> None:
    for number, measure in ANCHORS.items():
        assert (measure.__doc__ or "").startswith(f"{number}: ")
