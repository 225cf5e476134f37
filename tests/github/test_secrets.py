"""Twelve secrets around a run, in five encodings: none is in anything that the run leaves."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from gates.testing import seal
from tests.cli.command import gatepost
from tests.cli.conftest import made_judged, project  # noqa: F401 - fixtures
from tests.cli.folders import LIMITS, make_good
from tests.cli.judged import propose
from tests.github.events import run_event
from tests.github.fake import HEAD, serve
from tests.github.hub import BASE, GATES, Hub, zipped
from tests.shell.project import git

VARIABLES = (
    *("GITHUB_TOKEN", "GATEPOST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    *("AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY", "MLFLOW_TRACKING_PASSWORD", "PIP_PASSWORD"),
)
FILES = {
    ".dvc/config.local": "['remote \"ci\"']\n    url = https://data.invalid/\n    password = {}\n",
    ".git/config": '[http]\n\textraheader = "AUTHORIZATION: basic {}"\n',
    "home/.netrc": "machine github.com login x password {}\n",
    "home/.git-credentials": "https://x:{}@github.com\n",
}
SECRETS = {name: f"s3cr/t+{at:02}=Zk{at * 7919:08}" for at, name in enumerate((*VARIABLES, *FILES))}


def encodings(secret: str) -> Iterator[bytes]:
    """As it is, hexadecimal, quoted for an address, backwards, and base64 wherever it begins."""
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    yield quote(secret, safe="").encode()
    yield raw[::-1]
    for before in range(3):
        # The signs at both ends depend on the neighbours.
        yield base64.b64encode(bytes(before) + raw)[4:-4]


def leaks(outputs: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {output}"
        for name, secret in SECRETS.items()
        for form in encodings(secret)
        for output, content in outputs.items()
        if form in content
    ]


def files_in(*folders: Path) -> dict[str, bytes]:
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}


def in_files(root: Path, home: Path) -> None:
    for name, text in FILES.items():
        path = home / Path(name).name if name.startswith("home/") else root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text.format(SECRETS[name]))


def in_variables(home: Path) -> dict[str, str]:
    return {name: SECRETS[name] for name in VARIABLES} | {"HOME": str(home)}


def test_there_are_twelve_and_each_form_would_be_found() -> None:
    assert len(SECRETS) == len(set(SECRETS.values())) == 12
    for name, secret in SECRETS.items():
        for form in encodings(secret):
            assert f"{name} in x" in leaks({"x": b"..." + form + b"..."})


@pytest.mark.parametrize("shift", ["0", "none"], ids=["is blocked", "fails"])
def test_collecting_and_checking_leave_none(
    project: Path,  # noqa: F811 - the fixture
    tmp_path: Path,
    shift: str,
) -> None:
    home = tmp_path / "home"
    propose(project, "shift: 900", f"shift: {shift}")
    in_files(project, home)
    git(project, "remote", "add", "origin", f"https://x:{SECRETS['GITHUB_TOKEN']}@github.com/a/b")
    done = gatepost("check", "--json", cwd=project, **in_variables(home))
    assert done.returncode == {"0": 1, "none": 3}[shift], done.stderr
    printed = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    left = files_in(project / "build")
    assert left or shift == "none"
    assert leaks(printed | left) == []


@pytest.mark.parametrize("kind", ["worse", "refused"])
def test_receiving_and_publishing_leave_none(tmp_path: Path, kind: str) -> None:
    root, home, hub = tmp_path / "root", tmp_path / "home", Hub()
    for name, sha in (("base", BASE), ("head", HEAD)):
        make_good(tmp_path / name, **({"scores": [0.5] * 200} if name == "head" else {}))
        seal(tmp_path / name, sha)
    hub.leave(811, "ml-evidence-2", zipped(tmp_path / "head"))
    hub.ran(100, "ml-baseline-1")
    hub.leave(100, "ml-baseline-1", zipped(tmp_path / "base"))
    root.mkdir()
    git(root, "init", "-q", ".")
    in_files(root, home)
    (root / "params.yaml").write_text(LIMITS, "utf-8")
    (root / "event.json").write_text(json.dumps(run_event()), "utf-8")
    job = in_variables(home) | {
        "GITHUB_EVENT_PATH": "event.json",
        "GITHUB_RUN_ID": "900",
        "GITHUB_STEP_SUMMARY": str(root / "summary.md"),
        "GATEPOST_CML": "none",
    }
    with serve(hub) as url:
        job["GITHUB_API_URL"] = url if kind != "refused" else f"{url}/nowhere"
        common = ("--workflow", GATES)
        receive = ("receive", *common, "--policy", "params.yaml", "--out", "out")
        received = gatepost(*receive, cwd=root, **job)
        publish = ("publish", "out/verdict.json", *common)
        published = gatepost(*publish, cwd=root, **job)
    assert received.returncode == {"worse": 1, "refused": 3}[kind], received.stderr
    assert published.returncode == {"worse": 1, "refused": 5}[kind], published.stderr
    printed = {
        f"{what} {at}": text.encode()
        for at, done in enumerate((received, published))
        for what, text in (("stdout", done.stdout), ("stderr", done.stderr))
    }
    asked = {"calls": json.dumps([call._asdict() for call in hub.asked]).encode()}
    left = files_in(root / "out") | {"summary": (root / "summary.md").read_bytes()}
    assert leaks(printed | asked | left) == []
    assert os.fspath(home) not in json.dumps(asked["calls"].decode())
