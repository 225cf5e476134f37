from pathlib import Path

import pytest

from gates.serving import examine
from gates.serving.service import stored_bytes


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_model_is_broken_and_put_back(tmp_path: Path, is_folder: bool) -> None:
    """A model may be a folder: then it is moved away and another one takes its name."""
    model, kept = tmp_path / "model", tmp_path / "kept"
    if is_folder:
        (model / "deep").mkdir(parents=True)
        (model / "deep" / "weights").write_bytes(b"1234")
    else:
        model.write_bytes(b"1234")
    examine._copy(model, kept)
    examine._put(None, model)
    assert model.is_file()
    assert model.read_bytes().startswith(b"gatepost: this is not a model")
    examine._put(kept, model)
    assert model.is_dir() is is_folder
    assert stored_bytes(model) == 4
