"""Reads rendered Markdown and HTML back, the way GitHub and a browser do."""

from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

VOID = frozenset({"br", "meta", "hr", "img", "input", "link"})
COMMENT_TAGS = {"h3", "p", "strong", "em", "code", "pre", "details", "summary", "b", "sub"}
COMMENT_TAGS |= {"table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li"}
PAGE_TAGS = COMMENT_TAGS | {"html", "head", "meta", "title", "style", "body", "header", "main"}
PAGE_TAGS |= {"footer", "div", "section", "h1", "h2", "dl", "dt", "dd", "span", "a", "br"}
PAGE_TAGS |= {"svg", "g", "rect", "line", "path", "circle", "text"}


class Reader(HTMLParser):
    """Collects tags, attributes, and the text outside and inside of code."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[int] = []
        self.open: list[str] = []
        self.prose = ""
        self.code: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append(0)
        if tag in {"td", "th"} and self.rows:
            self.rows[-1] += 1
        if tag == "code":
            self.code.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "code" in self.open:
            self.code[-1] += data
            self.prose += "\N{REPLACEMENT CHARACTER}"
        elif "style" not in self.open:
            self.prose += data


def read_html(text: str) -> Reader:
    """What a browser makes of the page."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def read_markdown(text: str) -> Reader:
    """What GitHub makes of the Markdown; raw HTML is let through, so that it would be seen."""
    options = Options.CMARK_OPT_UNSAFE
    return read_html(cmarkgfm.github_flavored_markdown_to_html(text, options=options))
