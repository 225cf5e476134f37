import msgspec
import pytest

from gates.finding import Decision, Subject, TestSet, TestSetOf
from gates.report.rows_judged import test_set_words as words_of
from tests.report.samples import data_gates, improvement, verdict


def said(
    rows: int,
    added: int = 0,
    removed: int = 0,
    *,
    seen: int = 0,
    relabelled: int = 0,
    learnt: int = 0,
    changed: bool = True,
    on_base: bool = False,
) -> str:
    found = TestSet(
        changed=changed,
        digest="d",
        rows=rows,
        added=added,
        removed=removed,
        relabelled=relabelled,
        learnt=learnt,
        seen=seen,
    )
    made = improvement()
    if on_base:
        one = next(o for o in made.outcomes if o.findings and o.findings[0].limit.margin)
        about = Subject(metric="accuracy", test_set=TestSetOf.BASELINE)
        more = msgspec.structs.replace(one.findings[0], subject=about)
        one = msgspec.structs.replace(one, findings=(more,))
        made = msgspec.structs.replace(made, outcomes=(*made.outcomes, one))
    return words_of(msgspec.structs.replace(made, test_set=found))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (said(16_842, changed=False), ""),
        (
            said(16_842, 1, 20, on_base=True),
            "1 row added, 20 removed, 16,842 now; both models were scored on both test sets, and "
            "on the baseline's alone, by its labels.",
        ),
        (
            said(20_000, 3_158),
            "3,158 rows added, 0 removed, 20,000 now; the models were compared on 16,842 rows of "
            "the baseline's test set, by its labels.",
        ),
        (
            said(16_842, 99, 100, relabelled=98, on_base=True),
            "1 row added, 2 removed, 98 with another label or weight, 16,842 now; both models were "
            "scored on both test sets, and on the baseline's alone, by its labels.",
        ),
        (
            said(16_842),
            "the same 16,842 rows, cut into other segments; the models were compared on 16,842 "
            "rows of the baseline's test set, by its labels.",
        ),
        (
            said(16_842, 16_842, 500, learnt=500),
            "16,842 rows added, 500 removed, 16,842 now; the models were compared on 16,842 rows "
            "of the new one alone.",
        ),
        (
            said(16_843, seen=1, changed=False),
            "1 of 16,843 rows was left out of the comparison, because a model was trained on them.",
        ),
    ],
)
def test_words(words: str, expected: str) -> None:
    assert words == expected


def test_without_a_comparison_none_is_claimed() -> None:
    found = TestSet(changed=True, digest="d", rows=9, added=9)
    alone = msgspec.structs.replace(verdict(Decision.PASS, *data_gates()), test_set=found)
    assert words_of(alone) == "9 rows added, 0 removed, 9 now; nothing was compared."
    assert words_of(msgspec.structs.replace(alone, test_set=None)) == ""
