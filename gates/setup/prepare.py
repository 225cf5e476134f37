"""A repository as it is → what was found in it, and every file that setting it up would write."""

from pathlib import Path
from typing import Any

import msgspec

from gates.case.answers import Task
from gates.dvc.files import read_texts
from gates.errors import EvidenceError, GatesError, PolicyError
from gates.evidence.columns import ColumnDictionary, Description, Type, read_columns
from gates.evidence.sources import Sources
from gates.git.call import run_git
from gates.git.files import list_work_files
from gates.git.repository import default_branch
from gates.policy.policy import has_policy, read_policy
from gates.policy.settings import Settings
from gates.reading import strict_json
from gates.setup.change import Change, drafted, extended, read_text
from gates.setup.dictionary import write_dictionary
from gates.setup.limits import Ground, write_limits
from gates.setup.look import Look, column_names, find_same_ids, look_at
from gates.setup.notes import (
    Note,
    Tables,
    needs_of,
    note_of_owner,
    note_of_packages,
    note_of_release,
    notes_of_parts,
    notes_of_tables,
)
from gates.setup.pipeline import (
    How,
    Part,
    Parts,
    default_of,
    find_parts,
    read_pipeline,
    sources_of,
)
from gates.setup.roles import Draft, Hints, draft_columns, task_of
from gates.setup.surroundings import (
    owner_of_remote,
    write_hook,
    write_ignored,
    write_owners,
    write_waivers,
)
from gates.setup.workflows import find_install, find_release, write_workflows
from gates.tables.parts import ROW_ID

PARAMS = "params.yaml"
_DICTIONARIES = ("data/columns.yaml", "columns.yaml", "gatepost/columns.yaml")


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says, so that nothing need be guessed."""

    label: str | None = None
    id: str | None = None
    owner: str | None = None
    action: str | None = None


class Prepared(msgspec.Struct, frozen=True):
    """What was found, and what would be written."""

    notes: tuple[Note, ...]
    changes: tuple[Change, ...]
    needs: tuple[str, ...]  # what is to be done before anything can be judged


def prepare(root: Path, wishes: Wishes) -> Prepared:
    """Look at everything; write nothing.

    Raises:
        UsageError: no DVC project, or a wish that cannot be fulfilled.
        PolicyError: `params.yaml` is not as gatepost reads it.
        EvidenceError: a file of DVC's cannot be read.
    """
    pipeline, settings = read_pipeline(root), _read_settings(root)
    said = settings.evidence if settings else None
    parts = _said_parts(said) if said else find_parts(root, pipeline)
    tables = _look(root, parts, wishes, said)
    policy = _write_policy(root, parts, tables, said)
    release = find_release(wishes.action)
    install, how = find_install(root, release)
    branch, known = _branch_of(root)
    owner = wishes.owner or owner_of_remote(root)
    notes = (
        *notes_of_parts(parts),
        *notes_of_tables(tables),
        Note("default branch", branch, known),
        note_of_packages(install, how),
        note_of_release(release),
        note_of_owner(owner, wishes.owner),
    )
    changes = [] if tables.lacks and said is None else [policy]
    if tables.draft is not None and not tables.lacks:
        changes.append(_write_dictionary(root, tables.path, tables.draft))
    changes += [
        write_waivers(root),
        *write_workflows(root, release, install, branch),
        write_owners(root, tables.path, owner, settings.custom.values() if settings else ()),
        write_hook(root),
        write_ignored(root),
    ]
    return Prepared(notes, tuple(changes), tuple(needs_of(parts, tables)))


def _read_settings(root: Path) -> Settings | None:
    """What a policy that is there already says beside its gates."""
    content = read_text(root, PARAMS)
    if content is None:
        return None
    try:
        if not has_policy(content.encode(), PARAMS):
            return None
        return read_policy(content.encode(), PARAMS).settings
    except PolicyError as error:
        raise PolicyError(
            f"{error} With limits in it, {PARAMS} must be plain YAML, because whoever judges "
            "reads it as hostile text; nothing was written."
        ) from error


def _said_parts(sources: Sources) -> Parts:
    named = {name: getattr(sources, name) for name in Parts.__struct_fields__}
    return Parts(
        **{
            name: Part(value, How.FOUND, f"{PARAMS} says so")
            if value
            else Part(None, How.ABSENT, f"{PARAMS} names none")
            for name, value in named.items()
        }
    )


def _look(root: Path, parts: Parts, wishes: Wishes, said: Sources | None) -> Tables:
    path, known = _find_dictionary(root, said)
    if known is not None:
        return Tables(path, known, None, "")
    if parts.test.value is None:
        return Tables(path, None, None, "no test table was found")
    if not (root / parts.test.value).exists():
        why = f"{parts.test.value} is not here: run `dvc pull` or `dvc repro`, then init again"
        return Tables(path, None, None, why)
    test = look_at(root / parts.test.value)
    train = _look_if_here(root, parts.train.value)
    predictions = root / (parts.predictions.value or default_of("predictions"))
    hints = Hints(
        label=wishes.label,
        id=wishes.id,
        params=_params(root),
        predicted=column_names(predictions),
        same_ids=find_same_ids(predictions, root / parts.test.value, ROW_ID),
    )
    return Tables(path, None, draft_columns(test, train, hints), "")


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
        named, file = said.columns, root / said.columns
        return named, read_columns(file.read_bytes(), named) if file.is_file() else None
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


def _write_policy(root: Path, parts: Parts, tables: Tables, said: Sources | None) -> Change:
    """`params.yaml` with limits at its end, which the judge's own reader has accepted."""
    if said:
        return extended(root, PARAMS, "")
    change = extended(root, PARAMS, write_limits(_ground(root, parts, tables)))
    read_policy(change.new.encode(), PARAMS)
    return change


def _ground(root: Path, parts: Parts, tables: Tables) -> Ground:
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
    predicted = column_names(root / (parts.predictions.value or default_of("predictions")))
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
