"""What a pipeline reported of itself (`metrics.json`), as numbers by dotted names."""

from collections.abc import Mapping

from gates.errors import EvidenceError


def read_reported(value: object, name: str) -> dict[str, float]:
    """The numbers of plain data, whatever else is in it; `name` is what messages call it.

    Raises:
        EvidenceError: it is no object.
    """
    if not isinstance(value, dict):
        raise EvidenceError(f"{name}: not an object of names and numbers. Write it as one.")
    return dict(_flat_numbers(value))


def _flat_numbers(value: Mapping[str, object], prefix: str = "") -> list[tuple[str, float]]:
    pairs: list[tuple[str, float]] = []
    for key, item in value.items():
        if isinstance(item, dict):
            pairs.extend(_flat_numbers(item, f"{prefix}{key}."))
        elif isinstance(item, int | float) and not isinstance(item, bool):
            pairs.append((f"{prefix}{key}", float(item)))
    return pairs
