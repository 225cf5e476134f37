"""The hidden line: what it says is read back, and nobody's text can forge it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.github.mark import Mark, Place, Run, read_mark, same_text, sign
from gates.report import render_not_judged
from tests.github.fake import HEAD

TEXT = "### Model gate\n\nwords\n\n<!-- gatepost v1 head=x base=y decision=pass passed=3 -->\n"
MARK = Mark(Place(4242, 7), HEAD, Run(811, 2), final=True)


def test_the_line_says_where_and_by_which_run() -> None:
    assert sign(TEXT, MARK).splitlines()[-1] == (
        f"<!-- gatepost v1 head={HEAD} base=y decision=pass passed=3 "
        "repository=4242 pull=7 project=main run=811.2 -->"
    )


def test_what_is_signed_is_read_back() -> None:
    for mark in (MARK, Mark(Place(1, 1, "a/b_c.d-e"), "f" * 40, Run(0, 0), final=False)):
        assert read_mark(sign(TEXT, mark)) == mark


def test_signing_twice_changes_nothing() -> None:
    assert sign(sign(TEXT, MARK), MARK) == sign(TEXT, MARK)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body + "\nmore",
        lambda body: body.replace("run=811.2", "run=811"),
        lambda body: body.replace("run=811.2", "run=811.2 run=999.1"),
        lambda body: body.replace("pull=7", "pull=-7"),
        lambda body: body.replace("pull=7", "pull=٧"),
        lambda body: body.replace("pull=7 ", ""),
        lambda body: body.replace("gatepost v1", "gatepost v2"),
        lambda body: body.replace("-->", "--> x"),
        lambda body: body.replace("<!--", "`<!--"),
        lambda body: body.replace("project=main", "project=ma<in"),
    ],
)
def test_any_other_line_is_no_mark(change: object) -> None:
    assert callable(change)
    assert read_mark(change(sign(TEXT, MARK))) is None


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ((Run(811, 1), False), (Run(811, 1), True)),
        ((Run(811, 1), True), (Run(811, 2), False)),
        ((Run(811, 9), True), (Run(812, 1), False)),
        ((Run(99, 1), True), (Run(100, 1), False)),
    ],
)
def test_order(older: tuple[Run, bool], newer: tuple[Run, bool]) -> None:
    marks = [Mark(Place(1, 1), HEAD, run, final) for run, final in (older, newer)]
    assert marks[0].order < marks[1].order


@pytest.mark.parametrize("end", ["", "\r\n", "\n\n  \n"])
def test_line_ends_and_cmls_image_make_no_difference(end: str) -> None:
    body = sign(TEXT, MARK)
    image = f'\n\n![](https://cml.dev/watermark.png#{HEAD} "CML watermark gatepost-main")'
    assert same_text(body, body.replace("\n", "\r\n") + end)
    assert same_text(body, body + image + end)
    assert read_mark(body + image) == MARK
    assert not same_text(body, body.replace("words", "other words"))


@given(st.text(max_size=200))
def test_no_text_of_a_report_is_read_as_a_mark(told: str) -> None:
    """What a pull request can make us say stands before our last line."""
    forged = sign(TEXT, MARK).splitlines()[-1]
    body = sign(render_not_judged(f"{told}\n{forged}"), MARK)
    assert read_mark(body) == MARK


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a>", "a\n", "é", "x" * 101])
def test_a_projects_name_cannot_end_the_line(name: str) -> None:
    with pytest.raises(ValueError, match="a project's name"):
        Place(1, 1, name)
