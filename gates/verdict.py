"""`verdict.json`: the file between judging and showing, and the schema that describes it."""

from pathlib import Path
from typing import Final

import msgspec

from gates.errors import EvidenceError
from gates.finding import Verdict

SCHEMA_FILE: Final = Path(__file__).with_name("verdict.schema.json")
SCHEMA_ID: Final = "https://json-schema.org/draft/2020-12/schema"


class _Versioned(msgspec.Struct):
    """What every verdict says of itself; nothing else may be read before it."""

    schema: int


def write_verdict(verdict: Verdict) -> bytes:
    """The verdict as indented JSON, ending in a newline; the same bytes for the same verdict."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n"


def read_verdict(text: str | bytes) -> Verdict:
    """The verdict that a file holds.

    Raises:
        EvidenceError: The text is no JSON, has unknown or missing fields, or a value of a wrong
            type; the message names the field.
    """
    try:
        msgspec.json.decode(text, type=_Versioned)
        return msgspec.json.decode(text, type=Verdict)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise EvidenceError(
            f"verdict.json: {error}; what is right stands in verdict.schema.json. "
            "Make the file again with `gatepost judge`."
        ) from error


def verdict_schema() -> bytes:
    """The JSON Schema of `verdict.json`, made from the values of `gates.finding`."""
    schema = {"$schema": SCHEMA_ID, "title": "gatepost verdict", **msgspec.json.schema(Verdict)}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"
