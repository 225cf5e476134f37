"""A repository as it is → what was found in it, and every file that setting it up would write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gates import strict_json
from gates.answers import Task
from gates.columns import ColumnDictionary, Description, Role, Type, read_columns
from gates.dvc_files import read_texts
from gates.errors import EvidenceError, GatesError, PolicyError
from gates.git import default_branch, list_work_files, run_git
from gates.policy import has_policy, read_policy
from gates.setup.change import Change, drafted, extended, read_text
from gates.setup.dictionary import write_dictionary
from gates.setup.limits import Ground, write_limits
from gates.setup.look import Look, column_names, find_same_ids, look_at
from gates.setup.pipeline import ROW_ID, How, Part, Parts, find_parts, read_pipeline, sources_of
from gates.setup.roles import Draft, Hints, draft_columns, task_of
from gates.setup.surroundings import (
    owner_of_remote,
    write_hook,
    write_ignored,
    write_owners,
    write_waivers,
)
from gates.setup.workflows import Release, find_install, find_release, write_workflows
from gates.sources import Sources

PARAMS = "params.yaml"
_DICTIONARIES = ("data/columns.yaml", "columns.yaml", "gatepost/columns.yaml")
_ROLES_SAID = (Role.ID, Role.LABEL, Role.WEIGHT, Role.GROUP, Role.TIME)


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says, so that nothing need be guessed."""

    label: str | None = None
    id: str | None = None
    owner: str | None = None
    action: str | None = None


class Note(msgspec.Struct, frozen=True):
    """One thing that was looked for: what it is, and whence that is known."""

    name: str
    value: str
    how: How
    why: str = ""


class Prepared(msgspec.Struct, frozen=True):
    """What was found, and what would be written."""

    notes: tuple[Note, ...]
    changes: tuple[Change, ...]


class _Tables(msgspec.Struct, frozen=True):
    """The dictionary that there is, or what the tables say of one."""

    path: str
    known: ColumnDictionary | None
    draft: Draft | None
    why: str  # there is neither


def prepare(root: Path, wishes: Wishes) -> Prepared:
    """Look at everything; write nothing.

    Raises:
        UsageError: no DVC project, or a wish that cannot be fulfilled.
        PolicyError: `params.yaml` is not as gatepost reads it.
        EvidenceError: a file of DVC's cannot be read.
    """
    pipeline, said = read_pipeline(root), _read_sources(root)
    parts = _said_parts(said) if said else find_parts(root, pipeline)
    tables = _look(root, parts, wishes, said)
    policy = _write_policy(root, parts, tables, said)
    release = find_release(wishes.action)
    install, how = find_install(root, release)
    branch, known = _branch_of(root)
    owner = wishes.owner or owner_of_remote(root)
    notes = (
        *_notes_of_parts(parts),
        *_notes_of_tables(tables),
        Note("default branch", branch, known),
        Note("packages", install[-1], how, "" if how is How.FOUND else _NO_PACKAGES),
        _note_of_release(release),
        _note_of_owner(owner, wishes.owner),
    )
    changes = [policy]
    if tables.draft is not None and not tables.draft.lacks:
        changes.append(_write_dictionary(root, tables.path, tables.draft))
    changes += [
        write_waivers(root),
        *write_workflows(root, release, install, branch),
        write_owners(root, tables.path, owner),
        write_hook(root),
        write_ignored(root),
    ]
    return Prepared(notes, tuple(changes))


_NO_PACKAGES = (
    "neither requirements.txt nor pyproject.toml nor a lock: let the step in gates.yml and "
    "baseline.yml install what the pipeline needs"
)


def _read_sources(root: Path) -> Sources | None:
    """What a policy that is there already says of the evidence."""
    content = read_text(root, PARAMS)
    if content is None:
        return None
    try:
        if not has_policy(content.encode(), PARAMS):
            return None
        return read_policy(content.encode(), PARAMS).settings.evidence
    except PolicyError as error:
        raise PolicyError(
            f"{error} With limits in it, {PARAMS} must be plain YAML, because whoever judges "
            "reads it as hostile text; nothing was written."
        ) from error


def _said_parts(sources: Sources) -> Parts:
    names = Parts.__struct_fields__
    why = f"{PARAMS} says so"
    return Parts(**{name: Part(getattr(sources, name), How.FOUND, why) for name in names})


def _look(root: Path, parts: Parts, wishes: Wishes, said: Sources | None) -> _Tables:
    path, known = _find_dictionary(root, said)
    if known is not None:
        return _Tables(path, known, None, "")
    if parts.test.value is None:
        return _Tables(path, None, None, "no test table was found")
    if not (root / parts.test.value).exists():
        why = f"{parts.test.value} is not here: run `dvc pull` or `dvc repro`, then init again"
        return _Tables(path, None, None, why)
    test = look_at(root / parts.test.value)
    train = _look_if_here(root, parts.train.value)
    predictions = root / (parts.predictions.value or "")
    hints = Hints(
        label=wishes.label,
        id=wishes.id,
        params=_params(root),
        predicted=column_names(predictions),
        same_ids=find_same_ids(predictions, root / parts.test.value, ROW_ID),
    )
    return _Tables(path, None, draft_columns(test, train, hints), "")


def _look_if_here(root: Path, path: str | None) -> Look | None:
    return look_at(root / path) if path and (root / path).exists() else None


def _params(root: Path) -> Any:
    """The pipeline's own params, in which a column may be named; nothing where unreadable."""
    try:
        return read_texts((root / PARAMS).read_bytes(), PARAMS)
    except (EvidenceError, OSError):
        return {}


def _find_dictionary(root: Path, said: Sources | None) -> tuple[str, ColumnDictionary | None]:
    """The dictionary that there is, else a path where one may be written."""
    if said is not None:
        path = root / said.columns
        return said.columns, read_columns(
            path.read_bytes(), said.columns
        ) if path.exists() else None
    for path in list_work_files(root, "*columns.yaml"):
        try:
            return path, read_columns((root / path).read_bytes(), path)
        except EvidenceError:
            continue
    free = (path for path in _DICTIONARIES if not (root / path).exists())
    usual = [path for path in free if path.startswith("columns") or (root / path).parent.is_dir()]
    done = run_git(root, "check-ignore", *_DICTIONARIES, codes=(0, 1))
    ignored = done.stdout.decode().split("\n")
    return next((path for path in usual if path not in ignored), _DICTIONARIES[-1]), None


def _write_policy(root: Path, parts: Parts, tables: _Tables, said: Sources | None) -> Change:
    """`params.yaml` with limits at its end, which the judge's own reader has accepted."""
    if said:
        return extended(root, PARAMS, "")
    change = extended(root, PARAMS, write_limits(_ground(root, parts, tables)))
    read_policy(change.new.encode(), PARAMS)
    return change


def _ground(root: Path, parts: Parts, tables: _Tables) -> Ground:
    sources = sources_of(parts, tables.path)
    reported = _names_in(root, sources.metrics)
    if tables.known is not None:
        columns = tables.known.columns
        segments = tuple(name for name, entry in columns.items() if entry.segment)
        return Ground(
            task=_known_task(root, parts, columns[tables.known.label]),
            parts=parts,
            sources=sources,
            segments=segments,
            sensitive=tuple(name for name in segments if columns[name].sensitive),
            spread=None,
            reported=reported,
        )
    draft = tables.draft
    return Ground(
        task=draft.task if draft else "binary",
        parts=parts,
        sources=sources,
        segments=draft.segments if draft else (),
        sensitive=draft.sensitive if draft else (),
        spread=draft.label.spread if draft and draft.label else None,
        reported=reported,
    )


def _known_task(root: Path, parts: Parts, label: Description) -> Task:
    predicted = column_names(root / (parts.predictions.value or ""))
    if any(name in ("prediction", "score") or name.startswith("score_") for name in predicted):
        return task_of(predicted, None)
    if label.type in (Type.NUMBER, Type.INTEGER):
        return "regression"
    return "multiclass" if len(label.levels or ()) > 2 else "binary"  # noqa: PLR2004 - two classes


def _names_in(root: Path, path: str | None) -> tuple[str, ...]:
    """The names of the numbers in a metrics file, as they are reported; none where unreadable."""
    if path is None or not (root / path).is_file():
        return ()
    try:
        found = strict_json.load((root / path).read_bytes(), path, EvidenceError)
    except EvidenceError:
        return ()
    return tuple(found) if isinstance(found, dict) else ()


def _write_dictionary(root: Path, path: str, draft: Draft) -> Change:
    text = write_dictionary(draft)
    try:
        read_columns(text.encode(), path)
    except GatesError as error:  # a guess of ours that does not hold together
        raise EvidenceError(f"the drafted dictionary is refused: {error}") from error
    return drafted(root, path, text)


def _branch_of(root: Path) -> tuple[str, How]:
    try:
        return default_branch(root).removeprefix("origin/"), How.FOUND
    except GatesError:
        return "main", How.GUESSED


def _notes_of_parts(parts: Parts) -> Iterator[Note]:
    for name in parts.__struct_fields__:
        part = getattr(parts, name)
        yield Note(name, part.value or "", part.how, part.why)


def _notes_of_tables(tables: _Tables) -> Iterator[Note]:
    if tables.known is not None:
        yield Note("columns", tables.path, How.FOUND, "a column dictionary already")
        return
    if tables.draft is None:
        yield Note("columns", "", How.ABSENT, tables.why)
        return
    for lacking in tables.draft.lacks:
        yield Note("columns", "", How.ABSENT, f"{lacking}; no dictionary is written before")
    yield Note("task", tables.draft.task, How.GUESSED)
    for role in _ROLES_SAID:
        names = [entry.name for entry in tables.draft.entries if entry.role is role]
        if names:
            yield Note(role.value, ", ".join(names), How.GUESSED, "by name and values")
    if tables.draft.segments:
        yield Note("segments", ", ".join(tables.draft.segments), How.GUESSED)
    if tables.draft.sensitive:
        yield Note("sensitive", ", ".join(tables.draft.sensitive), How.GUESSED, "by name")
    if not tables.draft.lacks:
        count = len(tables.draft.entries)
        why = f"{count} descriptions are to be written, and all roles to be looked at"
        yield Note("columns", tables.path, How.GUESSED, why)


def _note_of_release(release: Release) -> Note:
    address = f"{release.repository}@{release.revision}"
    if release.is_pinned:
        return Note("action", address, release.how)
    return Note("action", address, How.GUESSED, "a tag can be moved: name a commit with --action")


def _note_of_owner(owner: str | None, given: str | None) -> Note:
    if owner is None:
        return Note("code owner", "", How.ABSENT, "name one with --owner @organisation/team")
    if given:
        return Note("code owner", owner, How.FOUND)
    why = "the owner of origin; of an organisation it must be a team: --owner @organisation/team"
    return Note("code owner", owner, How.GUESSED, why)
