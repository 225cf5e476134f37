import msgspec

from gates.finding import (
    Decision,
    Family,
    Finding,
    Limit,
    Observation,
    Outcome,
    Result,
    State,
    Subject,
    Verdict,
)
from gates.report.folds import Fold, Shares, folds_of, nearest, unsaid
from gates.report.top import top_of
from gates.report.words import markdown, plain
from tests.report.samples import compared, data_gates, label_noise, nested, outcome, verdict


def fold_of(made: Verdict, family: Family) -> Fold:
    folds = folds_of(made, top_of(made, 9, 9, 3), Shares(nearest=3, observed=3))
    return next(fold for fold in folds if fold.family == family.value)


def share(
    column: str, value: float, *, ceiling: float | None = None, floor: float | None = None
) -> Finding:
    return Finding(
        subject=Subject(metric="distance", column=column),
        state=State.PASSED,
        limit=Limit(ceiling=ceiling, floor=floor),
        message="m",
        candidate=value,
    )


def drift(*values: float) -> Verdict:
    found = [share(f"c{place}", value, ceiling=0.1) for place, value in enumerate(values)]
    return verdict(Decision.PASS, outcome("drift", Family.DATA, *found))


def test_only_what_is_near_its_limit_gets_a_row_the_nearest_first() -> None:
    (gate,) = fold_of(drift(0.01, 0.06, 0.09, 0.05, 0.08), Family.DATA).gates
    assert [plain(row.subject) for row in gate.rows] == [
        "distance of c2",
        "distance of c4",
        "distance of c1",
    ]
    assert markdown(gate.line) == (
        "`drift` — 5 comparisons passed; nearest to the limits (2 more in `report.html`)"
    )


def test_where_all_is_far_from_its_limit_the_line_names_the_nearest() -> None:
    (gate,) = fold_of(drift(0.01, 0.02), Family.DATA).gates
    assert not gate.rows
    assert markdown(gate.line).endswith("nearest to its limit: `distance` of `c1` 0.020 (≤ 0.100)")


def test_sentences_without_numbers_are_counted_only() -> None:
    columns = next(one for one in fold_of(label_noise(), Family.DATA).gates)
    assert markdown(columns.line) == "`columns` — 1 comparison passed"
    assert not columns.rows


def test_nothing_moved() -> None:
    same = compared("recall", 0.5, 0.5, 0.0, margin=0.05)
    made = verdict(Decision.PASS, outcome("g", Family.METRICS, same))
    assert markdown(fold_of(made, Family.METRICS).gates[0].line) == (
        "`g` — 1 comparison passed; nothing moved"
    )


def test_a_floor_of_a_share_is_near_by_what_is_missing_to_one() -> None:
    gate = outcome("g", Family.METRICS, share("a", 0.95, floor=0.5), share("b", 0.6, floor=0.5))
    assert [one.subject.column for one in nearest(gate)] == ["b", "a"]


def test_what_a_broad_segment_hides_stands_in_the_fold() -> None:
    (gate,) = fold_of(nested(), Family.SEGMENTS).gates
    assert [plain(row.subject) for row in gate.rows] == [
        "recall for sex = Female and race = Asian or Pacific Islander",
        "recall for sex = Female and race = White",
        "recall for sex = Female and race = Other",
    ]


def test_an_observation_names_its_subject_where_its_message_does_not() -> None:
    seen = Observation(
        subject=Subject(metric="mean score minus positive rate"),
        message="Above zero the scores are too high.",
        candidate=0.2,
    )
    gate = msgspec.structs.replace(data_gates()[0], observations=(seen,))
    (row,) = fold_of(verdict(Decision.PASS, gate), Family.LEAKAGE).gates[0].rows
    assert plain(row.subject) == "mean score minus positive rate"
    named = msgspec.structs.replace(seen, message="mean score minus positive rate: high")
    gate = msgspec.structs.replace(gate, observations=(named,))
    (row,) = fold_of(verdict(Decision.PASS, gate), Family.LEAKAGE).gates[0].rows
    assert plain(row.subject) == ""


def test_the_same_words_are_not_said_twice() -> None:
    schema = next(one for one in nested().outcomes if one.gate == "schema")
    assert schema.observations
    assert not unsaid(schema)


def test_gates_skipped_for_one_reason_share_a_line() -> None:
    reasons = {"latency": "no service", "footprint": "no service", "throughput": "no baseline"}
    skipped = [
        Outcome(gate=gate, family=Family.SERVING, outcome=Result.SKIPPED, reason=reason)
        for gate, reason in reasons.items()
    ]
    fold = fold_of(verdict(Decision.PASS, *skipped), Family.SERVING)
    assert [markdown(gate.line) for gate in fold.gates] == [
        "`latency`, `footprint` — skipped: no service",
        "`throughput` — skipped: no baseline",
    ]
