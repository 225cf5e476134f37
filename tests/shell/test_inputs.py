from pathlib import Path

import pytest

from gates.dvc.inputs import bring_inputs, missing_inputs, read_pointers
from gates.dvc.reproduce import reproduce
from gates.errors import PipelineError
from tests.shell.project import write

POINTER = "outs:\n- md5: 30c6677b833454ad2df762d3c98d2409\n  hash: md5\n  path: {}\n"


@pytest.fixture
def archive(project: Path) -> Path:
    """The project, with data under DVC that no stage reads, none of it in the tree."""
    write(
        project,
        {
            "data/archive.csv.dvc": POINTER.format("archive.csv"),
            "notes/seen.txt.dvc": POINTER.format("seen.txt"),
        },
    )
    (project / "data/raw.csv").unlink()
    return project


def test_what_no_stage_reads_stays_where_it_is(archive: Path, said: list[str]) -> None:
    assert sorted(read_pointers(archive)) == ["data/archive.csv", "data/raw.csv", "notes/seen.txt"]
    bring_inputs(archive, "here", said.append)
    assert (archive / "data/raw.csv").is_file()
    assert not (archive / "data/archive.csv").exists()
    assert said == ["checkout of 1 data file"]


@pytest.mark.parametrize(
    "stage",
    [
        "{cmd: x, deps: [notes]}",
        "{cmd: x, deps: [notes/seen.txt]}",
        "{cmd: x, wdir: steps, deps: [../notes/seen.txt]}",
        "{cmd: x, deps: ['${folder}/seen.txt']}",
        "{foreach: [seen], do: {cmd: x, deps: ['${folder}/${item}.txt']}}",
        "{foreach: [1], do: {cmd: x, wdir: notes, deps: [seen.txt]}}",
    ],
)
def test_however_a_stage_names_it(archive: Path, stage: str) -> None:
    write(archive, {"dvc.yaml": f"vars: [folder: notes]\nstages: {{one: {stage}}}\n"})
    (archive / "dvc.lock").unlink()
    assert [one.path for one in missing_inputs(archive)] == ["notes/seen.txt"]


def test_a_damaged_object_in_the_cache_is_not_taken(project: Path, said: list[str]) -> None:
    """DVC checks it out and calls it up to date."""
    (pointer,) = read_pointers(project).values()
    assert pointer.md5 is not None
    stored = project / ".dvc/cache/files/md5" / pointer.md5[:2] / pointer.md5[2:]
    (project / "data/raw.csv").unlink()
    stored.chmod(0o644)
    stored.write_text("1\n2\n")
    stored.chmod(0o444)
    with pytest.raises(PipelineError, match=r"input data/raw\.csv does not match .*Delete it and"):
        reproduce(project, said.append)
