from typing import Any

import pytest

from gates.finding import Limit, Mode, Subject
from gates.plan.plan import Churn, Family, Plan, Question, Skipped, plan_lines
from gates.report.plan import render_plan
from gates.report.words import columns
from gates.stats.sizing import PairedShare

FAMILIES = (
    Family(name="overall", alpha=0.01, comparisons=1),
    Family(name="segments", alpha=0.02, comparisons=4),
)


def question(**given: Any) -> Question:
    usual: dict[str, Any] = {
        "gate": "metric_regression",
        "subject": Subject(metric="accuracy"),
        "limit": Limit(margin=0.02, mode=Mode.GUARD),
        "family": "overall",
        "counted": 2_000,
        "kind": PairedShare(0.06),
    }
    return Question(**{**usual, **given})


def segment(name: str, rows: int) -> Question:
    return question(
        gate="segment_regression",
        subject=Subject(metric="recall", segment={"plan": name}),
        family="segments",
        limit=Limit(margin=0.05, mode=Mode.GUARD),
        counted=rows,
        counts="positives",
    )


def plan(*questions: Question, **given: Any) -> Plan:
    usual: dict[str, Any] = {
        "gatepost": "0",
        "revision": "41d07ab",
        "rows": 2_000,
        "positives": 400,
        "power": 0.8,
        "churn": Churn(share=0.06, source="assumed"),
        "families": FAMILIES,
        "lines": plan_lines(questions, FAMILIES, keep_confidence=0.95, power=0.8),
        "skipped": (Skipped("schema", "looks at each row alone"),),
    }
    return Plan(**{**usual, **given})


SEGMENTS = [segment("basic", 900), segment("prepaid", 700), segment("trial", 80)]
SEGMENTS.append(segment("staff", 12))
STRICT = question(
    subject=Subject(metric="specificity"), limit=Limit(margin=0.01, mode=Mode.STRICT), counted=1_600
)
EXPECTED = """\
planned    41d07ab · 2,000 test rows, 400 positive
churn      6 % of the answers change: assumed; reseeds change 0.2 % to 6 %, measure yours with
           --second
power      80 % for either answer; a false block: overall 1 % over 1 comparison; segments 2 % over 4
           comparisons

metric_regression         limit                at hand  needed  visible  blocks from
would block  specificity  loss 0.01 strict  1,600 rows   4,788   0.0194       0.0194
decidable    accuracy     loss 0.02         2,000 rows   1,506   0.0174       0.0246

segment_regression
too small    2 of 4 segments can decide a loss of 0.05 in recall; the smallest, plan = prepaid, has
             700 positives and needs 281. Too small: plan = staff (12 of 281 positives), plan =
             trial (80 of 281 positives).

metric_regression: specificity would block 64 of 100 pull requests that break nothing; it needs
           4,788 rows, a margin of 0.019, or `mode: guard`.
not sized  schema: looks at each row alone
3 of 6 limits can be decided; 1 strict limit cannot.
"""


def test_a_whole_plan() -> None:
    assert render_plan(plan(STRICT, question(), *SEGMENTS)) == EXPECTED


def test_verbose_lists_every_segment() -> None:
    text = render_plan(plan(*SEGMENTS), verbose=True)
    assert [f"plan = {name}" in text for name in ("basic", "prepaid", "trial", "staff")] == [
        True
    ] * 4
    assert "segments can decide" not in text


@pytest.mark.parametrize(
    ("churn", "words"),
    [
        (Churn(share=0.0075, source="measured", between="a and b"), "measured between a and b"),
        (Churn(share=0.02, source="given"), "2 % of the answers change: as given"),
    ],
)
def test_where_the_churn_comes_from(churn: Churn, words: str) -> None:
    assert words in render_plan(plan(question(), churn=churn))


@pytest.mark.parametrize("width", [10, 60, 80, 120])
@pytest.mark.parametrize("verbose", [True, False])
def test_no_line_is_wider_than_the_terminal(width: int, *, verbose: bool) -> None:
    long = [segment(name * 30, 50) for name in ("ü", "x", "y", "z")]
    nothing = question(kind=None, family="", reason="no value " * 20)
    text = render_plan(plan(STRICT, question(), nothing, *long), width=width, verbose=verbose)
    assert max(columns(line) for line in text.splitlines()) <= max(60, width)


def test_names_from_data_cannot_write_to_the_terminal() -> None:
    hostile = [segment(f"\x1b[2J{at}\u202e\n", 50) for at in range(4)]
    for verbose in (True, False):
        text = render_plan(plan(*hostile), verbose=verbose)
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_colours_stand_only_where_asked() -> None:
    assert "\x1b[33mtoo small" in render_plan(plan(*SEGMENTS), colour=True)
    assert "\x1b" not in render_plan(plan(*SEGMENTS))
