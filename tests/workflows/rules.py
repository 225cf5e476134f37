"""What our workflows promise, one rule a promise, each with its row of the threat model.

A rule yields what is wrong. Most compare with exactly what is meant: a workflow of which less is
said than it does is the one that hurts.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.workflows.model import ACTION, Placed, Tree

Rule = Callable[[Tree], Iterator[str]]

# The actions that we use, reviewed here and nowhere else: commit and the version that it is.
PINS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/create-github-app-token": ("1b10c78c7865c340bc4f6099eb2f838309f1e8c3", "v3.1.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
}
SELF = "$/"  # our own action at the commit that runs, whatever was checked out
TRIGGERS: dict[str, dict[str, object]] = {
    "ci.yml": {"pull_request": "", "push": {"branches": ["main"]}, "merge_group": ""},
    "gates.yml": {"pull_request": "", "merge_group": ""},
    "report.yml": {
        "workflow_run": {"workflows": ["gates"], "types": ["in_progress", "completed"]},
        "schedule": [{"cron": "43 * * * *"}],
    },
    "baseline.yml": {"push": {"branches": ["main"]}, "workflow_dispatch": ""},
    "retrain.yml": {"schedule": [{"cron": "17 4 * * 1"}], "workflow_dispatch": ""},
}
READ = {"contents": "read"}
PERMISSIONS = {
    ("ci.yml", "test"): READ,
    ("gates.yml", "evidence"): READ,
    ("report.yml", "advisory"): READ
    | {"actions": "read", "checks": "write", "pull-requests": "write"},
    ("report.yml", "app"): READ | {"actions": "read"},
    ("baseline.yml", "evidence"): READ,
    ("baseline.yml", "confirm"): READ | {"actions": "read", "pull-requests": "read"},
    ("baseline.yml", "ledger"): {"contents": "write", "actions": "read"},
    ("retrain.yml", "train"): READ,
    ("retrain.yml", "tell"): {},
    ("retrain.yml", "propose"): READ | {"actions": "read"},
}
ENVIRONMENTS = {("report.yml", "app"): "ml-gate", ("retrain.yml", "propose"): "ml-retrain"}
SECRETS = {
    ("report.yml", "app"): {"secrets.GATEPOST_PRIVATE_KEY"},
    ("retrain.yml", "propose"): {"secrets.GATEPOST_RETRAIN_PRIVATE_KEY"},
}
APP_RIGHTS = {
    ("report.yml", "app"): {"checks", "pull-requests"},
    ("retrain.yml", "propose"): {"contents", "pull-requests"},
}
_OURS = (
    "(github.event_name == 'schedule' || "
    "github.event.workflow_run.path == '.github/workflows/gates.yml' && "
    "(github.event.workflow_run.event == 'pull_request' || "
    "github.event.workflow_run.event == 'merge_group'))"
)
CONDITIONS = {
    ("report.yml", "advisory"): f"vars.GATEPOST_CLIENT_ID == '' && {_OURS}",
    ("report.yml", "app"): f"vars.GATEPOST_CLIENT_ID != '' && {_OURS}",
    ("retrain.yml", "tell"): (
        "needs.train.outputs.changed == 'true' && vars.GATEPOST_RETRAIN_CLIENT_ID == ''"
    ),
    ("retrain.yml", "propose"): (
        "needs.train.outputs.changed == 'true' && vars.GATEPOST_RETRAIN_CLIENT_ID != ''"
    ),
}
CONCURRENCY = {
    "ci.yml": ("ci-${{ github.ref }}", "${{ github.event_name == 'pull_request' }}", ""),
    "gates.yml": ("gates-${{ github.ref }}", "true", ""),
    "report.yml": (
        "report-${{ github.event.workflow_run.head_repository.id }}-"
        "${{ github.event.workflow_run.head_sha }}",
        "false",
        "max",
    ),
    "baseline.yml": ("baseline-${{ github.sha }}", "false", "max"),
    "retrain.yml": ("retrain", "false", ""),
}
RUNNER = "ubuntu-24.04"
CHECK = "gatepost"
SWEEP = "End what a lost run left in progress"
# Steps of the trusted side that get a token, and under which name; all others get none.
TOKENS = {
    "Say that a verdict is being made": {"GATEPOST_TOKEN": "${{ inputs.token }}"},
    "Publish": {"GATEPOST_TOKEN": "${{ inputs.token }}"},
    SWEEP: {
        "GATEPOST_TOKEN": "${{ inputs.token }}",
        "GITHUB_TOKEN": "${{ github.token }}",
    },
    "Fetch the ledger, if there is one": {"GITHUB_TOKEN": "${{ github.token }}"},
    "Judge": {"GITHUB_TOKEN": "${{ github.token }}"},
    "Compare with the claim": {"GITHUB_TOKEN": "${{ github.token }}"},
    "Count what was judged": {"GITHUB_TOKEN": "${{ github.token }}"},
    "Fetch the patch": {"GH_TOKEN": "${{ github.token }}"},
    "Propose it": {"GH_TOKEN": "${{ steps.app.outputs.token }}"},
}
UPLOADS = {
    "ml-${{ inputs.do == 'collect' && 'evidence' || 'baseline' }}-${{ github.run_attempt }}": (
        re.compile(r"build/evidence/[a-z_]+\.(parquet|json|yaml|md)")
    ),
    "ml-verdict-${{ github.run_attempt }}": (
        re.compile(r"\$\{\{ runner\.temp \}\}/verdict/(verdict\.json|report\.html)")
    ),
    "ml-retrain-${{ github.run_attempt }}": re.compile(r"retrain\.patch"),
}
OUTPUTS = {
    'echo "code=$code" >> "$GITHUB_OUTPUT"',
    'echo "changed=false" >> "$GITHUB_OUTPUT"',
    'echo "changed=true" >> "$GITHUB_OUTPUT"',
}
_PYTHON = '"$RUNNER_TEMP/gatepost/bin/python" -I -m'
# What a line of the trusted side may begin with.
TRUSTED_COMMANDS = (
    f"{_PYTHON} gates ",
    f"{_PYTHON} pip install ",
    'python -I -m venv "$RUNNER_TEMP/gatepost"',
    'realpath "$SOURCE" > ',
    "git fetch --quiet --depth 1 origin gatepost-ledger:refs/remotes/origin/gatepost-ledger",
    'test "$code" = "$EXPECTED"',
    'ledger=(--ledger "$RUNNER_TEMP/ledger.jsonl")',
    '[ -f "$RUNNER_TEMP/ledger.jsonl" ]',
    "ledger=()",
    "code=0",
    "code=$?",
    "fi",
    *OUTPUTS,
)
INSTALL_FLAGS = ("--no-cache-dir", "--no-deps", "--only-binary :all:", "--require-hashes")
LOCK_MOST = 15
UNTRUSTED_STEPS = ("Reproduce and collect", "Leave the evidence")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def files(tree: Tree) -> Iterator[str]:
    """Only workflows that are reviewed here."""
    if set(tree.workflows) != set(TRIGGERS):
        yield f"workflows: {sorted(tree.workflows)}"


def triggers(tree: Tree) -> Iterator[str]:
    """Exactly these events: no `pull_request_target`, no filter by path or label."""
    for file, workflow in tree.workflows.items():
        if workflow.on != TRIGGERS.get(file):
            yield f"{file}: on: {workflow.on}"


def names(tree: Tree) -> Iterator[str]:
    """The trusted workflow listens to the untrusted one by the name that this has."""
    for file, workflow in tree.workflows.items():
        if workflow.name != file.removesuffix(".yml"):
            yield f"{file}: name: {workflow.name}"


def permissions(tree: Tree) -> Iterator[str]:
    """Nothing by default; each job exactly what it needs."""
    for file, workflow in tree.workflows.items():
        if workflow.permissions:
            yield f"{file}: permissions: {workflow.permissions}"
    for file, key, job in tree.jobs():
        if job.permissions != PERMISSIONS.get((file, key)):
            yield f"{file}: {key}: permissions: {job.permissions}"


def secrets(tree: Tree) -> Iterator[str]:
    """A secret stands where it is meant to, behind an environment, and nowhere else."""
    found: dict[tuple[str, str], set[str]] = {}
    for placed in tree.steps():
        for text in (*placed.step.with_.values(), *placed.step.env.values(), placed.step.run):
            for expression in _EXPRESSION.findall(text):
                if "secrets" in expression:
                    found.setdefault((placed.file, placed.job), set()).add(expression.strip())
    if found != SECRETS:
        yield f"secrets: {found}"
    for file, text in tree.texts.items():
        said = len(re.findall(r"\bsecrets\b", re.sub(r"(?m)(^|\s)#.*", "", text)))
        meant = sum(len(one) for (where, _), one in SECRETS.items() if file.endswith(where))
        if said != meant:
            yield f"{file}: says `secrets` {said} times, not {meant}"


def environments(tree: Tree) -> Iterator[str]:
    """Keys of apps are in environments, which the default branch alone may use."""
    for file, key, job in tree.jobs():
        name = job.environment.name if job.environment else None
        if name != ENVIRONMENTS.get((file, key)):
            yield f"{file}: {key}: environment: {name}"


def app_tokens(tree: Tree) -> Iterator[str]:
    """An app's token has two rights, of this repository."""
    for placed in tree.steps():
        if placed.step.uses.startswith("actions/create-github-app-token@"):
            rights = APP_RIGHTS.get((placed.file, placed.job), set())
            wanted = {f"permission-{right}" for right in rights} | {"client-id", "private-key"}
            if set(placed.step.with_) != wanted:
                yield f"{placed}: {sorted(placed.step.with_)}"


def pins(tree: Tree) -> Iterator[str]:
    """Only reviewed actions, by their whole commit, with the version that it truly is."""
    known = {f"{name}@{sha}": version for name, (sha, version) in PINS.items()}
    for placed in tree.steps():
        if placed.step.uses and placed.step.uses not in (SELF, *known):
            yield f"{placed}: {placed.step.uses}"
    for file, text in tree.texts.items():
        for line in re.findall(r"uses: (\S+@.*)", text):
            name, _, comment = line.partition(" # ")
            if known.get(name) != comment:
                yield f"{file}: {line}"


def checkouts(tree: Tree) -> Iterator[str]:
    """Only the untrusted side checks out anything but the commit that runs; no token stays."""
    for placed in tree.steps():
        if placed.step.uses.startswith("actions/checkout@"):
            given = dict(placed.step.with_)
            wanted = {"persist-credentials": "false"}
            if placed.file == "gates.yml":
                wanted["ref"] = "${{ github.event.pull_request.head.sha || github.sha }}"
            if placed.file in ("ci.yml", "gates.yml"):
                wanted["fetch-depth"] = "0"
            if given != wanted:
                yield f"{placed}: {given}"


def expressions(tree: Tree) -> Iterator[str]:
    """No expression in a script: what GitHub puts in there is code."""
    for placed in tree.steps():
        if "${{" in placed.step.run + placed.step.shell:
            yield str(placed)
        if placed.step.shell not in ("", "bash"):
            yield f"{placed}: shell: {placed.step.shell}"


def command_files(tree: Tree) -> Iterator[str]:
    """No script writes what others said to the runner's files."""
    for placed in tree.steps():
        for line in placed.step.run.splitlines():
            if re.search(r"GITHUB_(ENV|PATH|STATE)\b", line):
                yield f"{placed}: {line}"
            if "GITHUB_OUTPUT" in line and line.strip() not in OUTPUTS:
                yield f"{placed}: {line}"


def commands(tree: Tree) -> Iterator[str]:
    """The trusted side runs these programs only: our own, isolated, and what installs it."""
    for placed in _trusted(tree):
        for command in _commands(placed.step.run):
            if not command.startswith(TRUSTED_COMMANDS):
                yield f"{placed}: {command}"


def installs(tree: Tree) -> Iterator[str]:
    """The trusted side installs by hash, wheels only, without a cache."""
    lines = [
        command
        for placed in _trusted(tree)
        for command in _commands(placed.step.run)
        if "pip" in command
    ]
    wanted = (*INSTALL_FLAGS, '--requirement "$SOURCE/requirements-report.lock"')
    if len(lines) != 1 or not all(flag in lines[0] for flag in wanted):
        yield f"installs: {lines}"


def lock(tree: Tree) -> Iterator[str]:
    """Few packages, each by hash, none that runs a pipeline or opens a model."""
    text = tree.texts["requirements-report.lock"]
    found = re.findall(r"^([a-z0-9._-]+)==.*\\\n    --hash=sha256:", text, re.MULTILINE)
    lines = [line for line in text.splitlines() if line[:1].isalnum()]
    if len(found) != len(lines) or len(found) > LOCK_MOST:
        yield f"requirements-report.lock: {len(lines)} packages, {len(found)} by hash"
    if bad := {"dvc", "pandas", "scikit-learn", "skops", "joblib", "cloudpickle"} & set(found):
        yield f"requirements-report.lock: {sorted(bad)}"


def caches(tree: Tree) -> Iterator[str]:
    """No cache anywhere: others may have written to it."""
    for placed in tree.steps():
        step = placed.step
        keys = [key for key in step.with_ if "cache" in key]
        if keys or "/cache" in step.uses:
            yield f"{placed}: {keys or step.uses}"


def concurrency(tree: Tree) -> Iterator[str]:
    """A verdict is never dropped nor overtaken; a superseded training is."""
    for file, workflow in tree.workflows.items():
        one = workflow.concurrency
        if (one.group, one.cancel, one.queue) != CONCURRENCY.get(file):
            yield f"{file}: concurrency: {one}"


def conditions(tree: Tree) -> Iterator[str]:
    """A job runs always, or when exactly this holds; a skipped job counts as a success."""
    for file, key, job in tree.jobs():
        if " ".join(job.if_.split()) != CONDITIONS.get((file, key), ""):
            yield f"{file}: {key}: if: {job.if_}"


def published(tree: Tree) -> Iterator[str]:
    """Whatever happened before, the verdict, or that there is none, is published."""
    whole = "always() && inputs.do == 'report' && github.event.action == 'completed'"
    for step in tree.action.runs.steps:
        if step.name in ("Publish", "Keep the verdict") and step.if_ != whole:
            yield f"{ACTION}: {step.name}: if: {step.if_}"
        if step.name == "Judge" and step.if_ != whole.removeprefix("always() && "):
            yield f"{ACTION}: {step.name}: if: {step.if_}"
        if step.name == SWEEP and step.if_ != (
            "inputs.do == 'report' && github.event_name == 'schedule'"
        ):
            yield f"{ACTION}: {step.name}: if: {step.if_}"
    names = [step.name for step in tree.action.runs.steps]
    if names.count("Publish") != 1 or names.count(SWEEP) != 1:
        yield f"{ACTION}: no step publishes, or none sweeps"


def policies(tree: Tree) -> Iterator[str]:
    """Limits come from the default branch's own file, and only the named workflow is judged."""
    steps = {step.name: step.run for step in tree.action.runs.steps}
    if "--policy params.yaml " not in steps.get("Judge", ""):
        yield f"{ACTION}: Judge: no `--policy params.yaml`"
    whose = ("Judge", "Publish", "Say that a verdict is being made", SWEEP)
    for name in whose:
        if '--workflow "$WORKFLOW"' not in steps.get(name, ""):
            yield f"{ACTION}: {name}: no --workflow"
    if tree.action.inputs["workflow"].default != ".github/workflows/gates.yml":
        yield f"{ACTION}: workflow: {tree.action.inputs['workflow'].default}"


def uploads(tree: Tree) -> Iterator[str]:
    """Artifacts hold a closed list of files, and name their attempt."""
    for placed in tree.steps():
        step = placed.step
        if step.uses.startswith("actions/upload-artifact@"):
            allowed = UPLOADS.get(step.with_.get("name", ""))
            lines = step.with_.get("path", "").split("\n")
            if allowed is None or not all(allowed.fullmatch(line) for line in filter(None, lines)):
                yield f"{placed}: {step.with_}"
            if set(step.with_) != {"name", "path", "if-no-files-found", "retention-days"}:
                yield f"{placed}: {sorted(step.with_)}"


def tokens(tree: Tree) -> Iterator[str]:
    """A token is in the environment of the step that needs it, and of no other."""
    for placed in tree.steps():
        step = placed.step
        given = {
            key: value for key, value in step.env.items() if "TOKEN" in key or "token" in value
        }
        given.pop("GIT_CONFIG_VALUE_0", None)
        if given != TOKENS.get(step.name, {}):
            yield f"{placed}: {given}"
        if step.uses == SELF and "token" in step.with_:
            own = "${{ github.token }}", "${{ steps.app.outputs.token }}"
            if step.with_["token"] != own[placed.job == "app"]:
                yield f"{placed}: token: {step.with_['token']}"


def runners(tree: Tree) -> Iterator[str]:
    """GitHub's own machines, which are thrown away; no token dies before its job (fault 8)."""
    for file, key, job in tree.jobs():
        most = 20 if file == "report.yml" else 60
        if job.runs_on != RUNNER or not job.timeout.isdecimal() or int(job.timeout) > most:
            yield f"{file}: {key}: {job.runs_on}, {job.timeout} minutes"


def check_names(tree: Tree) -> Iterator[str]:
    """No job is called like the check: its own result would look like the verdict."""
    for file, key, job in tree.jobs():
        if CHECK in (key, job.name.lower()):
            yield f"{file}: {key}: {job.name}"


def untrusted_steps(tree: Tree) -> Iterator[str]:
    """The untrusted side uses our action to collect only, the trusted side never to."""
    meant = {
        ("gates.yml", "evidence"): "collect",
        ("report.yml", "advisory"): "report",
        ("report.yml", "app"): "report",
        ("baseline.yml", "evidence"): "baseline",
        ("baseline.yml", "confirm"): "confirm",
        ("baseline.yml", "ledger"): "ledger",
    }
    found = {
        (placed.file, placed.job): placed.step.with_.get("do")
        for placed in tree.steps()
        if placed.step.uses == SELF
    }
    if found != meant:
        yield f"our action: {found}"
    for step in tree.action.runs.steps:
        is_one = "inputs.do == 'collect'" in step.if_
        if is_one != (step.name in UNTRUSTED_STEPS) or not step.if_:
            yield f"{ACTION}: {step.name}: if: {step.if_}"


class Promise(NamedTuple):
    """A rule, and the rows of the threat model that it answers."""

    rule: Rule
    rows: tuple[int, ...]


PROMISES: dict[str, Promise] = {
    rule.__name__: Promise(rule, rows)
    for rule, rows in (
        (files, (22, 28)),
        (triggers, (1, 22, 23, 26)),
        (names, (22, 28)),
        (permissions, (17, 21)),
        (secrets, (18, 60)),
        (environments, (18, 20)),
        (app_tokens, (17,)),
        (pins, (15,)),
        (checkouts, (1, 19)),
        (expressions, (2,)),
        (command_files, (3,)),
        (commands, (5, 11, 59)),
        (installs, (13, 16)),
        (lock, (11, 16)),
        (caches, (13,)),
        (concurrency, (42, 67)),
        (conditions, (23, 26, 28)),
        (published, (23,)),
        (policies, (28, 34)),
        (uploads, (19, 29)),
        (tokens, (5, 53)),
        (runners, (32, 67)),
        (check_names, (20,)),
        (untrusted_steps, (1, 5)),
    )
}


def broken(tree: Tree) -> dict[str, list[str]]:
    """Every rule that is broken, with what is wrong."""
    found = {name: list(promise.rule(tree)) for name, promise in PROMISES.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


def _trusted(tree: Tree) -> Iterator[Placed]:
    """Scripts that run where a token is, or where its verdict is made."""
    for placed in tree.steps():
        of_action = placed.file == ACTION and placed.step.name not in UNTRUSTED_STEPS
        if placed.step.run and (of_action or placed.file == "report.yml"):
            yield placed


def _commands(script: str) -> list[str]:
    """The single commands of a script, without the shell's own words around them."""
    joined = script.replace("\\\n", " ")
    parts = re.split(r"\n|;|&&|\|\||\bthen\b", joined)
    bare = [re.sub(r"\s+#.*$", "", part).strip().removeprefix("if ").strip() for part in parts]
    return [re.sub(r"\s+", " ", part) for part in bare if part]
