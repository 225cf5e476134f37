"""The command line as a contract: exit codes, what goes to which stream, help that is true."""

import json
import os
import pty
import shlex
import subprocess
import textwrap
from pathlib import Path

import pytest

from gates.commands.arguments.parser import build_parser
from gates.policy.policy import read_policy
from gates.rules import GATES
from gates.verdict import read_verdict
from tests.cli.command import GATEPOST, ROOT, call_main, gatepost, user_environment
from tests.cli.folders import LIMITS, make_good, rewrite, set_column, spoil

COMMANDS = (
    *("init", "doctor", "check", "collect", "judge", "report", "pack", "explain", "plan", "ledger"),
    *("waive", "intake", "receive", "publish", "sweep", "confirm"),
)
PARTS = ("What it blocks:", "Why:", "What it does not see:", "Example:")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good evidence, evidence of a model that is wrong on half the rows, limits, and a verdict."""
    folder = tmp_path_factory.mktemp("here")
    make_good(folder / "good")
    wrong = rewrite("predictions.parquet", set_column("score", [0.4] * 200))
    spoil(folder / "good", folder / "bad", wrong)
    (folder / "params.yaml").write_text(LIMITS)
    done = gatepost(*judged("bad"), "--out", "verdict.json", cwd=folder)
    assert done.returncode == 1, done.stderr
    return folder


def judged(candidate: str, *more: str) -> tuple[str, ...]:
    sides = ("--candidate", candidate, "--baseline", "good")
    return ("judge", *sides, "--policy", "params.yaml", *more)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_parses(command: str) -> None:
    done = call_main(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    example = done.stdout.partition("example:\n")[2].partition("\n\n")[0].replace("\\\n", " ")
    assert build_parser().parse_args(shlex.split(example)[1:]).command == command


def test_help_lists_every_command_and_every_exit_code() -> None:
    text = gatepost("--help").stdout
    for word in (*COMMANDS, "0 ", "1 ", "2 ", "3 ", "4 ", "130"):
        assert f"  {word}" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "required: COMMAND"),
        (("jugde",), "invalid choice: 'jugde'"),
        (("judge",), "required: --candidate, --policy"),
        (("judge", "--candidate"), "expected one argument"),
        (("report", "x", "--format", "pdf"), "invalid choice: 'pdf'"),
        (("explain", "drif"), "no such gate; did you mean drift?"),
        (("explain", "</td>\n@all"), "no such gate; known: calibration, churn, columns"),
    ],
)
def test_a_wrong_command_line_says_what_is_right(arguments: tuple[str, ...], message: str) -> None:
    done = call_main(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize("gate", GATES)
def test_a_gates_page_has_four_parts_and_an_example_that_is_a_policy(gate: str) -> None:
    done = call_main("explain", gate)
    assert (done.returncode, done.stderr) == (0, "")
    places = [done.stdout.index(part) for part in PARTS]
    assert places == sorted(places)
    example = done.stdout[places[-1] :].removeprefix("Example:").split("\n\nKeys and")[0]
    policy = read_policy(f"gates:\n{textwrap.indent(example, '  ')}".encode(), "example")
    assert list(policy.gates) == [gate]
    for key in policy.gates[gate].__struct_fields__:
        assert f"\n  {key}: " in done.stdout[places[-1] :]


def test_explain_lists_all_gates_and_the_schema_is_json() -> None:
    listed = gatepost("explain").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(GATES)
    assert all(line.endswith(".") for line in listed)
    assert set(GATES) <= set(
        json.loads(gatepost("explain", "--schema").stdout)["$defs"]["Gates"]["properties"]
    )


@pytest.mark.parametrize(("candidate", "code"), [("good", 0), ("bad", 1)])
def test_a_verdict_is_json_on_standard_output_and_in_the_file(
    here: Path, tmp_path: Path, candidate: str, code: int
) -> None:
    out = tmp_path / "verdict.json"
    done = gatepost(*judged(candidate, "--json", "--out", str(out)), cwd=here)
    assert (done.returncode, done.stderr) == (code, "")
    assert read_verdict(done.stdout).decision == ("pass", "fail")[code]
    assert out.read_text("utf-8") == done.stdout


def test_a_loosened_limit_is_named_without_git(here: Path, tmp_path: Path) -> None:
    (tmp_path / "looser.yaml").write_text(LIMITS.replace("ceiling: 0.5", "ceiling: 0.6"))
    changes = ("--candidate-policy", str(tmp_path / "looser.yaml"), "--json")
    (change,) = read_verdict(gatepost(*judged("bad", *changes), cwd=here).stdout).policy_changes
    assert (change.key, change.direction) == ("gates.calibration.ceiling", "loosened")


def test_judging_where_everything_is_skipped_is_no_pass(here: Path, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("gates: {metric_regression: {metrics: {f1: {margin: 0.9}}}}")
    done = gatepost("judge", "--candidate", here / "good", "--policy", tmp_path / "p.yaml")
    assert done.returncode == 3
    assert "every gate was skipped" in done.stdout


def test_every_form_of_a_report(here: Path, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_bytes((here / "verdict.json").read_bytes())
    done = gatepost("report", "verdict.json", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    files = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert set(files) == {"verdict.json", "comment.md", "report.html", "junit.xml"}
    for form, name in (("comment", "comment.md"), ("html", "report.html"), ("junit", "junit.xml")):
        printed = gatepost("report", "verdict.json", "--format", form, cwd=tmp_path)
        assert (printed.returncode, printed.stdout) == (0, files[name])
    terminal = gatepost("report", "verdict.json", "--format", "terminal", cwd=tmp_path)
    assert terminal.stdout == gatepost(*judged("bad"), cwd=here).stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "verdict.json: cannot be read: No such file"),
        ("{", "verdict.json: Input data was truncated"),
        ("{}", "missing required field"),
        ('{"schema": 2}', "Invalid enum value 2"),
    ],
)
def test_what_is_no_verdict_is_not_reported(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "verdict.json").write_text(content)
    done = gatepost("report", "verdict.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"verdict.json"}


def test_a_plain_folder_is_packed_and_judged(here: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for path in (here / "good").iterdir():
        if path.name != "manifest.json":
            (plain / path.name).write_bytes(path.read_bytes())
    unpacked = gatepost("judge", "--candidate", plain, "--policy", here / "params.yaml")
    assert unpacked.returncode == 3
    assert f"gatepost pack {plain}" in unpacked.stderr
    packed = gatepost("pack", plain, "--revision", "v1")
    assert (packed.returncode, packed.stdout) == (0, f"{plain / 'manifest.json'}\n")
    done = gatepost("judge", "--candidate", plain, "--policy", here / "params.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert read_verdict(done.stdout).candidate.revision == "v1"


def test_whoever_stops_reading_gets_no_traceback(here: Path) -> None:
    with subprocess.Popen(
        [*GATEPOST, *judged("bad", "--json")],
        cwd=here,
        env=user_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""
    assert process.returncode == 3  # nobody knows what the verdict was


@pytest.mark.parametrize(
    ("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_that_want_it(
    here: Path, variables: dict[str, str], coloured: bool
) -> None:
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*GATEPOST, *judged("bad")],
        cwd=here,
        env=user_environment(**{"TERM": "xterm", **variables}),
        stdout=follower,
    ):
        os.close(follower)
        shown = b""
        while True:
            try:
                block = os.read(leader, 1 << 16)
            except OSError:  # how Linux says that the other side is closed
                break
            if not block:
                break
            shown += block
    os.close(leader)
    assert (b"\x1b[" in shown) is coloured
    assert b"blocked" in shown


def test_a_pipe_is_no_terminal(here: Path) -> None:
    for variables in ({}, {"CI": "true"}, {"TERM": "xterm-256color"}):
        assert "\x1b[" not in gatepost(*judged("bad"), cwd=here, **variables).stdout


def test_the_version_is_the_packages() -> None:
    from gates import __version__

    assert gatepost("--version", cwd=ROOT).stdout == f"gatepost {__version__}\n"
