"""Gate `train_test_overlap`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.copies import Likeness, judge_copies
from gates.judging.lost import tell_lost
from gates.judging.margin import cannot_tell
from gates.judging.new_twins import (
    SIDES,
    NewTwins,
    count_new_near_twins,
    count_new_twins,
    find_known_rows,
)
from gates.judging.sides import TRAIN
from gates.judging.twins import NearTwins, Twins, count_near_twins, count_twins
from gates.quoting import quote
from gates.rules.gate import Gate, Item, Share
from gates.stats.leakage import excess_p_value
from gates.stats.multiplicity import holm
from gates.tables.table import Table

_MEND_TWINS = "Drop test rows' copies from the training table; draw both from rows, each once."
_MEND_SHARE = "Drop the test rows with a twin in train, or judge on rows that the model never saw."
_MEND_NEW = (
    "Make copies after the split, of training rows only; or split by what a row is a copy of (a "
    "group), so that all its copies stand on one side."
)
_MEND_IDS = "Draw the split by a hash of the row's identifier, so that no row ever changes sides."

_NO_BASELINE = " Without a baseline, copies made before the split look like chance."
_LEAST_ALIKE = 2  # features in which near twins agree; fewer say nothing


class TrainTestOverlap(Gate, frozen=True, kw_only=True):
    """Blocks a test set that the model has seen in training.

    What it blocks: more test rows with a twin in train (equal in every feature) than chance
    explains, by more than `excess`; the same of near twins, which differ in up to `differing`
    features (1; 0 asks for none), numbers with a fraction taken to a part in a thousand; a share
    of exact twins above `share`, whatever the cause; a row identifier that stands in train and
    test; and a training row that was a test row at the baseline. Of rows that are new since the
    baseline, a share that repeats one known row of the other side, exactly or nearly, further than
    `worsening` above that of the known rows themselves: copies made of everybody before the split.
    Of each feature of the type text
    whose values have eight words or more, and of each image, it blocks a share of the test rows
    above `copies` that have a near copy in train, whatever the cause: texts of whose runs of three
    words a share of `similarity` is the same, and pictures whose perceptual hashes differ in at
    most `bits` of 64 (the column that says `hash_of` in the dictionary).

    Why: a model remembers. Copying one test row in ten into train lifts the accuracy of trees by
    one or two points that no new row will show. But in a table of few distinct values twins arise
    by themselves: what chance gives is measured on rows drawn out of the training table, and of new
    rows on those that the baseline had. Where chance alone gives many, only `share` says that the
    test set asks for memory.

    What it does not see: copies that changed in more features, and rows of one person or machine on
    both sides (`group_leakage`). Where chance gives many near twins, a few copies drown in them.
    Copies made before the split where there is no baseline, or none that knows these identifiers;
    copies of rows that are new themselves; and few copies among many honest new rows.
    Texts that say the same in other words, and texts without blanks between words, such as
    Chinese; pictures that were cropped or turned, unless their hash forgives it.

    Example:
        train_test_overlap: {excess: 0.0, share: 0.05, differing: 1}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    excess: Share = 0.0  # share of the test rows above what chance gives
    share: Share | None = None  # of test rows with a twin, whatever chance gives
    worsening: Share = 0.15  # of new rows that repeat one of the other side, above the known rows
    differing: Annotated[int, msgspec.Meta(ge=0, le=5)] = 1  # features in which near twins differ
    similarity: Annotated[float, msgspec.Meta(ge=0.5, le=1)] = 0.8  # of texts that are copies
    bits: Annotated[int, msgspec.Meta(ge=0, le=8)] = 4  # of 64, in which copies of pictures differ
    copies: Share = 0.01  # of test rows whose text or picture has a near copy in train

    def judge(self, case: Case) -> Iterator[Item]:
        """Findings about twins, and about row identifiers on both sides."""
        train = case.candidate.train
        if train is None or train.rows == 0:
            yield tell_lost(case, TRAIN, f"there are no training rows ({TRAIN})")
            return
        yield from self._judge_twins(case, train)
        likeness = Likeness(similarity=self.similarity, bits=self.bits, share=self.copies)
        yield from judge_copies(case, train, likeness)
        yield from _judge_identifiers(case, train)

    def _judge_twins(self, case: Case, train: Table) -> Iterator[Finding]:
        features = case.candidate.dictionary.features
        shared = [name for name in features if name in train and name in case.candidate.test]
        if not shared:
            yield _undecided("twins", "train and test have no feature in common")
            return
        seed = case.candidate.digest_of(TRAIN) or ""
        twins = count_twins(shared, case.candidate.test, train, seed)
        counted: list[Twins | NearTwins] = [twins]
        unseen = _NO_BASELINE if case.baseline is None else ""
        messages = [_describe(twins, len(shared)) + unseen]
        if 0 < self.differing <= len(shared) - _LEAST_ALIKE:
            near = count_near_twins(shared, case.candidate.test, train, twins, self.differing)
            if near.rows and near.drawn:
                counted.append(near)
                messages.append(_describe_near(near, len(shared), self.differing))
            elif near.rows:
                yield _undecided_near()
        p_values = holm([self._p_value(each) for each in counted])
        for each, message, p_value in zip(counted, messages, p_values, strict=True):
            yield self._judge_excess(each, message, p_value, case.settings.alpha.other)
        if self.share is not None:
            yield _judge_share(twins.share, self.share, messages[0], twins.rows)
        if case.baseline is not None:
            yield from self._judge_new_rows(case, train, shared, twins)

    def _judge_new_rows(
        self, case: Case, train: Table, features: list[str], twins: Twins
    ) -> Iterator[Finding]:
        """Of either kind of twins the side with most against it, where new rows are trained on."""
        known = find_known_rows(case, train)
        if case.candidate.train_ids is None or known[1].all():
            return
        exact = list(count_new_twins(twins.duplicates, known))
        if not exact:
            yield _undecided_copies("the baseline knows too few of these rows by their identifiers")
            return
        near: list[NewTwins] = []
        if 0 < self.differing <= len(features) - _LEAST_ALIKE:
            tables = case.candidate.test, train
            near += count_new_near_twins(features, tables, twins.duplicates, known, self.differing)
        p_values = holm([self._p_of_new(each) for each in (*exact, *near)])
        for key, each in (("twins of new rows", exact), ("near twins of new rows", near)):
            if each:
                told = zip(p_values, each, strict=False)
                p_value, worst = min(told, key=lambda one: (one[0], -one[1].excess))
                yield self._judge_copied(key, worst, p_value, case.settings.alpha.other)
            p_values = p_values[len(each) :]

    def _p_value(self, twins: "Twins | NearTwins") -> float:
        accepted = int(self.excess * twins.rows)
        beyond = max(0, twins.in_part - accepted)
        return excess_p_value(beyond, twins.rows, twins.by_chance, twins.drawn)

    def _p_of_new(self, twins: NewTwins) -> float:
        beyond = max(0, twins.found - int(self.worsening * twins.rows))
        return excess_p_value(beyond, twins.rows, twins.by_chance, twins.known)

    def _judge_copied(self, key: str, twins: NewTwins, p_value: float, alpha: float) -> Finding:
        failed = p_value <= alpha and twins.excess > self.worsening
        kind, side = key.removesuffix("s of new rows"), SIDES[twins.side]
        return Finding(
            subject=Subject(key=key),
            state=State.FAILED if failed else State.PASSED,
            limit=Limit(ceiling=self.worsening, mode=Mode.STRICT),
            message=(
                f"{twins.found:,} of {twins.rows:,} new {side} rows ({twins.share:.2%}) are the "
                f"{kind} of a single row that the baseline knew and that stands on the other side; "
                f"of {twins.known:,} {side} rows that it knew {twins.by_chance:,} are "
                f"({twins.chance:.2%}). {self.worsening:.2%} more are accepted."
            ),
            mend=_MEND_NEW if failed else "",
            candidate=twins.excess,
            greater_is_better=False,
            p_value=p_value,
            support=Support(rows=twins.rows),
        )

    def _judge_excess(
        self, twins: "Twins | NearTwins", message: str, p_value: float, alpha: float
    ) -> Finding:
        exact, excess = isinstance(twins, Twins), max(0.0, twins.share - twins.chance)
        failed = p_value <= alpha and excess > self.excess
        return Finding(
            subject=Subject(key="twins above chance" if exact else "near twins above chance"),
            state=State.FAILED if failed else State.PASSED,
            limit=Limit(ceiling=self.excess, mode=Mode.STRICT),
            message=message,
            mend=_MEND_TWINS if failed else "",
            candidate=excess,
            greater_is_better=False,
            p_value=p_value,
            support=Support(rows=twins.rows),
        )


def _describe(twins: Twins, features: int) -> str:
    return (
        f"{twins.found:,} of {twins.rows:,} test rows ({twins.share:.2%}) have a twin in "
        f"train, equal in all {features} features; about {twins.expected:,.0f} are "
        "expected by chance."
    )


def _describe_near(near: NearTwins, features: int, differing: int) -> str:
    least = "" if near.complete else "at least "
    return (
        f"{least}{near.in_part:,} of {near.rows:,} test rows without a twin ({near.share:.2%}) "
        f"have a near twin among {near.part:,} training rows, equal in {features - differing} of "
        f"{features} features; of {near.drawn:,} other training rows without a twin, drawn by lot, "
        f"{near.by_chance:,} have ({near.chance:.2%})."
    )


def _judge_share(share: float, ceiling: float, message: str, rows: int) -> Finding:
    kept = share <= ceiling
    return Finding(
        subject=Subject(key="share of twins"),
        state=State.PASSED if kept else State.FAILED,
        limit=Limit(ceiling=ceiling, mode=Mode.STRICT),
        message=message,
        mend="" if kept else _MEND_SHARE,
        candidate=share,
        greater_is_better=False,
        support=Support(rows=rows),
    )


def _judge_identifiers(case: Case, train: Table) -> Iterator[Finding]:
    name = case.candidate.dictionary.id
    if name not in train:
        yield _undecided("row identifiers", f"{TRAIN} has no column {quote(name)}")
        return
    ids = train.texts(name)
    test = case.candidate.ids
    shared = _shared(ids, test)
    key = "row identifiers in train and test"
    yield _judge_shared(key, "in the test table", ids, shared)
    if case.baseline is not None:
        old = case.baseline.ids
        shared = shared if old is test else _shared(ids, old)
        key = "row identifiers in train and the baseline's test"
        yield _judge_shared(key, "in the baseline's test table", ids, shared)


def _shared(train: pa.Array, test: pa.Array) -> pa.Array:
    return train.filter(pc.is_in(train, value_set=test))


def _judge_shared(key: str, where: str, train: pa.Array, shared: pa.Array) -> Finding:
    examples = f": {quote(*shared[:3].to_pylist())}" if len(shared) else ""
    return Finding(
        subject=Subject(key=key),
        state=State.FAILED if len(shared) else State.PASSED,
        limit=Limit(rule="no row on both sides", mode=Mode.STRICT),
        message=f"{len(shared):,} of {len(train):,} training rows are {where} too{examples}.",
        mend=_MEND_IDS if len(shared) else "",
        support=Support(rows=len(train)),
    )


def _undecided_copies(reason: str) -> Finding:
    limit = Limit(rule="new rows are no copies", mode=Mode.GUARD)
    mend = "Give each row an identifier that stays the same from one version to the next."
    return cannot_tell(Subject(key="twins of new rows"), limit, reason, mend=mend)


def _undecided_near() -> Finding:
    limit = Limit(rule="no more near twins than by chance", mode=Mode.GUARD)
    reason = "every training row that was drawn to show what chance gives stands in train again"
    mend = "Repeat rows by a weight, not by writing them twice."
    return cannot_tell(Subject(key="near twins above chance"), limit, reason, mend=mend)


def _undecided(key: str, reason: str) -> Finding:
    limit = Limit(rule="no row on both sides", mode=Mode.STRICT)
    mend = "Write both tables with all features and the row identifier."
    return cannot_tell(Subject(key=key), limit, reason, mend=mend)
