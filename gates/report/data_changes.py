"""What a pull request does to its tables, as phrases."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from gates.finding import TableDifference, Verdict
from gates.report.figures import counted
from gates.report.words import Markdown, Name, Phrase, Prose, markdown, say

MOST_COLUMNS = 5  # named in the comment
MOST_LISTED = 60  # in the page


class TableView(NamedTuple):
    """One table that differs: its rows in figures, and the columns that changed."""

    table: str
    figures: tuple[tuple[str, str], ...]
    columns: tuple[tuple[Name, str], ...]
    more: int
    note: Phrase


def data_differences(verdict: Verdict) -> tuple[TableDifference, ...]:
    """The tables that differ; none where the verdict says nothing of them."""
    return () if verdict.data is msgspec.UNSET else verdict.data


def data_section(verdict: Verdict) -> Markdown:
    """A line for each table: `test: 1,200 rows added, 45 rows changed (12 with another label)`."""
    lines = (
        f"**Rows of {one.table}** — {markdown(say(*_parts(one)))}"
        for one in data_differences(verdict)
    )
    return Markdown("\n\n".join(lines))


def table_views(verdict: Verdict) -> tuple[TableView, ...]:
    """Each table for the page."""
    return tuple(map(_view, data_differences(verdict)))


def _parts(one: TableDifference) -> Iterator[str | Name | Prose]:
    if not one.paired:
        yield f"{one.baseline_rows:,} → {one.candidate_rows:,} rows, "
        yield "not compared row by row ("
        yield Prose(one.reason)
        yield ")"
    else:
        yield ", ".join(_rows(one)) or "no row"
    yield from _named(" · columns added: ", one.columns_added)
    yield from _named(" · columns removed: ", one.columns_removed)
    if one.columns_changed and not _is_label_alone(one):
        yield " · values changed in "
        for place, column in enumerate(one.columns_changed[:MOST_COLUMNS]):
            yield ", " if place else ""
            yield Name(column.name)
            yield f" ({counted(column.rows, 'row')})"
        yield _more(len(one.columns_changed))


def _is_label_alone(one: TableDifference) -> bool:
    return len(one.columns_changed) == 1 and one.relabelled == one.columns_changed[0].rows


def _rows(one: TableDifference) -> Iterator[str]:
    if one.added:
        yield f"{counted(one.added, 'row')} added"
    if one.removed:
        yield f"{counted(one.removed, 'row')} removed"
    if one.changed:
        labels = f" ({one.relabelled:,} with another label)" if one.relabelled else ""
        yield f"{counted(one.changed, 'row')} changed{labels}"


def _named(title: str, names: tuple[str, ...]) -> Iterator[str | Name]:
    if names:
        yield title
        for place, name in enumerate(names[:MOST_COLUMNS]):
            yield ", " if place else ""
            yield Name(name)
        yield _more(len(names))


def _more(count: int) -> str:
    return f" and {count - MOST_COLUMNS:,} more" if count > MOST_COLUMNS else ""


def _view(one: TableDifference) -> TableView:
    figures = [("rows before", one.baseline_rows), ("rows now", one.candidate_rows)]
    if one.paired:
        figures += [("added", one.added), ("removed", one.removed), ("changed", one.changed)]
        figures += [("with another label", one.relabelled)]
    columns = [(Name(name), "new column") for name in one.columns_added]
    columns += [(Name(name), "column taken out") for name in one.columns_removed]
    columns += [(Name(each.name), f"{each.rows:,}") for each in one.columns_changed]
    return TableView(
        table=one.table,
        figures=tuple((name, f"{count:,}") for name, count in figures),
        columns=tuple(columns[:MOST_LISTED]),
        more=max(0, len(columns) - MOST_LISTED),
        note=say(Prose(one.reason)) if one.reason else say(),
    )
