"""Where each input of a pipeline is kept, and by which hash it is known (`inputs.json`).

An input is what some stage reads and no stage makes.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from gates.errors import EvidenceError
from gates.reading import strict_json

INPUTS = "inputs.json"
INPUTS_MAX_BYTES = 1 << 20
MOST_LOOSE = 100  # files of a folder that are listed


class Keeper(StrEnum):
    """What knows the version of an input."""

    DVC = "dvc"
    GIT = "git"
    LOCK = "lock"  # of a remote file: its version is recorded, its content is not kept
    NOTHING = "nothing"


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file or folder that some stage reads and no stage makes; its path is from the root."""

    path: str
    read_by: tuple[str, ...]
    kept_by: Keeper
    hash: str | None = None  # by which it is kept
    read: str | None = None  # the MD5 of what the stages read, as the lock says
    outside: bool = False  # of the repository, so that only this machine has it
    frozen: bool = True  # whether an import stays as it is until somebody updates it
    loose: tuple[str, ...] = ()  # the first files in a folder that neither Git nor DVC knows


class StageInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stage, and how much it says of what it reads."""

    name: str
    dependencies: int
    frozen: bool = False  # DVC does not run it, whatever changed


class LockChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that the run recorded otherwise than the commit's lock; `None` is absent."""

    stage: str
    kind: Literal["stage", "command", "dependency", "output", "param"]
    name: str
    committed: str | None
    made: str | None


class Inputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pipeline reads, and what its run changed in the commit's own `dvc.lock`."""

    schema: Literal[1] = 1
    inputs: tuple[Input, ...]
    stages: tuple[StageInputs, ...]
    committed: bool = False  # whether the commit has a lock to compare with
    lock_changes: tuple[LockChange, ...] = ()
    loose_outputs: tuple[str, ...] = ()  # `cache: false`, and not in Git either
    unread: tuple[str, ...] = ()  # under DVC by a pointer, and read by no stage


class _Written(Inputs, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a file holds them: what says nothing of its schema is not ours."""

    schema: Literal[1]


def read_inputs(content: bytes, name: str) -> Inputs:
    """Parse an `inputs.json`; `name` is what messages call it.

    Raises:
        EvidenceError: it is none.
    """
    try:
        written = msgspec.convert(strict_json.load(content, name, EvidenceError), _Written)
    except msgspec.ValidationError as error:
        raise EvidenceError(f"{name}: {error}. Collect the evidence again.") from error
    return msgspec.convert(written, Inputs, from_attributes=True)


def encode_inputs(inputs: Inputs) -> bytes:
    """As `inputs.json` holds them."""
    return msgspec.json.format(msgspec.json.encode(inputs), indent=1) + b"\n"
