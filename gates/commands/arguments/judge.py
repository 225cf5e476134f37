"""The arguments of `gatepost judge`."""

from gates.commands.arguments.shared import Commands, add_command, add_date


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "judge",
        "judge evidence folders; runs nothing of the repository and opens no model",
        "gatepost judge --candidate new --baseline old --policy params.yaml --out verdict.json",
        exits="  0 may merge, 1 blocked by a gate, 2 the policy is wrong, 3 cannot judge",
    )
    parser.add_argument(
        "--candidate",
        metavar="DIR",
        required=True,
        help="evidence to judge; with --engine spark, also an address such as s3a://bucket/run",
    )
    parser.add_argument("--baseline", metavar="DIR", help="evidence to compare it with")
    parser.add_argument(
        "--anchor", metavar="DIR", help="evidence of the last release, where the policy asks for it"
    )
    parser.add_argument(
        "--engine",
        choices=("embedded", "spark"),
        default="embedded",
        help="what reads the tables: this process, or Spark, which also reads s3a:// and hdfs:// "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--ledger", metavar="FILE", help="how often the test set was judged: `ledger show --lines`"
    )
    parser.add_argument(
        "--policy", metavar="FILE", required=True, help="a params.yaml: the base branch's"
    )
    parser.add_argument(
        "--candidate-policy",
        metavar="FILE",
        help="the pull request's params.yaml, to name what it changes; it sets no limit",
    )
    parser.add_argument(
        "--waivers", metavar="FILE", help="a waivers.yaml: the base branch's (default: none)"
    )
    parser.add_argument(
        "--candidate-waivers",
        metavar="FILE",
        help="the pull request's waivers.yaml, to name what it changes; it waives nothing",
    )
    add_date(parser)
    parser.add_argument("--out", metavar="FILE", help="write the verdict here as well")
    parser.add_argument("--verbose", action="store_true", help="list every finding")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON only")
