"""Lines beside the policy: code owners, hooks, what Git ignores."""

from pathlib import Path

import pytest
import yaml

from gates.errors import UsageError
from gates.setup.change import What, read_text, whole, write_all
from gates.setup.surroundings import (
    PRE_COMMIT,
    is_owner,
    owner_of_remote,
    write_hook,
    write_ignored,
    write_owners,
)
from tests.shell.project import git

CONFIGS = {
    "flush": "repos:\n- repo: meta\n  hooks:\n  - id: identity\n",
    "indented": "repos:\n  - repo: meta\n    hooks: [{id: identity}]\n",
    "followed": "repos:\n- repo: meta\n  hooks:\n  - id: identity\n\n# below\nfail_fast: true\n",
    "no end": "repos:\n  - repo: meta\n    hooks:\n      - id: identity",
    "windows": "repos:\r\n- repo: meta\r\n  hooks:\r\n  - id: identity\r\n",
    "block": "repos:\n- repo: local\n  hooks:\n  - id: a\n    entry: |\n      b\n\n      c\n# e\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


@pytest.mark.parametrize("text", CONFIGS.values(), ids=list(CONFIGS))
def test_the_hook_is_the_last_of_the_list_and_nothing_else_moves(root: Path, text: str) -> None:
    (root / PRE_COMMIT).write_bytes(text.encode())
    new = write_hook(root).new
    before, after = yaml.safe_load(text), yaml.safe_load(new)
    assert after["repos"][:-1] == before["repos"]
    assert after["repos"][-1]["hooks"][0]["entry"] == "gatepost check"
    assert {**after, "repos": 0} == {**before, "repos": 0}
    assert [line for line in text.splitlines() if line not in new.splitlines()] == []
    (root / PRE_COMMIT).write_bytes(new.encode())
    assert write_hook(root).what is What.SAME


@pytest.mark.parametrize(
    "text", ["repos: []\n", "repos: [{repo: meta, hooks: []}]\n", "- a\n", "{"]
)
def test_a_configuration_of_another_shape_is_left_alone(root: Path, text: str) -> None:
    (root / PRE_COMMIT).write_text(text, "utf-8")
    change = write_hook(root)
    assert (change.what, change.new) == (What.KEPT, text)
    assert "by hand" in change.why


def test_only_what_nobody_owns_gets_an_owner(root: Path) -> None:
    (root / "CODEOWNERS").write_text("/dvc.yaml @a\n/.github/ @b # ours\n", "utf-8")
    change = write_owners(root, "columns.yaml", "@acme/data")
    added = change.new.splitlines()[4:]
    assert change.path == "CODEOWNERS"
    assert [line.split() for line in added] == [
        [name, "@acme/data"]
        for name in ("/params.yaml", "/waivers.yaml", "/.dvc/", "/columns.yaml")
    ]


def test_an_owner_of_everything_needs_no_lines(root: Path) -> None:
    (root / "CODEOWNERS").write_text("* @acme/data\n", "utf-8")
    assert write_owners(root, "columns.yaml", "@acme/data").what is What.SAME


def test_a_teams_own_gates_are_guarded_unless_their_folder_is(root: Path) -> None:
    """They are code that judges: whoever may change them may let anything pass."""
    modules = ["team/of_age.py", "team/old/nights.py", "rules/one.py"]
    (root / "CODEOWNERS").write_text("/team/old/ @b\n/rules @b\n", "utf-8")
    added = write_owners(root, "columns.yaml", "@acme/data", modules).new.splitlines()[4:]
    assert [line.split()[0] for line in added[-2:]] == ["/columns.yaml", "/team/of_age.py"]


@pytest.mark.parametrize("owner", ["@me", None])
def test_owners_are_written_once(root: Path, owner: str | None) -> None:
    write_all(root, [write_owners(root, "columns.yaml", owner)])
    assert write_owners(root, "columns.yaml", owner).what is What.SAME


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("https://github.com/acme/churn.git", "@acme"),
        ("git@github.com:acme/churn.git", "@acme"),
        ("ssh://git@github.com/acme/churn", "@acme"),
        ("/srv/git/churn.git", None),
        ("../churn", None),
    ],
)
def test_the_owner_is_that_of_origin(root: Path, url: str, owner: str | None) -> None:
    git(root, "remote", "add", "origin", url)
    assert owner_of_remote(root) == owner


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("@a", True),
        ("@a/b", True),
        ("a@b.org", True),
        ("a", False),
        ("@a b", False),
        ("@a #", False),
    ],
)
def test_an_owner_is_one_word(text: str, *, fits: bool) -> None:
    assert is_owner(text) is fits


def test_what_is_ignored_already_is_not_ignored_again(root: Path) -> None:
    (root / ".gitignore").write_text("build/\n", "utf-8")
    change = write_ignored(root)
    assert change.new.splitlines()[2:] == [
        "# what gatepost and its workflows leave",
        "/.venv/",
        "*.egg-info/",
    ]
    write_all(root, [change])
    assert write_ignored(root).what is What.SAME


def test_a_file_that_changed_meanwhile_is_not_overwritten_and_nothing_else_is(root: Path) -> None:
    (root / ".gitignore").write_text("a\n", "utf-8")
    changes = [whole(root, "new.txt", "new\n"), write_ignored(root)]
    (root / ".gitignore").write_text("b\n", "utf-8")
    with pytest.raises(UsageError, match="changed while init was running"):
        write_all(root, changes)
    assert read_text(root, ".gitignore") == "b\n"
    assert [path.name for path in root.iterdir() if path.is_file()] == [".gitignore"]


def test_a_link_out_of_the_repository_is_not_followed(root: Path) -> None:
    outside = root.parent / f"{root.name}.outside"
    outside.write_text("x", "utf-8")
    (root / ".gitignore").symlink_to(outside)
    with pytest.raises(UsageError, match="a link out of the repository"):
        write_ignored(root)
