"""`gatepost pack`: evidence from anywhere gets its manifest."""

import argparse
import sys
from pathlib import Path

from gates.collect.pack import pack
from gates.errors import ExitCode


def run(arguments: argparse.Namespace) -> ExitCode:
    """Check the folder and write its manifest."""
    path = pack(Path(arguments.folder), arguments.revision)
    sys.stdout.write(f"{path}\n")
    return ExitCode.MAY_MERGE
