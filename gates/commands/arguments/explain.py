"""The arguments of `gatepost explain`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "explain",
        "say what a gate blocks, why, what it does not see, and how to set it",
        "gatepost explain segment_regression",
    )
    parser.add_argument("gate", metavar="GATE", nargs="?", help="a gate's name (default: list all)")
    parser.add_argument("--schema", action="store_true", help="print the policy's JSON Schema")
    parser.add_argument("--pages", metavar="DIR", help="write a page of Markdown for each gate")
