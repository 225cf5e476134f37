"""The arguments of `gatepost receive`."""

from gates.commands.arguments.shared import Commands, add_command, add_event


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "receive",
        "fetch the evidence of a workflow run and of its base, and judge it as hostile data",
        "gatepost receive --workflow .github/workflows/gates.yml --policy params.yaml --out build",
        exits="  0 may merge, 1 blocked by a gate, 2 the policy is wrong, 3 cannot judge",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="a folder for the verdict")
    parser.add_argument(
        "--policy", metavar="FILE", required=True, help="the default branch's params.yaml"
    )
    parser.add_argument(
        "--ledger", metavar="FILE", help="how often the test set was judged: `ledger show --lines`"
    )
    parser.add_argument(
        "--artifact",
        metavar="NAME",
        default="ml-evidence",
        help="the artifact, without `-<attempt>` at its end (default: %(default)s)",
    )
    parser.add_argument(
        "--baseline-artifact",
        metavar="NAME",
        default="ml-baseline",
        help="of the base, without `-<attempt>` at its end (default: %(default)s)",
    )
    parser.add_argument(
        "--baseline-workflow",
        metavar="PATH",
        default=".github/workflows/baseline.yml",
        help="which leaves the evidence of the default branch (default: %(default)s)",
    )
    add_event(parser)
