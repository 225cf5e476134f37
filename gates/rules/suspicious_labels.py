"""Gate `suspicious_labels`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from gates.answers import Values
from gates.case import Case
from gates.effect import CONFIDENCE
from gates.evidence import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.rules.gate import Amount, Gate, Item, Measurement, NotApplicableError
from gates.rules.growth import grown
from gates.rules.sides import quote
from gates.segments import split_by
from gates.stats.confident import (
    Improbable,
    Ordinary,
    class_thresholds,
    improbable_classes,
    improbable_numbers,
    ordinary_errors,
)
from gates.stats.growth import Places, Sample, mean_growth
from gates.stats.law import beta_cdf
from gates.stats.proportion import wilson
from gates.tables.arrow import places_in
from gates.tables.table import Floats, Mask

_CROSSED = "baseline_predictions.parquet"
_SHOWN = 10
_MIN_ROWS = 30  # of a segment, below which it is not called the worst
_MEND = (
    "Look at the rows that are named, and label anew those that are wrong; see who labelled them."
)

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class SuspiciousLabels(Gate, frozen=True, kw_only=True):
    """Blocks test labels that a model which never saw them finds improbable.

    What it blocks: a share of improbable labels among the test rows that provably grows by more
    than `worsening`, through rows that the pull request adds or labels anew; and, with `ceiling`,
    such a share whatever it was. A label is improbable where the model is as sure of another class
    as it is, on average, of that class's own rows (confident learning); a number, where its error
    lies more than five robust standard deviations off. Both label sets are judged by the
    baseline's model, which has learned nothing from this pull request. Up to ten rows to look at
    are named, and the segment with most of them.

    Why: a wrong label in the test set punishes the model that is right. Such labels rarely come
    alone: a batch, a labeler, a join that slipped by one row.

    What it does not see: labels that are wrong where the model is not sure, or wrong the same way
    as those it learned from; training rows (only those are shown of which the evidence has
    out-of-fold scores); added rows that the baseline's model has not scored
    (`gates.evidence.predict`). An improbable label need not be wrong: it may be a rare truth.

    Example:
        suspicious_labels: {worsening: 0.01}
    """

    family: ClassVar[Family] = Family.LABELS
    worsening: Amount = 0.01  # of the share of test rows with an improbable label
    ceiling: Share | None = None  # of that share, by the candidate's own model
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding about new labels, one about the share, and observations of where they are."""
        if case.baseline is None and self.ceiling is None:
            raise NotApplicableError(
                "there is no baseline to compare with, and no `ceiling` is set"
            )
        new = case.candidate
        own = _Judge(new).look(new.labels, new.scores)
        if case.baseline is not None:
            yield self._judge_growth(new, case.baseline)
        if self.ceiling is not None:
            yield self._judge_share(own, self.ceiling)
        if own.rows.any():
            yield _show(new, own)
            yield from _show_segment(case, own)

    def _judge_growth(self, new: Evidence, old: Evidence) -> Item:
        subject = Subject(key="improbable labels")
        limit = Limit(ceiling=self.worsening, mode=self.mode)
        kept = places_in(new.ids, old.ids)
        fresh = kept < 0
        fresh[~fresh] = new.labels[~fresh] != old.labels[kept[~fresh]]
        if not fresh.any():
            return Finding(
                subject=subject,
                state=State.PASSED,
                limit=limit,
                message=f"None of {new.test.rows:,} test rows is new or labelled anew.",
                support=Support(rows=new.test.rows),
            )
        scores, known = _scores_of_baseline(new, old, kept)
        unscored = int(np.count_nonzero(fresh & ~known))
        if not (fresh & known).any():
            return Finding(
                subject=subject,
                state=State.UNDECIDED,
                limit=limit,
                message=(
                    f"improbable labels: cannot be judged: the baseline's model has scored none "
                    f"of {unscored:,} test rows that are new or labelled anew."
                ),
                mend="Let `gates.evidence.predict` say how to run a model on given rows.",
            )
        judge = _Judge(old)
        before = judge.look(old.labels, old.scores)
        after = judge.look(new.labels[known], scores[known])
        doubtful = np.zeros(new.test.rows, dtype=np.bool_)
        doubtful[known] = after.rows
        samples = (
            Sample(before.rows.astype(np.float64), np.ones(old.test.rows)),
            Sample(doubtful.astype(np.float64), known.astype(np.float64)),
        )
        growth = mean_growth(*samples, kept)
        doubt = np.full(new.test.rows, -np.inf)
        doubt[known] = after.doubt
        left = f" ({unscored:,} more are not scored)" if unscored else ""
        odd = doubtful & fresh
        return grown(
            subject,
            samples[0].mean,
            growth,
            self.worsening,
            mode=self.mode,
            rows=int(np.count_nonzero(known)),
            message=(
                f"Of {np.count_nonzero(fresh & known):,} test rows that are new or labelled "
                f"anew{left}, {np.count_nonzero(odd):,} have a label that the baseline's model "
                f"finds improbable; of all test rows {samples[1].mean:.2%}, "
                f"{samples[0].mean:.2%} before (up to {self.worsening:.2%} more are "
                f"accepted).{_name_rows(new, odd, doubt)}"
            ),
            mend=_MEND,
        )

    def _judge_share(self, own: Improbable, ceiling: float) -> Measurement:
        count, rows = int(np.count_nonzero(own.rows)), len(own.rows)
        interval = wilson(count, rows, CONFIDENCE)
        p_value = beta_cdf(ceiling, count, rows - count + 1) if count and ceiling < 1 else 1.0
        return Measurement(
            subject=Subject(key="share of improbable labels"),
            limit=Limit(ceiling=ceiling, mode=self.mode),
            value=count / rows,
            interval=(interval.lower, interval.upper),
            p_value=p_value,
            message=(
                f"{count:,} of {rows:,} test rows ({count / rows:.2%}) have a label that the "
                f"model finds improbable; {ceiling:.2%} are accepted."
            ),
            mend=_MEND,
            support=Support(rows=rows),
        )


class _Judge:
    """What a model finds improbable, by how sure it is of its own test rows."""

    def __init__(self, evidence: Evidence) -> None:
        self._task = evidence.settings.task
        labels, scores = evidence.labels, evidence.scores
        self._limits: Floats | Ordinary
        if self._task == "regression":
            self._limits = ordinary_errors(scores - labels)
        else:
            self._limits = class_thresholds(_codes(labels), _probabilities(scores))

    def look(self, labels: Values, scores: Floats) -> Improbable:
        """Which of these labels are improbable."""
        if isinstance(self._limits, Ordinary):
            return improbable_numbers(scores - labels, self._limits)
        return improbable_classes(_codes(labels), _probabilities(scores), self._limits)


def _codes(labels: Values) -> Places:
    return labels.astype(np.intp)


def _probabilities(scores: Floats) -> Floats:
    return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores


def _scores_of_baseline(new: Evidence, old: Evidence, kept: Places) -> tuple[Floats, Mask]:
    """What the baseline's model says of the candidate's rows, where that is known.

    It is not taken of rows that the model was trained on.
    """
    if new.has(_CROSSED):
        scores, known = new.scores_for(_CROSSED, new.ids), np.ones(len(kept), dtype=np.bool_)
    else:
        scores, known = old.scores[np.maximum(kept, 0)], kept >= 0
    if old.train_ids is not None:
        known = known & (places_in(new.ids, old.train_ids) < 0)
    return scores, known


def _name_rows(evidence: Evidence, rows: Mask, doubt: Floats) -> str:
    at = np.flatnonzero(rows)
    if not len(at):
        return ""
    first = at[np.argsort(-doubt[at], kind="stable")][:_SHOWN]
    names = ", ".join(quote(evidence.ids[int(place)].as_py()) for place in first)
    return f" Look first at {names}."


def _show(evidence: Evidence, own: Improbable) -> Observation:
    count, rows = int(np.count_nonzero(own.rows)), len(own.rows)
    interval = wilson(count, rows, CONFIDENCE)
    return Observation(
        subject=Subject(key="improbable labels in test"),
        message=(
            f"{count:,} of {rows:,} test rows have a label that the candidate's model finds "
            f"improbable.{_name_rows(evidence, own.rows, own.doubt)}"
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
