"""The arguments of `gatepost confirm`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "confirm",
        "on the default branch: compare this run's evidence with what its pull request claimed",
        "gatepost confirm --workflow .github/workflows/gates.yml",
    )
    parser.add_argument(
        "--workflow", metavar="PATH", required=True, help="the workflow that left the claim"
    )
    parser.add_argument(
        "--artifact",
        metavar="NAME",
        default="ml-evidence",
        help="the claim's, without `-<attempt>` (default: %(default)s)",
    )
    parser.add_argument(
        "--baseline-artifact",
        metavar="NAME",
        default="ml-baseline",
        help="this run's, without `-<attempt>` (default: %(default)s)",
    )
