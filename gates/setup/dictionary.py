"""The draft of a column dictionary as text, with comments that say what is a guess."""

from gates.setup.roles import TO_BE_WRITTEN, Draft, Entry
from gates.setup.yaml_text import comment, flow, scalar

_HEAD = """\
# What every column of the tables is; a column that is not listed here is an error.
# Drafted by `gatepost init` from a sample of the rows. Yours to mend: each description that is
# "{mark}", roles that are guessed (they say so), units and ranges, and levels that
# the sample did not have. gatepost's docs/evidence.md describes the keys.
columns:
"""


def write_dictionary(draft: Draft) -> str:
    """The whole of a `columns.yaml`."""
    return _HEAD.format(mark=TO_BE_WRITTEN) + "".join(map(_lines, draft.entries))


def _lines(entry: Entry) -> str:
    guess = f"  # guessed: {comment(entry.guess)}" if entry.guess else ""
    pairs: dict[str, object] = {"role": entry.role.value, "type": entry.type.value}
    if entry.unit:
        pairs["unit"] = entry.unit
    if entry.levels:
        pairs["levels"] = entry.levels
    if entry.missing_share:
        pairs["missing"] = {"max_share": entry.missing_share}
    if entry.sensitive:
        pairs["sensitive"] = True
    if entry.segment:
        pairs["segment"] = entry.segment
    pairs["description"] = TO_BE_WRITTEN
    body = "".join(f"    {key}: {flow(value)}\n" for key, value in pairs.items())
    return f"  {scalar(entry.name)}:{guess}\n{body}"
