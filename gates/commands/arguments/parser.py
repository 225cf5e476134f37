"""The whole command line: all commands, in the order in which somebody meets them."""

import argparse
from typing import Final

from gates import __version__
from gates.commands.arguments import (
    check,
    collect,
    confirm,
    doctor,
    explain,
    init,
    intake,
    judge,
    ledger,
    pack,
    plan,
    publish,
    receive,
    report,
    sweep,
    waive,
)

_SETTING_UP: Final = (init, doctor)
_JUDGING: Final = (check, collect, judge, report)
_ON_GITHUB: Final = (intake, receive, publish, sweep, confirm)
_BESIDE: Final = (pack, explain, plan, ledger, waive)
_EPILOG: Final = """\
examples:
  gatepost init --dry-run            what would set this repository up
  gatepost check                     this branch against its merge base
  gatepost explain segment_floor     what a gate blocks, and how to mend it

exit codes:
  0    may merge
  1    blocked by a gate
  2    the command line or the policy is wrong
  3    cannot judge: pipeline, baseline or evidence missing or broken
  4    a bug in gatepost
  5    GitHub did not take what was to be published
  130  interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options and examples."""
    parser = argparse.ArgumentParser(
        prog="gatepost",
        description="Judge a machine-learning pull request before it merges.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gatepost {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (*_SETTING_UP, *_JUDGING, *_ON_GITHUB, *_BESIDE):
        command.add(commands)
    return parser
