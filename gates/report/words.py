"""Text that is safe wherever it is shown, though parts of it come from data or a pull request.

A phrase is made of pieces: `str` is our own wording, `Name` and `Prose` are foreign and hostile.
Each medium has one function that turns a phrase into text: `markdown`, `plain` and `html`.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_NAME = 120
LONGEST_PROSE = 600
LONGEST_HEADING = 160
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, bidi, surrogates, separators
_NONCHARACTER = re.compile("[\ufdd0-\ufdef\ufffe\uffff]")
# What GitHub still acts on after Markdown is parsed: mentions, issue numbers, links, commit
# hashes, emoji names and formulas. A backslash does not stop these; a code span does.
_ACTED_ON = re.compile(
    r"[@$#`\\]|://|www\.|mailto:|xmpp:|\bGH-\d|:[\w+-]+:|\b[0-9a-f]{7,}\b", re.IGNORECASE
)
_MARKUP = re.compile(r"[*_\[\]<>&|~]")
_DECIMAL = re.compile(r"-?\d[\d,]*\.\d+[.,;:)%]*")  # its digits are no commit's hash
# `so` or 'so', between words: how gates set off names and values from their own words; and a
# band such as [0, 25), which is a value of two words.
_QUOTED = re.compile(
    r"(?<![^\s(])(?:`([^`]+)`|'([^']+)'|(\[[-+.\w]+, [-+.\w]+[)\]]))(?![^\s).,:;])"
)
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
_LIST = re.compile(r".*: .*(?=, )")  # what is said, and the listed things that fit
_AROUND = re.compile(r"(?P<before>[('\"]*)(?P<core>.*?)(?P<after>[.,;:!?)'\"]*)", re.DOTALL)


class Name(NamedTuple):
    """A foreign name or value: a column, a level, a revision, a path."""

    text: str


class Prose(NamedTuple):
    """A foreign sentence: the message of a gate, a waiver's reason."""

    text: str


class Phrase(tuple[str | Name | Prose, ...]):
    """Pieces in order; a type of its own, so that no foreign tuple is taken for our wording."""

    __slots__ = ()


def say(*pieces: str | Name | Prose) -> Phrase:
    """A phrase of these pieces; a `str` must be our own wording, never text from outside."""
    return Phrase(piece for piece in pieces if piece != "")


class Markdown(str):
    """Text that already is Markdown and must not be escaped again."""

    __slots__ = ()


def clean(text: str, longest: int = LONGEST_NAME) -> str:
    """One line without anything invisible: control, bidi and format characters become U+FFFD."""
    if not (text.isascii() and text.isprintable()):
        seen = (
            "\ufffd" if (kind := unicodedata.category(one)) in _UNSEEN else _space(one, kind)
            for one in text[: 2 * longest]
        )
        text = _NONCHARACTER.sub("\ufffd", "".join(seen))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _space(character: str, kind: str) -> str:
    return " " if kind == "Zs" else character


def code(text: str, *, cell: bool = False) -> Markdown:
    """A Markdown code span that shows the text literally; `cell` where it stands in a table.

    The fence is longer than any run of backticks inside (CommonMark 6.1); in a table a pipe
    needs a backslash even within code (GFM 4.10).
    """
    inside = clean(text)
    if not inside.strip():
        inside = f'"{inside}"'
    runs = [len(run) for run in re.findall("`+", inside)]
    fence = "`" * (max(runs, default=0) + 1)
    padding = " " if inside.startswith(("`", " ")) or inside.endswith(("`", " ")) else ""
    if cell:
        inside = inside.replace("|", "\\|")
    return Markdown(f"{fence}{padding}{inside}{padding}{fence}")


def prose(text: str, *, cell: bool = False) -> Markdown:
    """A foreign sentence as Markdown that reads the same and can do nothing.

    What stands in backticks or single quotes, and words that Markdown or GitHub would act on,
    become code spans; lone signs get a backslash.
    """
    line = clean(" ".join(text.split()), LONGEST_PROSE)
    shown = ""
    for part, quoted in _parts(line):
        piece = code(part, cell=cell) if quoted else _words(part, cell=cell)
        # Two fences side by side would be one, and what stands between them no code.
        shown += f" {piece}" if shown.endswith("`") and piece.startswith("`") else piece
    return Markdown(shown)


def _parts(line: str) -> Iterator[tuple[str, bool]]:
    """The line in parts, each with whether it was quoted; the quotes are gone."""
    start = 0
    for found in _QUOTED.finditer(line):
        yield line[start : found.start()], False
        yield found[1] or found[2] or found[3], True
        start = found.end()
    yield line[start:], False


def _words(text: str, *, cell: bool) -> str:
    return " ".join(_word(word, cell=cell) for word in text.split(" "))


def _word(word: str, *, cell: bool) -> str:
    if _DECIMAL.fullmatch(word) or not (_ACTED_ON.search(word) or _MARKUP.search(word)):
        return word
    if len(word) == 1 and _MARKUP.match(word):
        return f"\\{word}"
    parts = _AROUND.fullmatch(word)
    if parts is None or not parts["core"]:
        return code(word, cell=cell)
    return f"{parts['before']}{code(parts['core'], cell=cell)}{parts['after']}"


def fence(text: str, *, longest: int = 4000) -> Markdown:
    """A fenced block of foreign lines, which no line inside can close."""
    lines = [clean(line.replace("\t", "    "), 400) for line in text[:longest].splitlines()]
    if len(text) > longest:
        lines.append("…")
    runs = [len(run) for line in lines for run in re.findall("`+", line)]
    ticks = "`" * max(3, max(runs, default=0) + 1)
    return Markdown("\n".join([f"{ticks}text", *lines, ticks]))


def markdown(phrase: Phrase, *, cell: bool = False) -> Markdown:
    """The phrase as Markdown; our own words as they are, foreign ones made harmless."""
    return Markdown("".join(_piece(piece, cell=cell) for piece in phrase))


def _piece(piece: str | Name | Prose, *, cell: bool) -> str:
    if isinstance(piece, Name):
        return code(piece.text, cell=cell)
    if isinstance(piece, Prose):
        return prose(piece.text, cell=cell)
    return piece


def plain(phrase: Phrase) -> str:
    """The phrase as one line for a terminal or an XML attribute: no escapes, nothing invisible."""
    return "".join(_plain_piece(piece) for piece in phrase)


def _plain_piece(piece: str | Name | Prose) -> str:
    if isinstance(piece, Prose):
        return clean(" ".join(piece.text.split()), LONGEST_PROSE)
    return clean(piece.text) if isinstance(piece, Name) else piece


def html(phrase: Phrase) -> str:
    """The phrase as HTML; names stand in `<code>`."""
    return "".join(_html_piece(piece) for piece in phrase)


def _html_piece(piece: str | Name | Prose) -> str:
    text = _plain_piece(piece)
    if isinstance(piece, Prose):
        return "".join(
            f"<code>{escape(part)}</code>" if quoted else escape(part)
            for part, quoted in _parts(text)
        )
    return f"<code>{escape(text)}</code>" if isinstance(piece, Name) else escape(text)


def escape(text: str) -> str:
    """The text as HTML or XML; `html.escape` would load a table of all entities."""
    return text.translate(_ESCAPES)


def columns(text: str) -> int:
    """How many columns of a terminal the text takes; wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(one) for one in text)


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` columns, cut with an ellipsis where it is longer."""
    if columns(text) > width:
        kept = ""
        for character in text:
            if columns(kept) + _columns_of(character) >= width:
                break
            kept += character
        text = kept + "…"
    space = " " * (width - columns(text))
    return space + text if right else text + space


def first_sentence(text: str) -> str:
    """What a heading can hold: the first sentence without its stop, or the first words."""
    line = text.strip().split("\n", 1)[0]
    sentence = re.match(r".*?[.!?](?=\s+[A-Z])", line)
    line = (sentence[0] if sentence else line).removesuffix(".")
    if len(line) <= LONGEST_HEADING:
        return line
    cut = line[:LONGEST_HEADING]
    last_item = _LIST.match(cut)
    whole_words = last_item[0] if last_item else cut.rpartition(" ")[0]
    return f"{whole_words or cut} …"


def shorten(text: str, width: int) -> str:
    """The text in at most `width` columns; what is cut is cut from the middle."""
    if columns(text) <= width:
        return text
    tail = width // 2 - 1
    return fit(text, width - tail).rstrip() + text[-tail:] if tail > 0 else fit(text, width)


def short(revision: str) -> str:
    """The first seven characters of a commit's hash; any other name as it is."""
    return revision[:7] if re.fullmatch(r"[0-9a-f]{12,64}", revision) else revision
