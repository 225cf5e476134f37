"""The arguments of `gatepost sweep`."""

from gates.commands.arguments.shared import Commands, add_check, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "sweep",
        "end the checks that a lost run left in progress; run it hourly",
        "gatepost sweep --workflow .github/workflows/gates.yml",
    )
    parser.add_argument(
        "--workflow", metavar="PATH", required=True, help="the workflow whose runs are judged"
    )
    add_check(parser)
    parser.add_argument("--author", metavar="LOGIN", help="who posts: `<app>[bot]`")
