"""What was looked for in a repository, told to whoever set it up: found, guessed or missing."""

from collections.abc import Iterator

import msgspec

from gates.evidence.columns import ColumnDictionary, Role
from gates.setup.pipeline import How, Parts
from gates.setup.roles import Draft
from gates.setup.workflows import Release
from gates.tables.parts import ROW_ID

_ROLES = (Role.ID, Role.LABEL, Role.WEIGHT, Role.GROUP, Role.TIME)
_NO_PACKAGES = (
    "neither requirements.txt nor pyproject.toml nor a lock: let the step in gates.yml and "
    "baseline.yml install what the pipeline needs"
)


class Note(msgspec.Struct, frozen=True):
    """One thing that was looked for: what it is, and whence that is known."""

    name: str
    value: str
    how: How
    why: str = ""


class Tables(msgspec.Struct, frozen=True):
    """The dictionary that there is, or what the tables say of one."""

    path: str
    known: ColumnDictionary | None
    draft: Draft | None
    why: str  # there is neither

    @property
    def lacks(self) -> tuple[str, ...]:
        """The options without which limits and dictionary would be guessed wrongly."""
        return self.draft.lacks if self.draft else ()


def note_of_packages(install: tuple[str, ...], how: How) -> Note:
    """How the workflows will install what the pipeline needs."""
    return Note("packages", install[-1], how, "" if how is How.FOUND else _NO_PACKAGES)


def notes_of_parts(parts: Parts) -> Iterator[Note]:
    """One note for each part of the evidence."""
    for name in parts.__struct_fields__:
        part = getattr(parts, name)
        yield Note(name, part.value or "", part.how, part.why)


def notes_of_tables(tables: Tables) -> Iterator[Note]:
    """What the tables say, or why they say nothing."""
    if tables.known is not None:
        yield Note("columns", tables.path, How.FOUND, "a column dictionary already")
        return
    if tables.draft is None:
        yield Note("columns", "", How.ABSENT, tables.why)
        return
    for lacking in tables.lacks:
        yield Note(
            "columns", "", How.ABSENT, f"neither they nor limits are written without {lacking}"
        )
    yield Note("task", tables.draft.task, How.GUESSED)
    for role in _ROLES:
        names = [entry.name for entry in tables.draft.entries if entry.role is role]
        if names:
            yield Note(role.value, ", ".join(names), How.GUESSED, "by name and values")
    if tables.draft.segments:
        yield Note("segments", ", ".join(tables.draft.segments), How.GUESSED)
    if tables.draft.sensitive:
        yield Note("sensitive", ", ".join(tables.draft.sensitive), How.GUESSED, "by name")
    if not tables.lacks:
        count = len(tables.draft.entries)
        why = f"{count} descriptions are to be written, and all roles to be looked at"
        yield Note("columns", tables.path, How.GUESSED, why)


def needs_of(parts: Parts, tables: Tables) -> Iterator[str]:
    """What is to be done before anything can be judged."""
    for name in ("predictions", "test"):
        part = getattr(parts, name)
        if part.how is How.ABSENT:
            yield part.why
        elif part.how is How.GUESSED and ROW_ID in part.why:
            yield f"{part.value}: {part.why}"
    if tables.draft is not None:
        yield from (f"gatepost init again, with {lacking}" for lacking in tables.lacks)
    elif tables.known is None and parts.test.value is not None:
        yield tables.why


def note_of_release(release: Release) -> Note:
    """Which release the workflows use, and whether it can be moved."""
    address = f"{release.repository}@{release.revision}"
    if release.is_pinned:
        return Note("action", address, release.how)
    return Note("action", address, How.GUESSED, "a tag can be moved: name a commit with --action")


def note_of_owner(owner: str | None, given: str | None) -> Note:
    """Whom CODEOWNERS names, and whether somebody said so."""
    if owner is None:
        return Note("code owner", "", How.ABSENT, "name one with --owner @organisation/team")
    if given:
        return Note("code owner", owner, How.FOUND)
    why = "the owner of origin; of an organisation it must be a team: --owner @organisation/team"
    return Note("code owner", owner, How.GUESSED, why)
