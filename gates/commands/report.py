"""`gatepost report`: a verdict → the texts that people read."""

import argparse
import sys
from pathlib import Path

from gates.commands.show import fit_terminal, write_reports
from gates.errors import EvidenceError, ExitCode
from gates.report import render_comment, render_html, render_junit
from gates.verdict import read_verdict


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print one form, or write all beside the verdict."""
    path = Path(arguments.verdict)
    try:
        verdict = read_verdict(path.read_bytes())
    except OSError as error:
        raise EvidenceError(
            f"{path}: cannot be read: {error.strerror}. Make one with `gatepost judge`."
        ) from error
    overrides = Path(arguments.templates) if arguments.templates else None
    if arguments.format is None:
        write_reports(verdict, path.parent, overrides)
        return ExitCode.MAY_MERGE
    if arguments.format == "comment":
        text = render_comment(verdict, overrides=overrides)
    elif arguments.format == "html":
        text = render_html(verdict, overrides=overrides)
    elif arguments.format == "junit":
        text = render_junit(verdict)
    else:
        text = fit_terminal(verdict, verbose=arguments.verbose)
    sys.stdout.write(text)
    return ExitCode.MAY_MERGE
