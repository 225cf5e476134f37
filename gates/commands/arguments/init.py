"""The arguments of `gatepost init`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "init",
        "set a DVC repository up: limits, column dictionary, workflows, code owners, hook",
        "gatepost init --dry-run",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the diff, write nothing")
    parser.add_argument("--label", metavar="COLUMN", help="what the model predicts")
    parser.add_argument("--id", metavar="COLUMN", help="the column that names a row")
    parser.add_argument(
        "--owner", metavar="@TEAM", help="who must agree to a change of the limits, for CODEOWNERS"
    )
    parser.add_argument(
        "--action", metavar="OWNER/NAME@COMMIT", help="the release that the workflows use"
    )
