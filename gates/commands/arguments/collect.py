"""The arguments of `gatepost collect`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "collect",
        "gather the evidence of one revision into a folder",
        "gatepost collect --rev main --out build/evidence-of-main",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rev", metavar="REV", help="a commit (default: the working tree)")
    which.add_argument(
        "--base",
        metavar="REV",
        help="of the working tree: where its test rows are not this revision's merge base's, both "
        "models score both",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="the folder to write")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")
