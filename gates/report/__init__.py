"""A verdict as texts: pure functions, the same bytes for the same verdict, wherever they run."""

from pathlib import Path

from gates.finding import Verdict
from gates.report.comment import comment as render_comment
from gates.report.comment import not_judged as render_not_judged
from gates.report.comment import running as render_running
from gates.report.headline import headline
from gates.verdict import read_verdict, write_verdict

__all__ = [
    "headline",
    "read_verdict",
    "render_comment",
    "render_html",
    "render_junit",
    "render_not_judged",
    "render_running",
    "render_terminal",
    "write_verdict",
]


def render_html(verdict: Verdict, *, overrides: Path | None = None) -> str:
    """The HTML report of a verdict: everything it holds, the decision first."""
    from gates.report.page import page  # noqa: PLC0415 - a comment must not wait for it

    return page(verdict, overrides=overrides)


def render_junit(verdict: Verdict) -> str:
    """The verdict as JUnit XML: one test case a gate."""
    from gates.report.junit import junit  # noqa: PLC0415 - a comment must not wait for it

    return junit(verdict)


def render_terminal(
    verdict: Verdict, *, width: int = 100, colour: bool = False, verbose: bool = False
) -> str:
    """The verdict in lines of at most `width` columns (60 to 120), coloured only where asked."""
    from gates.report.terminal import terminal  # noqa: PLC0415 - a comment must not wait for it

    return terminal(verdict, width=width, colour=colour, verbose=verbose)
