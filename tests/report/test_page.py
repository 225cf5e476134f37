import re

import pytest
from hypothesis import given, settings

from gates.report import render_html
from tests.report.reading import PAGE_TAGS, read_html
from tests.report.samples import SAMPLES, attacked, many_segments, small_test_set
from tests.report.test_words import HOSTILE


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_page_needs_nothing_from_outside(sample: str) -> None:
    page = render_html(SAMPLES[sample]())
    read = read_html(page)
    assert set(read.tags) <= PAGE_TAGS
    links = [value or "" for name, value in read.attributes if name in {"href", "src", "style"}]
    assert all(re.fullmatch(r"#gate-\d+", link) for link in links)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert "url(" not in page
    assert not read.open


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_page_can_be_read_aloud(sample: str) -> None:
    read = read_html(render_html(SAMPLES[sample]()))
    names = [value for name, value in read.attributes if name == "aria-labelledby"]
    ids = [value for name, value in read.attributes if name == "id"]
    assert ("lang", "en") in read.attributes
    assert set(names) <= set(ids)
    assert len(ids) == len(set(ids))
    assert read.tags.count("h1") == 1
    assert read.tags.count("svg") == sum(name == "aria-label" for name, _ in read.attributes)
    scoped = sum(name == "scope" for name, _ in read.attributes)
    assert scoped == read.tags.count("th")


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_no_foreign_text_becomes_markup(text: str) -> None:
    read = read_html(render_html(attacked(text)))
    assert set(read.tags) <= PAGE_TAGS
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", read.text)


def test_a_gate_says_once_what_to_do() -> None:
    details = render_html(small_test_set()).partition("Everything each gate said")[2]
    assert details.count("Look at what the change did to these rows.") == 1


def test_all_findings_are_there() -> None:
    page = render_html(many_segments(3000, 2))
    assert (
        page.count("recall for <code>region") == 3000 + 2
    )  # also in the heading and in what to fix


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "paper"),
        ("quiet", "paper"),
        ("quiet", "panel"),
        ("link", "paper"),
        ("good", "good-bg"),
        ("bad", "bad-bg"),
        ("doubt", "doubt-bg"),
        ("good", "panel"),
        ("bad", "panel"),
        ("doubt", "panel"),
        ("bad", "zone"),
        ("doubt", "zone"),
    ],
)
def test_contrast_is_at_least_4_5(scheme: int, text: str, ground: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", render_html(SAMPLES["unchanged"]()), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[scheme]))
    light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
