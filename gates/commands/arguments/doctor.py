"""The arguments of `gatepost doctor`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "doctor",
        "say what is weak in this repository's set-up, and how to mend it",
        "gatepost doctor --github owner/name",
        exits="  0  nothing is missing, and no verdict can be forged\n"
        "  1  something is missing, or lets a verdict be forged\n"
        "  3  nothing is, but not everything could be looked at",
    )
    parser.add_argument("--base", metavar="REV", help="as of check (default: the default branch)")
    parser.add_argument(
        "--github",
        metavar="OWNER/NAME",
        help="also read the repository's settings by the API, with GITHUB_TOKEN",
    )
    parser.add_argument(
        "--check",
        metavar="NAME",
        default="gatepost",
        help="the required check's name (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON only")
