"""The arguments of `gatepost plan`."""

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "plan",
        "say which limits the test set can decide, and how many rows each would need",
        "gatepost plan --churn 0.02",
        exits="  0 said, 1 with --strict: a strict limit cannot be decided, 3 no evidence to count",
    )
    parser.add_argument(
        "--policy", metavar="FILE", help="a params.yaml (default: the repository's)"
    )
    parser.add_argument(
        "--evidence", metavar="DIR", help="evidence with the test set (default: what is at hand)"
    )
    parser.add_argument(
        "--second",
        metavar="DIR",
        help="evidence of another model on the same rows, such as a reseed, to measure churn",
    )
    parser.add_argument(
        "--churn",
        metavar="SHARE",
        type=float,
        help="the share of rows whose answer changes (default: measured, else 0.06 at most)",
    )
    parser.add_argument(
        "--power",
        metavar="CHANCE",
        type=float,
        default=0.8,
        help="the chance of the right answer (default: %(default)s)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 if a strict limit cannot be decided"
    )
    parser.add_argument("--verbose", action="store_true", help="list every segment")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON only")
