import hashlib
import json
import os
import platform
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.baseline.base import Baseline, NoBaseline
from gates.baseline.find import find_baseline
from gates.collect.assemble import export
from gates.collect.collect import collect, read_reported
from gates.dvc.reproduce import reproduce
from gates.errors import EvidenceError, UsageError
from gates.evidence.manifest import read_manifest
from gates.evidence.sources import Sources
from tests.shell.project import (
    SOURCES,
    cached,
    change_params,
    git,
    run,
    without_predict,
    worktrees,
    write,
)


def gather(root: Path, out: Path, sources: Sources = SOURCES, **more: object) -> Path:
    revision = git(root, "rev-parse", "HEAD")
    arguments = {"revision": revision, "dirty": False, "progress": lambda _line: None, **more}
    return collect(root, sources, out, **arguments).folder  # type: ignore[arg-type]


def scores(path: Path) -> dict[str, float]:
    table = pq.ParquetFile(path).read()
    return dict(zip(table["row_id"].to_pylist(), table["score"].to_pylist(), strict=True))


class TestFolder:
    def test_holds_what_the_pipeline_left(self, project: Path) -> None:
        out = gather(project, project / "build/gatepost/candidate", dirty=True)
        manifest = read_manifest(out)
        assert {file.name: file.rows for file in manifest.files} == {
            "code.json": None,
            "columns.yaml": None,
            "environment.json": None,
            "metrics.json": None,
            "predictions.parquet": 25,
            "test.parquet": 25,
            "train.parquet": 75,
        }
        assert manifest.revision == git(project, "rev-parse", "HEAD")
        assert manifest.dirty
        lock = (project / "dvc.lock").read_bytes()
        assert manifest.lock_sha256 == hashlib.sha256(lock).hexdigest()
        assert manifest.environment == {
            "packages.tiny": "1.0",
            "threads": "2",
            "python": platform.python_version(),
            "platform": platform.platform(),
        }

    def test_shares_nothing_with_the_tree_or_the_cache(self, project: Path) -> None:
        """Whatever links DVC uses, a stage run by hand afterwards changes no evidence."""
        for kind in ("hardlink", "symlink"):
            run(project, "dvc", "config", "cache.type", kind)
            run(project, "dvc", "checkout", "-q", "--relink")
            out = gather(project, project / "build" / kind)
            for path in out.iterdir():
                assert path.stat().st_nlink == 1
                assert not path.is_symlink()

    def test_an_optional_file_may_be_missing(self, project: Path) -> None:
        (project / "out/environment.json").unlink()
        sources = msgspec.structs.replace(SOURCES, train=None, metrics="no-metrics.json")
        out = gather(project, project / "build/candidate", sources)
        names = {path.name for path in out.iterdir()}
        needed = {"columns.yaml", "manifest.json", "predictions.parquet", "test.parquet"}
        assert names == needed | {"code.json"}

    def test_a_required_one_may_not(self, project: Path) -> None:
        (project / "out/predictions.parquet").unlink()
        with pytest.raises(EvidenceError, match=r"out/predictions\.parquet: not there .*gates\.ev"):
            gather(project, project / "build/candidate")
        assert list((project / "build").iterdir()) == []

    def test_a_file_other_than_in_the_lock_is_refused(self, project: Path) -> None:
        """As after `dvc checkout` from a damaged cache, which DVC does not notice."""
        pq.write_table(pa.table({"row_id": ["r0"], "score": [1.0]}), project / "forged")
        (project / "forged").replace(project / "out/predictions.parquet")
        with pytest.raises(
            EvidenceError, match=r"predictions\.parquet: its MD5 is .*dvc\.lock says"
        ):
            gather(project, project / "build/candidate")

    def test_earlier_evidence_is_replaced_as_a_whole(self, project: Path) -> None:
        out = gather(project, project / "build/candidate")
        (out / "baseline_predictions.parquet").write_bytes(b"of the last run")
        gather(project, out)
        assert not (out / "baseline_predictions.parquet").exists()
        assert [path.name for path in out.parent.iterdir()] == ["candidate"]

    @pytest.mark.parametrize("name", ["notes.txt", ".git"])
    def test_a_folder_of_something_else_is_not_replaced(self, project: Path, name: str) -> None:
        write(project, {f"precious/{name}": "mine"})
        with pytest.raises(UsageError, match="which is no evidence, so it is not replaced"):
            gather(project, project / "precious")
        assert (project / "precious" / name).read_text() == "mine"

    def test_a_link_to_a_folder_is_not_replaced(self, project: Path) -> None:
        (project / "link").symlink_to(project / "out")
        with pytest.raises(UsageError, match="is not a folder"):
            gather(project, project / "link")

    def test_an_environment_that_is_none_is_refused(self, project: Path) -> None:
        write(project, {"env.json": '{"packages": ["a"]}'})
        sources = msgspec.structs.replace(SOURCES, environment="env.json")
        with pytest.raises(
            EvidenceError, match=r"environment\.json: packages is not a plain value"
        ):
            gather(project, project / "build/candidate", sources)

    def test_a_copy_elsewhere_is_the_same(self, project: Path, tmp_path: Path) -> None:
        out = gather(project, project / "build/candidate")
        copy = export(out, tmp_path / "copy")
        assert read_manifest(copy) == read_manifest(out)


class TestReported:
    def test_untouched_is_none(self, project: Path) -> None:
        assert read_reported(project, SOURCES) is None

    def test_a_hand_edited_file_outlives_the_reproduction(
        self, project: Path, said: list[str]
    ) -> None:
        (project / "metrics.json").write_text('{"rows": 999}')
        reported = read_reported(project, SOURCES)
        reproduce(project, said.append)
        assert json.loads((project / "metrics.json").read_text()) == {"rows": 25}
        out = gather(project, project / "build/candidate", reported=reported)
        assert json.loads((out / "metrics.json").read_text()) == {"rows": 999}
        read_manifest(out)

    @pytest.mark.parametrize("name", ["metrics.json", "dvc.lock"])
    def test_without_the_file_or_the_lock_it_is_none(self, project: Path, name: str) -> None:
        (project / name).unlink()
        assert read_reported(project, SOURCES) is None

    def test_a_huge_one_is_refused(self, project: Path) -> None:
        os.truncate(project / "metrics.json", 1 << 21)
        with pytest.raises(EvidenceError, match=r"metrics\.json: 2,097,152 bytes"):
            read_reported(project, SOURCES)


class TestBothTestSets:
    """The candidate moves the model by 5 thousandths, and takes every 5th row as test, not 4th."""

    @pytest.fixture
    def baseline(self, project: Path, said: list[str]) -> Baseline:
        found = find_baseline(project, git(project, "rev-parse", "HEAD"), SOURCES, said.append)
        assert isinstance(found, Baseline)
        return found

    def test_each_model_scores_both(
        self, project: Path, baseline: Baseline, said: list[str]
    ) -> None:
        change_params(project, "shift: 0", "shift: 5")
        change_params(project, "test_share: 4", "test_share: 5")
        reproduce(project, said.append)
        out = gather(project, project / "build/candidate", baseline=baseline)
        ours = scores(out / "predictions_on_baseline_test.parquet")
        theirs = scores(out / "baseline_predictions.parquet")
        assert ours == {f"r{x}": (x + 5) / 1000 for x in range(0, 100, 4)}
        assert theirs == {f"r{x}": x / 1000 for x in range(0, 100, 5)}
        rows = {file.name: file.rows for file in read_manifest(out).files}
        assert rows["predictions_on_baseline_test.parquet"] == 25
        assert rows["baseline_predictions.parquet"] == 20
        assert worktrees(project) == []

    def test_the_same_test_set_is_scored_once(
        self, project: Path, baseline: Baseline, said: list[str]
    ) -> None:
        change_params(project, "shift: 0", "shift: 5")
        reproduce(project, said.append)
        out = gather(project, project / "build/candidate", baseline=baseline)
        assert not (out / "predictions_on_baseline_test.parquet").exists()

    def test_what_cannot_be_made_is_left_out_with_its_reason(
        self, project: Path, baseline: Baseline, said: list[str]
    ) -> None:
        """The baseline's model cannot read the new rows, and it is nowhere any more."""
        model = cached(project, "out/model.json").relative_to(project / ".dvc/cache")
        change_params(project, "test_share: 4", "test_share: 5")
        reproduce(project, said.append)
        for folder in (project / ".dvc/cache", project.parent / "remote"):
            (folder / model).unlink()
        predict = "python -c \"import sys; sys.exit('no column x; $(touch pwned)')\" {rows}"
        sources = msgspec.structs.replace(SOURCES, predict=predict)
        collected = collect(
            project,
            sources,
            project / "build/candidate",
            revision="r",
            dirty=True,
            progress=said.append,
            baseline=baseline,
        )
        first, second = collected.left_out
        assert first.startswith("predictions_on_baseline_test.parquet is left out: `python -c")
        assert "no column x; $(touch pwned)" in first
        assert second.startswith("baseline_predictions.parquet is left out: out/model.json (md5 ")
        assert [first, second] == [line for line in said if "left out" in line]
        assert not (project / "pwned").exists()
        names = {file.name for file in read_manifest(collected.folder).files}
        assert not {"baseline_predictions.parquet", "predictions_on_baseline_test.parquet"} & names

    def test_without_a_command_it_is_said(self, project: Path, baseline: Baseline) -> None:
        pq.write_table(pa.table({"row_id": ["r1"]}), project / "other.parquet")
        sources = without_predict(msgspec.structs.replace(SOURCES, test="other.parquet"))
        collected = collect(
            project,
            sources,
            project / "build/candidate",
            revision="r",
            dirty=True,
            progress=lambda _line: None,
            baseline=msgspec.structs.replace(baseline, sources=sources),
        )
        assert len(collected.left_out) == 2
        assert "names no model or no predict command" in collected.left_out[0]


def test_no_baseline_is_a_value() -> None:
    assert NoBaseline(revision="a", reason="first").reason == "first"
