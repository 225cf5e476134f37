"""Gate `label_conflicts`."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.bound import measure_share
from gates.judging.conflicts import (
    ACROSS,
    TEST_ROWS,
    TRAIN_ROWS,
    Conflicts,
    find_conflicts,
    labelled_tables,
)
from gates.judging.growth import grown
from gates.judging.sides import TEST, TRAIN, same_file
from gates.rules.gate import Amount, Gate, Item, Measurement, NotApplicableError, Share
from gates.stats.growth import Places, Sample, mean_growth, overlap_of
from gates.tables.arrow import places_in

_MEND = (
    "Look at rows that are equal in every feature: settle their label, or add the feature that "
    "tells them apart."
)


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

    Every row counts alike: a contradiction is one whatever its rows weigh. Twins are not taken for
    independent rows; rows of one person with other values are.

    What it does not see: wrong labels of rows without a twin (see `suspicious_labels`); near
    twins. Features that only one side has are left out of the comparison.

    Example:
        label_conflicts: {worsening: 0.05}
    """

    family: ClassVar[Family] = Family.LABELS
    worsening: Share = 0.05  # of the share of a row's twins that have another label
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
        new = find_conflicts(case.candidate, names, self.apart)
        old = None
        if case.baseline is not None:
            same = all(same_file(case, file) for file in (TEST, TRAIN, "columns.yaml"))
            old = new if same else find_conflicts(case.baseline, names, self.apart)
        for place, found in new.items():
            if old is not None:
                yield self._judge_growth(case, place, old.get(place), found)
            if self.share is not None and place != ACROSS:
                yield self._judge_share(place, found)
        yield from _show_bound(new)

    def _judge_growth(
        self, case: Case, place: str, old: "Conflicts | None", new: "Conflicts"
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

    def _judge_share(self, place: str, found: "Conflicts") -> Measurement:
        assert self.share is not None  # noqa: S101 - asked for only where it is set
        return measure_share(
            Subject(key=f"rows in a conflict, {place}"),
            found.contradicted,
            found.rows,
            Limit(ceiling=self.share, mode=self.mode),
            message=(
                f"{found.contradicted:,} of {found.rows:,} rows of {place} "
                f"({found.contradicted / found.rows:.2%}) have a twin with another label; "
                f"{self.share:.2%} are accepted."
            ),
            mend=_MEND,
        )


def _features(case: Case) -> list[str]:
    """Those that every table of both sides has."""
    names = list(case.candidate.dictionary.features)
    for side in (case.candidate, case.baseline):
        if side is not None:
            known = set(side.dictionary.features)
            names = [name for name in names if name in known]
            names = [
                name
                for name in names
                if all(name in each for each in labelled_tables(side).values())
            ]
    return names


def _nothing() -> Sample:
    """A baseline without twins: nothing in it is in conflict."""
    return Sample(np.zeros(0), np.zeros(0))


def _kept(case: Case, place: str) -> Places:
    """For each of the candidate's rows its place among the baseline's."""
    new, old = case.candidate, case.baseline
    assert old is not None  # noqa: S101 - there is a growth only where there is one
    if place == TRAIN_ROWS:
        if new.train_ids is None or old.train_ids is None:
            return np.full(0 if new.train is None else new.train.rows, -1)
        return places_in(new.train_ids, old.train_ids)
    return places_in(new.ids, old.ids)


def _show_bound(found: Mapping[str, Conflicts]) -> Iterator[Observation]:
    test = found[TEST_ROWS]
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
