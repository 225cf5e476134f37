"""JSON as plain data, from text that may be hostile: finite, without repeated keys, shallow."""

import json
import math
from typing import Any, NoReturn

from gates.errors import GatesError

MAX_BYTES = 1 << 20
MAX_DEPTH = 32


def load(content: bytes, name: str, error: type[GatesError]) -> Any:
    """Parse one JSON value of at most `MAX_BYTES`.

    Raises:
        error: for anything that `json` would accept and mean something else by: NaN, infinity,
            a key given twice, numbers or nesting without bound, text that cannot be written.
    """
    if len(content) > MAX_BYTES:
        raise error(f"{name}: {len(content):,} bytes; at most {MAX_BYTES:,} are read. Shorten it.")
    try:
        text = content.decode("utf-8-sig")
        value = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a pair of surrogates is no text
    except (ValueError, RecursionError) as fault:
        problem = str(fault) or "nested too deep"
        raise error(f"{name}: not strict JSON: {problem}. Write it again.") from fault
    if _depth(value) > MAX_DEPTH:
        raise error(f"{name}: nested more than {MAX_DEPTH} deep. Flatten it.")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value:
            raise ValueError(f"the key {key!r} stands twice")
        value[key] = item
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no finite number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth
