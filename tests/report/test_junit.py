from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from gates.finding import Result
from gates.report import render_junit
from gates.report.summary import blocks
from tests.report.samples import SAMPLES, attacked, errored, label_noise, many_segments
from tests.report.test_words import HOSTILE


def cases(text: str) -> list[ET.Element]:
    return list(ET.fromstring(text).iter("testcase"))  # noqa: S314 - made by us


@pytest.mark.parametrize("sample", SAMPLES)
def test_one_case_a_gate_and_counts_that_agree(sample: str) -> None:
    verdict = SAMPLES[sample]()
    text = render_junit(verdict)
    suite = ET.fromstring(text)[0]  # noqa: S314
    children = [child.tag for case in cases(text) for child in case]
    assert len(cases(text)) == max(1, len(verdict.outcomes)) == int(suite.attrib["tests"])
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[count]) == children.count(tag)


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_blocks_is_red_and_nothing_else_is(sample: str) -> None:
    verdict = SAMPLES[sample]()
    for case, outcome in zip(cases(render_junit(verdict)), verdict.outcomes, strict=False):
        red = case.find("failure") is not None or case.find("error") is not None
        if verdict.outcomes:
            assert red == blocks(outcome)


def test_a_failure_says_why() -> None:
    failure = next(
        case for case in cases(render_junit(label_noise())) if case.find("failure") is not None
    )
    assert failure.attrib == {"classname": "gatepost.segments", "name": "segment_regression"}
    assert (
        failure[0].attrib["message"].startswith("failed: recall for sex = Female fell 16.5 points")
    )


def test_a_crash_is_an_error() -> None:
    crashed = [case for case in cases(render_junit(errored())) if case.find("error") is not None]
    assert [case.attrib["name"] for case in crashed] == ["calibration"]
    assert errored().outcomes[-4].outcome is Result.ERRORED


def test_thousands_of_findings_are_counted() -> None:
    text = render_junit(many_segments(5000, 5000))
    assert "4,950 more" in text
    assert len(text) < 40_000


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
def test_any_text_gives_valid_xml(text: str) -> None:
    assert len(cases(render_junit(attacked(text)))) == 4
