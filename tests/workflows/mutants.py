"""Workflows as an attacker, or somebody in a hurry, would change them; each must be noticed."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.workflows.model import ACTION, FOLDER

MODEL = "model"  # the types already refuse it


class Mutant(NamedTuple):
    """One change of one file, and the rule that must notice it."""

    name: str
    file: str
    old: str
    new: str
    rule: str

    def apply(self, texts: Mapping[str, str]) -> dict[str, str]:
        """All files, with this change made once.

        Raises:
            ValueError: there is nothing to change, so that the mutant proves nothing.
        """
        path = self.file if self.file in texts else FOLDER + self.file
        before = texts.get(path, "")
        if self.old not in before:
            raise ValueError(f"{self.name}: {path} has no {self.old!r}")
        return {**texts, path: before.replace(self.old, self.new, 1)}


_CREDENTIALS = "          persist-credentials: false\n"
_HEAD = "          ref: ${{ github.event.workflow_run.head_sha }}\n"
_LISTEN = "    workflows: [gates]\n    types: [in_progress, completed]\n"
_IS_GATES = "      || github.event.workflow_run.path == '.github/workflows/gates.yml'\n"
_IS_PULL = (
    "      && (github.event.workflow_run.event == 'pull_request' "
    "|| github.event.workflow_run.event == 'merge_group'))\n"
)
_TO_CHECK_OUT = "contents: read # to check out"
_APP = "          permission-checks: write\n          permission-pull-requests: write\n"
_COLLECT = '"$PYTHON" -m gates collect'
_JUDGE = '        code=0\n        "$RUNNER_TEMP/gatepost/bin/python" -I -m gates receive'
_CLOSED = "          build/evidence/manifest.json\n"
_TIMEOUT = "    timeout-minutes: 60\n"
_ALWAYS = "always() && inputs.do == 'report'"

# The first seventeen are those of the threat model.
MUTANTS = (
    Mutant("gate_checkout_pr_head", "report.yml", _CREDENTIALS, _CREDENTIALS + _HEAD, "checkouts"),
    Mutant("train_prt", "gates.yml", "  pull_request:\n", "  pull_request_target:\n", "triggers"),
    Mutant("gate_branch_in_run", ACTION, _JUDGE,
           "        echo ${{ github.event.workflow_run.head_branch }}\n" + _JUDGE, "expressions"),
    Mutant("gate_github_env", ACTION, _JUDGE,
           '        cat "$RUNNER_TEMP/verdict/names" >> "$GITHUB_ENV"\n' + _JUDGE, "command_files"),
    Mutant("gate_exec_artifact", ACTION, _JUDGE,
           '        bash "$RUNNER_TEMP/verdict/candidate/setup.sh"\n' + _JUDGE, "commands"),
    Mutant("gate_pip_cache", ACTION, '        python-version: "3.11"\n',
           '        python-version: "3.11"\n        cache: pip\n', "caches"),
    Mutant("unpinned", "gates.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7",
           "pins"),
    Mutant("gate_impostor_version_comment", "report.yml", "# v7.0.1", "# v7.0.2", "pins"),
    Mutant("gate_contents_write", "report.yml", _TO_CHECK_OUT, "contents: write # to check out",
           "permissions"),
    Mutant("train_write", "gates.yml", _TO_CHECK_OUT,
           _TO_CHECK_OUT + "\n      pull-requests: write", "permissions"),
    Mutant("gate_toplevel_perms_missing", "report.yml", "permissions: {}\n", "", MODEL),
    Mutant("gate_app_token_all_perms", "report.yml", _APP, "", "app_tokens"),
    Mutant("train_secret", "gates.yml", "          do: collect\n",
           "          do: collect\n          token: ${{ secrets.GATEPOST_PRIVATE_KEY }}\n",
           "secrets"),
    Mutant("gate_no_environment", "report.yml",
           "    environment:\n      name: ml-gate\n      deployment: false\n", "", "environments"),
    Mutant("train_persist_creds", "gates.yml", _CREDENTIALS, "", "checkouts"),
    Mutant("gate_path_check_removed", "report.yml", _IS_GATES, "      ||\n", "conditions"),
    Mutant("gate_queue_dropped", "report.yml",
           "  queue: max # otherwise a waiting verdict is dropped for the next one\n", "",
           "concurrency"),
    # Triggers and conditions.
    Mutant("gate_prt", "report.yml", "  workflow_run: # zizmor",
           "  pull_request_target:\n  workflow_run: # zizmor", "triggers"),
    Mutant("gate_completed_only", "report.yml", "[in_progress, completed]", "[completed]",
           "triggers"),
    Mutant("gate_branches_filter", "report.yml", _LISTEN, _LISTEN + "    branches: [main]\n",
           "triggers"),
    Mutant("train_paths_filter", "gates.yml", "  pull_request:\n",
           "  pull_request:\n    paths: [dvc.lock]\n", "triggers"),
    Mutant("train_labelled", "gates.yml", "  pull_request:\n",
           "  pull_request:\n    types: [labeled]\n", "triggers"),
    Mutant("train_no_queue", "gates.yml", "  merge_group:\n", "", "triggers"),
    Mutant("train_renamed", "gates.yml", "name: gates\n", "name: train\n", "names"),
    Mutant("gate_any_workflow", "report.yml", "[gates]", "[gates, ci]", "triggers"),
    Mutant("gate_event_check_removed", "report.yml", _IS_PULL, "      )\n", "conditions"),
    Mutant("gate_successes_only", "report.yml", _IS_GATES,
           _IS_GATES + "      && github.event.workflow_run.conclusion == 'success'\n",
           "conditions"),
    Mutant("train_skipped", "gates.yml", "    name: reproduce and collect\n",
           "    name: reproduce and collect\n    if: github.actor != 'dependabot[bot]'\n",
           "conditions"),
    Mutant("train_continue_on_error", "gates.yml", _TIMEOUT,
           _TIMEOUT + "    continue-on-error: true\n", MODEL),
    Mutant("publish_only_on_success", ACTION, _ALWAYS, "success() && inputs.do == 'report'",
           "published"),
    Mutant("publish_gone", ACTION, "    - name: Publish\n", "    - name: Print\n", "published"),
    Mutant("approval_by_label", "report.yml", "      vars.GATEPOST_CLIENT_ID == '' && (",
           "      contains(github.event.label.name, 'safe') && (", "conditions"),
    Mutant("sweep_gone", ACTION, "    - name: End what a lost run left in progress\n",
           "    - name: Print\n", "published"),
    Mutant("sweep_after_each_run", ACTION, " && github.event_name == 'schedule'", "", "published"),
    Mutant("gate_never_swept", "report.yml",
           "  schedule: # ends checks that a lost run left in progress\n"
           "    - cron: '43 * * * *'\n".replace("'", '"'), "", "triggers"),
    Mutant("gate_outlives_its_token", "report.yml", "timeout-minutes: 20", "timeout-minutes: 60",
           "runners"),
    # Rights and secrets.
    Mutant("gate_write_all", "report.yml", "permissions: {}", "permissions: write-all", MODEL),
    Mutant("app_checks_write", "report.yml", "      actions: read # the evidence\n      contents",
           "      actions: read # the evidence\n      checks: write\n      contents",
           "permissions"),
    Mutant("train_id_token", "gates.yml", _TO_CHECK_OUT, _TO_CHECK_OUT + "\n      id-token: write",
           "permissions"),
    Mutant("baseline_write", "baseline.yml", _TO_CHECK_OUT, "contents: write", "permissions"),
    Mutant("job_perms_missing", "baseline.yml",
           "    permissions:\n      contents: read # to check out\n", "", MODEL),
    Mutant("all_secrets", "report.yml", "          token: ${{ github.token }}\n",
           "          token: ${{ toJSON(secrets) }}\n", "secrets"),
    Mutant("app_key_to_our_action", "report.yml", "          token: ${{ steps.app.outputs.token }}",
           "          token: ${{ secrets.GATEPOST_PRIVATE_KEY }}", "tokens"),
    Mutant("app_token_of_all_repositories", "report.yml", _APP,
           _APP + "          owner: ${{ github.repository_owner }}\n", "app_tokens"),
    Mutant("app_token_may_push", "report.yml", _APP,
           _APP + "          permission-contents: write\n", "app_tokens"),
    Mutant("app_environment_of_others", "report.yml", "name: ml-gate", "name: ml-retrain",
           "environments"),
    Mutant("token_for_all_steps", "report.yml", "jobs:\n",
           "env:\n  GITHUB_TOKEN: ${{ github.token }}\n\njobs:\n", MODEL),
    Mutant("judge_gets_the_writing_token", ACTION,
           "        GITHUB_TOKEN: ${{ github.token }}\n        WORKFLOW",
           "        GATEPOST_TOKEN: ${{ inputs.token }}\n        WORKFLOW", "tokens"),
    Mutant("train_environment", "gates.yml", _TIMEOUT,
           _TIMEOUT + "    environment:\n      name: ml-gate\n      deployment: false\n",
           "environments"),
    # What is fetched, run and installed.
    Mutant("gate_other_repository", "report.yml", _CREDENTIALS, _CREDENTIALS
           + "          repository: ${{ github.event.workflow_run.head_repository.full_name }}\n",
           "checkouts"),
    Mutant("gate_unsafe_checkout", "report.yml", _CREDENTIALS,
           _CREDENTIALS + "          allow-unsafe-pr-checkout: true\n", "checkouts"),
    Mutant("gate_fetches_head", ACTION, _JUDGE,
           "        git fetch origin refs/pull/7/head && git checkout FETCH_HEAD\n" + _JUDGE,
           "commands"),
    Mutant("gate_downloads_artifact", "report.yml", "      - uses: $/\n",
           "      - uses: actions/download-artifact@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7\n"
           "      - uses: $/\n", "pins"),
    Mutant("gate_marketplace_action", "report.yml", "      - uses: $/\n",
           "      - uses: marocchino/sticky-pull-request-comment@"
           "3d3c42e5aac5ba805825da76410c181273ba90b1 # v2\n      - uses: $/\n", "pins"),
    Mutant("gate_runs_dvc", ACTION, _JUDGE, "        dvc repro\n" + _JUDGE, "commands"),
    Mutant("gate_runs_make", "report.yml", "      - uses: $/\n",
           "      - run: make .venv/.ready\n      - uses: $/\n", "commands"),
    Mutant("gate_not_isolated", ACTION, '"$RUNNER_TEMP/gatepost/bin/python" -I -m gates receive',
           '"$RUNNER_TEMP/gatepost/bin/python" -m gates receive', "commands"),
    Mutant("gate_eval", ACTION, _JUDGE, '        eval "$WORKFLOW"\n' + _JUDGE, "commands"),
    Mutant("gate_python_shell", ACTION, "      shell: bash\n", "      shell: python\n",
           "expressions"),
    Mutant("gate_cache_action", "report.yml", "      - uses: $/\n",
           "      - uses: actions/cache@3d3c42e5aac5ba805825da76410c181273ba90b1 # v4\n"
           "      - uses: $/\n", "caches"),
    Mutant("install_without_hashes", ACTION, " --require-hashes", "", "installs"),
    Mutant("install_builds_sources", ACTION, " --only-binary :all:", "", "installs"),
    Mutant("install_resolves", ACTION, " --no-deps", "", "installs"),
    Mutant("install_cached", ACTION, "--no-cache-dir ", "", "installs"),
    Mutant("install_from_the_checkout", ACTION, '"$SOURCE/requirements-report.lock"',
           "requirements-report.lock", "installs"),
    Mutant("install_one_more", ACTION, _JUDGE,
           '        "$RUNNER_TEMP/gatepost/bin/python" -I -m pip install cml\n' + _JUDGE,
           "installs"),
    Mutant("lock_with_dvc", "requirements-report.lock", "idna==", "dvc==", "lock"),
    Mutant("lock_without_hash", "requirements-report.lock", "pyyaml==6.0.3 \\\n", "pyyaml==6.0.3\n",
           "lock"),
    Mutant("policy_of_the_pull_request", ACTION, "--policy params.yaml ",
           '--policy "$RUNNER_TEMP/verdict/candidate.params.yaml" ', "policies"),
    Mutant("judge_any_workflow", ACTION, 'gates receive --workflow "$WORKFLOW"', "gates receive",
           "policies"),
    Mutant("output_from_evidence", ACTION, 'echo "code=$code" >> "$GITHUB_OUTPUT"',
           'cat "$RUNNER_TEMP/verdict/names" >> "$GITHUB_OUTPUT"', "command_files"),
    Mutant("branch_in_collect", ACTION, _COLLECT,
           "echo ${{ github.head_ref }}; " + _COLLECT, "expressions"),
    # What is left, where, and when.
    Mutant("upload_everything", ACTION, _CLOSED, "          .\n", "uploads"),
    Mutant("upload_git", ACTION, _CLOSED, _CLOSED + "          .git/config\n", "uploads"),
    Mutant("upload_hidden", ACTION, "        if-no-files-found: error\n",
           "        if-no-files-found: error\n        include-hidden-files: true\n", "uploads"),
    Mutant("upload_without_attempt", ACTION, "'baseline' }}-${{ github.run_attempt }}",
           "'baseline' }}", "uploads"),
    Mutant("gate_cancelled_by_the_next", "report.yml", "cancel-in-progress: false",
           "cancel-in-progress: true", "concurrency"),
    Mutant("gate_one_group", "report.yml", "-${{ github.event.workflow_run.head_sha }}\n", "\n",
           "concurrency"),
    Mutant("train_never_cancelled", "gates.yml", "cancel-in-progress: true",
           "cancel-in-progress: false", "concurrency"),
    Mutant("train_self_hosted", "gates.yml", "runs-on: ubuntu-24.04", "runs-on: self-hosted",
           "runners"),
    Mutant("gate_latest", "report.yml", "runs-on: ubuntu-24.04", "runs-on: ubuntu-latest",
           "runners"),
    Mutant("train_for_ever", "gates.yml", _TIMEOUT, "", MODEL),
    Mutant("job_named_like_the_check", "ci.yml", "    name: test and demo\n",
           "    name: gatepost\n", "check_names"),
    Mutant("gate_collects", "report.yml", "          do: report\n", "          do: collect\n",
           "untrusted_steps"),
    Mutant("gate_workspace_action", "report.yml", "uses: $/", "uses: ./", "pins"),
    Mutant("another_workflow", "extra.yml", "", "name: extra\non: push\npermissions: {}\n"
           "concurrency:\n  group: extra\n  cancel-in-progress: false\njobs: {}\n", "files"),
)  # fmt: skip
