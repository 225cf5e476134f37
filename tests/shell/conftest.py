from pathlib import Path

import pytest

from tests.shell.project import copy_project, make_project


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project, made once; tests read it and never change it."""
    root = tmp_path_factory.mktemp("made") / "both" / "project"
    make_project(root)
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of the tiny project that a test may change."""
    return copy_project(made, tmp_path / "both")


@pytest.fixture
def said() -> list[str]:
    """Collects what progress said: pass `said.append`."""
    return []
