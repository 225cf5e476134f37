"""What a pull request touches, as Git and DVC name it: params, data, other files."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from gates.dvc.files import (
    LOCK,
    PIPELINE,
    POINTER_SUFFIX,
    Lock,
    Recorded,
    read_lock,
    read_lock_in,
    read_pointer,
)
from gates.dvc.inputs import read_pointers
from gates.errors import PolicyError
from gates.finding import Changes, Difference
from gates.git.files import changed_files, list_files, read_file, read_files
from gates.reading.strict_yaml import load

PARAMS = "params.yaml"
POLICY_KEY = "gates"


def find_changes(root: Path, base: str) -> Changes:
    """What differs between a commit and the work tree.

    What the pipeline writes is left out, being its result; and so are the limits (`gates:` in
    `params.yaml`), whose changes the verdict names itself.

    Raises:
        PolicyError: a `params.yaml` cannot be read.
        EvidenceError: a `dvc.lock` or a pointer cannot be read.
    """
    touched = changed_files(root, base)
    lock = read_lock_in(root) if (root / LOCK).is_file() else None
    params = _params_changes(root, base) if PARAMS in touched else ()
    data = _data_changes(root, base, lock)
    named = {PARAMS, LOCK, *(one.name + POINTER_SUFFIX for one in data)}
    named |= lock.outputs.keys() if lock else set()
    return Changes(params=params, data=data, files=tuple(p for p in touched if p not in named))


def _params_changes(root: Path, base: str) -> tuple[Difference, ...]:
    path = root / PARAMS
    before = _flat_params(read_file(root, base, PARAMS), f"{PARAMS} at {base[:12]}")
    after = _flat_params(path.read_bytes() if path.is_file() else None, PARAMS)
    return _differences(before, after)


def _flat_params(content: bytes | None, name: str) -> dict[str, str]:
    value = load(content, name, PolicyError).value if content is not None else None
    if not isinstance(value, dict):
        return {}
    return dict(_flatten({key: item for key, item in value.items() if key != POLICY_KEY}))


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _flatten(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", msgspec.json.encode(item).decode()


def _data_changes(root: Path, base: str, lock: Lock | None) -> tuple[Difference, ...]:
    before = _inputs_at(root, base)
    after = read_pointers(root) | _loose_inputs(lock)
    return _differences(
        {path: one.text() for path, one in before.items()},
        {path: one.text() for path, one in after.items()},
    )


def _inputs_at(root: Path, base: str) -> dict[str, Recorded]:
    names = [path for path in list_files(root, base) if path.endswith(POINTER_SUFFIX)]
    content = read_files(root, base, (*names, LOCK, PIPELINE))
    lock, pipeline = content.pop(LOCK, None), content.pop(PIPELINE, None)
    known = read_lock(lock, f"{LOCK} at {base[:12]}", pipeline=pipeline) if lock else None
    inputs = _loose_inputs(known)
    for name, pointer in content.items():
        inputs |= {one.path: one for one in read_pointer(pointer, name)}
    return inputs


def _loose_inputs(lock: Lock | None) -> dict[str, Recorded]:
    """What a pipeline reads that neither a stage nor this repository makes: remote data."""
    dependencies = lock.dependencies if lock else {}
    return {path: one for path, one in dependencies.items() if _is_outside(path)}


def _is_outside(path: str) -> bool:
    return "://" in path or path.startswith("/") or ".." in PurePosixPath(path).parts


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name=name, baseline=before.get(name), candidate=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
