from pathlib import Path

import pytest

from tests.cli.judged import make_judged
from tests.once import locked, shared_folder
from tests.shell.project import copy_project


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(scope="session")
def made_judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project with limits, made once; tests read it and never change it."""
    shared = shared_folder(tmp_path_factory) / "judged"
    with locked(shared):
        root = shared / "both" / "project"
        if not (shared / "done").exists():
            make_judged(root)
            (shared / "done").touch()
    return root


@pytest.fixture
def project(made_judged: Path, tmp_path: Path) -> Path:
    """A copy of the tiny project that a test may change."""
    return copy_project(made_judged, tmp_path / "both")
