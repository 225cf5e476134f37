"""Whether a commit's `dvc.lock` is what its code, params and data would give, without running.

A commit whose author changed a stage and forgot `dvc repro` has the results of another one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from gates.dvc.files import (
    PIPELINE,
    POINTER_SUFFIX,
    Lock,
    Recorded,
    Stage,
    read_commands,
    read_pointer,
    read_texts,
)

_YAML = (".yaml", ".yml")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def read_by(lock: Lock) -> tuple[str, ...]:
    """Paths that must be known at the commit to say whether the lock is in step with it."""
    inputs = (path for path in lock.dependencies if "://" not in path)
    params = (file for stage in lock.stages.values() for file in stage.params)
    names = [name for path in inputs for name in (path, path + POINTER_SUFFIX)]
    return (PIPELINE, *names, *(file for file in params if file.endswith(_YAML)))


def find_out_of_step(lock: Lock, known: Mapping[str, bytes]) -> str | None:
    """The first thing that differs from what the lock says of it; `None` if nothing does.

    What cannot be told without running is not looked at: folders in Git as dependencies,
    params that are not YAML, commands that are templates. A value that is only written another
    way counts as a difference; the pipeline then runs again, and DVC finds it unchanged.

    Args:
        lock: the commit's lock.
        known: content of the commit's files, at least of those in `read_by`.

    Raises:
        EvidenceError: one of them cannot be read.
    """
    return next(_differences(lock, known), None)


def _differences(lock: Lock, known: Mapping[str, bytes]) -> Iterator[str]:
    commands = read_commands(known[PIPELINE], PIPELINE) if PIPELINE in known else {}
    trees = {
        file: read_texts(known[file], file)
        for file in {file for stage in lock.stages.values() for file in stage.params}
        if file in known and file.endswith(_YAML)
    }
    made = lock.outputs
    for name, stage in lock.stages.items():
        declared = commands.get(name)
        if declared is not None and "${" not in str(declared) and declared != stage.command:
            yield f"the command of stage {name}"
        for dependency in stage.dependencies:
            if _md5_at(dependency.path, made, known) not in (None, dependency.md5):
                yield dependency.path
        for file, key, value in _params(stage):
            if file in trees and _normal(_look_up(trees[file], key)) != _normal(value):
                yield f"{key} in {file}"


def _params(stage: Stage) -> Iterator[tuple[str, str, Any]]:
    for file, values in stage.params.items():
        for key, value in values.items():
            yield file, key, value


def _md5_at(path: str, made: Mapping[str, Recorded], known: Mapping[str, bytes]) -> str | None:
    """What the commit itself says a dependency's MD5 is; `None` where it cannot be told."""
    if path in made:
        return made[path].md5
    if path in known:
        return hashlib.md5(known[path], usedforsecurity=False).hexdigest()
    pointer = str(PurePosixPath(path + POINTER_SUFFIX))
    if pointer in known:
        return next((o.md5 for o in read_pointer(known[pointer], pointer) if o.path == path), None)
    return None


def _look_up(tree: Any, dotted: str) -> Any:
    """A value by its dotted name, which may itself hold dots or an index, as DVC allows."""
    if isinstance(tree, dict) and dotted in tree:
        return tree[dotted]
    head, _, rest = dotted.partition(".")
    if isinstance(tree, dict) and rest:
        return _look_up(tree.get(head), rest)
    if isinstance(tree, list) and head.isdecimal() and int(head) < len(tree):
        return _look_up(tree[int(head)], rest) if rest else tree[int(head)]
    return None


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if value is None or value in _NULLS:
        return None
    if value.lower() in {"true", "false"}:
        return value.lower()
    try:
        return float(value)
    except ValueError:
        return value
