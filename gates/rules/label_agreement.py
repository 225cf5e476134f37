"""Gate `label_agreement`."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import pyarrow as pa

from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.case.segments import Rows, split_by
from gates.evidence.folder import Evidence
from gates.evidence.labelings import LABELS, Labelings, read_labelings
from gates.finding import Family, Limit, Mode, Observation, Subject, Support
from gates.judging.growth import rows_to_tell
from gates.judging.lost import tell_lost
from gates.judging.margin import cannot_tell
from gates.judging.sides import tables_of
from gates.quoting import quote
from gates.rules.gate import Gate, Item, Measurement
from gates.stats.agreement import (
    Agreement,
    Labels,
    Scale,
    agreement_by_labeler,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    specific_agreement,
)
from gates.stats.undefined import UndefinedError
from gates.tables.arrow import places_in

MIN_ITEMS = 50  # with several labels, below which the interval says nothing: statistics.md §7.5
_MIN_SHOWN = 10  # of one class or labeler, below which it is not called the worst
_PAIR = 2
_MEND = (
    "Sharpen the labelling guide where they disagree most, label those rows again, and settle "
    "each with a third labeler."
)
_MEND_FEW = "Let several labelers label the same rows, and write each label."

Coefficient = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class LabelAgreement(Gate, frozen=True, kw_only=True):
    """Blocks labels that their labelers do not agree on.

    What it blocks: several labelers' labels of the same rows (`labels.parquet`) whose Krippendorff
    alpha is provably below `floor`. The alpha is 1 where they always agree and 0 where they agree
    as often as labels drawn at random; any label may be missing. Classes are nominal, a
    regression's labels `interval`; `scale: ordinal` is for levels with an order. Cohen's kappa
    (two labelers) or Fleiss' (as many labels for every row) is shown beside it, and the class,
    the labeler and the segment with the least agreement.

    Why: a model cannot be more certain than its labels are. Where labelers disagree, the score on
    the test set is as much about who labelled it as about the model. The share of equal labels
    says little: two labelers who call 95 % of all rows negative agree on most rows by chance.
    Krippendorff's own cut-offs are .667 for tentative and .800 for firm conclusions.

    What it does not see: labelers who agree on what is wrong, or who copied each other; rows with
    one label only; and fewer than 50 rows with several, where it is undecided.

    Example:
        label_agreement: {floor: 0.667}
    """

    family: ClassVar[Family] = Family.LABELS
    floor: Coefficient = 0.667
    scale: Scale | None = None  # by default nominal, of a regression interval
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement of the alpha; observations of what lies behind it."""
        if not case.candidate.has(LABELS):
            yield tell_lost(case, LABELS, f"there are no labels of several labelers ({LABELS})")
            return
        subject, limit = Subject(key="agreement"), Limit(floor=self.floor, mode=self.mode)
        scale = self._scale(case)
        given = read_labelings(case.candidate, scale)
        pairable = given.labels.pairable()
        items = len(np.unique(pairable.items))
        if items < MIN_ITEMS:
            reason = f"{items:,} rows have several labels, {MIN_ITEMS} are needed"
            yield cannot_tell(subject, limit, reason, items, mend=_MEND_FEW, rows_needed=MIN_ITEMS)
            return
        try:
            found = krippendorff_alpha(pairable, scale)
        except UndefinedError as error:
            yield cannot_tell(subject, limit, str(error), items, mend=_MEND_FEW)
            return
        worst = list(_worst(case, given, scale))
        yield self._measure(case, found, given, [each.message.rstrip(".") for each in worst])
        yield from _kappa(given, scale)
        yield from worst

    def _scale(self, case: Case) -> Scale:
        usual: Scale = "interval" if case.settings.task == "regression" else "nominal"
        return self.scale or usual

    def _measure(
        self, case: Case, found: Agreement, given: Labelings, worst: Sequence[str]
    ) -> Measurement:
        scale, around = self._scale(case), found.interval(CONFIDENCE)
        before = None if case.baseline is None else _alpha_of(case.baseline, scale)
        behind = "".join(f" {each}." for each in worst)
        return Measurement(
            subject=Subject(key="agreement"),
            limit=Limit(floor=self.floor, mode=self.mode),
            value=found.value,
            interval=(around.lower, around.upper),
            p_value=found.p_at_least(self.floor),
            message=(
                f"Krippendorff's alpha ({scale}) of {len(given.labelers):,} labelers on "
                f"{found.items:,} rows: {found.value:.4f} (95 % interval {around.lower:.4f} to "
                f"{around.upper:.4f}); the floor is {self.floor:g}.{behind}"
            ),
            mend=_MEND,
            baseline=before,
            support=Support(rows=found.items),
            rows_needed=_rows_needed(found, self.floor),
        )


def _alpha_of(evidence: Evidence, scale: Scale) -> float | None:
    if not evidence.has(LABELS):
        return None
    with contextlib.suppress(UndefinedError):
        return krippendorff_alpha(read_labelings(evidence, scale).labels, scale).value
    return None


def _rows_needed(found: Agreement, floor: float) -> int | None:
    """Rows with several labels that would tell such an alpha from the floor."""
    log = found.log_disagreement
    if log is None:
        return None
    return rows_to_tell(log.standard_error, abs(log.value - math.log(1 - floor)), found.items)


def _kappa(given: Labelings, scale: Scale) -> Iterator[Observation]:
    """Cohen's of two labelers, Fleiss' of more with as many labels for every row."""
    labels = given.labels.pairable()
    if scale != "nominal":
        return
    with contextlib.suppress(UndefinedError):
        if len(given.labelers) == _PAIR:
            name, found = "Cohen's kappa", cohen_kappa(*_side_by_side(labels))
        else:
            name, found = "Fleiss' kappa", fleiss_kappa(labels)
        around = found.interval(CONFIDENCE)
        yield Observation(
            subject=Subject(key=name),
            message=f"{name} is {found.value:.4f}.",
            candidate=found.value,
            greater_is_better=True,
            interval=(around.lower, around.upper),
            support=Support(rows=found.items),
        )


def _side_by_side(labels: Labels) -> tuple[Rows, Rows]:
    """What the first and the second labeler said of each item."""
    order = np.lexsort((labels.labelers, labels.items))
    codes = labels.labels[order].astype(np.intp)
    return codes[0::2], codes[1::2]


def _worst(case: Case, given: Labelings, scale: Scale) -> Iterator[Observation]:
    yield from _worst_class(given, scale)
    yield from _worst_labeler(given, scale)
    yield from _worst_segment(case, given, scale)


def _worst_class(given: Labelings, scale: Scale) -> Iterator[Observation]:
    if scale != "nominal":
        return
    found = [
        (estimate.value, code, estimate, items)
        for code, (estimate, items) in specific_agreement(given.labels).items()
        if items >= _MIN_SHOWN
    ]
    if len(found) < _PAIR:
        return
    value, code, estimate, items = min(found, key=lambda each: each[:2])
    around = estimate.interval(CONFIDENCE)
    yield Observation(
        subject=Subject(key="class"),
        message=f"The class with the least agreement is {quote(given.classes[code])}, {value:.4f}.",
        candidate=value,
        greater_is_better=True,
        interval=(max(0.0, around.lower), min(1.0, around.upper)),
        support=Support(rows=items),
    )


def _worst_labeler(given: Labelings, scale: Scale) -> Iterator[Observation]:
    found = [
        (value, code, items)
        for code, (value, items) in agreement_by_labeler(given.labels, scale).items()
        if items >= _MIN_SHOWN
    ]
    if len(found) <= _PAIR:  # of two, each disagrees with the other alike
        return
    value, code, items = min(found)
    yield Observation(
        subject=Subject(key="labeler"),
        message=(
            f"The labeler whom the others agree with least is {quote(given.labelers[code])}, "
            f"{value:.4f}."
        ),
        candidate=value,
        greater_is_better=True,
        support=Support(rows=items),
    )


def _worst_segment(case: Case, given: Labelings, scale: Scale) -> Iterator[Observation]:
    found: list[tuple[float, dict[str, str], Agreement]] = []
    for name, items in _segments(case, given.rows):
        inside = np.zeros(len(given.rows), dtype=np.bool_)
        inside[items] = True
        labels = given.labels.take(inside[given.labels.items]).pairable()
        with contextlib.suppress(UndefinedError):
            agreement = krippendorff_alpha(labels, scale)
            if agreement.items >= MIN_ITEMS:
                found.append((agreement.value, name, agreement))
    if len(found) < _PAIR:
        return
    value, name, agreement = min(found, key=lambda each: each[0])
    around = agreement.interval(CONFIDENCE)
    where = " and ".join(f"{column} = {level}" for column, level in name.items())
    yield Observation(
        subject=Subject(key="segment", segment=name),
        message=f"The segment with the least agreement is {where}, {value:.4f}.",
        candidate=value,
        greater_is_better=True,
        interval=(around.lower, around.upper),
        support=Support(rows=agreement.items),
    )


def _segments(case: Case, rows: pa.Array) -> Iterator[tuple[dict[str, str], Rows]]:
    """Items by segment, of those that stand in one of the candidate's tables."""
    evidence = case.candidate
    for columns in case.settings.segment_columns:
        items: dict[tuple[str, ...], list[Rows]] = {}
        for table in tables_of(evidence).values():
            if not all(name in table for name in (evidence.dictionary.id, *columns)):
                continue
            at = places_in(table.texts(evidence.dictionary.id), rows)
            for segment in split_by(columns, table, evidence.dictionary):
                here = at[segment.rows]
                items.setdefault(tuple(segment.name.values()), []).append(here[here >= 0])
        for values, parts in items.items():
            yield dict(zip(columns, values, strict=True)), np.concatenate(parts)
