"""YAML as plain data, and the line of every value, from text that may be hostile.

The core schema of YAML 1.2 decides what a plain scalar is, as DVC reads the same file: `1e-3` is
a number and `no` is text. Anchors, aliases, tags, merge keys and repeated keys are refused: they
let a small file grow without bound, or say one thing to a reader and another to a program.
"""

import math
import re
from typing import Any, TypeAlias

import msgspec
import yaml

from gates.errors import GatesError

Path: TypeAlias = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 16
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class Document(msgspec.Struct, frozen=True):
    """The value of a YAML file, and the line (from 1) at which each part of it starts."""

    name: str
    value: Any
    lines: dict[Path, int]

    def place(self, path: Path) -> str:
        """Where a value stands, for a message: `params.yaml:31: gates.segments[2]`."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        line = f":{self.lines[known]}" if known in self.lines else ""
        where = dotted(path)
        return f"{self.name}{line}: {where}" if where else f"{self.name}{line}"

    def at(self, *path: str) -> "Document":
        """The document below a path of keys; its value is `None` where the path leads nowhere."""
        value = self.value
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return Document(self.name, value, self.lines)


def dotted(path: Path) -> str:
    """A path as people write it: `gates.segments[2]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def load(content: bytes, name: str, error: type[GatesError]) -> Document:
    """Parse one YAML document.

    Args:
        content: UTF-8, at most `MAX_BYTES`; a byte order mark and CRLF are accepted.
        name: what messages call the file.
        error: the class to raise for anything that is not plain data.
    """
    if len(content) > MAX_BYTES:
        raise error(f"{name}: {len(content):,} bytes; at most {MAX_BYTES:,} are read. Shorten it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise error(f"{name}: not UTF-8 at byte {fault.start}. Save it as UTF-8.") from fault
    reader = _Reader(text, name, error)
    try:
        return reader.document()
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(fault, "problem", None) or str(fault)
        raise error(f"{name}{line}: not YAML: {problem}. Mend the line.") from fault


class _Reader:
    """Builds plain data from the parser's events, one document deep and no further."""

    def __init__(self, text: str, name: str, error: type[GatesError]) -> None:
        self.name = name
        self.error = error
        self.events = yaml.parse(text, Loader=yaml.CSafeLoader)
        self.lines: dict[Path, int] = {}

    def document(self) -> Document:
        value: Any = None
        seen = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                seen += 1
                if seen > 1:
                    raise self.refuse(event, "a second document; one file holds one")
            elif isinstance(event, yaml.NodeEvent):
                value = self.node(event, ())
        return Document(self.name, value, self.lines)

    def refuse(self, event: yaml.Event, what: str) -> GatesError:
        return self.error(f"{self.name}:{_line(event)}: {what}. Write plain values.")

    def node(self, event: yaml.Event, path: Path) -> Any:
        self.lines[path] = _line(event)
        if len(path) > MAX_DEPTH:
            raise self.refuse(event, f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self.refuse(event, "an anchor or alias, which is not read here")
        if tag := getattr(event, "tag", None):
            raise self.refuse(event, f"the tag {tag!r}, which is not read here")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(path)
        return self.mapping(path)

    def sequence(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return items

    def mapping(self, path: Path) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
                raise self.refuse(event, "a key that is no plain text")
            key = event.value
            if key == "<<" or key in pairs:
                raise self.refuse(event, f"the key {key!r} a second time, or a merge key")
            line = _line(event)
            pairs[key] = self.node(next(self.events), (*path, key))
            self.lines[(*path, key)] = line
        return pairs

    def scalar(self, event: yaml.ScalarEvent) -> str | float | bool | None:
        text = str(event.value)
        if not event.implicit[0]:
            return text
        if _NULL.fullmatch(text):
            return None
        if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
            return text[0] in "tT"
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NOT_FINITE.fullmatch(text):
            raise self.refuse(event, f"{text}, which is no finite number")
        if _NUMBER.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                raise self.refuse(event, f"{text}, which is no finite number")
            return number
        return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
