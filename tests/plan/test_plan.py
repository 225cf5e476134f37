from typing import Any

import msgspec
import pytest

from gates.finding import Limit, Mode, Subject, Support
from gates.plan.plan import Answer, Churn, Family, Line, Plan, Question, families_of, plan_lines
from gates.stats.sizing import Kind, Level, PairedMean, PairedShare

ALONE = (Family(name="overall", alpha=0.05, comparisons=1),)


def question(kind: Kind | None = None, **given: Any) -> Question:
    usual: dict[str, Any] = {
        "gate": "metric_regression",
        "subject": Subject(metric="accuracy"),
        "limit": Limit(margin=0.02, mode=Mode.GUARD),
        "family": "overall",
        "counted": 1_000,
        "kind": kind,
    }
    return Question(**{**usual, **given})


def plan(*questions: Question, families: tuple[Family, ...] = ALONE) -> tuple[Line, ...]:
    return plan_lines(questions, families, keep_confidence=0.9, power=0.8)


# statistics.md §3.4: 6 % discordance and a margin of 2 points need 982 rows, one-sided 5 %.
@pytest.mark.parametrize(
    ("rows", "mode", "answer"),
    [
        (982, Mode.GUARD, Answer.DECIDABLE),
        (981, Mode.GUARD, Answer.TOO_SMALL),
        (982, Mode.STRICT, Answer.DECIDABLE),
        (981, Mode.STRICT, Answer.WOULD_BLOCK),
        (0, Mode.STRICT, Answer.WOULD_BLOCK),
    ],
)
def test_one_row_less_than_needed_is_too_small(rows: int, mode: Mode, answer: Answer) -> None:
    asked = question(PairedShare(0.06), counted=rows, limit=Limit(margin=0.02, mode=mode))
    (line,) = plan(asked)
    assert (line.counted_needed, line.to_pass, line.answer) == (982, 982, answer)


def test_many_comparisons_share_the_level_of_harm_and_ruling_out_is_not_corrected() -> None:
    families = families_of({"overall": 0.05, "other": 0.01}, ["overall"] * 40)
    assert families == (Family(name="overall", alpha=0.05, comparisons=40),)
    (line,) = plan(question(PairedShare(0.06)), families=families)
    assert line.alpha == pytest.approx(0.00125)
    assert line.to_pass == 982
    # (3.0233 + 0.8416)² · 0.06 / 0.02² = 2240.6
    assert line.to_block == line.counted_needed == 2_241
    assert line.answer is Answer.TOO_SMALL


def test_where_undecided_blocks_only_passing_needs_rows() -> None:
    families = families_of({"overall": 0.05}, ["overall"] * 40)
    strict = question(PairedShare(0.06), limit=Limit(margin=0.02, mode=Mode.STRICT))
    (line,) = plan(strict, families=families)
    assert (line.counted_needed, line.answer) == (982, Answer.DECIDABLE)


def test_positives_needed_are_test_rows_needed() -> None:
    support = Support(rows=4_000, positives=400)
    asked = question(PairedShare(0.06), counted=400, counts="positives", support=support)
    (line,) = plan(asked)
    assert (line.counted_needed, line.rows_needed) == (982, 9_820)


@pytest.mark.parametrize(
    ("value", "mode", "needed", "answer"),
    [
        (0.95, Mode.GUARD, 80, Answer.DECIDABLE),  # (1.6449 + 0.8416)² · 0.179² / 0.05² = 79.2
        (0.85, Mode.GUARD, 80, Answer.DECIDABLE),  # provably below: the same by symmetry
        (0.90, Mode.GUARD, None, Answer.TOO_SMALL),
        (0.85, Mode.STRICT, None, Answer.WOULD_BLOCK),
    ],
)
def test_a_value_is_told_from_its_floor(
    value: float, mode: Mode, needed: int | None, answer: Answer
) -> None:
    kind = Level(value=value, spread=0.179, is_floor=True)
    (line,) = plan(question(kind, counted=100, limit=Limit(floor=0.9, mode=mode)))
    assert (line.counted_needed, line.answer) == (needed, answer)
    assert bool(line.reason) == (needed is None)


def test_a_margin_of_nothing_is_never_ruled_out() -> None:
    (line,) = plan(question(PairedMean(0.1), limit=Limit(margin=0.0, mode=Mode.GUARD)))
    assert line.answer is Answer.TOO_SMALL
    assert line.reason == "no number of rows rules out a loss of nothing"


def test_what_has_no_value_says_why() -> None:
    asked = question(None, family="", reason="3 positives and 9 negatives")
    (line,) = plan(asked)
    assert (line.answer, line.reason) == (Answer.TOO_SMALL, "3 positives and 9 negatives")
    assert line.counted_needed is None


def test_the_worst_come_first() -> None:
    lines = plan(
        question(PairedShare(0.06), counted=5_000, gate="a"),
        question(PairedShare(0.06), counted=500, gate="b"),
        question(PairedShare(0.06), counted=50, gate="c"),
        question(
            PairedShare(0.06), counted=900, gate="d", limit=Limit(margin=0.02, mode=Mode.STRICT)
        ),
        question(None, gate="e"),
    )
    assert [line.gate for line in lines] == ["d", "e", "c", "b", "a"]


def test_a_plan_survives_json() -> None:
    whole = Plan(
        gatepost="0",
        revision="41d07ab",
        rows=1_000,
        positives=100,
        power=0.8,
        churn=Churn(share=0.06, source="assumed"),
        families=ALONE,
        lines=plan(question(PairedShare(0.06)), question(None)),
    )
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Plan) == whole
