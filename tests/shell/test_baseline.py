import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from gates.baseline.base import Baseline, NoBaseline
from gates.baseline.find import STORE, find_baseline
from gates.collect.collect import collect
from gates.collect.stage_code import CODE
from gates.dvc.reproduce import reproduce
from gates.errors import EvidenceError, PipelineError
from gates.evidence.manifest import read_manifest
from gates.evidence.sources import Sources
from gates.git.repository import resolve
from tests.shell.project import (
    SOURCES,
    cached,
    change_params,
    commit,
    environment,
    git,
    run,
    wait_for,
    worktrees,
    write,
)

FIND = """
import sys
from pathlib import Path
from gates.baseline.find import find_baseline
from gates.evidence.sources import Sources
import msgspec
sources = msgspec.json.decode(sys.argv[3], type=Sources)
find_baseline(Path(sys.argv[1]), sys.argv[2], sources, lambda line: print(line, flush=True))
"""

# Says who runs it, and then writes nothing while a test looks.
SLOW = """\
import os, time
from pathlib import Path
said = Path({pids!r} + ".part")
said.write_text(f"{{os.getppid()}} {{os.getpid()}}")
said.rename({pids!r})
time.sleep(60)
"""


def find(root: Path, said: list[str], revision: str = "HEAD") -> Baseline:
    found = find_baseline(root, resolve(root, revision), SOURCES, said.append)
    assert isinstance(found, Baseline)
    return found


def digests(folder: Path) -> dict[str, str]:
    """What a base is asked for; what its code says is asked of candidates only."""
    files = read_manifest(folder).files
    return {file.name: file.sha256 for file in files if file.name != CODE}


def spoil(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)


def lose_cache(root: Path) -> None:
    shutil.rmtree(root / ".dvc/cache")


def lose_remote(root: Path) -> None:
    shutil.rmtree(root.parent / "remote")


@pytest.fixture
def expected(project: Path) -> dict[str, str]:
    """What the tree's own evidence is, collected before anything is changed."""
    out = project / "build/expected"
    collect(project, SOURCES, out, revision="r", dirty=False, progress=lambda _line: None)
    return digests(out)


class TestWhereItIsFound:
    def test_in_the_dvc_cache_then_in_the_store(
        self, project: Path, expected: dict[str, str], said: list[str]
    ) -> None:
        first, again = find(project, said), find(project, said)
        assert (first.found, again.found) == ("dvc cache", "local store")
        assert first.folder == again.folder == project / STORE / git(project, "rev-parse", "HEAD")
        assert digests(first.folder) == expected
        assert read_manifest(first.folder).environment == {"packages.tiny": "1.0", "threads": "2"}
        assert said == []

    def test_of_stages_with_a_folder_of_their_own(self, project: Path, said: list[str]) -> None:
        """Whose paths `dvc.lock` writes from there."""
        text = (project / "dvc.yaml").read_text("utf-8")
        at = text.index("  score:")
        stage = """\
  score:
    wdir: out
    cmd: cd .. && python -m steps.score --model out/model.json --rows out/test.parquet
      --out out/predictions.parquet
    deps: [model.json, test.parquet, ../steps/score.py]
    outs: [predictions.parquet]
    metrics: [{../metrics.json: {cache: false}}]
"""
        write(project, {"dvc.yaml": text[:at] + stage})
        run(project, "dvc", "repro", "-q")
        assert "- path: predictions.parquet" in (project / "dvc.lock").read_text("utf-8")
        commit(project)
        assert find(project, said).found == "dvc cache"
        assert said == []
        (project / SOURCES.predictions).unlink()
        shutil.copy(project / SOURCES.test, project / SOURCES.predictions)
        with pytest.raises(
            EvidenceError, match=r"predictions.parquet: its MD5 is .* dvc.lock says"
        ):
            collect(
                project,
                SOURCES,
                project / "build/x",
                revision="r",
                dirty=True,
                progress=said.append,
            )

    def test_of_the_commit_not_of_the_tree(
        self, project: Path, expected: dict[str, str], said: list[str]
    ) -> None:
        change_params(project, "shift: 0", "shift: 5")
        write(project, {"columns.yaml": "changed", "metrics.json": "changed"})
        run(project, "dvc", "repro", "-q", "train")
        shutil.rmtree(project / "out")
        assert digests(find(project, said).folder) == expected

    def test_on_the_remote(self, project: Path, expected: dict[str, str], said: list[str]) -> None:
        lose_cache(project)
        found = find(project, said)
        assert found.found == "dvc remote"
        assert digests(found.folder) == expected
        assert said == ["fetching 4 files from the DVC remote"]
        assert worktrees(project) == []
        shutil.rmtree(project / "build")
        assert find(project, said).found == "dvc cache"

    def test_by_running_the_pipeline_again(
        self, project: Path, expected: dict[str, str], said: list[str]
    ) -> None:
        """Neither the cache nor the remote has the train table; the work tree is not touched."""
        for folder in (project / ".dvc/cache", project.parent / "remote"):
            path = cached(project, "out/train.parquet").relative_to(project / ".dvc/cache")
            (folder / path).unlink()
        (project / "steps/train.py").write_text("raise SystemExit('the candidate is broken')")
        found = find(project, said)
        assert found.found == "reproduced"
        assert digests(found.folder) == expected
        assert "1 of 1 files are not on the DVC remote" in said[1]
        assert [line for line in said if line.endswith("running")] == ["split: running"]
        assert "python" in read_manifest(found.folder).environment
        assert worktrees(project) == []
        assert git(project, "status", "--porcelain") == "M steps/train.py"

    def test_without_a_lock_the_pipeline_runs(
        self, project: Path, expected: dict[str, str], said: list[str]
    ) -> None:
        (project / "dvc.lock").unlink()
        commit(project)
        found = find(project, said)
        assert found.found == "reproduced"
        assert digests(found.folder) == expected
        assert "train: running" in said

    def test_a_file_behind_its_own_pointer(self, project: Path, said: list[str]) -> None:
        shutil.copy(project / "out/test.parquet", project / "data/holdout.parquet")
        run(project, "dvc", "add", "-q", "data/holdout.parquet")
        commit(project)
        sources = msgspec.structs.replace(SOURCES, test="data/holdout.parquet")
        found = find_baseline(project, resolve(project, "HEAD"), sources, said.append)
        assert isinstance(found, Baseline)
        assert found.found == "dvc cache"

    def test_from_a_linked_work_tree_of_ours(self, project: Path, said: list[str]) -> None:
        linked = project.parent / "linked"
        git(project, "worktree", "add", "-q", "--detach", str(linked))
        assert find(linked, said).found == "dvc remote"


class TestNone:
    def test_before_the_first_pipeline(self, project: Path, said: list[str]) -> None:
        git(project, "switch", "-q", "--orphan", "before")
        write(project, {"README.md": "soon"})
        revision = commit(project)
        found = find_baseline(project, revision, SOURCES, said.append)
        assert found == NoBaseline(
            revision=revision,
            reason=f"{revision[:12]} has neither dvc.yaml nor dvc.lock: no pipeline came before",
        )

    def test_a_pipeline_that_leaves_no_predictions(self, project: Path, said: list[str]) -> None:
        sources = Sources(predictions="out/none.parquet", test="out/test.parquet")
        found = find_baseline(project, resolve(project, "HEAD"), sources, said.append)
        assert isinstance(found, NoBaseline)
        assert found.reason.endswith("leaves no out/none.parquet")
        assert worktrees(project) == []


class TestFaults:
    def test_a_stage_that_fails_at_the_base_is_an_error(
        self, project: Path, said: list[str]
    ) -> None:
        write(project, {"steps/train.py": "raise SystemExit('broken on main')"})
        revision = commit(project)
        with pytest.raises(PipelineError) as failure:
            find_baseline(project, revision, SOURCES, said.append)
        assert said[0] == f"dvc.lock at {revision[:12]} is out of step with steps/train.py"
        assert str(failure.value).startswith(
            f"the base {revision[:12]}: stage train exited with 1."
        )
        assert "\n  | broken on main" in str(failure.value)
        assert worktrees(project) == []
        assert not (project / STORE / revision).exists()

    def test_a_damaged_cache_is_named_and_left_alone(self, project: Path, said: list[str]) -> None:
        path = cached(project, "out/predictions.parquet")
        spoil(path, b"PAR1 nonsense")
        with pytest.raises(EvidenceError, match=rf"{path.name}: the object of out/predictions"):
            find(project, said)
        assert path.read_bytes() == b"PAR1 nonsense"
        assert not list((project / STORE).iterdir())

    def test_a_damaged_remote_is_not_believed(
        self, project: Path, expected: dict[str, str], said: list[str]
    ) -> None:
        """Made again instead, though the remote is not set to verify."""
        path = cached(project, "out/predictions.parquet").relative_to(project / ".dvc/cache")
        lose_cache(project)
        spoil(project.parent / "remote" / path, b"PAR1 nonsense")
        found = find(project, said)
        assert found.found == "reproduced"
        assert digests(found.folder) == expected
        assert "score: running" in said

    def test_lost_data_is_said(self, project: Path, said: list[str]) -> None:
        lose_cache(project)
        lose_remote(project)
        with pytest.raises(PipelineError, match=r"1 of 1 data file cannot be had: data/raw"):
            find(project, said)
        assert worktrees(project) == []

    @pytest.mark.parametrize("name", ["predictions.parquet", "manifest.json"])
    def test_damaged_evidence_in_the_store_is_found_anew(
        self, project: Path, expected: dict[str, str], said: list[str], name: str
    ) -> None:
        folder = find(project, said).folder
        with (folder / name).open("r+b") as stream:
            stream.seek(20)
            stream.write(b"~")
        found = find(project, said)
        assert found.found == "dvc cache"
        assert digests(found.folder) == expected
        assert said[0].startswith("not used and made again: ")

    def test_evidence_of_another_commit_in_the_store_is_not_taken(
        self, project: Path, said: list[str]
    ) -> None:
        first = find(project, said)
        write(project, {"columns.yaml": "columns: {}"})
        commit(project)
        first.folder.rename(project / STORE / git(project, "rev-parse", "HEAD"))
        assert find(project, said).found == "dvc cache"
        assert "evidence of" in said[0]


class TestConfiguration:
    def test_the_base_never_gets_the_pull_requests_remote(
        self, project: Path, said: list[str]
    ) -> None:
        lose_cache(project)
        config = project / ".dvc/config"
        config.write_text(config.read_text().replace("../../remote", "../../elsewhere"))
        assert find(project, said).found == "dvc remote"

    def test_what_only_this_clone_knows_is_added(self, project: Path, said: list[str]) -> None:
        """The remote's place stands in `config.local`, relative to it, as does the cache's."""
        config = project / ".dvc/config"
        config.write_text(config.read_text().replace("url = ../../remote", "url = nowhere"))
        commit(project)
        write(
            project,
            {
                ".dvc/config.local": "[cache]\n    dir = ../../kept\n"
                "['remote \"sample\"']\n    url = ../../remote\n"
            },
        )
        assert find(project, said).found == "dvc remote"
        assert (project.parent / "kept/files/md5").is_dir()


def start(root: Path) -> "subprocess.Popen[str]":
    sources = msgspec.json.encode(SOURCES).decode()
    return subprocess.Popen(
        [sys.executable, "-c", FIND, str(root), git(root, "rev-parse", "HEAD"), sources],
        env={**environment(), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_reproduction_leaves_no_evidence(
    project: Path, sent: signal.Signals, said: list[str]
) -> None:
    quick = (project / "steps/score.py").read_text()
    pids = project.parent / "pids"
    write(project, {"steps/score.py": SLOW.format(pids=str(pids)) + quick})
    commit(project)
    process = start(project)
    wait_for(process, "score: running")
    while not pids.exists():  # DVC says so before it starts the stage
        time.sleep(0.01)
    process.send_signal(sent)
    process.communicate(timeout=10)
    store = project / STORE
    assert not store.exists() or not [p for p in store.rglob("*") if p.name == "manifest.json"]
    if sent != signal.SIGKILL:
        assert worktrees(project) == []
        return
    assert worktrees(project) != []
    write(project, {"steps/score.py": quick + "# again\n"})
    commit(project)
    assert find(project, said).found == "reproduced"
    assert worktrees(project) == []
    for pid in pids.read_text().split():  # nobody ended what the killed process had started
        os.kill(int(pid), signal.SIGKILL)


def test_a_kill_at_any_time_leaves_whole_evidence_or_none(project: Path) -> None:
    store = project / STORE
    for delay_ms in range(20, 200, 12):
        shutil.rmtree(project / "build", ignore_errors=True)
        process = start(project)
        time.sleep(delay_ms / 1000)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        for folder in store.glob("[0-9a-f]*"):
            read_manifest(folder)


def test_two_at_once_find_the_same(project: Path, expected: dict[str, str]) -> None:
    processes = [start(project) for _ in range(3)]
    assert [process.wait(timeout=30) for process in processes] == [0, 0, 0]
    for process in processes:
        process.communicate()
    (folder,) = (project / STORE).iterdir()
    assert digests(folder) == expected


def test_a_reproduced_model_is_the_one_that_scores(project: Path, said: list[str]) -> None:
    """The committed lock is out of step: it says shift 0, the commit's params say 5."""
    change_params(project, "shift: 0", "shift: 5")
    revision = commit(project)
    baseline = find(project, said)
    assert baseline.found == "reproduced"
    assert said[0] == f"dvc.lock at {revision[:12]} is out of step with model.shift in params.yaml"
    change_params(project, "test_share: 4", "test_share: 5")
    change_params(project, "shift: 5", "shift: 7")
    reproduce(project, said.append)
    collected = collect(
        project,
        SOURCES,
        project / "build/candidate",
        revision="r",
        dirty=True,
        progress=said.append,
        baseline=baseline,
    )
    table = pq.ParquetFile(collected.folder / "baseline_predictions.parquet").read()
    assert table["score"].to_pylist()[:3] == [0.005, 0.010, 0.015]


def test_the_slow_libraries_are_not_imported() -> None:
    program = (
        "import sys, gates.baseline.find, gates.collect.collect, gates.collect.pack\n"
        "print([n for n in ('dvc', 'pyarrow', 'numpy', 'pandas', 'scipy') if n in sys.modules])"
    )
    here = Path(__file__).parents[2]
    assert run(here, sys.executable, "-c", program) == "[]"
