"""The arguments of `gatepost waive`."""

from gates.commands.arguments.shared import Commands, add_command, add_date


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "waive",
        "let what a gate found pass for a while, once the base branch says so",
        "gatepost waive segment_regression --until 2026-12-20 --worst=-0.07 \\\n"
        '    --reason "relabelling is under way (#131)" --dry-run',
    )
    parser.add_argument("gate", metavar="GATE", nargs="?", help="a gate that blocks")
    parser.add_argument(
        "--until", metavar="DATE", help="the last day, in UTC; at most 30 days ahead"
    )
    parser.add_argument(
        "--worst",
        metavar="VALUE",
        type=float,
        help="the worst value that you accept: of the change where the limit is a margin, else of "
        "the value itself; a finding without a number needs none",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for those who approve it")
    parser.add_argument(
        "--finding",
        metavar="FINGERPRINT",
        help="one of the gate's findings (default: all of them that block)",
    )
    parser.add_argument(
        "--verdict",
        metavar="FILE",
        help="what found it (default: the last, build/gatepost/verdict.json)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the diff, write nothing")
    parser.add_argument(
        "--list",
        action="store_true",
        help="list all waivers with days left, and what the last verdict made of each",
    )
    add_date(parser)
