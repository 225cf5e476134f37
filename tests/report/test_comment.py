import re

import msgspec
import pytest
from hypothesis import given, settings

from gates.finding import Changes, Decision, Difference, Outcome, Result, Verdict
from gates.report import render_comment, render_not_judged, render_running
from gates.report.comment import BUDGET_BYTES, marker
from tests.report.reading import COMMENT_TAGS, read_markdown
from tests.report.samples import (
    SAMPLES,
    attacked,
    improvement,
    label_noise,
    many_segments,
    no_baseline,
    small_test_set,
    undecided_strict,
)
from tests.report.test_words import ACTED_ON, HOSTILE

MARKER = re.compile(r"<!-- gatepost v1( [a-z]+=[0-9A-Za-z._/]+)+ -->")
HEADINGS = {
    "label_noise": "❌ blocked — recall for `sex = Female` fell 16.5 points (limit 5.0)",
    "batch_of_1995": "❌ blocked — `migration_msa`: every one of 51,584 rows is `?`; "
    "the dictionary lists no such level",
    "improvement": "✅ passed — log loss fell 0.034 (better)",
    "trade_off": "✅ passed — a trade-off: true positive rate difference by `sex` "
    "shrank 13.1 points, but ROC AUC fell 0.0032",
    "no_baseline": "⚠️ passed, but there was no baseline to compare with",
    "undecided_strict": "❌ blocked — log loss may have risen more than 0.010; "
    "1,200 rows cannot tell",
    "errored": "🛑 could not decide — `target_leakage` is required: "
    "the evidence has no train.parquet",
    "waived": "✅ passed with 1 waiver — `segment_regression`",
    "waivers_used": "✅ passed with 4 waivers — `schema` until 2026-11-23 and 3 more",
    "waiver_exceeded": "❌ blocked — recall for `sex = Female` fell 6.5 points (limit 5.0)",
    "unchanged": "✅ nothing to judge — every compared number is the same as at `41d07ab`",
    "loosened": "❌ blocked — recall for `sex = Female` fell 16.5 points (limit 5.0); "
    "1 version differs from the baseline run",
    "cannot_judge": "🛑 could not decide — predictions.parquet: 12 `row_ids` are not in "
    "the test table, first 00ab12",
}


def replaced(verdict: Verdict, **changes: object) -> Verdict:
    return msgspec.structs.replace(verdict, **changes)


@pytest.mark.parametrize("sample", HEADINGS)
def test_the_first_line_says_what_matters(sample: str) -> None:
    sign, _, rest = HEADINGS[sample].partition(" ")
    first = render_comment(SAMPLES[sample]()).splitlines()[0]
    assert first == f"### {sign} Model gate: {rest}"


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_last_line_is_for_machines(sample: str) -> None:
    assert MARKER.fullmatch(render_comment(SAMPLES[sample]()).splitlines()[-1])


def test_the_marker_tells_revisions_decision_and_counts() -> None:
    assert marker(label_noise()).endswith(
        "decision=fail passed=9 failed=2 undecided=0 skipped=0 errored=0 waived=0 -->"
    )
    assert " base=none " in marker(no_baseline())


@pytest.mark.parametrize("sample", SAMPLES)
def test_tables_are_whole_and_nothing_else_is_in_the_page(sample: str) -> None:
    read = read_markdown(render_comment(SAMPLES[sample]()))
    assert set(read.rows) <= {4, 6}
    assert set(read.tags) <= COMMENT_TAGS
    assert not read.open
    assert not ACTED_ON.search(read.prose)


@settings(max_examples=60, deadline=None)
@given(HOSTILE.filter(bool))
def test_no_foreign_text_breaks_out(text: str) -> None:
    comment = render_comment(attacked(text))
    read = read_markdown(comment)
    plain = read_markdown(render_comment(attacked("x")))
    assert read.rows == plain.rows
    assert set(read.tags) <= COMMENT_TAGS
    assert not ACTED_ON.search(read.prose)
    assert MARKER.fullmatch(comment.splitlines()[-1])


@settings(max_examples=100, deadline=None)
@given(HOSTILE, HOSTILE)
def test_no_error_breaks_out(message: str, revision: str) -> None:
    for comment in (render_not_judged(message, revision=revision), render_running(revision)):
        read = read_markdown(comment)
        assert set(read.tags) <= COMMENT_TAGS
        assert not ACTED_ON.search(read.prose)
        assert MARKER.fullmatch(comment.splitlines()[-1])


def test_no_command_line_holds_a_revision_that_is_no_hash() -> None:
    assert "```bash" in render_comment(label_noise())
    assert "```bash" not in render_comment(attacked("$(touch x)"))


def test_what_blocks_stands_before_what_is_undecided() -> None:
    """Also where the gates speak in sentences, which stand in a list, not in the table."""
    comment = render_comment(small_test_set())
    places = [
        comment.index(one) for one in ("| ❌ | **log loss**", "| ⚠️ | **ROC AUC**", "- ⚠️ `drift`")
    ]
    assert places == sorted(places)


def test_undecided_says_the_rows_it_needs() -> None:
    assert "can't rule out a breach; needs about 2,600 rows" in render_comment(undecided_strict())


@pytest.mark.parametrize(
    ("count", "failed"), [(5000, 3), (5000, 400), (5000, 5000), (20000, 20000)]
)
def test_very_many_segments_fit(count: int, failed: int) -> None:
    comment = render_comment(many_segments(count, failed))
    read = read_markdown(comment)
    assert len(comment.encode()) <= BUDGET_BYTES
    assert comment.startswith("### ❌ Model gate: blocked — recall for")
    assert MARKER.fullmatch(comment.splitlines()[-1])
    assert set(read.rows) <= {4, 6}
    assert not read.open
    listed = comment.split("**To fix**")[0].count("| ❌ | **recall")
    more = re.search(r"([\d,]+) more failed in `segment_regression`", comment)
    assert listed + (int(more[1].replace(",", "")) if more else 0) == failed
    assert listed == min(failed, 6 if more else 7)


def test_a_row_that_says_one_more_gives_way_to_that_row() -> None:
    comment = render_comment(many_segments(20, 7))
    assert comment.split("**To fix**")[0].count("| ❌ | **recall for") == 7
    assert "more failed" not in comment


def test_many_doubts_do_not_hide_what_failed() -> None:
    comment = render_comment(many_segments(300, 1, doubtful=80))
    top = comment.split("**To fix**")[0]
    assert top.count("| ⚠️ | **recall") == 3
    assert "77 more undecided" in top


def test_the_broad_segment_stands_for_those_inside_it() -> None:
    comment = render_comment(SAMPLES["nested"]())
    assert "recall for `sex = Female` fell 18.1 points (limit 10.0)" in comment.splitlines()[0]
    rows = [row for row in comment.split("**To fix**")[0].splitlines() if row.startswith("| ❌")]
    assert len(rows) == 2
    assert "and 2 segments inside it; 1 more is undecided" in rows[0]
    assert "`race = Black`" in rows[1]


def test_even_absurd_verdicts_fit() -> None:
    long = "`" * 119
    outcomes = tuple(
        Outcome(
            gate=f"{long}{n}",
            family=improvement().outcomes[0].family,
            outcome=Result.ERRORED,
            reason=long * 9,
        )
        for n in range(3000)
    )
    changes = Changes(files=tuple(f"{long}{n}" for n in range(3000)))
    names = tuple(Difference(name=long, baseline=long, candidate=long) for _ in range(3000))
    verdict = replaced(
        improvement(), decision=Decision.FAIL, outcomes=outcomes, changes=changes, environment=names
    )
    comment = render_comment(verdict)
    assert len(comment.encode()) <= BUDGET_BYTES
    assert comment.startswith("### ❌")
    assert MARKER.fullmatch(comment.splitlines()[-1])


def test_loosened_limits_are_always_in_sight() -> None:
    comment = render_comment(SAMPLES["loosened"]())
    place = comment.index("⚠️ This PR loosens 1 limit")
    assert place < comment.index("<details>")
    assert "`0.05` → `0.2` (loosened)" in comment
