"""Gate `train_test_overlap`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from gates.case import Case
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.rules.gate import Gate, Item, NotApplicableError
from gates.rules.sides import TRAIN, quote
from gates.rules.twins import Twins, count_twins
from gates.stats.leakage import excess_p_value
from gates.tables.table import Table

_MEND_TWINS = "Drop test rows' copies from the training table; draw both from rows, each once."
_MEND_SHARE = "Drop the test rows with a twin in train, or judge on rows that the model never saw."
_MEND_IDS = "Draw the split by a hash of the row's identifier, so that no row ever changes sides."

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TrainTestOverlap(Gate, frozen=True, kw_only=True):
    """Blocks a test set that the model has seen in training.

    What it blocks: more test rows with an exact twin in train (equal in every feature) than chance
    explains, by more than `excess`; a share of them above `share`, whatever the cause; a row
    identifier that stands in train and test; and a training row that was a test row at the
    baseline.

    Why: a model remembers. Copying one test row in ten into train lifts the accuracy of trees by
    one or two points that no new row will show. But in a table of few distinct values twins arise
    by themselves: what chance gives is measured on rows drawn out of the training table. Where
    chance alone gives many, only `share` says that the test set asks for memory.

    What it does not see: near copies, and rows of one person or machine on both sides.

    Example:
        train_test_overlap: {excess: 0.0, share: 0.05}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    excess: Share = 0.0  # share of the test rows above what chance gives
    share: Share | None = None  # of test rows with a twin, whatever chance gives

    def judge(self, case: Case) -> Iterator[Item]:
        """Findings about twins, and about row identifiers on both sides."""
        train = case.candidate.train
        if train is None or train.rows == 0:
            raise NotApplicableError(f"there are no training rows ({TRAIN})")
        yield from self._judge_twins(case, train)
        yield from _judge_identifiers(case, train)

    def _judge_twins(self, case: Case, train: Table) -> Iterator[Finding]:
        features = case.candidate.dictionary.features
        shared = [name for name in features if name in train and name in case.candidate.test]
        if not shared:
            yield _undecided("twins", "train and test have no feature in common")
            return
        seed = case.candidate.digest_of(TRAIN) or ""
        twins = count_twins(shared, case.candidate.test, train, seed)
        message = (
            f"{twins.found:,} of {twins.rows:,} test rows ({twins.share:.2%}) have a twin in "
            f"train, equal in all {len(shared)} features; about {twins.expected:,.0f} are "
            "expected by chance."
        )
        yield self._judge_excess(twins, message, case.settings.alpha.other)
        if self.share is not None:
            kept = twins.share <= self.share
            yield Finding(
                subject=Subject(key="share of twins"),
                state=State.PASSED if kept else State.FAILED,
                limit=Limit(ceiling=self.share, mode=Mode.STRICT),
                message=message,
                mend="" if kept else _MEND_SHARE,
                candidate=twins.share,
                greater_is_better=False,
                support=Support(rows=twins.rows),
            )

    def _judge_excess(self, twins: Twins, message: str, alpha: float) -> Finding:
        accepted = int(self.excess * twins.rows)
        p_value = excess_p_value(
            max(0, twins.in_part - accepted), twins.rows, twins.by_chance, twins.drawn
        )
        excess = max(0.0, twins.share - twins.expected / twins.rows)
        failed = p_value <= alpha and excess > self.excess
        return Finding(
            subject=Subject(key="twins above chance"),
            state=State.FAILED if failed else State.PASSED,
            limit=Limit(ceiling=self.excess, mode=Mode.STRICT),
            message=message,
            mend=_MEND_TWINS if failed else "",
            candidate=excess,
            greater_is_better=False,
            p_value=p_value,
            support=Support(rows=twins.rows),
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


def _undecided(key: str, reason: str) -> Finding:
    return Finding(
        subject=Subject(key=key),
        state=State.UNDECIDED,
        limit=Limit(rule="no row on both sides", mode=Mode.STRICT),
        message=f"{key}: cannot be compared: {reason}.",
        mend="Write both tables with all features and the row identifier.",
    )
