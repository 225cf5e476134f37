"""Gate `suspicious_labels`."""

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa

from gates.case.case import Case
from gates.case.effect import CONFIDENCE
from gates.case.segments import split_by
from gates.evidence.folder import Evidence
from gates.evidence.outputs import read_outputs
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.bound import measure_share
from gates.judging.folds import FOLDS
from gates.judging.growth import grown
from gates.judging.improbable_labels import Judge, baseline_scores, fresh_rows, name_rows
from gates.judging.lost import find_lost
from gates.judging.margin import cannot_tell
from gates.judging.sides import TRAIN, same_file
from gates.rules.gate import Gate, Item, Measurement, NotApplicableError, Share
from gates.stats.confident import Improbable
from gates.stats.estimate import Estimate
from gates.stats.growth import Sample, mean_growth, overlap_of
from gates.stats.proportion import wilson
from gates.tables.arrow import places_in
from gates.tables.table import Mask

_MIN_ROWS = 30  # of a segment, below which it is not called the worst
_MEND = (
    "Look at the rows that are named, and label anew those that are wrong; see who labelled them."
)
_MEND_SCORES = "Let `gates.evidence.predict` say how to run a model on given rows."


class SuspiciousLabels(Gate, frozen=True, kw_only=True):
    """Blocks new labels that a model which never saw them finds improbable.

    What it blocks: a share of improbable labels among the test rows that provably grows by more
    than `worsening`, through rows that the pull request adds or labels anew; and, with `share`,
    such a share whatever it was. A label is improbable where the model is as sure of another class
    as it is, on average, of that class's own rows (confident learning); a number, where its error
    lies more than five robust standard deviations off. Both label sets are judged by the
    baseline's model, which has learned nothing from this pull request; added rows count only where
    the candidate's model finds them improbable too. Up to ten rows to look at
    are named, and the segment with most of them. Of training rows with out-of-fold scores
    (`folds.parquet`), new labels are compared with those that stay, both by the candidate's folds.

    Why: a wrong label in the test set punishes the model that is right. Such labels rarely come
    alone: a batch, a labeler, a join that slipped by one row.

    What it does not see: labels that are wrong where the model is not sure, or wrong the same way
    as those it learned from; training rows without out-of-fold scores; added test rows that the
    baseline's model has not scored (`gates.evidence.predict`). An improbable label need not be
    wrong: it may be a rare truth.

    Example:
        suspicious_labels: {worsening: 0.01}
    """

    family: ClassVar[Family] = Family.LABELS
    worsening: Share = 0.01  # of the share of rows with an improbable label
    share: Share | None = None  # of such rows in test, by the candidate's model, whatever it was
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One item about new test labels, one about train's, one about the share; observations."""
        new, old = case.candidate, case.baseline
        if old is None and self.share is None:
            raise NotApplicableError("there is no baseline to compare with, and no `share` is set")
        if old is not None:
            yield self._judge_test(new, old)
            yield from self._judge_train(case, new, old)
        if self.share is None and new.is_large:  # to show it, all rows would be held
            return
        own = Judge(new.settings.task, new.labels, new.scores).look(new.labels, new.scores)
        if self.share is not None:
            yield self._judge_share(own, self.share)
        if own.rows.any():
            yield _show(new, own)
            yield from _show_segment(case, own)

    def _judge_test(self, new: Evidence, old: Evidence) -> Item:
        """Both label sets by the baseline's model."""
        rows, subject = new.test.rows, Subject(key="improbable labels")
        if (
            new.has_rows_of(old)
            or not (fresh := fresh_rows(new.ids, new.labels, old.ids, old.labels)).any()
        ):
            return self._nothing_new(subject, f"None of {rows:,} test rows", rows)
        kept = places_in(new.ids, old.ids)
        scores, known = baseline_scores(new, old, kept)
        if not (asked := fresh & known).any():
            return self._cannot_tell(
                subject,
                "the baseline's model has scored none of "
                f"{np.count_nonzero(fresh):,} test rows that are new or labelled anew",
            )
        judge = Judge(new.settings.task, old.labels, old.scores)
        before = judge.look(old.labels, old.scores).rows.astype(np.float64)
        odd, doubt = np.zeros(rows, dtype=np.bool_), np.zeros(rows)
        after = judge.look(new.labels[known], scores[known])
        odd[known], doubt[known] = after.rows, after.doubt
        # Rows of a new kind may be beyond the old model, so the new one is asked as well.
        added, own = kept < 0, Judge(new.settings.task, new.labels, new.scores)
        odd[added] &= own.look(new.labels[added], new.scores[added]).rows
        samples = (
            Sample(before, np.ones(len(before))),
            Sample(odd.astype(np.float64), known.astype(np.float64)),
        )
        unscored = np.count_nonzero(fresh & ~known)
        left = f" ({unscored:,} more are not scored)" if unscored else ""
        return grown(
            subject,
            samples[0].mean,
            mean_growth(*samples, overlap_of(kept, len(before))),
            self.worsening,
            mode=self.mode,
            rows=int(np.count_nonzero(known)),
            message=(
                f"Of {np.count_nonzero(asked):,} test rows that are new or labelled anew{left}, "
                f"{np.count_nonzero(odd & asked):,} have a label that the baseline's model finds "
                f"improbable; of all test rows {samples[1].mean:.2%}, {samples[0].mean:.2%} before "
                f"(up to {self.worsening:.2%} more are accepted)."
                f"{name_rows(new.ids, odd & asked, doubt)}"
            ),
            mend=_MEND,
        )

    def _judge_train(self, case: Case, new: Evidence, old: Evidence) -> Iterator[Item]:
        """New training labels beside those that stay, by the models of the candidate's folds."""
        if not same_file(case, TRAIN) and (lost := find_lost(case, FOLDS)):
            yield lost
        if not new.has(FOLDS) or new.train is None or old.train is None:
            return
        if new.train_ids is None or old.train_ids is None or old.dictionary.label not in old.train:
            return
        subject, table = Subject(key="improbable labels in train"), new.table(FOLDS)
        if new.digest_of(TRAIN) == old.digest_of(TRAIN):
            yield self._nothing_new(subject, f"None of {table.rows:,} training rows", table.rows)
            return
        ids = new.row_ids(table)
        places = places_in(ids, new.train_ids)
        if (places < 0).any():
            yield self._cannot_tell(subject, f"{FOLDS} has rows that are no training rows")
            return
        labels = new.labels_of(new.train)[places]
        fresh = fresh_rows(ids, labels, old.train_ids, old.labels_of(old.train))
        if not fresh.any():
            yield self._nothing_new(subject, f"None of {len(ids):,} training rows", len(ids))
            return
        scores = read_outputs(new.settings.task, table, new.classes)
        odd = Judge(new.settings.task, labels, scores).look(labels, scores)
        yield self._compare_fresh(subject, ids, fresh, odd)

    def _compare_fresh(self, subject: Subject, ids: pa.Array, fresh: Mask, odd: Improbable) -> Item:
        rows, others = int(np.count_nonzero(fresh)), int(np.count_nonzero(~fresh))
        if not others:
            return self._cannot_tell(subject, f"all {rows:,} training rows are new")
        mean, usual = float(odd.rows[fresh].mean()), float(odd.rows[~fresh].mean())
        # One row more or less that is odd is taken to be possible on either side.
        square = mean * (1 - mean) / rows + usual * (1 - usual) / others
        square += 1 / rows**2 + 1 / others**2
        share = rows / len(fresh)
        growth = Estimate(
            value=share * (mean - usual),
            standard_error=share * math.sqrt(square),
            degrees=max(1.0, len(fresh) - 1.0),
        )
        return grown(
            subject,
            usual,
            growth,
            self.worsening,
            mode=self.mode,
            rows=len(fresh),
            message=(
                f"Of {rows:,} training rows that are new or labelled anew, {mean:.2%} have a label "
                f"that models of other rows find improbable, of the other {others:,} {usual:.2%} "
                f"(up to {self.worsening:.2%} more of all are accepted)."
                f"{name_rows(ids, odd.rows & fresh, odd.doubt)}"
            ),
            mend=_MEND,
        )

    def _judge_share(self, own: Improbable, accepted: float) -> Measurement:
        count, rows = int(np.count_nonzero(own.rows)), len(own.rows)
        return measure_share(
            Subject(key="share of improbable labels"),
            count,
            rows,
            Limit(ceiling=accepted, mode=self.mode),
            message=(
                f"{count:,} of {rows:,} test rows ({count / rows:.2%}) have a label that the "
                f"model finds improbable; {accepted:.2%} are accepted."
            ),
            mend=_MEND,
        )

    def _nothing_new(self, subject: Subject, none: str, rows: int) -> Finding:
        return Finding(
            subject=subject,
            state=State.PASSED,
            limit=Limit(ceiling=self.worsening, mode=self.mode),
            message=f"{none} is new or labelled anew.",
            support=Support(rows=rows),
        )

    def _cannot_tell(self, subject: Subject, reason: str) -> Finding:
        limit = Limit(ceiling=self.worsening, mode=self.mode)
        return cannot_tell(subject, limit, reason, mend=_MEND_SCORES)


def _show(evidence: Evidence, own: Improbable) -> Observation:
    count, rows = int(np.count_nonzero(own.rows)), len(own.rows)
    interval = wilson(count, rows, CONFIDENCE)
    return Observation(
        subject=Subject(key="improbable labels in test"),
        message=(
            f"{count:,} of {rows:,} test rows have a label that the candidate's model finds "
            f"improbable.{name_rows(evidence.ids, own.rows, own.doubt)}"
        ),
        candidate=count / rows,
        greater_is_better=False,
        interval=(interval.lower, interval.upper),
        support=Support(rows=rows),
    )


def _show_segment(case: Case, own: Improbable) -> Iterator[Observation]:
    """The declared segment with the largest share of improbable labels."""
    evidence = case.candidate
    found = [
        (wilson(int(np.count_nonzero(own.rows[each.rows])), len(each.rows), CONFIDENCE), each)
        for columns in case.settings.segment_columns
        for each in split_by(columns, evidence.test, evidence.dictionary)
        if len(each.rows) >= _MIN_ROWS
    ]
    if not found:
        return
    interval, segment = max(found, key=lambda each: each[0].lower)
    rows = len(segment.rows)
    share = int(np.count_nonzero(own.rows[segment.rows])) / rows
    where = " and ".join(f"{name} = {value}" for name, value in segment.name.items())
    yield Observation(
        subject=Subject(key="improbable labels in test", segment=segment.name),
        message=f"Most improbable labels are where {where}: {share:.2%} of {rows:,} rows.",
        candidate=share,
        greater_is_better=False,
        interval=(interval.lower, interval.upper),
        support=Support(rows=rows),
    )
