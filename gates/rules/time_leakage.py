"""Gate `time_leakage`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.case.case import Case
from gates.evidence.columns import Role
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.declared import with_role_anywhere
from gates.judging.lost import tell_lost
from gates.judging.margin import cannot_tell
from gates.judging.sides import TEST, TRAIN
from gates.quoting import quote
from gates.rules.gate import Amount, Gate, Item, NotApplicableError, Share
from gates.stats.leakage import top_p_value
from gates.tables.arrow import valid_of, values_of
from gates.tables.table import Floats, Table

_MEND = (
    "Train on what came before: split at a point in time, and drop training rows from after it. "
    "If the rows are no sequence, and the split is drawn at random on purpose, set `random`."
)
_MEND_FUTURE = "Draw test rows from the newest period too, or train on none of it."
_MICROSECONDS_A_DAY = 86_400_000_000


class TimeLeakage(Gate, frozen=True, kw_only=True):
    """Blocks a model that learnt from the future of its test rows.

    What it blocks: more test rows than `share` that are not later than the newest training row, by
    more than `gap` (days for a date, else the column's unit), by any column with the role time. The
    base's time columns count, even if the pull request gives one another role or drops it. With
    `random: true` the split may mix times; then only training rows later than every test row fail,
    if they are more than a random draw leaves there.

    Why: a model is used on what comes next. What it learnt from the same weeks that it is tested
    on, it will not know of the weeks to come, and prices, fashions and diseases drift. A gap keeps
    training rows out whose label was not known yet when the test rows came in.

    What it does not see: a feature whose value was written later than the row's time
    (`unavailable_feature`); an order that no column tells. One row with a wrong date decides
    unless `share` spares it.

    Example:
        time_leakage: {gap: 30}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    share: Share = 0.0  # of the test rows
    gap: Amount = 0.0  # between the newest training row and the oldest test row; days for a date
    random: bool = False  # the split mixes times on purpose
    mode: Mode = Mode.STRICT

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per time column; an observation besides where times are mixed on purpose."""
        train, test = case.candidate.train, case.candidate.test
        if train is None or train.rows == 0:
            yield tell_lost(case, TRAIN, f"there are no training rows ({TRAIN})")
            return
        names = with_role_anywhere(case, Role.TIME)
        if not names:
            raise NotApplicableError("no column has the role time")
        for name in names:
            times = _read(name, test, train)
            if isinstance(times, str):
                yield self._undecided(name, times)
            elif self.random:
                yield self._judge_random(times, case.settings.alpha.other / len(names))
                yield _show(times)
            else:
                yield self._judge_forward(times)

    def _judge_forward(self, times: "_Times") -> Finding:
        early, rows = times.not_later(self.gap), len(times.test)
        share = early / rows
        kept = share <= self.share
        gap = f" by more than {self.gap:g}{times.unit}" if self.gap else ""
        reaches, begin = times.say(times.newest), times.say(float(times.test.min()))
        return Finding(
            subject=Subject(column=times.name),
            state=State.PASSED if kept else State.FAILED,
            limit=Limit(ceiling=self.share, mode=self.mode),
            message=(
                f"{early:,} of {rows:,} test rows ({share:.2%}) are not later{gap} than the newest "
                f"training row, by {quote(times.name)}: training reaches {reaches}, the test rows "
                f"begin at {begin}."
            ),
            mend="" if kept else _MEND,
            candidate=share,
            greater_is_better=False,
            support=Support(rows=rows),
        )

    def _judge_random(self, times: "_Times", alpha: float) -> Finding:
        last = float(times.test.max())
        later = int(np.count_nonzero(times.train > last))
        p_value = top_p_value(later, len(times.train), len(times.test))
        failed = p_value <= alpha
        return Finding(
            subject=Subject(column=times.name),
            state=State.FAILED if failed else State.PASSED,
            limit=Limit(rule="no training row from after the test set", mode=self.mode),
            message=(
                f"{later:,} of {len(times.train):,} training rows are later than every test row, "
                f"by {quote(times.name)}: the test rows end at {times.say(last)}, training at "
                f"{times.say(times.newest)}."
            ),
            mend=_MEND_FUTURE if failed else "",
            candidate=later / len(times.train),
            greater_is_better=False,
            p_value=p_value,
            support=Support(rows=len(times.test)),
        )

    def _undecided(self, name: str, why: str) -> Finding:
        limit = Limit(ceiling=self.share, mode=self.mode)
        mend = "Write both tables with the time of each row, as a date or a number."
        return cannot_tell(Subject(column=name), limit, why, mend=mend)


class _Times(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """When the rows of both tables are from; microseconds of dates, else the column's numbers."""

    name: str
    test: Floats
    train: Floats
    dated: bool

    @property
    def newest(self) -> float:
        """Training row."""
        return float(self.train.max())

    @property
    def unit(self) -> str:
        """Of a gap."""
        return " days" if self.dated else ""

    def not_later(self, gap: float) -> int:
        """Test rows that are not later than the newest training row by more than the gap."""
        return int(np.count_nonzero(self.test <= self.newest + gap * self._step))

    def say(self, time: float) -> str:
        """A time as a reader writes it."""
        if not self.dated:
            return f"{time:g}" if abs(time) >= 1e15 or time != int(time) else f"{int(time)}"  # noqa: PLR2004
        try:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
        except OverflowError:
            return f"{time:g} µs after 1970"
        midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
        return f"{moment:%Y-%m-%d}" if midnight else f"{moment:%Y-%m-%d %H:%M:%S}"

    @property
    def _step(self) -> float:
        return _MICROSECONDS_A_DAY if self.dated else 1


def _read(name: str, test: Table, train: Table) -> "_Times | str":
    """The times of both tables, or why there are none."""
    found: list[tuple[Floats, bool]] = []
    for file, table in ((TEST, test), (TRAIN, train)):
        if name not in table:
            return f"{file} has no such column"
        times = _times_of(name, table)
        if times is None:
            return f"{file} holds {table.types[name]}, which is no time"
        found.append((times[np.isfinite(times)], table.types[name] in ("datetime", "text")))
    (mine, dated), (others, also_dated) = found
    if dated != also_dated:
        return "only one table holds dates"
    if not len(mine) or not len(others):
        return "no row of one of the tables has a time"
    return _Times(name=name, test=mine, train=others, dated=dated)


def _times_of(name: str, table: Table) -> Floats | None:
    """Numbers, or microseconds of dates, also of those that are written as ISO 8601 says."""
    kind = table.types[name]
    if kind == "boolean":
        return None
    if kind != "text":
        return table.numbers(name)
    texts = pc.replace_substring_regex(table.texts(name), r"^(\d{4}-\d{2})$", r"\1-01")
    for zone in (None, "UTC"):
        try:
            ticks = pc.cast(pc.cast(texts, pa.timestamp("us", zone)), pa.int64())
        except pa.ArrowInvalid:
            continue
        values = values_of(ticks, np.int64).astype(np.float64)
        return np.where(valid_of(ticks), values, np.nan)
    return None


def _show(times: _Times) -> Observation:
    early = times.not_later(0)
    return Observation(
        subject=Subject(column=times.name, key="random over time"),
        message=(
            f"The split is random over {quote(times.name)}: {early:,} of {len(times.test):,} test "
            f"rows ({early / len(times.test):.2%}) are not later than the newest training row, so "
            "the scores say how the model does in known times, and not in those to come."
        ),
        candidate=early / len(times.test),
        support=Support(rows=len(times.test)),
    )
