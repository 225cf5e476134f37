import shutil
from pathlib import Path

import pytest

from tests.setup.project import make_user_project


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project, made once; tests read it and never change it."""
    root = tmp_path_factory.mktemp("user") / "churn"
    make_user_project(root)
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the user's project, as the current folder."""
    root = tmp_path / "churn"
    shutil.copytree(made, root, symlinks=True)
    monkeypatch.chdir(root)
    return root
