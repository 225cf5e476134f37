"""The arguments of `gatepost publish`."""

from gates.commands.arguments.shared import Commands, add_check, add_command, add_event


def add(commands: Commands) -> None:
    """Its options, with an example."""
    parser = add_command(
        commands,
        "publish",
        "post a verdict to its pull request, and set the check run that blocks the merge",
        "gatepost publish build/gatepost/verdict.json --dry-run\n\n"
        "The token is read from GATEPOST_TOKEN or GITHUB_TOKEN, never from the command line.",
        exits="  0 published, 5 GitHub did not take it",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("verdict", metavar="VERDICT", nargs="?", help="a verdict.json")
    what.add_argument("--running", action="store_true", help="say that a verdict is being made")
    what.add_argument("--not-judged", metavar="REASON", help="say that there is none, and why")
    add_event(parser)
    add_check(parser)
    parser.add_argument(
        "--author", metavar="LOGIN", help="who posts: `<app>[bot]` (default: the token's owner)"
    )
    parser.add_argument(
        "--poster",
        choices=("cml", "api"),
        default="cml",
        help="what posts the comment; without CML it is the API (default: %(default)s)",
    )
    parser.add_argument(
        "--known", metavar="FILE", help="the repository.json that `receive` left; saves a call"
    )
    parser.add_argument("--templates", metavar="DIR", help="templates of your own, by our names")
    parser.add_argument("--dry-run", action="store_true", help="print what would be posted")
