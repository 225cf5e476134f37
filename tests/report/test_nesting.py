import pytest

from gates.finding import Family, Finding, Mode, Outcome, Result, State
from gates.report.nesting import nested
from gates.report.summary import Judged
from tests.report.samples import compared, many_segments

GATE = Outcome(gate="g", family=Family.SEGMENTS, outcome=Result.FAILED)
FAILED, DOUBT = State.FAILED, State.UNDECIDED


def recall(
    drop: float, segment: dict[str, str], state: State = FAILED, mode: Mode = Mode.GUARD
) -> Finding:
    return compared(
        "recall", 0.9, 0.9 - drop, 0.02, margin=0.1, state=state, segment=segment, mode=mode
    )


def nest(*found: Finding) -> list[tuple[dict[str, str], int, str]]:
    nests = nested([Judged(GATE, one) for one in found])
    return [(one.judged.finding.subject.segment, len(one.inside), one.words()) for one in nests]


OTHER = {"a": "2", "b": "2"}
A, AB, AC = {"a": "1"}, {"a": "1", "b": "2"}, {"a": "1", "c": "3"}


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ([recall(0.2, A), recall(0.2, AB)], [(A, 1, "and 1 segment inside it")]),
        ([recall(0.2, AB), recall(0.2, A)], [(A, 1, "and 1 segment inside it")]),
        (
            [recall(0.2, A), recall(0.2, AB), recall(0.1, AC, DOUBT)],
            [(A, 2, "and 1 segment inside it; 1 more is undecided")],
        ),
        (
            [recall(0.2, A), recall(0.1, AB, DOUBT), recall(0.1, AC, DOUBT)],
            [(A, 2, "2 segments inside it are undecided")],
        ),
        ([recall(0.2, {}), recall(0.2, A), recall(0.2, AB)], [({}, 2, "and 2 segments inside it")]),
        (
            [recall(0.2, A), recall(0.2, OTHER)],
            [(A, 0, ""), (OTHER, 0, "")],
        ),
    ],
)
def test_what_is_inside_is_folded(
    found: list[Finding], left: list[tuple[dict[str, str], int, str]]
) -> None:
    assert nest(*found) == left


@pytest.mark.parametrize(
    "narrow",
    [
        recall(0.31, AB),  # more than one and a half times the excess
        compared("precision", 0.9, 0.7, 0.02, margin=0.1, state=FAILED, segment=AB),
    ],
)
def test_what_is_news_stays(narrow: Finding) -> None:
    assert [count for _, count, _ in nest(recall(0.2, A), narrow)] == [0, 0]


def test_what_blocks_is_not_folded_into_what_does_not() -> None:
    assert len(nest(recall(0.1, A, DOUBT), recall(0.2, AB))) == 2
    assert len(nest(recall(0.1, A, DOUBT), recall(0.1, AB, DOUBT, Mode.STRICT))) == 2
    assert len(nest(recall(0.2, A), recall(0.1, AB, DOUBT, Mode.STRICT))) == 1


def test_twenty_thousand_segments_take_no_time() -> None:
    gate = many_segments(20_000, 20_000).outcomes[-1]
    assert len(nested([Judged(gate, one) for one in gate.findings])) == 20_000
