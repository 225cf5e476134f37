"""What is waived is shown as waived in every report, with its reason and days, and never hidden."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings

from gates.finding import Decision, Result, State, Verdict, Waived
from gates.report import render_comment, render_html, render_junit, render_terminal
from gates.report.summary import counts_text, findings_in, problems, waived_in
from tests.report.reading import COMMENT_TAGS, PAGE_TAGS, read_html, read_markdown
from tests.report.samples import SAMPLES, known_harm, segments, taken_on, verdict
from tests.report.test_words import ACTED_ON, HOSTILE

RENDERED: tuple[Callable[[Verdict], str], ...] = (
    render_comment,
    render_html,
    render_junit,
    render_terminal,
)


def waived_many(count: int) -> Verdict:
    """So many segments, each of them waived."""
    women, _ = known_harm()
    many = [
        msgspec.structs.replace(
            taken_on(women, "2026-12-20", 27, -0.07),
            subject=msgspec.structs.replace(women.subject, segment={"city": f"c{at}"}),
        )
        for at in range(count)
    ]
    out = msgspec.structs.replace(segments(*many), outcome=Result.WAIVED, reason="many")
    return verdict(Decision.PASS, out)


@pytest.mark.parametrize("render", RENDERED)
@pytest.mark.parametrize("sample", ["waivers_used", "waiver_exceeded"])
def test_every_report_says_who_waived_it_why_and_for_how_long(
    sample: str, render: Callable[[Verdict], str]
) -> None:
    text = " ".join(render(SAMPLES[sample]()).split())
    assert "until 2026-11-24 (1 day left), by dana" in text
    assert "relabelling is under way" in text
    assert "blocks beyond −" in text


@pytest.mark.parametrize("sample", ["waivers_used", "waiver_exceeded"])
def test_waived_findings_are_neither_problems_nor_gone(sample: str) -> None:
    made = SAMPLES[sample]()
    waived = [one.finding.fingerprint for one in waived_in(made)]
    assert len(waived) == {"waivers_used": 4, "waiver_exceeded": 1}[sample]
    assert not {one.finding.fingerprint for one in problems(made)} & set(waived)
    found = sum(len(outcome.findings) for outcome in made.outcomes)
    assert len(findings_in(made, *State)) + len(waived) == found


def test_counts_of_gates_and_of_waivers() -> None:
    made = SAMPLES["waivers_used"]()
    assert counts_text(made) == ("8 of 11 gates passed", "3 waived")
    assert render_comment(made).startswith("### ✅ Model gate: passed with 4 waivers — ")


def test_what_stands_in_the_table_has_its_sign() -> None:
    rows = [
        line
        for line in render_comment(SAMPLES["waiver_exceeded"]()).splitlines()
        if line.startswith("|") and "age = 65 to 91" in line
    ]
    assert len(rows) == 1
    assert rows[0].startswith("| ⚠️ | **recall for `age = 65 to 91`**")


def test_idle_waivers_are_named_with_the_reason() -> None:
    for render in RENDERED:
        if render is render_junit:
            continue  # it lists gates, and has no place for what concerns none
        text = " ".join(render(SAMPLES["waivers_used"]()).split())
        assert "ended with 2026-11-22" in text
        assert "what it names does not block: take it out" in text


def test_without_a_baseline_a_waiver_is_shown_all_the_same() -> None:
    made = msgspec.structs.replace(SAMPLES["waivers_used"](), baseline=None)
    assert "there was no baseline" in render_comment(made)
    assert "waived until 2026-12-20 (27 days left)" in render_comment(made)


def test_too_many_to_show_are_counted() -> None:
    comment = render_comment(waived_many(2_000))
    assert len(comment.encode()) <= 60_000
    shown = comment.count("waived until 2026-12-20")
    assert f"… {2_000 - shown:,} more waived: in `report.html`" in comment


def attacked(text: str) -> Verdict:
    """Every foreign word of a waiver is this one."""
    made = SAMPLES["waivers_used"]()
    assert made.waivers is not msgspec.UNSET
    waiver = Waived(until=text, days_left=3, reason=text, author=text, approved_by=text, line=1)
    idle = tuple(
        msgspec.structs.replace(one, gate=text, subject=text, why=text, reason=text, until=text)
        for one in made.waivers.listed
    )
    outcomes = tuple(
        msgspec.structs.replace(
            outcome,
            findings=tuple(
                msgspec.structs.replace(one, waiver=waiver) if one.waiver else one
                for one in outcome.findings
            ),
        )
        for outcome in made.outcomes
    )
    listed = msgspec.structs.replace(made.waivers, listed=idle, day=text)
    return msgspec.structs.replace(made, outcomes=outcomes, waivers=listed)


@settings(max_examples=25, deadline=None)
@given(HOSTILE.filter(bool))
def test_foreign_words_of_a_waiver_can_do_nothing(text: str) -> None:
    verdict = attacked(text)
    comment, usual = (read_markdown(render_comment(one)) for one in (verdict, attacked("x")))
    assert comment.rows == usual.rows
    assert set(comment.tags) <= COMMENT_TAGS
    assert not ACTED_ON.search(comment.prose)
    page = read_html(render_html(verdict))
    assert set(page.tags) <= PAGE_TAGS
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "\x1b" not in render_terminal(verdict)
    ET.fromstring(render_junit(verdict))  # noqa: S314 - our own text
