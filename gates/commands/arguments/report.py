"""The arguments of `gatepost report`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "report",
        "render a verdict as comment, page, JUnit file or terminal view",
        "gatepost report build/gatepost/verdict.json --format comment",
    )
    parser.add_argument("verdict", metavar="VERDICT", help="a verdict.json")
    parser.add_argument(
        "--format",
        choices=("comment", "html", "junit", "terminal"),
        help="print one form (default: write all of them beside the verdict)",
    )
    parser.add_argument("--templates", metavar="DIR", help="templates of your own, by our names")
    parser.add_argument("--verbose", action="store_true", help="terminal: list every finding")
