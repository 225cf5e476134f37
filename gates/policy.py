"""The limits a team demands: `gates:` in `params.yaml` → Policy, or a clear refusal."""

from typing import Any

import msgspec

from gates.ask import Ask
from gates.errors import PolicyError
from gates.evidence import Evidence
from gates.rules import GATES
from gates.rules.gate import Gate
from gates.rules.metric_regression import MetricRegression
from gates.settings import Settings
from gates.strict_yaml import Document, load
from gates.task_limits import refuse_other_tasks
from gates.typed import build, nearest

KEY = "gates"


class Primary(msgspec.Struct, frozen=True):
    """The metric that a team steers by, and the largest loss of it that they accept."""

    metric: str
    margin: float


class Policy(msgspec.Struct, frozen=True):
    """What is demanded, in the order of the file."""

    settings: Settings
    gates: dict[str, Gate]
    document: Document  # whence it came, for the lines of its limits

    @property
    def primary(self) -> Primary | None:
        """The metric that stands first under `metric_regression`."""
        gate = next((one for one in self.gates.values() if isinstance(one, MetricRegression)), None)
        if gate is None:
            return None
        name, margin = next(iter(gate.metrics.items()))
        return Primary(name, margin.margin)

    def asks(self, evidence: Evidence) -> tuple[Ask, ...]:
        """What its gates will ask of both models' rows, so that large evidence is passed over."""
        return tuple(dict.fromkeys(a for gate in self.gates.values() for a in gate.asks(evidence)))

    def line(self, *path: str) -> int | None:
        """The line of the longest known part of a path below `gates:`."""
        full: tuple[str | int, ...] = (KEY, *path)
        while full and full not in self.document.lines:
            full = full[:-1]
        return self.document.lines.get(full)


def read_policy(content: bytes, name: str) -> Policy:
    """Parse the policy of one revision.

    Args:
        content: the whole of a `params.yaml`; keys other than `gates` are the pipeline's.
        name: what messages call the file.

    Raises:
        PolicyError: no policy, unknown keys or names, values of the wrong type, or no gate.
    """
    document = load(content, name, PolicyError)
    block = document.at(KEY)
    if block.value is None:
        raise PolicyError(
            f"{name}: no `{KEY}:`, so nothing is demanded and nothing can pass. Add the limits "
            "under that key; `gatepost explain GATE` describes each gate."
        )
    if not isinstance(block.value, dict):
        raise PolicyError(f"{document.place((KEY,))}: expected keys and values.")
    general = Settings.__struct_fields__
    for key in block.value:
        if key not in general and key not in GATES:
            place = document.place((KEY, key))
            raise PolicyError(f"{place}: unknown key; {nearest(key, [*general, *GATES])}")
    settings = build(_only(block, general), Settings, (KEY,), PolicyError)
    if "merge_base" not in settings.references:
        raise PolicyError(
            f"{document.place((KEY, 'references'))}: without merge_base nothing would be compared "
            "with what this change is made to. Write [merge_base] or [merge_base, anchor]."
        )
    gates = {
        key: build(block.at(key), GATES[key], (KEY, key), PolicyError)
        for key in block.value
        if key in GATES
    }
    refuse_other_tasks(block, settings.task, (KEY,))
    if not gates:
        raise PolicyError(f"{document.place((KEY,))}: names no gate, so nothing can pass. Add one.")
    return Policy(settings, gates, document)


def has_policy(content: bytes, name: str) -> bool:
    """Whether a `params.yaml` has a policy at all."""
    return load(content, name, PolicyError).at(KEY).value is not None


def policy_schema() -> dict[str, Any]:
    """JSON Schema of a `params.yaml` with a policy; editors complete and check by it."""
    fields = [(name, kind | None, None) for name, kind in GATES.items()]
    general = [
        (field.name, field.type, field.default) for field in msgspec.structs.fields(Settings)
    ]
    block = msgspec.defstruct("Gates", [*general, *fields], forbid_unknown_fields=True)
    schema = msgspec.json.schema(block)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {KEY: {"$ref": schema["$ref"]}},
        "$defs": schema["$defs"],
    }


def _only(block: Document, keys: tuple[str, ...]) -> Document:
    chosen = {key: value for key, value in block.value.items() if key in keys}
    return Document(block.name, chosen, block.lines)
