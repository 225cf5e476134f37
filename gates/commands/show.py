"""Verdicts on their way out: files beside each other, the terminal, the exit code."""

import os
import sys
from pathlib import Path

from gates.errors import ExitCode
from gates.evidence.manifest import write_atomically
from gates.finding import Decision, Verdict
from gates.verdict import write_verdict

EXIT_CODES = {
    Decision.PASS: ExitCode.MAY_MERGE,
    Decision.FAIL: ExitCode.BLOCKED,
    Decision.CANNOT_JUDGE: ExitCode.CANNOT_JUDGE,
}
REPORTS = ("comment.md", "report.html", "junit.xml")


def write_reports(verdict: Verdict, folder: Path, overrides: Path | None) -> None:
    """Comment, page and JUnit file into a folder, each whole or not at all."""
    from gates.report import render_comment, render_html, render_junit  # noqa: PLC0415 - needed seldom

    folder.mkdir(parents=True, exist_ok=True)
    texts = (
        render_comment(verdict, overrides=overrides),
        render_html(verdict, overrides=overrides),
        render_junit(verdict),
    )
    for name, text in zip(REPORTS, texts, strict=True):
        write_atomically(folder / name, text.encode())


def print_verdict(verdict: Verdict, *, as_json: bool, verbose: bool) -> ExitCode:
    """Print a verdict on standard output; its decision is the exit code."""
    if as_json:
        sys.stdout.write(write_verdict(verdict).decode())
    else:
        sys.stdout.write(fit_terminal(verdict, verbose=verbose))
    return EXIT_CODES[verdict.decision]


def fit_terminal(verdict: Verdict, *, verbose: bool) -> str:
    """The terminal view, as wide and as colourful as standard output is."""
    import shutil  # noqa: PLC0415 - `--json` must not wait for it

    from gates.report import render_terminal  # noqa: PLC0415 - nor for the report

    width = max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    colour = sys.stdout.isatty() and not plain
    return render_terminal(verdict, width=width, colour=colour, verbose=verbose)


def own_templates(root: Path) -> Path | None:
    """A repository's own templates, where it has any."""
    folder = root / "reports"
    return folder if any(folder.glob("*.j2")) else None
