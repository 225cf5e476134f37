"""`gatepost check` and `collect`, as an author calls them in a real repository."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from gates.finding import Decision, Direction, Limit, Subject, fingerprint
from gates.verdict import read_verdict
from gates.waivers.append import append_waivers
from tests.build_waivers import waiver
from tests.cli.command import GATEPOST, gatepost, user_environment
from tests.cli.judged import limits, propose
from tests.shell.project import change_params, commit, git

WRITTEN = {"verdict.json", "comment.md", "report.html", "junit.xml"}
TICKING = """\
import time
while True:
    with open("clock", "a") as clock:
        clock.write("tick")
    time.sleep(0.02)
"""


def out(project: Path) -> Path:
    return project / "build" / "gatepost"


def written(project: Path) -> set[str]:
    return {path.name for path in out(project).iterdir() if path.is_file()}


def test_a_harmless_change_may_merge(project: Path) -> None:
    propose(project, "shift: 900", "shift: 901")
    done = gatepost("check", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    verdict = read_verdict(done.stdout)
    assert (verdict.decision, verdict.policy_from) == (Decision.PASS, "base")
    assert verdict.baseline is not None
    assert verdict.baseline.revision == git(project, "rev-parse", "main")
    assert written(project) == WRITTEN
    assert (out(project) / "verdict.json").read_text("utf-8") == done.stdout
    assert "train" in done.stderr
    assert "exit 0" in done.stderr


def test_a_harmful_change_is_blocked_by_the_bases_limits(project: Path) -> None:
    """The model gets every row wrong, and the margin grows with it, which does not help."""
    propose(project, "shift: 900", "shift: 0")
    change_params(project, "{margin: 0.1}", "{margin: 0.9}")
    done = gatepost("check", cwd=project)
    assert done.returncode == 1, done.stderr
    verdict = read_verdict((out(project) / "verdict.json").read_bytes())
    failed = {outcome.gate for outcome in verdict.outcomes if outcome.outcome == "failed"}
    assert failed == {"metric_regression", "policy_change"}
    (change,) = verdict.policy_changes
    assert change.key == "gates.metric_regression.metrics.accuracy.margin"
    assert (change.direction, change.base, change.candidate) == (Direction.LOOSENED, "0.1", "0.9")
    assert change.key in (out(project) / "comment.md").read_text("utf-8")
    assert "\x1b[" not in done.stdout


def test_waivers_count_from_the_base_alone(project: Path) -> None:
    """The base takes the loss of accuracy upon itself; what this branch adds to that is ignored."""
    accuracy = fingerprint("metric_regression", Subject(metric="accuracy"), Limit(margin=0.1))
    theirs = waiver(accuracy, gate="metric_regression", worst=-1.0)
    (project / "waivers.yaml").write_text(append_waivers("", [theirs]), "utf-8")
    commit(project, "a waiver")
    propose(project, "shift: 900", "shift: 0")
    path = project / "waivers.yaml"
    ours = waiver(accuracy, gate="metric_regression", worst=-2.0)
    path.write_text(append_waivers(path.read_text("utf-8"), [ours]), "utf-8")
    done = gatepost("check", "--date", "2026-12-20", cwd=project)
    assert done.returncode == 1, done.stderr
    verdict = read_verdict((out(project) / "verdict.json").read_bytes())
    waived, _, changed = verdict.outcomes
    assert (waived.outcome, changed.outcome) == ("waived", "failed")
    assert waived.findings[0].waiver is not None
    assert (waived.findings[0].waiver.worst, waived.findings[0].waiver.days_left) == (-1.0, 0)
    (change,) = verdict.policy_changes
    assert change.key == f"waivers.metric_regression.{accuracy}.2"
    comment = (out(project) / "comment.md").read_text("utf-8")
    assert "waived until 2026-12-20 (its last day), by dana" in comment
    assert "it counts once it is on the base" in comment


@pytest.mark.parametrize("on_the_base", [True, False])
def test_waivers_that_cannot_be_read(project: Path, on_the_base: bool) -> None:
    """On the base nothing may be guessed; from here a broken file must not get there."""
    (project / "waivers.yaml").write_text("- gate: schema\n  gate: drift\n", "utf-8")
    if on_the_base:
        commit(project, "a slip")
        (project / "waivers.yaml").unlink()
    done = gatepost("check", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    where = f"{git(project, 'rev-parse', 'HEAD')[:7]}:" if on_the_base else ""
    assert f"gatepost: {where}waivers.yaml:2: the key 'gate' a second time" in done.stderr
    assert written(project) == {"comment.md"}


def test_limits_that_cannot_be_read(project: Path) -> None:
    propose(project, "  schema: {}", "  shcema: {}")
    done = gatepost("check", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "gates.shcema: unknown key; did you mean schema?" in done.stderr
    assert written(project) == {"comment.md"}


def test_a_failing_stage_leaves_its_last_lines_and_no_older_verdict(project: Path) -> None:
    out(project).mkdir(parents=True)
    for name in WRITTEN:
        (out(project) / name).write_text("of an earlier run")
    propose(project, "shift: 900", "shift: 902")
    step = project / "steps" / "train.py"
    step.write_text(step.read_text("utf-8") + "raise SystemExit('out of coffee')\n", "utf-8")
    done = gatepost("check", "--json", cwd=project)
    assert (done.returncode, done.stdout) == (3, "")
    assert "stage train exited with 1" in done.stderr
    assert "out of coffee" in done.stderr
    assert written(project) == {"comment.md"}
    comment = (out(project) / "comment.md").read_text("utf-8")
    assert "stage train exited with 1" in comment
    assert "out of coffee" in comment


def test_an_interrupted_run_judges_nothing_and_leaves_nobody_running(project: Path) -> None:
    propose(project, "shift: 900", "shift: 903")
    step = project / "steps" / "train.py"
    step.write_text(TICKING, "utf-8")
    clock = project / "clock"
    with subprocess.Popen(
        [*GATEPOST, "check"],
        cwd=project,
        env=user_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        started = time.monotonic()
        while not clock.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() - started < 60
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, said[0]) == (130, "")
    assert "interrupted; nothing was judged." in said[1]
    assert "Traceback" not in said[1]
    assert not written(project) - {"comment.md"}
    ticks = clock.stat().st_size
    time.sleep(0.3)
    assert clock.stat().st_size == ticks


def test_the_first_pull_request_has_no_baseline(project: Path) -> None:
    shutil.rmtree(project / ".git")
    git(project, "init", "-q", "-b", "main")
    git(project, "commit", "-q", "--allow-empty", "-m", "an empty repository")
    git(project, "checkout", "-q", "-b", "first")
    commit(project, "the project")
    done = gatepost("check", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    verdict = read_verdict(done.stdout)
    assert (verdict.baseline, verdict.policy_from) == (None, "candidate")
    assert "no pipeline came before" in verdict.baseline_reason
    assert [outcome.outcome for outcome in verdict.outcomes] == ["skipped", "passed", "passed"]


def test_a_base_without_limits_is_judged_by_the_proposed_ones(project: Path) -> None:
    change_params(project, limits(), "")
    commit(project, "no limits")
    git(project, "checkout", "-q", "-b", "proposal")
    path = project / "params.yaml"
    path.write_text(path.read_text("utf-8") + limits(), "utf-8")
    done = gatepost("check", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    verdict = read_verdict(done.stdout)
    assert verdict.policy_from == "candidate"
    assert verdict.baseline is not None


def test_on_the_default_branch_the_working_tree_is_compared_with_its_commit(project: Path) -> None:
    change_params(project, "shift: 900", "shift: 0")
    done = gatepost("check", "--json", cwd=project)
    assert done.returncode == 1, done.stderr
    verdict = read_verdict(done.stdout)
    assert verdict.baseline is not None
    assert verdict.baseline.revision == verdict.candidate.revision
    assert verdict.candidate.dirty


@pytest.mark.parametrize(
    "arguments", [("check", "--base", "nowhere"), ("collect", "--rev", "nowhere", "--out", "x")]
)
def test_a_revision_that_is_not_there(project: Path, arguments: tuple[str, ...]) -> None:
    done = gatepost(*arguments, cwd=project)
    assert done.returncode == 2
    assert "'nowhere': no commit of this repository" in done.stderr
    assert not (project / "x").exists()


def test_outside_of_a_repository(tmp_path: Path) -> None:
    done = gatepost("check", cwd=tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert done.returncode == 2
    assert "Run gatepost inside the repository" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_evidence_of_any_revision_can_be_collected_and_judged_later(project: Path) -> None:
    propose(project, "shift: 900", "shift: 0")
    tree, base = project / "build" / "tree", project / "build" / "base"
    of_tree = gatepost("collect", "--out", tree, "--json", cwd=project)
    of_base = gatepost("collect", "--rev", "main", "--out", base, cwd=project)
    assert (of_tree.returncode, of_base.returncode) == (0, 0), of_tree.stderr + of_base.stderr
    assert json.loads(of_tree.stdout)["dirty"] is True
    assert of_base.stdout == f"{base}\n"
    policy = project / "params.yaml"
    judged = gatepost(
        "judge", "--candidate", tree, "--baseline", base, "--policy", policy, "--json"
    )
    assert judged.returncode == 1, judged.stderr
    assert read_verdict(judged.stdout).baseline is not None


def test_evidence_does_not_replace_what_is_none(project: Path) -> None:
    kept = project / "steps"
    done = gatepost("collect", "--rev", "main", "--out", kept, cwd=project)
    assert done.returncode == 2
    assert "is no evidence, so it is not replaced" in done.stderr
    assert (kept / "train.py").is_file()


def test_the_next_check_knows_what_was_recorded(project: Path) -> None:
    propose(project, "shift: 900", "shift: 901")
    first = gatepost("check", cwd=project)
    assert "no ledger here yet" in first.stderr
    assert "judged" not in (out(project) / "comment.md").read_text("utf-8")
    recorded = gatepost("ledger", "record", "build/gatepost/verdict.json", cwd=project)
    assert recorded.returncode == 0, recorded.stderr
    change_params(project, "shift: 901", "shift: 902")
    commit(project, "again")
    second = gatepost("check", cwd=project)
    assert second.returncode == 0, second.stderr
    assert "judged 2 times since 20" in (out(project) / "comment.md").read_text("utf-8")
    assert "judged 2 times" in second.stdout


OWN_GATE = '''\
from gates.finding import Family, Finding, Limit, State, Subject
from gates.rules.gate import Gate


class Word(Gate, frozen=True, kw_only=True):
    """Says whose code was run.

    What it blocks: nothing.

    Why: a test asks.

    What it does not see: all else.

    Example:
        word: {}
    """

    family = Family.SCOPE

    def judge(self, case):
        limit = Limit(rule="said")
        yield Finding(subject=Subject(key="word"), state=State.PASSED, limit=limit, message="WHOSE")
'''


def test_a_teams_own_gate_is_the_bases_and_never_the_pull_requests(project: Path) -> None:
    """The branch rewrites the base's gate and adds another: neither of them is run."""
    module = project / "team" / "word.py"
    module.parent.mkdir()
    module.write_text(OWN_GATE.replace("WHOSE", "the base's"), "utf-8")
    change_params(project, "gates:\n", "gates:\n  custom: {word: team/word.py}\n  word: {}\n")
    commit(project, "a gate of our own")
    propose(project, "shift: 900", "shift: 901")
    module.write_text('raise SystemExit("the branch\'s code was run")', "utf-8")
    (project / "team" / "more.py").write_text("import nowhere\n", "utf-8")
    change_params(project, "{word: team/word.py}", "{word: team/word.py, more: team/more.py}")
    change_params(project, "  word: {}\n", "  word: {}\n  more: {}\n")
    commit(project, "other code")
    done = gatepost("check", cwd=project)
    assert done.returncode == 0, done.stderr
    verdict = read_verdict((out(project) / "verdict.json").read_bytes())
    (own,) = [outcome for outcome in verdict.outcomes if outcome.gate == "word"]
    assert [finding.message for finding in own.findings] == ["the base's"]
    assert {change.key for change in verdict.policy_changes} == {"gates.custom.more", "gates.more"}
