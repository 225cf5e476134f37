import os
import shutil
from pathlib import Path

import pytest

from gates.policy import Policy, read_policy
from tests.bites.reference import ROOT, Candidate, Reference, locked, make_reference
from tests.bites.sabotages import reseed


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def reference(shared: Path) -> Reference:
    """The reference project, reproduced and collected; the slowest step, made once for all."""
    return make_reference(shared / "reference")


@pytest.fixture(scope="session")
def reseeded(shared: Path, reference: Reference) -> Path:
    """Sealed evidence of a retrain with another seed; made once, only read."""
    with locked(shared / "reseeded"):
        folder = shared / "reseeded" / "evidence"
        if not folder.exists():
            making = Candidate(reference, folder.with_name("making"))
            reseed(making)
            shutil.move(making.sealed(), folder)
    return folder


@pytest.fixture
def candidate(reference: Reference, tmp_path: Path) -> Candidate:
    """A copy of the reference evidence that a test may change."""
    return Candidate(reference, tmp_path / "candidate")


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The repository's own."""
    return read_policy((ROOT / "params.yaml").read_bytes(), "params.yaml")
