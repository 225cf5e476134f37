"""The arguments of `gatepost pack`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "pack",
        "check a folder of evidence that something else wrote, and write its manifest",
        "gatepost pack evidence/ --revision 41d07ab",
    )
    parser.add_argument("folder", metavar="DIR", help="a folder with the files of docs/evidence.md")
    parser.add_argument(
        "--revision",
        metavar="REV",
        default="unknown",
        help="the commit that it was made from (default: %(default)s)",
    )
