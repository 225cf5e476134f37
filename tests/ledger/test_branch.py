"""The ledger in real Git: clones that write at once, shallow ones, and what hostile hands left."""

import subprocess
import sys
from pathlib import Path

import pytest

from gates.errors import GitError, UsageError
from gates.ledger.branch import BRANCH, LOCAL, push, read_ledger, record
from gates.ledger.ledger import Entry, Ledger, write_entry
from tests.entries import ROWS_A, ROWS_B, entry
from tests.shell.project import commit, environment, git, make_git, write

ROOT = Path(__file__).parents[2]
WRITER = """\
import sys
from pathlib import Path
from gates.ledger.branch import push, record
from tests.entries import entry
root, start = Path(sys.argv[1]), int(sys.argv[2])
record(root, [entry(start)])
push(root, "origin")
"""


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with two commits on `main`."""
    root = tmp_path / "origin"
    make_git(root)
    write(root, {"a.txt": "two\n"})
    commit(root, "second")
    return root


def clone(origin: Path, name: str, *options: str) -> Path:
    folder = origin.parent / name
    git(origin.parent, "clone", "-q", *options, f"file://{origin}", str(folder))
    return folder


def known(root: Path) -> Ledger:
    found = read_ledger(root)
    assert found is not None
    return found


def test_no_ledger_yet(origin: Path) -> None:
    assert read_ledger(origin) is None
    with pytest.raises(UsageError, match="no gatepost-ledger here"):
        push(clone(origin, "one"), "origin")


def test_what_is_recorded_is_read_again_once(origin: Path) -> None:
    assert record(origin, [entry(1), entry(2, test_set=ROWS_B)]) == 2
    assert record(origin, [entry(1, time="2027-01-01T00:00:00Z"), entry(3)]) == 1
    assert {one.predictions for one in known(origin).entries} == {
        one.predictions for one in (entry(1), entry(2), entry(3))
    }
    only = read_ledger(origin, ROWS_B)
    assert only is not None
    assert [one.test_set for one in only.entries] == [ROWS_B]
    assert git(origin, "status", "--porcelain") == ""
    assert git(origin, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_two_clones_that_write_at_once_lose_nothing(origin: Path) -> None:
    one, other = clone(origin, "one"), clone(origin, "other")
    for root, number in ((one, 1), (other, 2)):
        record(root, [entry(number)])
    push(one, "origin")
    before = git(origin, "rev-parse", BRANCH)
    push(other, "origin")
    assert len(known(origin).entries) == 2
    git(origin, "merge-base", "--is-ancestor", before, BRANCH)  # nothing was rewritten
    git(one, "fetch", "-q")
    assert known(one) == known(other)


def test_eight_writers_race_and_lose_nothing(origin: Path) -> None:
    clones = [clone(origin, f"clone{at}") for at in range(8)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(10 * at)],
            cwd=ROOT,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for at, root in enumerate(clones)
    ]
    said = [writer.communicate(timeout=120)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8, said
    expected = {entry(10 * at).predictions for at in range(8)}
    assert {one.predictions for one in known(origin).entries} == expected


def test_writers_in_one_clone_lose_nothing(origin: Path) -> None:
    code = WRITER.replace('push(root, "origin")', "record(root, [entry(start + 1)])")
    arguments = [sys.executable, "-c", code, str(origin)]
    writers = [
        subprocess.Popen([*arguments, str(10 * at)], cwd=ROOT, env=environment()) for at in range(3)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 3
    assert len(known(origin).entries) == 6


def test_a_shallow_clone_reads_and_writes(origin: Path) -> None:
    record(origin, [entry(1)])
    shallow = clone(origin, "shallow", "--depth=1", "--no-single-branch")
    assert len(known(shallow).entries) == 1
    record(shallow, [entry(2)])
    push(shallow, "origin")
    assert len(known(origin).entries) == 2


def test_a_merged_head_is_known_and_a_squashed_one_by_its_predictions(origin: Path) -> None:
    heads = {}
    for name in ("merged", "squashed", "closed"):
        git(origin, "switch", "-q", "-c", name, "main")
        write(origin, {f"{name}.txt": name})
        commit(origin, "first of two")
        write(origin, {f"{name}.txt": f"{name} again"})
        heads[name] = commit(origin, name)
        git(origin, "switch", "-q", "main")
    earlier = git(origin, "rev-parse", "merged~1")
    git(origin, "merge", "-q", "--no-ff", "-m", "a merge", "merged")
    git(origin, "merge", "-q", "--squash", "squashed")
    commit(origin, "a squash")
    record(
        origin,
        [
            entry(1, head=heads["merged"]),
            entry(2, head=earlier),  # an earlier push of the same pull request
            entry(3, head=heads["squashed"]),
            entry(4, head=heads["closed"]),
            entry(5, head=git(origin, "rev-parse", "main"), dirty=True),
        ],
    )
    page = known(origin).page(ROWS_A)
    assert page.merged == {entry(1).predictions}
    record(origin, [entry(6, 3)])  # a pull request that starts from what was squashed
    assert known(origin).page(ROWS_A).merged == {entry(1).predictions, entry(3).predictions}


class TestHostile:
    @pytest.fixture
    def soiled(self, origin: Path) -> Path:
        """A ledger with one good entry, into which somebody pushed other files."""
        record(origin, [entry(1)])
        git(origin, "switch", "-q", BRANCH)
        return origin

    def spoil(self, root: Path, path: str, content: str) -> None:
        write(root, {path: content})
        commit(root)
        git(root, "switch", "-q", "main")

    @pytest.mark.parametrize(
        ("path", "content"),
        [
            (f"{ROWS_A}/00/{'0' * 64}.json", "{"),
            (f"{ROWS_A}/00/{'0' * 64}.json", write_entry(entry(2)).decode()),  # under a false name
            (f"{ROWS_A}/00/{'0' * 64}.json", " " * 5_000_000),
            (f"{ROWS_A}/note.txt", "hello"),
            ("README.md", "nobody's page, so everybody's"),
        ],
    )
    def test_counts_and_is_not_read(self, soiled: Path, path: str, content: str) -> None:
        self.spoil(soiled, path, content)
        page = known(soiled).page(ROWS_A)
        assert (len(page.entries), page.unread) == (1, 1)
        assert record(soiled, [entry(3)]) == 1
        assert len(known(soiled).page(ROWS_A).entries) == 2

    def test_of_another_test_set_is_no_concern(self, soiled: Path) -> None:
        self.spoil(soiled, f"{ROWS_B}/note.txt", "hello")
        assert known(soiled).page(ROWS_A).unread == 0

    def test_a_link_is_not_followed(self, soiled: Path) -> None:
        path = soiled / ROWS_A / "00" / f"{'0' * 64}.json"
        path.parent.mkdir()
        path.symlink_to("/etc/hostname")
        commit(soiled)
        git(soiled, "switch", "-q", "main")
        assert known(soiled).page(ROWS_A).unread == 1

    def test_lost_objects_are_no_fresh_ledger(self, soiled: Path) -> None:
        git(soiled, "switch", "-q", "main")
        blob = git(soiled, "rev-parse", f"{BRANCH}:{ROWS_A}")
        (soiled / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
        with pytest.raises(GitError, match="cannot be listed"):
            read_ledger(soiled)

    def test_a_rewritten_remote_gets_its_entries_back(self, soiled: Path) -> None:
        git(soiled, "switch", "-q", "main")
        one = clone(soiled, "one")
        record(one, [entry(2)])
        git(soiled, "branch", "-q", "-D", BRANCH)
        push(one, "origin")
        assert {each.predictions for each in known(soiled).entries} == {
            entry(1).predictions,
            entry(2).predictions,
        }


def test_a_remote_that_does_not_exist(origin: Path) -> None:
    record(origin, [entry(1)])
    with pytest.raises(UsageError, match="'nowhere': no remote"):
        push(origin, "nowhere")


def test_a_remote_that_refuses(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = clone(origin, "one")
    hook = origin / ".git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    monkeypatch.setattr("gates.ledger.branch._MOST_TRIES", 2)
    record(root, [entry(1)])
    with pytest.raises(GitError, match="refused the ledger 2 times"):
        push(root, "origin")
    assert len(known(root).entries) == 1  # what was recorded here stays


def test_an_entry_has_one_path(origin: Path) -> None:
    one: Entry = entry(1)
    record(origin, [one])
    (path,) = git(origin, "ls-tree", "-r", "--name-only", LOCAL).splitlines()
    folder, start, name = path.split("/")
    assert (folder, start) == (one.test_set, name[:2])
