"""Gate `test_set_change`."""

from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np

from gates.case.answers import answer
from gates.case.arena import NotComparableError
from gates.case.case import Case
from gates.case.tested_rows import TestedRows
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError, Share
from gates.tables.table import Mask

_MEND_ALONE = (
    "Land the new test rows first, in a pull request that leaves the model as it is; then they are "
    "the baseline's. What is meant can be waived, or allowed by `{key}` on the default branch."
)


class TestSetChange(Gate, frozen=True, kw_only=True):
    """Blocks a pull request that brings a model and, with it, the test rows that suit it.

    What it blocks: beside a model that answers otherwise, more than so many of the baseline's test
    rows (shares of them) that stay with another label (`relabelled`), that stay and move to another
    segment, group or period (`regrouped`), that stay with other features (`changed`), or that are
    gone (`removed`). A test set that changes alone passes, and a reviewer sees the numbers: that is
    how it is mended or refreshed. The model is as it was where it answers all of the baseline's
    rows as before; of rows that are gone it must have been run on the old ones.

    Why: who chooses the rows chooses the score. The other gates judge the baseline's own rows by
    its own labels, so that this merge gains nothing; but the next one is measured by what is
    left, and rows that fit one model are a poor judge of all that follow.

    What it does not see: whether the new labels are right, and what the added rows are like (see
    `drift`). Rows are known by their identifier, so a row that is renamed is one removed and one
    added. A pipeline that writes engineered features changes them with every idea; there,
    `changed: null` says that it may. Of evidence that is judged in passes it sees labels alone.

    Example:
        test_set_change: {relabelled: 0.01, removed: 0.05}
    """

    __test__: ClassVar[bool] = False  # pytest must not take it for a test
    family: ClassVar[Family] = Family.SPLIT
    relabelled: Share = 0.01
    regrouped: Share = 0.01
    changed: Share | None = 0.05
    removed: Share = 0.05

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding for each way in which test rows changed, and what was added."""
        if case.baseline is None:
            raise NotApplicableError("there is no baseline whose test rows could have changed")
        if differ := case.labels_differ:
            raise NotApplicableError(differ)
        rows = case.tested_rows
        if case.candidate.has_rows_of(case.baseline) or case.streamed is not None:
            none = _Seen(0, case.baseline.test.rows, alone=True)
            yield none.finding("relabelled", self.relabelled)
            yield none.finding("removed", self.removed)
            return
        alone = rows.same_model
        for key, allowed, mask, more in self._looks(case, rows):
            seen = _Seen(int(np.count_nonzero(mask)), case.baseline.test.rows, alone, more)
            yield seen.observation(key) if allowed is None else seen.finding(key, allowed)
        added = case.candidate.test.rows - len(rows.shared[0])
        if added:
            yield Observation(
                subject=Subject(key="test rows added"),
                message=f"{added:,} of {case.candidate.test.rows:,} test rows are new.",
                support=Support(rows=added),
            )
        if case.test_set.changed:
            yield Observation(subject=Subject(key="test rows judged on"), message=_judged_on(case))

    def _looks(self, case: Case, rows: TestedRows) -> Iterator[tuple[str, float | None, Mask, str]]:
        yield "relabelled", self.relabelled, ~rows.same, _whom_it_suits(case, rows)
        regrouped, named = _moved(rows, rows.grouping)
        yield "regrouped", self.regrouped, regrouped, named
        features = [
            name
            for name in case.candidate.dictionary.features
            if name not in rows.grouping and rows.in_both(name)
        ]
        changed, named = _moved(rows, features)
        yield "changed", self.changed, changed, named
        gone = np.ones(rows.union.shape, dtype=np.bool_)
        gone[rows.shared[1]] = False
        yield "removed", self.removed, gone, ""


class _Seen(msgspec.Struct, frozen=True):
    """How many of the baseline's test rows changed in one way."""

    count: int
    rows: int
    alone: bool  # the model answers as before
    more: str = ""

    def finding(self, key: str, allowed: float) -> Finding:
        """Failed where it is more than is allowed beside another model."""
        share = self.count / self.rows
        kept = self.alone or share <= allowed
        return Finding(
            subject=Subject(key=f"test rows {key}"),
            state=State.PASSED if kept else State.FAILED,
            limit=Limit(ceiling=allowed, mode=Mode.STRICT),
            message=self._message(key),
            mend="" if kept else _MEND_ALONE.format(key=f"test_set_change.{key}"),
            candidate=share,
            greater_is_better=False,
            support=Support(rows=self.rows),
        )

    def observation(self, key: str) -> Observation:
        """Shown where no share is set."""
        return Observation(
            subject=Subject(key=f"test rows {key}"),
            message=self._message(key),
            candidate=self.count / self.rows,
            greater_is_better=False,
            support=Support(rows=self.rows),
        )

    def _message(self, key: str) -> str:
        beside = " The model answers them as before." if self.alone and self.count else ""
        return (
            f"{self.count:,} of the baseline's {self.rows:,} test rows "
            f"({self.count / self.rows:.2%}) {_WORDS[key]}{self.more}.{beside}"
        )


_WORDS = {
    "relabelled": "stay with another label or weight",
    "regrouped": "stay in another segment, group or period",
    "changed": "stay with other features",
    "removed": "are gone",
}


def _judged_on(case: Case) -> str:
    """On which of the two test sets the other gates compare the models."""
    try:
        both, old = case.on_both, case.on_base is not None
    except NotComparableError:
        return "The models are judged on neither test set: no row is known to both."
    if both:
        return "Both models are judged on the old test rows and on the new ones."
    if old:
        return (
            "The models are judged on old test rows alone: the baseline's was not run on the new."
        )
    return "The models are judged on the new test rows alone: the old are gone, or trained on."


def _moved(rows: TestedRows, names: list[str]) -> tuple[Mask, str]:
    """Which shared rows have another value in any of the columns, and the columns, most first."""
    moved, counts = np.zeros(len(rows.shared[0]), dtype=np.bool_), {}
    for name in names:
        differ = rows.differ_in(name)
        if differ.any():
            counts[name] = int(np.count_nonzero(differ))
            moved |= differ
    ordered = sorted(counts, key=lambda name: -counts[name])
    return moved, f", by {quote(*ordered)}" if ordered else ""


def _whom_it_suits(case: Case, rows: TestedRows) -> str:
    """How many new labels say what this model says, where labels are classes."""
    at_new, at_old = rows.shared
    at = np.flatnonzero(~rows.same)
    assert case.baseline is not None  # noqa: S101 - `judge` has looked
    new, old = case.candidate.labels[at_new[at]], case.baseline.labels[at_old[at]]
    if not len(at) or np.issubdtype(new.dtype, np.floating):
        return ""
    said = answer(
        case.settings.task,
        new,
        case.candidate.scores[at_new[at]],
        decision_threshold=case.settings.decision_threshold,
    ).predictions
    fits, did = int(np.count_nonzero(said == new)), int(np.count_nonzero(said == old))
    return f"; this model's answer is the new label in {fits:,} of them and the old one in {did:,}"
