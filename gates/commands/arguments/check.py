"""The arguments of `gatepost check`."""

from gates.commands.arguments.shared import Commands, add_command, add_date


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "check",
        "reproduce this working tree and judge it against its merge base",
        "gatepost check --base origin/main",
        exits="  0 may merge, 1 blocked by a gate, 2 the policy is wrong, 3 cannot judge",
    )
    parser.add_argument(
        "--base",
        metavar="REV",
        help="compare with this revision's merge base (default: the default branch)",
    )
    parser.add_argument(
        "--no-run-cache",
        action="store_true",
        help="run every stage whose inputs changed, even if DVC remembers it (default in CI)",
    )
    add_date(parser)
    parser.add_argument("--verbose", action="store_true", help="list every finding")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON only")
