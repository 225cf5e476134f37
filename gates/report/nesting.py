"""Segments inside of other segments: where a broad one fails, those inside it say it again."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from gates.finding import Finding, State
from gates.report.figures import counted
from gates.report.summary import Judged, is_strict_doubt

ECHO = 1.5  # times the broad segment's excess: what lost more is news of its own
MOST_SHARED = 2  # columns of a broad segment

Text = str | None
Place = tuple[Text, Text, Text, Text, Text, bool, frozenset[tuple[str, str]]]


class Nest(NamedTuple):
    """A finding, and those of the same metric that are inside its segment."""

    judged: Judged
    inside: tuple[Judged, ...]

    def words(self) -> str:
        """`and 3 segments inside it; 2 more are undecided`, or nothing."""
        own = self.judged.finding.state
        same = sum(one.finding.state is own for one in self.inside)
        doubts = len(self.inside) - same
        if not doubts:
            return f"and {counted(same, 'segment')} inside it" if same else ""
        verb = "is" if doubts == 1 else "are"
        if not same:
            return f"{counted(doubts, 'segment')} inside it {verb} undecided"
        return f"and {counted(same, 'segment')} inside it; {doubts} more {verb} undecided"


def nested(found: Iterable[Judged]) -> list[Nest]:
    """The findings in their order, without those that only repeat a broader one."""
    found = list(found)
    kept: dict[Place, int] = {}
    inside: dict[int, list[Judged]] = {}
    for index in sorted(range(len(found)), key=lambda at: len(found[at].finding.subject.segment)):
        one = found[index]
        around = next((at for at in _around(one, kept) if _echoes(one, found[at])), None)
        if around is None:
            kept.setdefault(_place(one.finding), index)
            inside[index] = []
        else:
            inside[around].append(one)
    return [Nest(found[index], tuple(inside[index])) for index in sorted(inside)]


def _place(finding: Finding, columns: Iterable[str] | None = None) -> Place:
    subject, segment = finding.subject, finding.subject.segment
    items = frozenset((name, segment[name]) for name in (segment if columns is None else columns))
    return (
        subject.metric,
        subject.column,
        subject.key,
        subject.reference,
        subject.test_set,
        finding.limit.margin is not None,
        items,
    )


def _around(one: Judged, kept: dict[Place, int]) -> Iterator[int]:
    """Kept findings whose segment has fewer of the same columns; the whole test set first."""
    names = one.finding.subject.segment
    for count in range(min(len(names), MOST_SHARED + 1)):
        for columns in combinations(names, count):
            place = _place(one.finding, columns)
            if place in kept:
                yield kept[place]


def _echoes(one: Judged, around: Judged) -> bool:
    if _severity(one.finding) < _severity(around.finding):
        return False
    return one.finding.state is not State.FAILED or one.excess <= ECHO * around.excess


def _severity(finding: Finding) -> int:
    if finding.state is State.FAILED:
        return 0
    return 1 if is_strict_doubt(finding) else 2
