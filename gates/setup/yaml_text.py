"""Plain values as YAML text on one line, read alike by YAML 1.1, YAML 1.2 and our strict reader."""

import json
import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"])


def scalar(value: object) -> str:
    """A text, number, switch or nothing; quoted wherever a reader could take it for another."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in quoted)


def flow(value: object) -> str:
    """Mappings and lists in braces and brackets, anything else as `scalar`."""
    if isinstance(value, Mapping):
        pairs = (f"{scalar(key)}: {flow(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value)


def comment(text: str) -> str:
    """A text that cannot leave the comment that it stands in."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _escaped(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
