"""A team's own gate: the one that docs/custom-gates.md shows, and what may be wrong with one."""

import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from gates.custom import Unloaded, load_gate, loading, reading_below
from gates.errors import PolicyError
from gates.finding import Direction
from gates.policy.changes import policy_changes
from gates.policy.policy import own_gates, policy_schema, read_policy
from tests.cli.command import ROOT, gatepost, user_environment
from tests.cli.folders import make_good

MODULE, POLICY, TEST = re.findall(
    r"```(?:python|yaml)\n(.*?)```", (ROOT / "docs/custom-gates.md").read_text("utf-8"), re.DOTALL
)
PATH = "team_gates/of_age.py"
DEFINED = MODULE[: MODULE.index('    """Blocks test rows')]
JUDGES = "    def judge(self, case: Case) -> Iterator[Item]:\n        yield from ()\n"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A repository with the page's module, policy and test in it."""
    (tmp_path / "team_gates").mkdir()
    (tmp_path / PATH).write_text(MODULE, "utf-8")
    (tmp_path / "params.yaml").write_text(POLICY, "utf-8")
    (tmp_path / "test_of_age.py").write_text(TEST, "utf-8")
    return tmp_path


def test_the_pages_own_test_passes(team: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_of_age.py"],
        cwd=team,
        env={**user_environment(), "PYTHONPATH": f"{team}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_it_judges_and_is_explained_like_ours(team: Path) -> None:
    make_good(team / "good")  # ages from 0 to 99
    sides = ("--candidate", "good", "--baseline", "good")
    done = gatepost("judge", *sides, "--policy", "params.yaml", cwd=team)
    assert done.returncode == 1, done.stderr
    assert "36 of 200 people are younger than 18." in done.stdout
    assert "Blocks test rows of people" in gatepost("explain", "of_age", cwd=team).stdout
    assert gatepost("explain", "--pages", "pages", cwd=team).returncode == 0
    assert "| `floor` | `18` |" in (team / "pages/of_age.md").read_text("utf-8")


def test_its_keys_are_typed(team: Path) -> None:
    load = loading(reading_below(team))
    with pytest.raises(PolicyError, match=r"params.yaml:3: gates.of_age.flor: unknown key; did"):
        read_policy(POLICY.replace("floor", "flor").encode(), "params.yaml", load)
    known = policy_schema(own_gates(POLICY.encode(), "params.yaml", load))
    good = {"gates": {"custom": {"of_age": PATH}, "of_age": {"floor": 18}}}
    jsonschema.validate(good, known)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"gates": {"of_age": {"floor": "old"}}}, known)


def test_who_only_looks_at_a_policy_runs_nothing() -> None:
    policy = read_policy(POLICY.encode(), "params.yaml")
    assert policy.gates["of_age"] == Unloaded(demands={"floor": 18})


def test_a_pull_requests_limits_are_compared_without_running_its_gate(team: Path) -> None:
    base = read_policy(POLICY.encode(), "base", loading(reading_below(team)))
    lower = read_policy(POLICY.replace("18", "12").encode(), "head")
    gone = read_policy(b"gates:\n  schema: {}\n", "head")
    assert [(change.key, change.direction) for change in policy_changes(base, lower)] == [
        ("gates.of_age.floor", Direction.LOOSENED)
    ]
    loosened = {
        change.key for change in policy_changes(base, gone) if change.direction == "loosened"
    }
    assert loosened == {"gates.custom.of_age", "gates.of_age"}


def test_an_unloaded_gate_judges_nothing() -> None:
    with pytest.raises(PolicyError, match="not loaded"):
        Unloaded().judge(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = (", r"of_age.py:1: does not run: SyntaxError: '\(' was never closed. Mend"),
        ("\nimport nowhere", r"of_age.py:2: does not run: ModuleNotFoundError: No module named"),
        ("x = 1", "defines none of the classes"),
        (MODULE + "\n\nclass Other(OfAge):\n    pass\n", "defines OfAge, Other of the classes"),
        (MODULE.replace("Why:", "Because:"), "docstring of OfAge is its documentation and needs"),
        (MODULE.replace("    family: ClassVar[Family] = Family.DATA\n", ""), "OfAge has no family"),
        (MODULE.replace("def judge", "def decide"), "no method judge, so it judges nothing"),
        ("#" * (1 << 21), "2,097,152 bytes; at most 1,048,576 are read"),
        ("raise SystemExit(0)", "does not run: SystemExit"),
    ],
)
def test_a_module_that_is_no_gate_says_what_is_wrong(content: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        load_gate("of_age", PATH, content.encode())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{of_age: ../of_age.py}", "not the path of a Python file below"),
        ("{of_age: /etc/of_age.py}", "not the path of a Python file below"),
        ("{of_age: of_age.sh}", "not the path of a Python file below"),
        ("{of_age: team_gates/gone.py}", "no file team_gates/gone.py. Commit"),
        ("{of_age: link.py}", "no file link.py"),
        ("{schema: team_gates/of_age.py}", "params.yaml:2: gates.custom.schema: there is a key of"),
        ("{Of-Age: team_gates/of_age.py}", r"params.yaml:2: gates.custom\S*: never judged"),
    ],
)
def test_a_wrong_line_says_what_is_right(team: Path, line: str, message: str) -> None:
    (team / "link.py").symlink_to(ROOT / "gates/custom.py")
    text = POLICY.replace("{of_age: team_gates/of_age.py}", line)
    with pytest.raises(PolicyError, match=message):
        read_policy(text.encode(), "params.yaml", loading(reading_below(team)))
