"""Artifacts of runs, through memory: evidence into a folder, or a verdict alone."""

import io
import zipfile
import zlib
from pathlib import Path
from typing import Final

from gates.errors import EvidenceError
from gates.evidence.manifest import Manifest
from gates.finding import Verdict
from gates.github.intake import Budget, take_in
from gates.github.repository import GitHub
from gates.github.values import Artifact
from gates.verdict import read_verdict

_VERDICT: Final = "verdict.json"
_VERDICT_MAX_BYTES: Final = 1 << 24
_ARCHIVE_MAX_BYTES: Final = 1 << 24


def take(github: GitHub, artifact: Artifact, folder: Path, revision: str) -> Manifest:
    """Fetch evidence of a commit into a folder that does not exist yet.

    Raises:
        EvidenceError: it is no evidence, or of another commit.
        GitHubError: it cannot be had.
    """
    budget = Budget()
    content = github.download(artifact, bytes_max=budget.archive_bytes)
    return take_in(content, folder, digest=artifact.digest, revision=revision, budget=budget)


def take_verdict(github: GitHub, artifact: Artifact) -> Verdict:
    """Fetch the verdict that the trusted workflow left; its other files are not looked at.

    Raises:
        EvidenceError: there is none in it, or it is too large.
        GitHubError: it cannot be had.
    """
    content = github.download(artifact, bytes_max=_ARCHIVE_MAX_BYTES)
    return verdict_in(content, f"artifact {artifact.id}")


def verdict_in(content: bytes, name: str) -> Verdict:
    """The verdict in the zip of an artifact.

    Raises:
        EvidenceError: there is none in it, or it is too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(_VERDICT) as packed:
            found = packed.read(_VERDICT_MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError) as error:
        raise EvidenceError(f"{name}: no {_VERDICT} in it. Re-run its job.") from error
    if len(found) > _VERDICT_MAX_BYTES:
        raise EvidenceError(f"{name}: larger than any verdict. Re-run its job.")
    return read_verdict(found)
