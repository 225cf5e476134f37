import zipfile
from pathlib import Path

import pytest
import skops.io
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from pipeline.model_file import load_model, save_model, without_addresses
from pipeline.stage import StageError


def shout(text: str) -> str:
    return text.upper()


def test_a_model_of_a_type_nobody_reviewed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    save_model(Pipeline([("own", FunctionTransformer(shout))]), path)
    with pytest.raises(StageError, match=r"not trusted: .*shout; review them"):
        load_model(path)


def test_what_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(StandardScaler(), path)
    with pytest.raises(StageError, match="holds a StandardScaler; a scikit-learn Pipeline is due"):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"PK not a model", b"\x80\x04."])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(StageError, match="not a model that can be read"):
        load_model(path)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="not a model that can be read"):
        load_model(tmp_path / "model.skops")


def test_no_address_and_no_time_is_left(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(without_addresses(skops.io.dumps(StandardScaler().fit([[1.0], [3.0]]))))
    with zipfile.ZipFile(path) as archive:
        arrays = [entry for entry in archive.infolist() if entry.filename != "schema.json"]
        assert arrays
        assert all(len(entry.filename) < len("100.npy") + 1 for entry in arrays)
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    assert skops.io.load(path).mean_.tolist() == [2.0]
