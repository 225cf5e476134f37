"""Whole reports, read in the diff; renewed by `GATEPOST_RENEW_GOLDEN=1 pytest tests/report`."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gates.finding import Verdict
from gates.report import (
    read_verdict,
    render_comment,
    render_html,
    render_junit,
    render_not_judged,
    render_running,
    render_terminal,
    write_verdict,
)
from gates.verdict import SCHEMA_FILE, verdict_schema
from tests.report.samples import HEAD, SAMPLES, label_noise

GOLDEN = Path(__file__).parents[1] / "golden" / "report"
RENEW = bool(os.environ.get("GATEPOST_RENEW_GOLDEN"))
RENDERED: dict[str, Callable[[Verdict], str]] = {
    "comment.md": render_comment,
    "terminal.txt": render_terminal,
    "junit.xml": render_junit,
}
FAILURE = """The pipeline failed in stage `train`: train.py exited 1 after 12 s.
ValueError: Input X contains NaN. (column: monthly_charge, first at row 48,377)
  at <img src=x> ``` @octocat
"""


def expect(path: Path, text: str) -> None:
    """Compare with the golden file, or write it where it is to be renewed."""
    if RENEW:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_golden_verdict_is_the_sample(sample: str) -> None:
    expect(GOLDEN / sample / "verdict.json", write_verdict(SAMPLES[sample]()).decode())


@pytest.mark.parametrize("file", RENDERED)
@pytest.mark.parametrize("sample", SAMPLES)
def test_reports_from_the_file_alone(sample: str, file: str) -> None:
    verdict = read_verdict((GOLDEN / sample / "verdict.json").read_bytes())
    expect(GOLDEN / sample / file, RENDERED[file](verdict))


def test_page() -> None:
    expect(GOLDEN / "label_noise" / "report.html", render_html(label_noise()))


def test_terminal_with_everything_narrow_and_coloured() -> None:
    text = render_terminal(label_noise(), width=60, colour=True, verbose=True)
    expect(GOLDEN / "label_noise" / "terminal_verbose.txt", text)


def test_running() -> None:
    expect(GOLDEN / "running.md", render_running("c7719aa" * 5 + "01234", previous=label_noise()))
    expect(GOLDEN / "running_first.md", render_running(HEAD))


def test_not_judged() -> None:
    expect(GOLDEN / "not_judged.md", render_not_judged(FAILURE, revision=HEAD))
    expect(GOLDEN / "not_judged_short.md", render_not_judged("dvc.lock is missing."))


def test_the_schema_is_up_to_date() -> None:
    if RENEW:
        SCHEMA_FILE.write_bytes(verdict_schema())
    assert SCHEMA_FILE.read_bytes() == verdict_schema()
