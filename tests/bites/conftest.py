import shutil
from pathlib import Path

import pytest

from gates.policy.policy import Policy, read_policy
from tests.bites.reference import ROOT, Candidate, Reference, make_reference
from tests.bites.sabotages import reseed
from tests.once import locked, shared_folder


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The reference project, reproduced and collected; the slowest step, made once for all."""
    return make_reference(shared_folder(tmp_path_factory) / "reference")


@pytest.fixture(scope="session")
def reseeded(tmp_path_factory: pytest.TempPathFactory, reference: Reference) -> Path:
    """Sealed evidence of a retrain with another seed; made once, only read."""
    shared = shared_folder(tmp_path_factory) / "reseeded"
    with locked(shared):
        folder = shared / "evidence"
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
