import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gates.report.words import (
    Name,
    Prose,
    clean,
    code,
    columns,
    fence,
    first_sentence,
    fit,
    html,
    markdown,
    plain,
    prose,
    say,
    short,
    shorten,
)
from tests.report.reading import COMMENT_TAGS, read_html, read_markdown

SNIPPETS = st.sampled_from(
    [
        "@octocat",
        "@org/team",
        "#1",
        "org/repo#12",
        "GH-7",
        "https://evil.example",
        "www.evil.example",
        "http://a",
        "a@b.example",
        "mailto:a@b.example",
        "![x](https://evil.example/i.png)",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "</code>",
        "</td>",
        "</details>",
        "<!-- gatepost v1 -->",
        "-->",
        "<script>",
        "`",
        "``",
        "```",
        "~~~",
        "|",
        "\\",
        "\\|",
        "\\`",
        "*",
        "**",
        "_",
        "__",
        "\n",
        "\r\n",
        "\t",
        "\n\n",
        "$x$",
        "$$",
        ":tada:",
        "&lt;",
        "&#64;x",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u0000",
        "\x1b[31m",
        "\ufeff",
        "1. ",
        "- ",
        "# ",
        "> ",
        "---",
        "===",
        "\u2028",
        "0123abc4567",
        "{{ 7*7 }}",
        "{% raw %}",
        "::error::",
        "\ue000",
        "é",
        "漢字",
        "%0A",
        " ",
        "a",
        "'",
        '"',
        "(",
        ")",
        ".",
    ]
)
HOSTILE = st.lists(SNIPPETS | st.text(max_size=6), max_size=9).map("".join)
# The digits of a decimal number are no commit's hash.
ACTED_ON = re.compile(r"@\w|#\d|\bGH-\d|://|www\.|:[\w+-]+:|\$|(?<!\d\.)\b[0-9a-f]{7,}\b")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("age", "`age`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a|b", "`a|b`"),
        ("a\nb", "`a�b`"),
        ("\u202etxt.exe", "`�txt.exe`"),
        ("", '`""`'),
        (" ", '`" "`'),
        ("x" * 121, "`" + "x" * 119 + "…`"),
    ],
)
def test_code_shows_the_text_literally(text: str, written: str) -> None:
    assert code(text) == written


def test_a_pipe_in_a_cell_gets_a_backslash() -> None:
    assert code("a|b", cell=True) == "`a\\|b`"


@settings(max_examples=1500, deadline=None)
@given(HOSTILE)
def test_code_is_one_cell_with_one_literal_code(text: str) -> None:
    read = read_markdown(f"| a | b | c |\n|-|-|-|\n| 1 | {code(text, cell=True)} | 3 |\n")
    assert read.rows == [3, 3]
    shown = clean(text) if clean(text).strip() else f'"{clean(text)}"'
    assert read.code == [shown]
    assert set(read.tags) <= COMMENT_TAGS


@settings(max_examples=1500, deadline=None)
@given(HOSTILE)
def test_prose_reads_the_same_and_does_nothing(text: str) -> None:
    read = read_markdown(f"| a | b | c |\n|-|-|-|\n| 1 | x {prose(text, cell=True)} | 3 |\n")
    assert read.rows == [3, 3]
    assert set(read.tags) <= COMMENT_TAGS
    assert not ACTED_ON.search(read.prose)
    words = clean(" ".join(text.split()), 600).split()
    if not set(text) & set("`'") and all(len(word) < 120 for word in words):
        assert read.text.split() == ["a", "b", "c", "1", "x", *words, "3"]


@settings(max_examples=1000, deadline=None)
@given(HOSTILE)
@example("``')@octocat")  # a word that becomes code, right behind a name that is code
def test_a_quoted_name_is_harmless(text: str) -> None:
    sentence = f"'{text}' is '{text}', not ('{text}')."
    read = read_markdown(f"| a | b | c |\n|-|-|-|\n| 1 | {prose(sentence, cell=True)} | 3 |\n")
    assert read.rows == [3, 3]
    assert set(read.tags) <= COMMENT_TAGS
    assert not ACTED_ON.search(read.prose)
    assert set(read_html(html(say(Prose(sentence)))).tags) <= {"code"}


@settings(max_examples=500, deadline=None)
@given(HOSTILE)
def test_prose_outside_a_table_does_nothing_either(text: str) -> None:
    read = read_markdown(f"1. x — {prose(text)}\n\nend\n")
    assert set(read.tags) <= COMMENT_TAGS
    assert not ACTED_ON.search(read.prose)
    assert read.text.rstrip().endswith("end")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Recall fell by 5.1 points.", "Recall fell by 5.1 points."),
        ("train.max_depth, too", "`train.max_depth`, too"),
        ("ask @dana (#131)", "ask `@dana` (`#131`)"),
        ("age < 25", "age \\< 25"),
        ("run `dvc repro predict` now", "run `dvc repro predict` now"),
        ("see https://evil.example.", "see `https://evil.example`."),
        ("'age' is 'Not in universe', as in '1994'.", "`age` is `Not in universe`, as in `1994`."),
        ("the gates' own and the owners' rows", "the gates' own and the owners' rows"),
        ("the owner's 'a|b' (50%)", "the owner's `a|b` (50%)"),
        ("the predictions give 0.9241606174.", "the predictions give 0.9241606174."),
        ("0123abc4567", "`0123abc4567`"),
        ("where age = [0, 25) and [45, inf].", "where age = `[0, 25)` and `[45, inf]`."),
    ],
)
def test_prose_stays_readable(text: str, written: str) -> None:
    assert prose(text) == written


@settings(max_examples=300, deadline=None)
@given(HOSTILE)
def test_no_line_closes_a_fence(text: str) -> None:
    read = read_markdown(f"{fence(text)}\n\nend\n")
    assert read.tags == ["pre", "code", "p"]


@settings(max_examples=500, deadline=None)
@given(HOSTILE, HOSTILE)
def test_html_holds_code_and_text_only(name: str, message: str) -> None:
    read = read_html(html(say("a ", Name(name), " b ", Prose(message))))
    assert set(read.tags) <= {"code"}
    assert not read.attributes


def test_our_wording_is_not_escaped_and_foreign_wording_is() -> None:
    phrase = say("recall for ", Name("a*b"), ": ", Prose("*so*"))
    assert markdown(phrase) == "recall for `a*b`: `*so*`"
    assert plain(phrase) == "recall for a*b: *so*"
    assert html(phrase) == "recall for <code>a*b</code>: *so*"
    assert html(say(Prose("'<b>' is `so`"))) == "<code>&lt;b&gt;</code> is <code>so</code>"


def test_clean_keeps_what_can_be_seen() -> None:
    assert clean("naïve 漢字 <b>") == "naïve 漢字 <b>"
    assert clean("a\u00a0b\u200b") == "a b�"


def test_fit_counts_wide_characters_twice() -> None:
    assert fit("漢字", 6) == "漢字  "
    assert fit("漢字漢字", 5) == "漢字…"
    assert columns(fit("漢字漢字", 4)) == 4
    assert fit("7", 3, right=True) == "  7"


def test_shorten_keeps_both_ends() -> None:
    assert shorten("true positive rate difference by race", 20) == "true posit…e by race"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("It broke. Mend it.", "It broke"),
        ("at most 0.5 may be lost", "at most 0.5 may be lost"),
        ("one\ntwo", "one"),
        ("", ""),
        ("x" * 100 + ": 'a', 'b', 'c " + "d" * 60, "x" * 100 + ": 'a', 'b' …"),
    ],
)
def test_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_first_sentence_is_short() -> None:
    assert len(first_sentence("word " * 100)) <= 162


def test_short_cuts_hashes_only() -> None:
    assert short("9f3c2e1d4b5a69788796a5b4c3d2e1f001234567") == "9f3c2e1"
    assert short("feature/new") == "feature/new"
