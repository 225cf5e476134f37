"""Evidence too large for memory: whether few passes over its rows can judge it, and the passes.

What they cannot judge is judged row by row, in more memory: never with another answer.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from gates.case.ask import Ask
from gates.case.case import Case
from gates.case.segments import band_names
from gates.case.streamed import LOSSES, Streamed, summed_name
from gates.errors import EvidenceError
from gates.evidence.columns import Role
from gates.evidence.folder import REPEATS, Evidence
from gates.metrics import binary
from gates.reduction.coding import Cut
from gates.reduction.grids import Cuts
from gates.reduction.reduce import TooManySegmentsError, reduce_evidence
from gates.reduction.reduced import AUC, Request
from gates.reduction.row_prints import LabelDifferences, RowPrints, digest_of
from gates.reduction.scored_rows import Columns
from gates.tables.engine import Scan, Source
from gates.tables.parts import CODED_TEXT
from gates.tables.table import Table

_TEST, _OLD, _NEW = "test", "baseline", "candidate"  # tables, as messages name their columns
_TEXT = {pa.string(), pa.large_string(), pa.string_view()}


def stream(case: Case) -> Streamed | str:
    """The case in passes, or why all its rows are needed at once.

    Raises:
        EvidenceError: a table cannot be read, or does not fit the others.
    """
    if reason := why_by_rows(case):
        return reason
    engine, scan, columns = case.candidate.engine, _scan(case), _segment_columns(case)
    try:
        reduced = reduce_evidence(engine, scan, _request(case))
    except TooManySegmentsError as error:
        names = " × ".join(columns[cut] for cut in error.cuts)
        return f"{names} has {error.segments:,} combinations of levels"
    if _has_text_label(case.candidate):
        _refuse_other_levels(case.candidate, reduced.sums.cuts[-1].levels)
    places = {name: at for at, name in enumerate(columns)}
    return Streamed(reduced, engine, scan, places, case.candidate)


def why_by_rows(case: Case) -> str:
    """Why all rows of a case are needed in memory; nothing where passes can judge it."""
    return next((reason for look in _LOOKS if (reason := look(case))), "")


def digest_test_rows(evidence: Evidence) -> str:
    """What a large test set is known by, whatever the order of its rows.

    Raises:
        EvidenceError: the table cannot be read.
    """
    settings, dictionary = evidence.settings, evidence.dictionary
    columns = [dictionary.id, dictionary.label]
    if settings.sample_weight is not None:
        columns.append(settings.sample_weight)
    kernel = RowPrints(
        identifier=f"{_TEST}.{dictionary.id}",
        label=f"{_TEST}.{dictionary.label}",
        positive=_positive(evidence),
        is_binary=settings.task == "binary",
        is_number=settings.task == "regression",
        weight=settings.sample_weight and f"{_TEST}.{settings.sample_weight}",
    )
    source = _source(_TEST, evidence.test.path, dictionary.id, *columns)
    return digest_of(evidence.engine.reduce(Scan(sources=(source,)), kernel))


def _task(case: Case) -> str:
    task = case.settings.task
    return "" if task == "binary" else f"the task is {task}"


def _weighted(case: Case) -> str:
    return f"rows count by {case.settings.sample_weight}" if case.weighted else ""


def _grouped(case: Case) -> str:
    for side in _sides(case):
        for name in side.dictionary.with_role(Role.GROUP)[:1]:
            if name in side.test:
                return f"rows of one {name} hang together"
    return ""


def _repeated(case: Case) -> str:
    return "training was repeated" if any(side.has(REPEATS) for side in _sides(case)) else ""


def _unsummed(case: Case) -> str:
    names = [ask.metric for ask in case.asked if not _is_summed(ask.metric)]
    return f"{names[0]} is no sum over rows" if names else ""


def _is_summed(name: str) -> bool:
    metric = binary.METRICS.get(name)
    return metric is not None and summed_name(metric) is not None


def _labels(case: Case) -> str:
    if case.labels_differ:
        return "the two sides' labels differ"
    for side in _sides(case):
        levels = side.dictionary.columns[side.dictionary.label].levels or ()
        if _has_text_label(side) and len(levels) != 2:  # noqa: PLR2004
            return "the label is text, and not of two levels"
    return ""


def _bands_of_text(case: Case) -> str:
    for name in _segment_columns(case):
        if _edges(case, name) and case.candidate.test.types[name] == "text":
            return f"{name} is text that is cut into bands"
    return ""


def _identifiers(case: Case) -> str:
    for table, name in _identified(case):
        kind = table.stored_type(name) if name in table else pa.string()
        if not (kind in _TEXT or pa.types.is_integer(kind) or kind == CODED_TEXT):
            return f"the identifiers in {table.path.name} are {kind}"
    return ""


def _other_rows(case: Case) -> str:
    """Whether the test sets differ: by their files, else by a pass over both."""
    new, old = case.candidate, case.baseline
    if old is None:
        return ""
    if case.tested_rows.bands_differ:
        return "the test set is cut into other segments"
    if new.has_rows_of(old):
        return ""
    differ = "the test set has changed"
    if new.test.rows != old.test.rows:
        return differ
    kernel = LabelDifferences(
        labels=(f"{_NEW}.{new.dictionary.label}", f"{_OLD}.{old.dictionary.label}"),
        positives=(_positive(new), _positive(old)),
    )
    sources = tuple(
        _source(name, side.test.path, side.dictionary.id, side.dictionary.label)
        for name, side in ((_NEW, new), (_OLD, old))
    )
    try:
        return differ if new.engine.reduce(Scan(sources=sources), kernel) else ""
    except EvidenceError:  # another identifier, or a table that the rows' own path will refuse
        return differ


def _trained_on(case: Case) -> str:
    """Whether a model was trained on a test row; those rows are left out row by row."""
    if case.baseline is None:
        return ""
    test = _source(_TEST, case.candidate.test.path, case.candidate.dictionary.id)
    looked: set[tuple[str | None, str]] = set()
    for side in _sides(case):
        about = side.digest_of("train.parquet"), side.dictionary.id
        if side.train is None or side.dictionary.id not in side.train or about in looked:
            continue
        looked.add(about)
        train = _source("train", side.train.path, side.dictionary.id)
        if case.candidate.engine.share_identifiers(test, train):
            return "a model was trained on some of them"
    return ""


_LOOKS: tuple[Callable[[Case], str], ...] = (  # what costs a pass comes last
    _task,
    _weighted,
    _grouped,
    _repeated,
    _unsummed,
    _labels,
    _bands_of_text,
    _identifiers,
    _other_rows,
    _trained_on,
)


def _scan(case: Case) -> Scan:
    test = case.candidate
    columns = dict.fromkeys((test.dictionary.label, *_segment_columns(case)))
    sources = [_source(_TEST, test.test.path, test.dictionary.id, *columns)]
    sides = [(_NEW, test)] + ([] if case.baseline is None else [(_OLD, case.baseline)])
    for name, side in sides:
        sources.append(_source(name, side.predictions.path, "row_id", "score"))
    return Scan(sources=tuple(sources))


def _request(case: Case) -> Request:
    names = _segment_columns(case)
    places = {name: at for at, name in enumerate(names)}

    def cuts_of(ask: Ask) -> Cuts:
        return tuple(sorted({places[name] for name in ask.columns}))

    asked = [ask for ask in case.asked if {*ask.columns} <= {*places}]
    by_segment = [ask for ask in asked if ask.columns]
    losses = [loss for loss in LOSSES if any(ask.metric == loss for ask in asked)]
    if by_segment and not losses:
        losses = [LOSSES[1]]  # by it a segment is known in which no score differs
    ranked = [ask for ask in asked if ask.metric == AUC]
    return Request(
        columns=Columns(
            label=f"{_TEST}.{case.candidate.dictionary.label}",
            baseline=f"{_NEW if case.baseline is None else _OLD}.score",
            candidate=f"{_NEW}.score",
            decision_threshold=case.settings.decision_threshold,
            positive=_positive(case.candidate),
        ),
        cuts=tuple(_cut(case, name) for name in names) + _label_cut(case.candidate),
        segmentations=tuple(dict.fromkeys(map(cuts_of, by_segment))),
        losses=tuple(losses),
        ranked=any(not ask.columns for ask in ranked),
        ranked_segments=tuple(dict.fromkeys(cuts_of(ask) for ask in ranked if ask.columns)),
        joint=case.baseline is not None,
    )


def _cut(case: Case, name: str) -> Cut:
    edges = _edges(case, name)
    return Cut(column=f"{_TEST}.{name}", levels=band_names(edges) if edges else (), edges=edges)


def _label_cut(side: Evidence) -> tuple[Cut, ...]:
    """For which levels a text label has."""
    return (Cut(column=f"{_TEST}.{side.dictionary.label}"),) if _has_text_label(side) else ()


def _refuse_other_levels(side: Evidence, found: tuple[str, ...]) -> None:
    name = side.dictionary.label
    known = side.dictionary.columns[name].levels or ()
    for level in found:
        if level not in known:
            raise EvidenceError(
                f"{side.test.path}: the label {name!r} holds {level!r}; its levels are "
                f"{', '.join(known)}. Mend the data, or the dictionary."
            )


def _edges(case: Case, name: str) -> tuple[float, ...]:
    entry = case.candidate.dictionary.columns.get(name)
    return entry.segment if entry is not None and isinstance(entry.segment, tuple) else ()


def _segment_columns(case: Case) -> list[str]:
    """Columns that segments are made by; one that the table lacks is refused where it is asked."""
    names = dict.fromkeys(name for ask in case.asked for name in ask.columns)
    return [name for name in names if name in case.candidate.test]


def _has_text_label(side: Evidence) -> bool:
    return side.test.types[side.dictionary.label] == "text"


def _positive(side: Evidence) -> str | None:
    levels = side.dictionary.columns[side.dictionary.label].levels
    return levels[-1] if levels and _has_text_label(side) else None


def _sides(case: Case) -> list[Evidence]:
    return [side for side in (case.candidate, case.baseline) if side is not None]


def _identified(case: Case) -> Iterator[tuple[Table, str]]:
    """Every table whose identifiers are compared, and the column that holds them."""
    for side in _sides(case):
        yield side.test, side.dictionary.id
        yield side.predictions, "row_id"
        if side.train is not None:
            yield side.train, side.dictionary.id


def _source(name: str, path: Path, identifier: str, *columns: str) -> Source:
    return Source(name=name, location=path, id=identifier, columns=columns)
