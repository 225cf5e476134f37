import hashlib
import json
from pathlib import Path

import pytest

from gates.dvc.cache import (
    cache_folder,
    copy_cached,
    copy_cached_tree,
    find_recorded,
    is_cached,
    object_path,
    read_config,
)
from gates.dvc.files import Recorded
from gates.errors import EvidenceError
from tests.shell.project import run, write


def store(cache: Path, content: bytes, suffix: str = "") -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    path = object_path(cache, md5)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


class TestCacheFolder:
    def test_by_default(self, tmp_path: Path) -> None:
        assert cache_folder(tmp_path) == tmp_path / ".dvc" / "cache"

    def test_nearest_configuration_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "user"))
        write(tmp_path, {"user/config": "[cache]\ndir = /user\n"})
        assert cache_folder(tmp_path) == Path("/user")
        write(tmp_path, {".dvc/config": "[cache]\n    dir = ../../shared  # by all\n"})
        assert cache_folder(tmp_path) == tmp_path.parent / "shared"
        write(tmp_path, {".dvc/config.local": "['cache']\ntype = copy\n[cache]\ndir = '/a # b'\n"})
        assert cache_folder(tmp_path) == Path("/a # b")

    def test_as_dvc_itself_writes_and_reads_it(self, made: Path, tmp_path: Path) -> None:
        root = tmp_path / "project"
        write(root, {".dvc/config": (made / ".dvc" / "config").read_text()})
        run(root, "git", "init", "-q")
        run(root, "dvc", "config", "--local", "cache.dir", str(tmp_path / "some where"))
        assert str(cache_folder(root)) == run(root, "dvc", "cache", "dir")

    def test_a_remotes_name_keeps_its_case(self, tmp_path: Path) -> None:
        write(tmp_path, {"config": "['remote \"My Store\"']\n    URL = s3://a/b=c\n"})
        assert read_config(tmp_path / "config") == {'remote "My Store"': {"url": "s3://a/b=c"}}


class TestCopy:
    def test_a_whole_object(self, cache: Path, tmp_path: Path) -> None:
        recorded = Recorded(path="a.csv", md5=store(cache, b"abc"), bytes=3)
        file = copy_cached(cache, recorded, tmp_path / "b.csv")
        assert (file.name, file.bytes) == ("b.csv", 3)
        assert file.sha256 == hashlib.sha256(b"abc").hexdigest()
        assert (tmp_path / "b.csv").read_bytes() == b"abc"

    def test_is_no_link_to_the_cache(self, cache: Path, tmp_path: Path) -> None:
        recorded = Recorded(path="a.csv", md5=store(cache, b"abc"))
        copy_cached(cache, recorded, tmp_path / "b.csv")
        (tmp_path / "b.csv").write_bytes(b"overwritten in place")
        copy_cached(cache, recorded, tmp_path / "c.csv")

    @pytest.mark.parametrize("content", [b"abd", b"ab", b"", b"abc\n"])
    def test_a_damaged_object_is_refused(self, cache: Path, tmp_path: Path, content: bytes) -> None:
        recorded = Recorded(path="a.csv", md5=store(cache, b"abc"), bytes=3)
        object_path(cache, recorded.md5 or "").write_bytes(content)
        with pytest.raises(EvidenceError, match=r"a\.csv has MD5 .* Delete this file"):
            copy_cached(cache, recorded, tmp_path / "b.csv")
        assert not (tmp_path / "b.csv").exists()
        assert object_path(cache, recorded.md5 or "").read_bytes() == content  # untouched

    def test_another_size_is_refused(self, cache: Path, tmp_path: Path) -> None:
        recorded = Recorded(path="a.csv", md5=store(cache, b"abc"), bytes=4)
        with pytest.raises(EvidenceError, match="damaged"):
            copy_cached(cache, recorded, tmp_path / "b.csv")


class TestFolders:
    @staticmethod
    def folder(cache: Path, **members: str) -> dict[str, Recorded]:
        listing = [{"md5": md5, "relpath": name} for name, md5 in members.items()]
        md5 = store(cache, json.dumps(listing).encode(), ".dir")
        return {"out/model": Recorded(path="out/model", md5=md5)}

    def test_a_file_in_a_recorded_folder(self, cache: Path) -> None:
        md5 = store(cache, b"abc")
        outputs = self.folder(cache, **{"deep/a.bin": md5})
        found = find_recorded(cache, outputs, "out/model/deep/a.bin")
        assert found == Recorded(path="out/model/deep/a.bin", md5=md5)
        assert find_recorded(cache, outputs, "out/model/b.bin") is None
        assert find_recorded(cache, outputs, "out/else") is None

    def test_a_whole_folder(self, cache: Path, tmp_path: Path) -> None:
        outputs = self.folder(cache, **{"a": store(cache, b"1"), "b/c": store(cache, b"2")})
        copy_cached_tree(cache, outputs["out/model"], tmp_path / "to" / "model")
        assert (tmp_path / "to/model/a").read_bytes() == b"1"
        assert (tmp_path / "to/model/b/c").read_bytes() == b"2"

    def test_a_missing_member_is_said(self, cache: Path, tmp_path: Path) -> None:
        outputs = self.folder(cache, a="0" * 32)
        assert is_cached(cache, outputs["out/model"])
        with pytest.raises(EvidenceError, match="out/model/a: not in the DVC cache"):
            copy_cached_tree(cache, outputs["out/model"], tmp_path / "model")

    @pytest.mark.parametrize(("name", "md5"), [("../a", "0" * 32), ("/a", "0" * 32), ("a", "../x")])
    def test_a_listing_that_leads_outside_is_refused(
        self, cache: Path, tmp_path: Path, name: str, md5: str
    ) -> None:
        outputs = self.folder(cache, **{name: md5})
        with pytest.raises(EvidenceError, match="no file of a folder"):
            copy_cached_tree(cache, outputs["out/model"], tmp_path / "model")

    def test_a_damaged_listing_is_refused(self, cache: Path) -> None:
        outputs = self.folder(cache, a="0" * 32)
        object_path(cache, outputs["out/model"].md5 or "").write_bytes(b"[]")
        with pytest.raises(EvidenceError, match="out/model has MD5"):
            find_recorded(cache, outputs, "out/model/a")
