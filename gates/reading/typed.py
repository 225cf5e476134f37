"""Plain data → typed values, with an error that names the place, the value and the nearest name."""

import difflib
import types
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from gates.errors import GatesError
from gates.reading.strict_yaml import Document, Path

T = TypeVar("T")


def build(document: Document, kind: type[T], path: Path, error: type[GatesError]) -> T:
    """The document's value as a `kind`: a Struct, or what Structs are made of.

    Raises:
        error: naming file, line, key and value, and the nearest known name where a key is unknown.
    """
    built: T = _Builder(document, error).build(document.value, kind, path)
    return built


def nearest(name: str, known: list[str]) -> str:
    """The known name that was probably meant, as a question; else all known names."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}."


class _Builder:
    def __init__(self, document: Document, error: type[GatesError]) -> None:
        self.document = document
        self.error = error

    def build(self, value: Any, kind: Any, path: Path) -> Any:
        bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        origin = get_origin(bare)
        if origin in (Union, types.UnionType):
            arms = get_args(bare)
            arm = _structured_arm(value, arms)
            if arm is not None:
                return self.build(value, arm, path)
            return self.leaf(value, Union[tuple(filter(_is_scalar, arms))], path)  # noqa: UP007
        if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            return self.struct(value, bare, path)
        if origin is dict:
            keys, values = get_args(bare)
            return self.filled(self.mapping(value, keys, values, path), kind, path)
        if origin is tuple:
            return self.filled(self.sequence(value, get_args(bare)[0], path), kind, path)
        return self.leaf(value, kind, path)

    def filled(self, built: Any, kind: Any, path: Path) -> Any:
        if not built and msgspec.Meta(min_length=1) in get_args(kind)[1:]:
            raise self.error(f"{self.document.place(path)}: names nothing. Add an entry.")
        return built

    def leaf(self, value: Any, kind: Any, path: Path) -> Any:
        if isinstance(kind, type) and issubclass(kind, StrEnum) and value not in list(kind):
            known = [each.value for each in kind]
            place = self.document.place(path)
            raise self.error(f"{place}: {_shown(value)}: {nearest(str(value), known)}")
        if get_origin(kind) is Literal and value not in get_args(kind):
            place = self.document.place(path)
            raise self.error(f"{place}: {_shown(value)}: {nearest(str(value), [*get_args(kind)])}")
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as fault:
            place = self.document.place(path)
            said = f"{place}: {_shown(value)}: {_plain(fault)}."
            raise self.error(" ".join([said, *_descriptions(kind)])) from fault

    def struct(self, value: Any, kind: type[msgspec.Struct], path: Path) -> msgspec.Struct:
        pairs = self._pairs(value, path)
        hints = _hints_of(kind)
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        for key in pairs:
            if key not in fields:
                place = self.document.place((*path, key))
                raise self.error(f"{place}: unknown key; {nearest(key, list(fields))}")
        for name, field in fields.items():
            if field.required and name not in pairs:
                raise self.error(f"{self.document.place(path)}: {name} is missing. Add it.")
        built = {name: self.build(pairs[name], hints[name], (*path, name)) for name in pairs}
        try:
            return kind(**built)
        except ValueError as fault:
            raise self.error(f"{self.document.place(path)}: {fault}") from fault

    def mapping(self, value: Any, keys: Any, kind: Any, path: Path) -> dict[str, Any]:
        pairs = self._pairs(value, path)
        for key in pairs:
            if get_origin(keys) is Literal and key not in get_args(keys):
                place = self.document.place((*path, key))
                raise self.error(f"{place}: unknown name; {nearest(key, list(get_args(keys)))}")
        return {key: self.build(item, kind, (*path, key)) for key, item in pairs.items()}

    def sequence(self, value: Any, kind: Any, path: Path) -> tuple[Any, ...]:
        if not isinstance(value, list):
            place = self.document.place(path)
            raise self.error(f"{place}: {_shown(value)} where a list is expected.")
        return tuple(self.build(item, kind, (*path, at)) for at, item in enumerate(value))

    def _pairs(self, value: Any, path: Path) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            place = self.document.place(path)
            raise self.error(f"{place}: {_shown(value)} where keys and values are expected.")
        return value


@cache
def _hints_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    """A column dictionary has one `kind` a hundred times over."""
    return get_type_hints(kind, include_extras=True)


def _structured_arm(value: Any, arms: tuple[Any, ...]) -> Any:
    """The alternative that a mapping or a list can only mean; `None` for scalars."""
    if isinstance(value, dict):
        return next((arm for arm in arms if _is_struct(arm) or get_origin(arm) is dict), None)
    if isinstance(value, list):
        return next((arm for arm in arms if get_origin(arm) is tuple), None)
    return None


def _is_scalar(arm: Any) -> bool:
    return not _is_struct(arm) and get_origin(arm) not in (dict, tuple)


def _is_struct(arm: Any) -> bool:
    return isinstance(arm, type) and issubclass(arm, msgspec.Struct)


def _descriptions(kind: Any) -> Iterator[str]:
    """What a type says of itself: what to write instead, and why."""
    if get_origin(kind) is Annotated:
        metas = (meta for meta in get_args(kind)[1:] if isinstance(meta, msgspec.Meta))
        yield from (meta.description for meta in metas if meta.description)
    for part in get_args(kind):
        yield from _descriptions(part)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - a line's worth


def _plain(fault: msgspec.ValidationError) -> str:
    """The sentence of msgspec in plain words: `expected a number, got text`."""
    words = {
        "`float`": "a number",
        "`int`": "a whole number",
        "`str`": "text",
        "`bool`": "a switch",
    }
    text = str(fault).split(" - at ")[0]
    for code, word in words.items():
        text = text.replace(code, word)
    return text[0].lower() + text[1:]
