"""Gate `unit_change`."""

import math
from collections.abc import Iterator
from typing import ClassVar

import msgspec
import numpy as np

from gates.case.case import Case
from gates.evidence.columns import Description, Role, Type
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Support
from gates.judging.kept_rows import Pairing
from gates.judging.lost import find_lost
from gates.judging.margin import cannot_tell
from gates.judging.samples import Place, Sample, holds_numbers, places_of, sizes_of
from gates.judging.sides import TRAIN
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError, Share
from gates.stats.rescaling import RESCALINGS, Fit, Rescaling, count_rescaled, fit_rescalings
from gates.stats.shift import kolmogorov_shift
from gates.tables.table import Floats, Mask

_ROLES = (Role.FEATURE, Role.LABEL)
_TYPES = (Type.NUMBER, Type.INTEGER)
_MIN_CHANGED = 10  # rows that were rescaled one like the other are no chance
_MIN_VALUES = 30  # of a sample, to know its distribution
_EXPLAINED = 0.9  # of the changed values: others may have been mended at the same time
_WHOLE = 0.95  # of the values, from which on all of them are
_RULE = "values in the unit that they had"
_MEND = (
    "Bring the values back into the unit of columns.yaml. If the whole column has a new unit, "
    "change `unit` in the dictionary in the same pull request."
)


class UnitChange(Gate, frozen=True, kw_only=True):
    """Blocks numbers that came in another unit or were recoded.

    What it blocks: a number of which more than `share` of the values (other than 0) are what a
    known rescaling makes of the values as they were: 1,000, 100, 10, 12, 7, 24, 60, 3,600 or 1,024
    times as much or little, a million, inches, feet, pounds and miles in metric, degrees Celsius
    and Fahrenheit, a logarithm, or the other sign. Rows that the baseline has too are compared
    value by value. Rows that are new, the test rows beside train, and each period beside the
    others are compared by distribution: the rescaling must explain what changed, in size and in
    form.

    Why: three prices in a hundred in cents are valid numbers, move no share of anything by more
    than 3 %, and are each a hundred times too large. A file of a new supplier brings them.

    What it does not see: rescalings by other factors and shifts of the origin (`drift`), and a
    recoding of levels. By distribution it finds 3 values in 100 that are a hundredfold among some
    3,000 new ones, and needs 30 to look at all; a few values whose size is usual in both units it
    does not find. A real change may look like one: new customers whose sizes lie just as those of
    the old, a hundredfold. A whole column whose `unit` changes in the dictionary is
    no fault, nor are rows that come nearer to the rest, which are shown.

    Example:
        unit_change: {share: 0.01}
    """

    family: ClassVar[Family] = Family.DATA
    share: Share = 0.01  # of the values other than 0
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per number.

        Raises:
            NotApplicableError: there is no number, or nothing to compare with.
        """
        names = [
            name
            for name, entry in case.candidate.dictionary.columns.items()
            if entry.role in _ROLES and entry.type in _TYPES
        ]
        if not names:
            raise NotApplicableError("no feature and no label is a number")
        if case.baseline is None and case.candidate.train is None:
            raise NotApplicableError("there is neither a training table nor a baseline")
        if lost := find_lost(case, TRAIN):
            yield lost
        places = list(places_of(case))
        alpha = case.settings.alpha.other / (len(names) * max(1, len(places)) * len(RESCALINGS))
        for name in names:
            if other := next((place for place in places if place.has_lost(name)), None):
                yield self._not_numbers(name, other)
                continue
            looks = [
                look
                for place in places
                if place.has(name)
                for look in self._look(case, name, place, alpha)
            ]
            yield from self._judge(name, looks)

    def _not_numbers(self, name: str, place: Place) -> Finding:
        return cannot_tell(
            Subject(column=name),
            Limit(rule=_RULE, mode=self.mode),
            f"{place.name} holds it as {place.new.types[name]}, where it was a number",
            place.new.rows,
            mend="Write it as numbers again.",
        )

    def _judge(self, name: str, looks: list["_Look"]) -> Iterator[Item]:
        """The worst of what was seen; what was seen and is no fault is shown."""
        order = (State.FAILED, State.UNDECIDED, State.PASSED)
        worst = min(looks, key=lambda one: (order.index(one.state), -one.share), default=None)
        state = State.PASSED if worst is None else worst.state
        if worst is None or state is State.PASSED:
            text = "no value came in another unit"
        else:
            accepted = f"; {self.share:.2%} are accepted" if worst.share else ""
            text = f"{worst.text}{accepted}"
        yield Finding(
            subject=Subject(column=name),
            state=state,
            limit=Limit(rule=_RULE, mode=self.mode),
            message=f"{quote(name)}: {text}.",
            mend=_MEND if state is not State.PASSED else "",
            candidate=0.0 if worst is None or state is State.PASSED else worst.share,
            greater_is_better=False,
            support=None if worst is None else Support(rows=worst.rows),
            rows_needed=worst.rows_needed if worst and state is State.UNDECIDED else None,
        )
        for look in looks:
            if look.state is State.PASSED:
                yield Observation(
                    subject=Subject(column=name), message=f"{quote(name)}: {look.text}."
                )

    def _look(self, case: Case, name: str, place: Place, alpha: float) -> Iterator["_Look"]:
        entry = case.candidate.dictionary.columns[name]
        units = _declared(case, name, entry)
        if place.pairing is not None:
            yield from self._look_at_rows(name, entry, place, place.pairing, units)
        yield from self._look_at_shapes(name, place, alpha, units)

    def _look_at_rows(
        self, name: str, entry: Description, place: Place, pairing: Pairing, units: str
    ) -> Iterator["_Look"]:
        """Values that rows of both sides had and have."""
        old, new = place.old.numbers(name)[pairing.old], place.new.numbers(name)[pairing.new]
        usable = np.isfinite(old) & np.isfinite(new) & (old != 0) & (new != 0)
        changed = usable & (old != new)
        count, values = int(np.count_nonzero(changed)), int(np.count_nonzero(usable))
        if count == 0:
            return
        whole = entry.type is Type.INTEGER or place.new.types[name] == "integer"
        best, hits = _best_rescaling(old[changed], new[changed], whole=whole)
        rows = int(np.count_nonzero(hits))
        if rows < _EXPLAINED * count or rows <= self.share * values:
            return
        text = (
            f"{rows:,} of {values:,} values ({rows / values:.2%}) of {place.name} are {best.name} "
            "what they were"
        )
        state, needed = State.FAILED, None
        if rows < _MIN_CHANGED:
            state, needed = State.UNDECIDED, math.ceil(_MIN_CHANGED * values / rows)
        if _come_nearer(old, new, changed, usable):
            state, text = State.PASSED, f"{text}, and nearer to the others"
        if units and rows >= _WHOLE * values:
            state, text = State.PASSED, f"{text}, as the dictionary says: {units}"
        yield _Look(state, rows / values, text, values, needed)

    def _look_at_shapes(
        self, name: str, place: Place, alpha: float, units: str
    ) -> Iterator["_Look"]:
        """Values of rows that only one of two samples has."""
        for sample in place.samples:
            old, new = sizes_of(sample.old, name), sizes_of(sample.new, name)
            few = min(len(old), len(new))
            if few < _MIN_VALUES:
                at_stake = len(new) / max(1, sample.of)
                if few and at_stake > self.share:
                    text = f"{few} values are too few to compare {sample.what}"
                    yield _Look(State.UNDECIDED, 0.0, text, few, _MIN_VALUES)
                continue
            fit = _recognise(old, new, alpha, self.share)
            if fit is None:
                continue
            text = (
                f"{fit.share:.1%} of {len(new):,} values of {sample.what} look as if they were "
                f"{fit.rescaling.name} what they should be"
            )
            state = State.FAILED if fit.lower > self.share else State.UNDECIDED
            needed = None if state is State.FAILED else 4 * few
            if _was_known(sample, name, alpha, self.share):
                state, text = State.PASSED, f"{text}, as at the baseline"
            elif units and fit.share >= _WHOLE and sample.is_new:
                state, text = State.PASSED, f"{text}, as the dictionary says: {units}"
            yield _Look(state, fit.share, text, len(new), needed)


class _Look(msgspec.Struct, frozen=True):
    """What one comparison of a column came to."""

    state: State
    share: float
    text: str
    rows: int
    rows_needed: int | None


def _recognise(old: Floats, new: Floats, alpha: float, share: float) -> Fit | None:
    """The rescaling that explains most of a change, if any does; more than `share` of values."""
    for fit in fit_rescalings(old, new, alpha):
        enough = fit.share * len(new) >= _MIN_CHANGED
        if fit.is_recognised and fit.lower > 0 and fit.share > share and enough:
            return fit
    return None


def _was_known(sample: Sample, name: str, alpha: float, share: float) -> bool:
    """Whether the baseline's own values differ so too."""
    if sample.before is None or not all(holds_numbers(name, one.table) for one in sample.before):
        return False
    old, new = (sizes_of(each, name) for each in sample.before)
    if min(len(old), len(new)) < _MIN_VALUES:
        return False
    return _recognise(old, new, alpha, share) is not None


def _best_rescaling(old: Floats, new: Floats, *, whole: bool) -> tuple[Rescaling, Mask]:
    found = [(one, count_rescaled(old, new, one, whole=whole)) for one in RESCALINGS]
    return max(found, key=lambda each: int(np.count_nonzero(each[1])))


def _come_nearer(old: Floats, new: Floats, changed: Mask, usable: Mask) -> bool:
    """Whether the changed values now lie where the unchanged ones do, more than they did."""
    others = new[usable & ~changed]
    if len(others) < _MIN_VALUES:
        return False
    were, are = (kolmogorov_shift(others, part[changed], 0.0, 0.05).distance for part in (old, new))
    return are < were


def _declared(case: Case, name: str, entry: Description) -> str:
    """How the dictionary says that the unit changes; nothing where it does not."""
    side: Evidence | None = case.baseline
    before = None if side is None else side.dictionary.columns.get(name)
    if before is None or before.unit == entry.unit:
        return ""
    return f"{quote(before.unit or 'no unit')} → {quote(entry.unit or 'no unit')}"
