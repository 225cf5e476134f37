"""What the doctor says of workflows: of ours nothing, of each mutant the setting that is weak."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.doctor.sign import Level, Sign
from gates.doctor.workflow_files import environments_in
from gates.doctor.workflows import examine_workflows
from gates.setup.workflows import FOLDER, NAMES, adapt, find_install, find_release, template
from tests.workflows.model import ROOT, read_texts
from tests.workflows.mutants import MUTANTS, Mutant

TEXTS = {name: text for name, text in read_texts().items() if not name.endswith(".lock")}
# The contract test holds our own files to every letter; a doctor sees what is weak in anybody's.
SEEN = {
    "gate_checkout_pr_head": "trusted code",
    "gate_other_repository": "trusted code",
    "gate_unsafe_checkout": "trusted code",
    "gate_downloads_artifact": "trusted code",
    "train_prt": "pull_request_target",
    "gate_prt": "pull_request_target",
    "gate_branch_in_run": "expressions in commands",
    "branch_in_collect": "expressions in commands",
    "gate_pip_cache": "caches",
    "gate_cache_action": "caches",
    "unpinned": "pinned actions",
    "gate_contents_write": "permissions",
    "train_write": "permissions",
    "train_id_token": "permissions",
    "train_secret": "secrets",
    "train_environment": "secrets",
    "train_persist_creds": "persisted credentials",
    "gate_path_check_removed": "which run is judged",
    "gate_queue_dropped": "waiting verdicts",
    "gate_cancelled_by_the_next": "waiting verdicts",
    "train_paths_filter": "every pull request",
    "train_self_hosted": "runners",
}

FOREIGN = """\
name: deploy
on: [push, pull_request]
jobs:
  deploy:
    runs-on: {group: metal, labels: [gpu]}
    steps:
      - uses: actions/checkout@v4
      - run: echo "${{ github.event.pull_request.title }}"
      - run: ./deploy
        env:
          KEY: ${{ secrets.DEPLOY_KEY }}
          TOKEN: ${{ secrets.GITHUB_TOKEN }}
  other:
    uses: acme/shared/.github/workflows/x.yml@main
    secrets: inherit
"""


def signs_of(texts: dict[str, str]) -> dict[str, Sign]:
    return {sign.setting: sign for sign in examine_workflows(texts)}


def weak_in(texts: dict[str, str]) -> set[str]:
    return {name for name, sign in signs_of(texts).items() if sign.level is not Level.OK}


def test_our_own_workflows_have_no_weakness() -> None:
    assert weak_in(TEXTS) == set()


def test_what_init_writes_has_none() -> None:
    release = find_release("acme/gatepost@3d3c42e5aac5ba805825da76410c181273ba90b1")
    install, _ = find_install(ROOT, release)
    texts = {f"{FOLDER}/{n}": adapt(template(n), release, install, "main") for n in NAMES}
    assert weak_in(texts) == set()
    assert environments_in(texts) == {"ml-gate"}


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in SEEN], ids=lambda m: m.name)
def test_a_weakened_workflow_is_named(mutant: Mutant) -> None:
    assert SEEN[mutant.name] in weak_in(mutant.apply(TEXTS))


def test_every_named_mutant_is_there() -> None:
    assert SEEN.keys() <= {mutant.name for mutant in MUTANTS}


@pytest.mark.parametrize(
    ("old", "new", "setting"),
    [
        ("permissions: {}\n", "", "ok"),  # each job says its own
        ("    permissions:\n      contents: read # to check out\n", "", "ok"),  # none at all
        ("permissions: {}\n", "permissions: write-all\n", "ok"),  # overruled by the job's
    ],
)
def test_the_rights_of_a_job_are_what_counts(old: str, new: str, setting: str) -> None:
    path = ".github/workflows/gates.yml"
    assert old in TEXTS[path]
    sign = signs_of({**TEXTS, path: TEXTS[path].replace(old, new)})["permissions"]
    assert sign.level.value == setting


def test_who_judges_and_runs_pulls_is_held_to_both() -> None:
    path = ".github/workflows/report.yml"
    weak = weak_in({**TEXTS, path: TEXTS[path].replace("on:\n", "on:\n  pull_request:\n")})
    assert {"permissions", "secrets"} <= weak


def test_a_job_without_rights_of_its_own_has_the_files() -> None:
    path = ".github/workflows/gates.yml"
    text = TEXTS[path].replace("    permissions:\n      contents: read # to check out\n", "")
    sign = signs_of({path: text.replace("permissions: {}\n", "permissions: write-all\n")})
    assert sign["permissions"].said.endswith("gates.yml:16 write-all")
    sign = signs_of({path: text.replace("permissions: {}\n", "")})
    assert "the repository's default" in sign["permissions"].said


def test_a_strangers_workflow_is_looked_at_too() -> None:
    signs = signs_of({**TEXTS, ".github/workflows/deploy.yml": FOREIGN})
    said = {name: sign.said for name, sign in signs.items() if sign.level is not Level.OK}
    assert said == {
        "pinned actions": "named by a tag or branch, which its owner can move: "
        "deploy.yml:7 actions/checkout@v4, "
        "deploy.yml:13 acme/shared/.github/workflows/x.yml@main",
        "permissions": "rights that nothing there needs: "
        "deploy.yml:4 has the repository's default, deploy.yml:13 has the repository's default",
        "secrets": "secrets or environments where a pull request's code runs: "
        "deploy.yml:11, deploy.yml:15",
        "runners": "a pull request's code may stay behind on: deploy.yml:4 group labels metal gpu",
        "expressions in commands": "text of others becomes part of a command: deploy.yml:8",
        "persisted credentials": "the token stays in .git/config: deploy.yml:7",
    }


def test_a_repository_without_workflows_lacks_them() -> None:
    sign = signs_of({})["workflows"]
    assert (sign.level, sign.forgeable) == (Level.MISSING, True)
    assert sign.mend == "`gatepost init` writes them."


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x\n", "- a\n", "{", "on: push\non: push\n"])
def test_what_cannot_be_read_is_not_taken_for_good(text: str) -> None:
    sign = signs_of({**TEXTS, ".github/workflows/odd.yml": text})["readable workflows"]
    assert sign.level is Level.WEAK
    assert sign.forgeable


@pytest.mark.parametrize(
    "text", ["on: push\njobs: 3\n", "on: {}\njobs: {a: 1}\n", "on: push\njobs: {a: {steps: 1}}\n"]
)
def test_odd_shapes_are_no_crash(text: str) -> None:
    signs_of({".github/workflows/odd.yml": text})


KEYS = st.sampled_from(
    (
        *("on", "jobs", "permissions", "concurrency", "steps", "with", "uses", "run", "if", "do"),
        *("environment", "pull_request", "workflow_run", "runs", "runs-on", "secrets", "cache"),
    )
)
VALUES = st.sampled_from(["report", "collect", "write-all", "inherit", "${{ secrets.A }}", "x@y"])
TREES = st.recursive(
    VALUES | st.none() | st.booleans() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=30,
)


@given(TREES)
def test_no_workflow_of_any_shape_is_a_crash(tree: object) -> None:
    signs_of({".github/workflows/odd.yml": json.dumps({"on": "pull_request", "jobs": {"a": tree}})})
    signs_of({".github/workflows/odd.yml": json.dumps(tree)})


@pytest.mark.parametrize(
    ("uses", "pinned"),
    [
        ("acme/x@3d3c42e5aac5ba805825da76410c181273ba90b1", True),
        ("acme/x/sub@3d3c42e5aac5ba805825da76410c181273ba90b1", True),
        ("./.github/actions/x", True),
        ("$/", True),
        (f"docker://alpine@sha256:{'0' * 64}", True),
        ("docker://alpine:3.20", False),
        ("acme/x@v1", False),
        ("acme/x@3d3c42e", False),
        ("acme/x", False),
    ],
)
def test_only_a_commit_is_a_pin(uses: str, *, pinned: bool) -> None:
    text = f"on: push\npermissions: {{}}\njobs: {{a: {{runs-on: x, steps: [uses: '{uses}']}}}}\n"
    sign = signs_of({".github/workflows/a.yml": text})["pinned actions"]
    assert (sign.level is Level.OK) is pinned
