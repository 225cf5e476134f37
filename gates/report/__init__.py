"""A verdict as texts: pure functions, the same bytes for the same verdict, wherever they run."""

from gates.report.comment import comment as render_comment
from gates.report.comment import not_judged as render_not_judged
from gates.report.comment import running as render_running
from gates.report.headline import headline
from gates.report.junit import junit as render_junit
from gates.report.page import page as render_html
from gates.report.terminal import terminal as render_terminal
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
