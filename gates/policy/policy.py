"""The limits a team demands: `gates:` in `params.yaml` → Policy, or a clear refusal."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gates.case.ask import Ask
from gates.custom import Load, Unloaded, leave_unloaded, load_all
from gates.errors import PolicyError
from gates.evidence.folder import Evidence
from gates.policy.idle_limits import refuse_idle
from gates.policy.settings import Settings
from gates.policy.task_limits import refuse_other_tasks
from gates.reading.strict_yaml import Document
from gates.reading.strict_yaml import load as load_yaml
from gates.reading.typed import build, nearest
from gates.rules import GATES
from gates.rules.gate import Gate
from gates.rules.metric_regression import MetricRegression

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

    def demands(self, gate: str) -> Any:
        """What the file itself says of a gate, without defaults."""
        return self.document.at(KEY, gate).value

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


def read_policy(content: bytes, name: str, load: Load = leave_unloaded) -> Policy:
    """Parse the policy of one revision.

    Args:
        content: the whole of a `params.yaml`; keys other than `gates` are the pipeline's.
        name: what messages call the file.
        load: where a team's own gates come from; by default none is run, and none can judge.

    Raises:
        PolicyError: no policy, unknown keys or names, values of the wrong type, limits that
            nothing could break, or no gate.
    """
    document = _document(content, name)
    block, settings = document.at(KEY), _settings(document)
    general = Settings.__struct_fields__
    own = _load_own(document, settings, load)
    for key in block.value:
        if key not in general and key not in GATES and key not in own:
            place = document.place((KEY, key))
            raise PolicyError(f"{place}: unknown key; {nearest(key, [*general, *GATES, *own])}")
    if "merge_base" not in settings.references:
        raise PolicyError(
            f"{document.place((KEY, 'references'))}: without merge_base nothing would be compared "
            "with what this change is made to. Write [merge_base] or [merge_base, anchor]."
        )
    gates = {
        key: _build(block.at(key), own.get(key) or GATES[key], key)
        for key in block.value
        if key not in general
    }
    refuse_other_tasks(block, settings.task, (KEY,))
    refuse_idle(block, gates, settings.task, (KEY,))
    if not gates:
        raise PolicyError(f"{document.place((KEY,))}: names no gate, so nothing can pass. Add one.")
    return Policy(settings, gates, document)


def own_gates(content: bytes, name: str, load: Load) -> Mapping[str, type[Gate]]:
    """The gates of a team's own that a policy names.

    Raises:
        PolicyError: as of `read_policy`.
    """
    document = _document(content, name)
    return _load_own(document, _settings(document), load)


def _document(content: bytes, name: str) -> Document:
    document = load_yaml(content, name, PolicyError)
    value = document.at(KEY).value
    if value is None:
        raise PolicyError(
            f"{name}: no `{KEY}:`, so nothing is demanded and nothing can pass. Add the limits "
            "under that key; `gatepost explain GATE` describes each gate."
        )
    if not isinstance(value, dict):
        raise PolicyError(f"{document.place((KEY,))}: expected keys and values.")
    return document


def _settings(document: Document) -> Settings:
    general = _only(document.at(KEY), Settings.__struct_fields__)
    return build(general, Settings, (KEY,), PolicyError)


def _load_own(document: Document, settings: Settings, load: Load) -> Mapping[str, type[Gate]]:
    """A team's own gates by name, each of which the policy must ask for, and none of which is ours.

    Raises:
        PolicyError: one cannot be loaded, hides another key, or is never judged.
    """
    asked = document.at(KEY).value
    for name in settings.custom:
        place = document.place((KEY, "custom", name))
        if name in GATES or name in Settings.__struct_fields__:
            raise PolicyError(f"{place}: there is a key of this name already. Name it otherwise.")
        if name not in asked:
            raise PolicyError(
                f"{place}: never judged. Add `{name}: {{}}` under `{KEY}:`, or take the line away."
            )
    return load_all(settings.custom, load)


def _build(demands: Document, gate: type[Gate], name: str) -> Gate:
    if gate is Unloaded:
        return Unloaded(demands=demands.value)
    return build(demands, gate, (KEY, name), PolicyError)


def has_policy(content: bytes, name: str) -> bool:
    """Whether a `params.yaml` has a policy at all."""
    return load_yaml(content, name, PolicyError).at(KEY).value is not None


def policy_schema(gates: Mapping[str, type[Gate]] = GATES) -> dict[str, Any]:
    """JSON Schema of a `params.yaml` with a policy; editors complete and check by it."""
    fields = [(name, kind | None, None) for name, kind in gates.items()]
    defaults = Settings()
    general = [
        (field.name, field.type, getattr(defaults, field.name))
        for field in msgspec.structs.fields(Settings)
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
