from pathlib import Path

import pytest

from pipeline.ingest import IngestParams
from pipeline.model import TrainParams
from pipeline.split import SplitParams
from pipeline.stage import StageError, read_params, run
from tests.pipeline.samples import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def test_the_repositorys_own_parameters_are_read() -> None:
    params = read_params("split", SplitParams, ROOT / "params.yaml")
    assert params.by == "row_id"
    assert params.train_years == (1994, 1995)


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(path: Path) -> None:
    path.write_text("ingest: {batches: [1994], popluation: workers}\n")
    with pytest.raises(StageError) as refused:
        read_params("ingest", IngestParams, path)
    assert str(refused.value) == (
        f"{path}: ingest.popluation: unknown key; did you mean population?"
    )


def test_an_unknown_key_further_down_is_refused(path: Path) -> None:
    text = (ROOT / "params.yaml").read_text().replace("    C: 1.0", "    C: 1.0\n    penalty: l1")
    path.write_text(text)
    with pytest.raises(StageError, match="unknown field `penalty`"):
        read_params("train", TrainParams, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "ingest: not a mapping"),
        ("train: {}", "ingest: not a mapping"),
        ("ingest: 3", "ingest: not a mapping"),
        ("ingest: {batches: [1994]}", "missing required field `population`"),
        ("ingest: {batches: [a], population: all}", "Expected `int`"),
        ("ingest: {batches: [1994], population: children}", "Invalid enum value 'children'"),
        ("ingest: [", "not YAML"),
    ],
)
def test_what_is_no_parameter_set_is_refused(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(StageError, match=message):
        read_params("ingest", IngestParams, path)


def test_no_file_is_refused(path: Path) -> None:
    with pytest.raises(StageError, match="no such file"):
        read_params("ingest", IngestParams, path)


def test_what_can_be_mended_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise StageError("split: no test rows")

    with pytest.raises(SystemExit) as left:
        run(main)
    assert left.value.code == 2
    assert capsys.readouterr().err == "error: split: no test rows\n"
