"""The arguments of `gatepost intake`."""

from gates.commands.arguments.shared import Commands, add_command, add_event


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "intake",
        "fetch the evidence that a workflow run left, as data that nobody trusts",
        "gatepost intake --workflow .github/workflows/gates.yml --out build/candidate",
    )
    parser.add_argument(
        "--artifact",
        metavar="NAME",
        default="evidence",
        help="the artifact, without `-<attempt>` at its end (default: %(default)s)",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="the folder to write")
    add_event(parser)
