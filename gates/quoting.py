"""Texts that came from data, as a sentence may hold them: quoted, cut, and only the first few."""

from collections.abc import Sequence

_SHOWN_CHARACTERS = 40
_SHOWN_VALUES = 3
_SHOWN_TEXTS = 5


def quote(*texts: str, shown: int = _SHOWN_VALUES) -> str:
    """The first few texts that came from data, each quoted and cut to what a line can hold."""
    return _enumerate([repr(_cut(text)) for text in texts[:shown]], len(texts))


def first_few(texts: Sequence[str]) -> str:
    """The first five, and how many more there are: `a, b, c, d, e and 3 more`."""
    return _enumerate(texts[:_SHOWN_TEXTS], len(texts))


def _enumerate(shown: Sequence[str], of: int) -> str:
    more = of - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
