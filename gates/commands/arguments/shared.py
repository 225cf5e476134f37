"""What the arguments of several commands have in common: how help reads, a day, an event."""

import argparse
from typing import Final, TypeAlias

# argparse has no public name for what `add_subparsers` gives.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

_ALL_EXITS: Final = "`gatepost --help` lists all exit codes."


def add_command(
    commands: Commands, name: str, summary: str, example: str, exits: str = ""
) -> argparse.ArgumentParser:
    """One command: its summary heads its help, an example and its exit codes end it."""
    ends = f"\nexit codes:\n{exits.rstrip()}\n" if exits else ""
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}\n{ends}\n{_ALL_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_date(parser: argparse.ArgumentParser) -> None:
    """The day by which waivers are counted."""
    parser.add_argument(
        "--date",
        metavar="YYYY-MM-DD",
        help="the day in UTC by which waivers end; a `Date` header will do (default: today)",
    )


def add_check(parser: argparse.ArgumentParser) -> None:
    """Which check of which project."""
    parser.add_argument(
        "--check",
        metavar="NAME",
        default="gatepost",
        help="the check's name (default: %(default)s)",
    )
    parser.add_argument(
        "--project",
        metavar="NAME",
        default="main",
        help="of several in one repository (default: %(default)s)",
    )


def add_event(parser: argparse.ArgumentParser) -> None:
    """What happened on GitHub, and in which run."""
    parser.add_argument(
        "--event", metavar="FILE", help="the event's JSON (default: GITHUB_EVENT_PATH)"
    )
    parser.add_argument(
        "--workflow",
        metavar="PATH",
        help="of a workflow_run: the only workflow whose runs count, by its file",
    )
    parser.add_argument("--run", metavar="ID.ATTEMPT", help="the run (default: the event's)")
