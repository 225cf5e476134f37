"""Gate `label_conflicts`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from gates.case import Case
from gates.effect import CONFIDENCE
from gates.evidence import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.rules.gate import Amount, Gate, Item, Measurement, NotApplicableError
from gates.rules.growth import grown, rows_within
from gates.rules.sides import TEST, TRAIN, same_file
from gates.stats.growth import Places, Sample, mean_growth, overlap_of
from gates.stats.law import beta_cdf
from gates.stats.proportion import wilson
from gates.tables.arrow import places_in
from gates.tables.duplicates import find_duplicates
from gates.tables.table import Floats, Table

_TRAIN, _TEST, _ACROSS = "train", "test", "test against train"
_MEND = (
    "Look at rows that are equal in every feature: settle their label, or add the feature that "
    "tells them apart."
)

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class LabelConflicts(Gate, frozen=True, kw_only=True):
    """Blocks labels that contradict each other: rows equal in all features, labelled otherwise.

    What it blocks: of rows with a twin (equal in every feature), the share of twins with another
    label, where it provably grows by more than `worsening` over the baseline's; within train,
    within test, and from test rows to their twins in train. With `share`, rows in such conflicts
    above that share of a table are blocked whatever they were before. Of numbers, a row conflicts
    that lies further than `apart` standard deviations of the label from the median of its twins.

    Why: no model can be right about both of two equal rows, so conflicts bound what any model
    reaches. But where features say little, people who answer alike earn differently, and no label
    is wrong; so the baseline is what tells natural conflicts from new ones. It is judged among
    twins, because a table that grows has more of them.

    What it does not see: wrong labels of rows without a twin (see `suspicious_labels`); near
    twins. Features that only one side has are left out of the comparison.

    Example:
        label_conflicts: {worsening: 0.05}
    """

    family: ClassVar[Family] = Family.LABELS
    worsening: Amount = 0.05  # of the share of a row's twins that have another label
    share: Share | None = None  # of rows in a conflict, whatever it was
    apart: Amount = 0.5  # of a number, in standard deviations of the label
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One measurement per place against the baseline, and one per table against `share`."""
        if case.baseline is None and self.share is None:
            raise NotApplicableError("there is no baseline to compare with, and no `share` is set")
        names = _features(case)
        if not names:
            raise NotApplicableError("the tables of both sides have no feature in common")
        new = _find_conflicts(case.candidate, names, self.apart)
        old = None
        if case.baseline is not None:
            same = all(same_file(case, file) for file in (TEST, TRAIN, "columns.yaml"))
            old = new if same else _find_conflicts(case.baseline, names, self.apart)
        for place, found in new.items():
            if old is not None:
                yield self._judge_growth(case, place, old.get(place), found)
            if self.share is not None and place != _ACROSS:
                yield self._judge_share(place, found)
        yield from _show_bound(new)

    def _judge_growth(
        self, case: Case, place: str, old: "_Conflicts | None", new: "_Conflicts"
    ) -> Item:
        subject = Subject(key=f"twins with another label, {place}")
        limit = Limit(ceiling=self.worsening, mode=self.mode)
        if not new.twins:
            return Finding(
                subject=subject,
                state=State.PASSED,
                limit=limit,
                message=f"No row of {place} has a twin, equal in all {new.features} features.",
                support=Support(rows=new.rows),
            )
        known = old is not None and old.twins > 0
        before = old.sample if old is not None and known else _nothing()
        if old is new:
            kept = np.arange(new.rows)
        else:
            kept = _kept(case, place) if known else np.full(new.rows, -1)
        growth = mean_growth(before, new.sample, overlap_of(kept, len(before.values)))
        was = f"{before.mean:.2%}" if known else "no twins"
        return grown(
            subject,
            before.mean,
            growth,
            self.worsening,
            mode=self.mode,
            rows=new.rows,
            message=(
                f"{new.twins:,} of {new.rows:,} {new.of} have {new.where}; "
                f"{new.sample.mean:.2%} of their twins have another label (baseline: {was}; "
                f"{self.worsening:.2%} more are accepted)."
            ),
            mend=_MEND,
        )

    def _judge_share(self, place: str, found: "_Conflicts") -> Measurement:
        assert self.share is not None  # noqa: S101 - asked for only where it is set
        interval = wilson(found.contradicted, found.rows, CONFIDENCE)
        p_value = 1.0
        if found.contradicted and self.share < 1:
            count = found.contradicted
            p_value = beta_cdf(self.share, count, found.rows - count + 1)
        return Measurement(
            subject=Subject(key=f"rows in a conflict, {place}"),
            limit=Limit(ceiling=self.share, mode=self.mode),
            value=found.contradicted / found.rows,
            interval=(interval.lower, interval.upper),
            p_value=p_value,
            message=(
                f"{found.contradicted:,} of {found.rows:,} rows of {place} "
                f"({found.contradicted / found.rows:.2%}) have a twin with another label; "
                f"{self.share:.2%} are accepted."
            ),
            mend=_MEND,
            support=Support(rows=found.rows),
            rows_needed=rows_within(
                interval.lower,
                interval.upper,
                self.share - found.contradicted / found.rows,
                found.rows,
            ),
        )


class _Conflicts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Of one place: per row the share of its twins with another label, over rows with a twin."""

    place: str
    rows: int
    features: int
    sample: Sample
    contradicted: int = 0  # rows with at least one twin with another label
    least_wrong: int = 0  # rows that any model of these features gets wrong

    @property
    def twins(self) -> int:
        """Rows that have a twin."""
        return int(self.sample.size)

    @property
    def of(self) -> str:
        return f"{_TEST if self.place == _ACROSS else self.place} rows"

    @property
    def where(self) -> str:
        inside = " in train" if self.place == _ACROSS else ""
        return f"a twin{inside}, equal in all {self.features} features"


def _features(case: Case) -> list[str]:
    """Those that every table of both sides has."""
    names = list(case.candidate.dictionary.features)
    for side in (case.candidate, case.baseline):
        if side is not None:
            known = set(side.dictionary.features)
            names = [name for name in names if name in known]
            names = [name for name in names if all(name in each for each in _tables(side).values())]
    return names


def _tables(evidence: Evidence) -> dict[str, Table]:
    """The test table, and the training table where it has rows and labels."""
    tables = {_TEST: evidence.test}
    if (
        evidence.train is not None
        and evidence.train.rows
        and evidence.dictionary.label in evidence.train
    ):
        tables[_TRAIN] = evidence.train
    return tables


def _find_conflicts(evidence: Evidence, names: list[str], apart: float) -> Mapping[str, _Conflicts]:
    tables = _tables(evidence)
    found = find_duplicates(names, tuple(tables.values()))
    labels = {
        place: np.asarray(evidence.labels if place == _TEST else evidence.labels_of(table))
        for place, table in tables.items()
    }
    grouped = {
        place: _Grouped(rows, codes, labels[place][rows], found.groups)
        for place, rows, codes in zip(tables, found.rows, found.codes, strict=True)
    }
    numbers = evidence.settings.task == "regression"
    reach = apart * _spread(labels) if numbers else None
    places = {
        place: _within(place, tables[place].rows, len(names), of, reach)
        for place, of in grouped.items()
    }
    if _TRAIN in grouped:
        places[_ACROSS] = _across(
            tables[_TEST].rows, len(names), grouped[_TEST], grouped[_TRAIN], reach
        )
    return places


def _spread(labels: Mapping[str, npt.NDArray[np.generic]]) -> float:
    """Standard deviation of the label over all tables; of huge numbers without overflow."""
    every = np.concatenate([np.asarray(each, dtype=np.float64) for each in labels.values()])
    largest = float(np.abs(every).max(initial=0.0))
    return float((every / largest).std()) * largest if largest else 0.0


class _Grouped(msgspec.Struct, frozen=True, eq=False):
    """The rows of one table that have a twin in any: places, groups of twins, labels."""

    rows: npt.NDArray[np.intp]
    codes: npt.NDArray[np.intp]
    labels: npt.NDArray[np.generic]
    groups: int

    @property
    def sizes(self) -> Floats:
        """Rows by group."""
        return np.bincount(self.codes, minlength=self.groups).astype(np.float64)

    def count(self, codes: npt.NDArray[np.intp], labels: npt.NDArray[np.generic]) -> Floats:
        """For given groups and labels, how many rows of this table have both."""
        _, numbers = np.unique(np.concatenate([self.labels, labels]), return_inverse=True)
        most = 1 + int(numbers.max(initial=0))
        pairs = np.concatenate([self.codes, codes]) * most + numbers
        _, at = np.unique(pairs, return_inverse=True)
        own = len(self.codes)
        counts = np.bincount(at[:own], minlength=1 + int(at.max(initial=0)))
        return counts[at[own:]].astype(np.float64)

    def medians(self) -> Floats:
        """The label's by group; `nan` where the table has none of it."""
        values = cast("Floats", self.labels)
        order = np.lexsort((values, self.codes))
        sizes = self.sizes.astype(np.intp)
        ends = np.cumsum(sizes)
        middle = np.full(self.groups, np.nan)
        here = sizes > 0
        low = values[order][(ends - sizes + (sizes - 1) // 2)[here]]
        high = values[order][(ends - sizes + sizes // 2)[here]]
        middle[here] = low / 2 + high / 2
        return middle


def _within(place: str, rows: int, features: int, of: _Grouped, reach: float | None) -> _Conflicts:
    size = of.sizes[of.codes]
    if reach is None:
        same = of.count(of.codes, of.labels)
        other = (size - same) / np.maximum(size - 1, 1)
    else:
        values = cast("Floats", of.labels)
        same = np.ones(len(of.codes))
        other = (np.abs(values - of.medians()[of.codes]) > reach).astype(np.float64)
    twins = size > 1
    largest = np.zeros(of.groups)
    np.maximum.at(largest, of.codes, same)
    wrong = float((of.sizes - largest)[of.sizes > 1].sum()) if reach is None else 0.0
    return _Conflicts(
        place=place,
        rows=rows,
        features=features,
        sample=_sample(rows, of, other, twins),
        contradicted=int(np.count_nonzero(other[twins])),
        least_wrong=int(wrong),
    )


def _across(
    rows: int, features: int, test: _Grouped, train: _Grouped, reach: float | None
) -> _Conflicts:
    size = train.sizes[test.codes]
    twins = size > 0
    if reach is None:
        other = 1 - train.count(test.codes, test.labels) / np.maximum(size, 1)
    else:
        middle = np.where(twins, train.medians()[test.codes], 0.0)
        other = (np.abs(cast("Floats", test.labels) - middle) > reach).astype(np.float64)
    return _Conflicts(
        place=_ACROSS,
        rows=rows,
        features=features,
        sample=_sample(rows, test, other, twins),
        contradicted=int(np.count_nonzero(other[twins])),
    )


def _sample(rows: int, of: _Grouped, other: Floats, twins: npt.NDArray[np.bool_]) -> Sample:
    values, counted = np.zeros(rows), np.zeros(rows)
    values[of.rows[twins]] = other[twins]
    counted[of.rows[twins]] = 1.0
    units = np.full(rows, -1, dtype=np.intp)
    units[of.rows] = of.codes
    return Sample(values, counted, units)


def _nothing() -> Sample:
    """A baseline without twins: nothing in it is in conflict."""
    return Sample(np.zeros(0), np.zeros(0))


def _kept(case: Case, place: str) -> Places:
    """For each of the candidate's rows its place among the baseline's."""
    new, old = case.candidate, case.baseline
    assert old is not None  # noqa: S101 - there is a growth only where there is one
    if place == _TRAIN:
        if new.train_ids is None or old.train_ids is None:
            return np.full(0 if new.train is None else new.train.rows, -1)
        return places_in(new.train_ids, old.train_ids)
    return places_in(new.ids, old.ids)


def _show_bound(found: Mapping[str, _Conflicts]) -> Iterator[Observation]:
    test = found[_TEST]
    if test.least_wrong:
        share = test.least_wrong / test.rows
        yield Observation(
            subject=Subject(key="rows that no model can get right"),
            message=(
                f"At least {test.least_wrong:,} of {test.rows:,} test rows ({share:.2%}) are "
                "answered wrongly by any model of these features: they have twins with another "
                "label."
            ),
            candidate=share,
            greater_is_better=False,
            support=Support(rows=test.rows),
        )
