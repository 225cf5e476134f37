"""The command line: arguments, the error boundary, exit codes. Everything else is imported late.

`--help` must answer at once, so nothing but argparse is loaded before a command is known.
"""

import argparse
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TypeAlias

from gates import __version__
from gates.errors import ExitCode, GatesError

_BLAS = "OPENBLAS_NUM_THREADS"
_REFUSED_BY_THE_MACHINE = (
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
)
_EXIT_CODES = """\
exit codes:
  0    may merge
  1    blocked by a gate
  2    the command line or the policy is wrong
  3    cannot judge: pipeline, baseline or evidence missing or broken
  4    a bug in gatepost
  5    GitHub did not take what was to be published
  130  interrupted
"""


def run() -> None:
    """Run the process to its end; it is short, so garbage is hardly looked for, and not at last."""
    gc.set_threshold(100_000, 20, 20)
    code = main(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """One command; anything that somebody can mend becomes one message and an exit code."""
    chosen = build_parser().parse_args(arguments)
    try:
        code: int = _load(chosen.command).run(chosen)
        sys.stdout.flush()
    except GatesError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted; nothing was judged.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing more, least of all at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CANNOT_JUDGE
    except OSError as error:
        return _report_refusal(error)
    except Exception:  # noqa: BLE001 - the one place where a bug of ours becomes an exit code
        return _report_bug()
    return code


def _load(name: str) -> ModuleType:
    """Import a command, and NumPy with one BLAS thread.

    Our matrices are small: on a busy machine a second thread waits longer than it works. The
    library reads the variable when it is loaded; it is gone again before any child starts.
    """
    ours = _BLAS not in os.environ
    os.environ.setdefault(_BLAS, "1")
    try:
        return importlib.import_module(f"gates.commands.{name}")
    finally:
        if ours:
            del os.environ[_BLAS]


def _report_refusal(error: OSError) -> int:
    if error.errno not in _REFUSED_BY_THE_MACHINE:
        return _report_bug()
    where = error.filename or "writing the output"
    _say(f"{where}: {error.strerror}. Make room or give access, and run again.")
    return ExitCode.CANNOT_JUDGE


def _report_bug() -> int:
    import platform  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    traceback.print_exc()
    _say(
        f"a bug of ours, so nothing was judged (gatepost {__version__}, Python "
        f"{platform.python_version()}, {platform.system()}). Please report it with the lines above."
    )
    return ExitCode.BUG


def _say(message: str) -> None:
    sys.stderr.write(f"gatepost: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options and examples."""
    parser = argparse.ArgumentParser(
        prog="gatepost",
        description="Judge a machine-learning pull request before it merges.",
        epilog="examples:\n"
        "  gatepost init --dry-run            what would set this repository up\n"
        "  gatepost check                     this branch against its merge base\n"
        "  gatepost explain segment_floor     what a gate blocks, and how to mend it\n\n"
        + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gatepost {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_init(commands)
    _add_doctor(commands)
    _add_check(commands)
    _add_collect(commands)
    _add_judge(commands)
    _add_report(commands)
    _add_intake(commands)
    _add_receive(commands)
    _add_publish(commands)
    _add_sweep(commands)
    _add_confirm(commands)
    _add_pack(commands)
    _add_explain(commands)
    _add_plan(commands)
    _add_ledger(commands)
    _add_waive(commands)
    return parser


# argparse has no public name for what `add_subparsers` gives.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def _add(commands: Commands, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_init(commands: Commands) -> None:
    parser = _add(
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


def _add_doctor(commands: Commands) -> None:
    parser = _add(
        commands,
        "doctor",
        "say what is weak in this repository's set-up, and how to mend it",
        "gatepost doctor --github owner/name\n\n"
        "Exit 1: something is missing, or lets a verdict be forged. Exit 3: nothing is, but not\n"
        "everything could be looked at.",
    )
    parser.add_argument("--base", metavar="REV", help="as of check (default: the default branch)")
    parser.add_argument(
        "--github",
        metavar="OWNER/NAME",
        help="also read the repository's settings by the API, with GITHUB_TOKEN",
    )
    parser.add_argument(
        "--check", metavar="NAME", default="gatepost", help="the required check's name"
    )
    parser.add_argument("--json", action="store_true", help="print JSON only")


def _add_check(commands: Commands) -> None:
    parser = _add(
        commands,
        "check",
        "reproduce this working tree and judge it against its merge base",
        "gatepost check --base origin/main",
    )
    parser.add_argument(
        "--base",
        metavar="REV",
        help="compare with this revision's merge base (default: the default branch)",
    )
    parser.add_argument(
        "--no-run-cache",
        action="store_true",
        help="run every stage whose inputs changed, even if DVC remembers it (default in CI)",
    )
    _add_date(parser)
    parser.add_argument("--verbose", action="store_true", help="list every finding")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON only")


def _add_date(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--date",
        metavar="YYYY-MM-DD",
        help="the day in UTC by which waivers end; a `Date` header will do (default: today)",
    )


def _add_collect(commands: Commands) -> None:
    parser = _add(
        commands,
        "collect",
        "gather the evidence of one revision into a folder",
        "gatepost collect --rev main --out build/evidence-of-main",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rev", metavar="REV", help="a commit (default: the working tree)")
    which.add_argument(
        "--base",
        metavar="REV",
        help="of the working tree: where its test rows are not this revision's merge base's, both "
        "models score both",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="the folder to write")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")


def _add_judge(commands: Commands) -> None:
    parser = _add(
        commands,
        "judge",
        "judge evidence folders; runs nothing of the repository and opens no model",
        "gatepost judge --candidate new --baseline old --policy params.yaml --out verdict.json",
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
        help="the pull request's params.yaml, to name what it changes",
    )
    parser.add_argument(
        "--waivers", metavar="FILE", help="a waivers.yaml: the base branch's (default: none)"
    )
    parser.add_argument(
        "--candidate-waivers",
        metavar="FILE",
        help="the pull request's waivers.yaml, to name what it changes; it waives nothing",
    )
    _add_date(parser)
    parser.add_argument("--out", metavar="FILE", help="write the verdict here as well")
    parser.add_argument("--verbose", action="store_true", help="list every finding")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON only")


def _add_report(commands: Commands) -> None:
    parser = _add(
        commands,
        "report",
        "render a verdict as comment, page, JUnit file or terminal view",
        "gatepost report build/gatepost/verdict.json --format comment",
    )
    parser.add_argument("verdict", metavar="VERDICT", help="a verdict.json")
    parser.add_argument(
        "--format",
        choices=("comment", "html", "junit", "terminal"),
        help="print one form (default: write all of them beside the verdict)",
    )
    parser.add_argument("--templates", metavar="DIR", help="templates of your own, by our names")
    parser.add_argument("--verbose", action="store_true", help="terminal: list every finding")


def _add_intake(commands: Commands) -> None:
    parser = _add(
        commands,
        "intake",
        "fetch the evidence that a workflow run left, as data that nobody trusts",
        "gatepost intake --workflow .github/workflows/gates.yml --out build/candidate",
    )
    parser.add_argument(
        "--artifact",
        metavar="NAME",
        default="evidence",
        help="the artifact, without `-<attempt>` at its end (default: evidence)",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="the folder to write")
    _add_event(parser)


def _add_event(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--event", metavar="FILE", help="the event's JSON (default: GITHUB_EVENT_PATH)"
    )
    parser.add_argument(
        "--workflow",
        metavar="PATH",
        help="of a workflow_run: the only workflow whose runs count, by its file",
    )
    parser.add_argument("--run", metavar="ID.ATTEMPT", help="the run (default: the event's)")


def _add_receive(commands: Commands) -> None:
    parser = _add(
        commands,
        "receive",
        "fetch the evidence of a workflow run and of its base, and judge it as hostile data",
        "gatepost receive --workflow .github/workflows/gates.yml --policy params.yaml --out build",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="a folder for the verdict")
    parser.add_argument(
        "--policy", metavar="FILE", required=True, help="the default branch's params.yaml"
    )
    parser.add_argument(
        "--ledger", metavar="FILE", help="how often the test set was judged: `ledger show --lines`"
    )
    parser.add_argument(
        "--artifact", metavar="NAME", default="ml-evidence", help="without `-<attempt>` at its end"
    )
    parser.add_argument(
        "--baseline-artifact",
        metavar="NAME",
        default="ml-baseline",
        help="of the base, without `-<attempt>` at its end",
    )
    parser.add_argument(
        "--baseline-workflow",
        metavar="PATH",
        default=".github/workflows/baseline.yml",
        help="which leaves the evidence of the default branch (default: %(default)s)",
    )
    _add_event(parser)


def _add_publish(commands: Commands) -> None:
    parser = _add(
        commands,
        "publish",
        "post a verdict to its pull request, and set the check run that blocks the merge",
        "gatepost publish build/gatepost/verdict.json --dry-run\n\n"
        "The token is read from GATEPOST_TOKEN or GITHUB_TOKEN, never from the command line.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("verdict", metavar="VERDICT", nargs="?", help="a verdict.json")
    what.add_argument("--running", action="store_true", help="say that a verdict is being made")
    what.add_argument("--not-judged", metavar="REASON", help="say that there is none, and why")
    _add_event(parser)
    parser.add_argument("--check", metavar="NAME", default="gatepost", help="the check's name")
    parser.add_argument(
        "--project", metavar="NAME", default="main", help="of several in one repository"
    )
    parser.add_argument(
        "--author", metavar="LOGIN", help="who posts: `<app>[bot]` (default: the token's owner)"
    )
    parser.add_argument(
        "--poster",
        choices=("cml", "api"),
        default="cml",
        help="what posts the comment; without CML it is the API (default: cml)",
    )
    parser.add_argument(
        "--known", metavar="FILE", help="the repository.json that `receive` left; saves a call"
    )
    parser.add_argument("--templates", metavar="DIR", help="templates of your own, by our names")
    parser.add_argument("--dry-run", action="store_true", help="print what would be posted")


def _add_sweep(commands: Commands) -> None:
    parser = _add(
        commands,
        "sweep",
        "end the checks that a lost run left in progress; run it hourly",
        "gatepost sweep --workflow .github/workflows/gates.yml",
    )
    parser.add_argument(
        "--workflow", metavar="PATH", required=True, help="the workflow whose runs are judged"
    )
    parser.add_argument("--check", metavar="NAME", default="gatepost", help="the check's name")
    parser.add_argument(
        "--project", metavar="NAME", default="main", help="of several in one repository"
    )
    parser.add_argument("--author", metavar="LOGIN", help="who posts: `<app>[bot]`")


def _add_confirm(commands: Commands) -> None:
    parser = _add(
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
        help="the claim's, without `-<attempt>`",
    )
    parser.add_argument(
        "--baseline-artifact",
        metavar="NAME",
        default="ml-baseline",
        help="this run's, without `-<attempt>`",
    )


def _add_pack(commands: Commands) -> None:
    parser = _add(
        commands,
        "pack",
        "check a folder of evidence that something else wrote, and write its manifest",
        "gatepost pack evidence/ --revision 41d07ab",
    )
    parser.add_argument("folder", metavar="DIR", help="the folder")
    parser.add_argument("--revision", metavar="REV", default="unknown", help="whence it came")


def _add_explain(commands: Commands) -> None:
    parser = _add(
        commands,
        "explain",
        "say what a gate blocks, why, what it does not see, and how to set it",
        "gatepost explain segment_regression",
    )
    parser.add_argument("gate", metavar="GATE", nargs="?", help="a gate's name (default: list all)")
    parser.add_argument("--schema", action="store_true", help="print the policy's JSON Schema")
    parser.add_argument("--pages", metavar="DIR", help="write a page of Markdown for each gate")


def _add_plan(commands: Commands) -> None:
    parser = _add(
        commands,
        "plan",
        "say which limits the test set can decide, and how many rows each would need",
        "gatepost plan --churn 0.02",
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
        help="the chance of the right answer (default: 0.8)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 if a strict limit cannot be decided"
    )
    parser.add_argument("--verbose", action="store_true", help="list every segment")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON only")


def _add_ledger(commands: Commands) -> None:
    parser = _add(
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


def _add_waive(commands: Commands) -> None:
    parser = _add(
        commands,
        "waive",
        "let what a gate found pass for a while, once the base branch says so",
        "gatepost waive segment_regression --until 2026-12-20 --worst=-0.07 \\\n"
        '    --reason "relabelling is under way (#131)" --dry-run',
    )
    parser.add_argument("gate", metavar="GATE", nargs="?", help="a gate that blocks")
    parser.add_argument(
        "--until", metavar="DATE", help="the last day, in UTC; at most 30 days ahead"
    )
    parser.add_argument(
        "--worst",
        metavar="VALUE",
        type=float,
        help="the worst value that you accept: of the change where the limit is a margin, else of "
        "the value itself; a finding without a number needs none",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for those who approve it")
    parser.add_argument(
        "--finding",
        metavar="FINGERPRINT",
        help="one of the gate's findings (default: all of them that block)",
    )
    parser.add_argument(
        "--verdict", metavar="FILE", help="(default: the last, build/gatepost/verdict.json)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the diff, write nothing")
    parser.add_argument(
        "--list",
        action="store_true",
        help="list all waivers with days left, and what the last verdict made of each",
    )
    _add_date(parser)


if __name__ == "__main__":
    run()
