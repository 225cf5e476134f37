"""The arguments of `gatepost ledger`."""

import argparse

from gates.commands.arguments.shared import Commands, add_command


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "ledger",
        "count how often each test set was judged, and say what that costs in certainty",
        "gatepost ledger show",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    record = actions.add_parser("record", help="add a verdict to the ledger of this repository")
    record.add_argument("verdict", metavar="VERDICT", help="a verdict.json")
    record.add_argument("--push", metavar="REMOTE", help="bring the ledger to a remote as well")
    gather = actions.add_parser("gather", help="record what the trusted workflow's runs judged")
    gather.add_argument("--push", metavar="REMOTE", required=True, help="bring it to this remote")
    gather.add_argument(
        "--workflow",
        metavar="PATH",
        default=".github/workflows/report.yml",
        help="the trusted workflow (default: %(default)s)",
    )
    gather.add_argument("--artifact", metavar="NAME", default="ml-verdict", help=argparse.SUPPRESS)
    show = actions.add_parser("show", help="print each test set's count and what it may cost")
    show.add_argument(
        "--test-set", metavar="DIGEST", help="only this one, by how its digest starts"
    )
    form = show.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with more numbers")
    form.add_argument(
        "--lines", action="store_true", help="print the entries, for `gatepost judge --ledger`"
    )
