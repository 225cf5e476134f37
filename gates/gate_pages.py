"""A gate's documentation, which is its docstring, as a page of Markdown; and the list of all."""

import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from gates.custom import PARTS
from gates.finding import Family
from gates.rules.gate import Gate

INDEX: Final = "README.md"
_BAR: Final = r"\|"  # within a cell of a table
NOTE: Final = (
    "<!-- Written by `gatepost explain --pages`, from the gates' own words. Mend them there. -->"
)


def summary(gate: type[Gate]) -> str:
    """The first sentence of a gate's documentation."""
    return _documentation(gate).splitlines()[0]


def defaults(gate: type[Gate]) -> dict[str, str]:
    """A gate's keys and their defaults, as JSON."""
    return {field.name: _default(field) for field in msgspec.structs.fields(gate)}


def pages(gates: Mapping[str, type[Gate]]) -> dict[str, str]:
    """File name → Markdown: one page a gate, and the index of them by family."""
    return {INDEX: _index(gates)} | {f"{name}.md": _page(name, gates[name]) for name in gates}


def _page(name: str, gate: type[Gate]) -> str:
    lines = [f"# `{name}`", "", NOTE, "", f"{summary(gate)} Family: {gate.family.value}.", ""]
    for part, text in _parts(gate):
        body = f"```yaml\ngates:\n{textwrap.indent(text, '  ')}\n```" if part == "Example" else text
        lines += [f"## {part}", "", body, ""]
    lines += ["## Keys", "", "| key | default |", "|---|---|"]
    lines += [
        f"| `{key}` | `{value.replace('|', _BAR)}` |" for key, value in defaults(gate).items()
    ]
    return "\n".join(lines) + "\n"


def _index(gates: Mapping[str, type[Gate]]) -> str:
    lines = ["# The gates", "", NOTE, ""]
    for family in Family:
        names = [name for name, gate in gates.items() if gate.family is family]
        if names:
            lines += [f"## {family.value.capitalize()}", "", "| gate | |", "|---|---|"]
            lines += [f"| [`{name}`]({name}.md) | {summary(gates[name])} |" for name in names]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _parts(gate: type[Gate]) -> Iterator[tuple[str, str]]:
    """The parts of a docstring and their texts, in which a paragraph is one line or more."""
    rest = _documentation(gate)
    places = [rest.index(part) for part in PARTS]
    for part, start, end in zip(PARTS, places, [*places[1:], len(rest)], strict=True):
        text = textwrap.dedent(rest[start + len(part) : end].strip("\n")).strip()
        yield part.rstrip(":"), text[:1].upper() + text[1:] if part != PARTS[-1] else text


def _documentation(gate: type[Gate]) -> str:
    return inspect.getdoc(gate) or ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "(required)"
    default: Any = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return json.dumps(msgspec.to_builtins(default))
