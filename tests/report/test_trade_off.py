import msgspec

from gates.finding import Decision, Family, Observation, Outcome, State, Subject
from gates.report.sentences import subject_phrase
from gates.report.trade_off import Moved, trade_off
from gates.report.words import plain
from tests.report.samples import compared, fairness, metrics, nested, outcome, segments, verdict
from tests.report.samples import trade_off as traded

GAP = Observation(
    subject=Subject(metric="true_positive_rate_difference", column="age"),
    message="between young and old",
    baseline=0.276,
    candidate=0.157,
    change=-0.119,
    greater_is_better=False,
    interval=(-0.139, -0.099),
)


def named(moved: tuple[Moved, ...]) -> list[str]:
    return [plain(subject_phrase(one.one.subject)) for one in moved]


def observing(seen: Observation, *gates: Outcome) -> tuple[Moved, ...]:
    shares = msgspec.structs.replace(fairness(), observations=(seen,))
    trade = trade_off(verdict(Decision.PASS, shares, *gates))
    return (*trade.better, *trade.worse)


def test_a_trade_off_names_both_sides() -> None:
    trade = trade_off(traded())
    assert named(trade.better) == ["true positive rate difference by sex"]
    assert named(trade.worse) == [
        "ROC AUC",
        "true positive rate difference by race",
    ]


def test_small_certain_changes_and_segments_by_chance_are_no_trade_off() -> None:
    small = compared("roc_auc", 0.9, 0.901, 0.0005, margin=0.005)
    lucky = compared("recall", 0.5, 0.56, 0.02, margin=0.05, segment={"sex": "Male"})
    trade = trade_off(verdict(Decision.PASS, metrics(roc_auc=small), segments(lucky)))
    assert trade == ((), ())


def test_what_has_no_limit_counts_by_the_smallest_margin_of_its_gate() -> None:
    (moved,) = observing(GAP)
    assert named((moved,)) == ["true positive rate difference by age"]
    assert moved.margins == 0.119 / 0.02
    trade = trade_off(verdict(Decision.PASS, outcome("g", Family.METRICS, *metrics().findings)))
    assert trade == ((), ())


def test_an_observation_counts_once_surely_and_with_a_direction() -> None:
    change = msgspec.structs.replace
    assert not observing(change(GAP, interval=None))
    assert not observing(change(GAP, interval=(-0.25, 0.01)))
    assert not observing(change(GAP, greater_is_better=None))
    assert not observing(change(GAP, change=-0.004, interval=(-0.005, -0.003)))
    assert not observing(change(GAP, subject=Subject(metric=GAP.subject.metric, column="sex")))


def test_a_failed_segment_stands_for_those_inside_it() -> None:
    assert named(trade_off(nested()).worse) == [
        "true positive rate difference by sex",
        "recall for sex = Female and race = Black",
        "recall for sex = Female",
    ]


def test_a_failed_segment_is_one_side_of_a_trade_off() -> None:
    worse = compared(
        "recall", 0.5, 0.3, 0.02, margin=0.05, segment={"sex": "Female"}, state=State.FAILED
    )
    better = compared("roc_auc", 0.9, 0.92, 0.002, margin=0.005)
    trade = trade_off(verdict(Decision.FAIL, metrics(roc_auc=better), segments(worse)))
    assert (named(trade.better), named(trade.worse)) == (["ROC AUC"], ["recall for sex = Female"])
