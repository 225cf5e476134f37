"""The last release before the merge base: which tag it is, and where its evidence is found."""

from pathlib import Path

import msgspec
import pytest

from gates.baseline.anchor import find_anchor
from gates.baseline.base import Baseline
from gates.baseline.find import find_baseline
from gates.case.anchor import Anchor, NoAnchor
from gates.evidence.folder import Evidence
from gates.git.history import nearest_tag
from gates.policy.settings import AnchorTag, Settings
from tests.shell.project import SOURCES, commit, git, make_git, write

ASKED = Settings(references=("merge_base", "anchor"), evidence=SOURCES)


def find(root: Path, settings: Settings = ASKED) -> Anchor | NoAnchor | None:
    """The anchor of HEAD."""
    said: list[str] = []
    head = git(root, "rev-parse", "HEAD")
    base = find_baseline(root, head, SOURCES, said.append)
    assert isinstance(base, Baseline)
    return find_anchor(root, head, Evidence(base.folder), settings, said.append)


def change(root: Path, text: str) -> str:
    write(root, {"notes.txt": text})
    return commit(root, text)


class TestWhichTag:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """v1.0 ← v1.1 ← main, and v2.0 on a branch that main does not hold."""
        root = tmp_path / "repository"
        make_git(root)
        git(root, "tag", "v1.0")
        change(root, "two")
        git(root, "tag", "-a", "-m", "annotated", "v1.1")
        git(root, "switch", "-q", "-c", "aside")
        change(root, "aside")
        git(root, "tag", "v2.0")
        git(root, "switch", "-q", "main")
        change(root, "three")
        git(root, "tag", "nightly-3")
        change(root, "four")
        return root

    @pytest.mark.parametrize(
        ("pattern", "revision", "tag"),
        [
            ("v*", "main", "v1.1"),
            ("v*", "main~2", "v1.1"),  # the tagged commit itself
            ("v*", "main~3", "v1.0"),
            ("nightly-*", "main", "nightly-3"),
            ("*", "main", "nightly-3"),
            ("v*", "aside", "v2.0"),
        ],
    )
    def test_the_nearest_that_matches_and_came_before(
        self, root: Path, pattern: str, revision: str, tag: str
    ) -> None:
        expected = git(root, "rev-parse", f"{tag}^{{commit}}")
        assert nearest_tag(root, pattern, git(root, "rev-parse", revision)) == (tag, expected)

    @pytest.mark.parametrize("pattern", ["release-*", "v9*", "", "--all"])
    def test_none_matches(self, root: Path, pattern: str) -> None:
        assert nearest_tag(root, pattern, git(root, "rev-parse", "main")) is None


class TestWithoutARelease:
    """The best baseline that the ledger names, as far as it lies on the way to the base."""

    def ranked(self, root: Path, *names: str, settings: Settings = ASKED) -> Anchor | NoAnchor:
        said: list[str] = []
        base = find_baseline(root, git(root, "rev-parse", "HEAD"), SOURCES, said.append)
        assert isinstance(base, Baseline)
        found = find_anchor(
            root, base.revision, Evidence(base.folder), settings, said.append, ranked=names
        )
        assert found is not None
        return found

    def test_is_the_best_on_the_way(self, project: Path) -> None:
        best = git(project, "rev-parse", "HEAD")
        change(project, "later")
        found = self.ranked(project, "0" * 40, "--upload-pack=x", "main", best)
        assert isinstance(found, Anchor)
        assert (found.side.revision, found.side.tag, found.side.best) == (best, "", True)

    def test_a_release_comes_first(self, project: Path) -> None:
        release = git(project, "rev-parse", "HEAD")
        git(project, "tag", "v1.0")
        best = change(project, "later")
        change(project, "latest")
        found = self.ranked(project, best)
        assert isinstance(found, Anchor)
        assert (found.side.revision, found.side.best) == (release, False)

    def test_of_another_branch_does_not_count(self, project: Path) -> None:
        git(project, "switch", "-q", "-c", "aside")
        best = change(project, "aside")
        git(project, "switch", "-q", "main")
        change(project, "later")
        found = self.ranked(project, best)
        assert isinstance(found, NoAnchor)
        assert found.reason.startswith("no tag like `v*`")

    def test_that_is_the_base_is_compared_once(self, project: Path) -> None:
        found = self.ranked(project, git(project, "rev-parse", "HEAD"))
        assert isinstance(found, NoAnchor)
        assert found.reason.endswith("the best baseline so far is the merge base itself")

    def test_is_not_asked_where_the_policy_does_not_want_it(self, project: Path) -> None:
        best = git(project, "rev-parse", "HEAD")
        change(project, "later")
        settings = msgspec.structs.replace(ASKED, anchor=AnchorTag(otherwise=None))
        assert isinstance(self.ranked(project, best, settings=settings), NoAnchor)


class TestWhereItsEvidenceIs:
    def test_as_a_bases(self, project: Path) -> None:
        release = git(project, "rev-parse", "HEAD")
        git(project, "tag", "v1.0")
        change(project, "later")
        first, again = find(project), find(project)
        assert isinstance(first, Anchor)
        assert isinstance(again, Anchor)
        assert (first.side.revision, first.side.tag) == (release, "v1.0")
        assert (first.side.found, again.side.found) == ("dvc cache", "local store")
        assert first.evidence.manifest.revision == release

    def test_a_policy_that_does_not_ask_gets_none(self, project: Path) -> None:
        git(project, "tag", "v1.0")
        change(project, "later")
        assert find(project, Settings(evidence=SOURCES)) is None

    def test_before_the_first_release_the_reason_is_given(self, project: Path) -> None:
        settings = msgspec.structs.replace(ASKED, anchor=AnchorTag(tag="release-*"))
        head = git(project, "rev-parse", "--short=7", "HEAD")
        assert find(project, settings) == NoAnchor(
            reason=f"no tag like `release-*` on the way to {head}"
        )

    def test_a_base_that_is_the_release_is_compared_once(self, project: Path) -> None:
        git(project, "tag", "v1.0")
        assert find(project) == NoAnchor(reason="`v1.0` is the merge base itself")

    def test_a_release_before_the_first_pipeline(self, project: Path) -> None:
        git(project, "switch", "-q", "--orphan", "old")
        change(project, "before")
        git(project, "tag", "v0.1")
        git(project, "switch", "-q", "main")
        git(project, "merge", "-q", "--allow-unrelated-histories", "-m", "joined", "old")
        found = find(project)
        assert isinstance(found, NoAnchor)
        assert found.reason.startswith("`v0.1`: ")
        assert "no pipeline came before" in found.reason
