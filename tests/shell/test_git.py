from pathlib import Path

import pytest

from gates.errors import GitError, UsageError
from gates.git.files import (
    FILE_MAX_BYTES,
    changed_files,
    is_dirty,
    list_files,
    list_work_files,
    read_file,
    read_files,
)
from gates.git.history import merge_base
from gates.git.repository import default_branch, find_root, resolve
from tests.shell.project import commit, git, make_git, write


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`main` with two commits; `work` branched off the first, with one commit."""
    root = tmp_path / "repository"
    make_git(root)
    git(root, "switch", "-q", "-c", "work")
    write(root, {"work.txt": "w\n"})
    commit(root, "on work")
    git(root, "switch", "-q", "main")
    write(root, {"a.txt": "two\n"})
    commit(root, "second")
    git(root, "switch", "-q", "work")
    return root


def clone(repository: Path, *options: str) -> Path:
    target = repository.parent / "clone"
    git(repository.parent, "clone", "-q", *options, f"file://{repository}", str(target))
    git(target, "remote", "set-head", "origin", "main")  # else it is what the origin stands on
    return target


class TestRoot:
    def test_is_found_from_below(self, repository: Path) -> None:
        (repository / "deep" / "er").mkdir(parents=True)
        assert find_root(repository / "deep" / "er") == repository

    def test_outside_of_git_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="not in a Git work tree"):
            find_root(tmp_path)

    def test_a_hook_does_not_send_us_elsewhere(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        make_git(tmp_path / "other")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
        assert find_root(repository) == repository


class TestDefaultBranch:
    def test_is_what_the_remote_says(self, repository: Path) -> None:
        git(repository, "branch", "-q", "trunk", "main")
        target = clone(repository)
        git(target, "remote", "set-head", "origin", "trunk")
        assert default_branch(target) == "origin/trunk"

    def test_is_the_remotes_main_where_nothing_is_said(self, repository: Path) -> None:
        target = clone(repository)
        git(target, "remote", "set-head", "origin", "--delete")
        assert default_branch(target) == "origin/main"

    def test_is_the_configured_name_without_a_remote(self, repository: Path) -> None:
        git(repository, "branch", "-q", "trunk", "main")
        git(repository, "config", "init.defaultBranch", "trunk")
        assert default_branch(repository) == "trunk"

    def test_is_master_in_older_repositories(self, repository: Path) -> None:
        git(repository, "branch", "-q", "-m", "main", "master")
        assert default_branch(repository) == "master"

    def test_none_is_said_with_the_mend(self, repository: Path) -> None:
        git(repository, "branch", "-q", "-m", "main", "elsewhere")
        with pytest.raises(UsageError, match=r"no default branch.*--base"):
            default_branch(repository)


class TestMergeBase:
    def test_is_where_the_branch_left(self, repository: Path) -> None:
        assert merge_base(repository) == resolve(repository, "main~1")

    def test_of_a_named_base(self, repository: Path) -> None:
        assert merge_base(repository, "HEAD~1") == resolve(repository, "HEAD~1")

    def test_on_the_default_branch_is_head(self, repository: Path) -> None:
        git(repository, "switch", "-q", "main")
        assert merge_base(repository) == resolve(repository, "HEAD")

    def test_without_common_history_is_said(self, repository: Path) -> None:
        git(repository, "switch", "-q", "--orphan", "island")
        write(repository, {"b.txt": "b\n"})
        commit(repository)
        with pytest.raises(GitError, match="no commit in common"):
            merge_base(repository)

    @pytest.mark.parametrize("revision", ["nowhere", "--all", "", "HEAD:a.txt"])
    def test_an_unknown_revision_is_said(self, repository: Path, revision: str) -> None:
        with pytest.raises(UsageError, match="no commit of this repository"):
            resolve(repository, revision)

    def test_works_inside_a_linked_work_tree(self, repository: Path) -> None:
        linked = repository.parent / "linked"
        git(repository, "worktree", "add", "-q", "--detach", str(linked), "work")
        assert find_root(linked) == linked
        assert merge_base(linked) == resolve(repository, "main~1")


class TestShallowClone:
    def test_without_a_merge_base_names_the_mend(self, repository: Path) -> None:
        target = clone(repository, "--depth=1", "--no-single-branch")
        with pytest.raises(GitError, match=r"shallow.*--unshallow.*fetch-depth: 0"):
            merge_base(target)

    def test_deep_enough_is_as_good_as_whole(self, repository: Path) -> None:
        target = clone(repository, "--depth=2", "--no-single-branch")
        assert merge_base(target) == resolve(repository, "main~1")

    def test_a_wrong_merge_base_is_not_taken(self, tmp_path: Path) -> None:
        """The cut hides `true`, which both sides contain; `old` alone is seen from both.

        old ── true ── x1 ── x2 ── work     work also merged a side branch that left at `old`,
          │      └──── y1 ── y2 ── main     and so did main.
          └─ side
        """
        root = tmp_path / "repository"
        make_git(root)
        git(root, "branch", "-q", "old")
        write(root, {"true.txt": "t"})
        true = commit(root, "true")
        git(root, "branch", "-q", "side", "old")
        for name in ("work", "main"):
            git(root, "switch", "-q", *(["-c", "work", true] if name == "work" else ["main"]))
            for step in (1, 2):
                write(root, {f"{name}{step}.txt": "s"})
                commit(root, f"{name}{step}")
            git(root, "switch", "-q", "--detach", "old")
            write(root, {f"side-{name}.txt": "s"})
            side = commit(root, f"side of {name}")
            git(root, "switch", "-q", name)
            git(root, "merge", "-q", "--no-edit", side)
        git(root, "switch", "-q", "work")
        assert merge_base(root) == true
        target = clone(root, "--depth=3", "--no-single-branch")
        seen = git(target, "merge-base", "origin/main", "HEAD")
        assert seen == resolve(root, "old")  # Git itself is fooled
        with pytest.raises(GitError, match="shallow"):
            merge_base(target)


class TestFiles:
    def test_content_at_a_revision_not_in_the_tree(self, repository: Path) -> None:
        write(repository, {"a.txt": "changed\n"})
        assert read_file(repository, "main", "a.txt") == b"two\n"
        assert read_file(repository, "HEAD", "./a.txt") == b"one\n"

    @pytest.mark.parametrize("path", ["none.txt", "folder", "../a.txt", "/a.txt", ""])
    def test_what_is_no_file_is_none(self, repository: Path, path: str) -> None:
        write(repository, {"folder/b.txt": "b"})
        commit(repository)
        assert read_file(repository, "HEAD", path) is None

    def test_bytes_stay_as_they_are(self, repository: Path) -> None:
        content = {"b.bin": b"\n\0\r\nblob 3\n", "empty": b"", "a b ü.txt": b"x"}
        for name, some in content.items():
            (repository / name).write_bytes(some)
        commit(repository)
        assert read_files(repository, "HEAD", [*content, "none"]) == content

    def test_a_large_file_is_not_read(self, repository: Path) -> None:
        with (repository / "large").open("wb") as stream:
            stream.truncate(FILE_MAX_BYTES + 1)
        commit(repository)
        with pytest.raises(GitError, match=r"large at .* Keep large files under DVC"):
            read_file(repository, "HEAD", "large")

    def test_lists(self, repository: Path) -> None:
        write(repository, {"new.txt": "n", ".gitignore": "ignored\n", "ignored": "i"})
        (repository / "a.txt").unlink()
        assert list_files(repository, "HEAD") == ("a.txt", "work.txt")
        assert list_work_files(repository) == (".gitignore", "new.txt", "work.txt")


class TestChanges:
    def test_committed_uncommitted_untracked_and_deleted(self, repository: Path) -> None:
        base = merge_base(repository)
        write(repository, {"new ü.txt": "n", "work.txt": "again", ".gitignore": "x\n", "x": ""})
        (repository / "a.txt").unlink()
        assert changed_files(repository, base) == (".gitignore", "a.txt", "new ü.txt", "work.txt")

    def test_a_file_changed_and_changed_back_is_none(self, repository: Path) -> None:
        write(repository, {"a.txt": "other\n"})
        write(repository, {"a.txt": "one\n"})
        assert changed_files(repository, "HEAD") == ()
        assert not is_dirty(repository)

    @pytest.mark.parametrize("name", ["a.txt", "untracked.txt"])
    def test_dirty(self, repository: Path, name: str) -> None:
        assert not is_dirty(repository)
        write(repository, {name: "dirty\n"})
        assert is_dirty(repository)
