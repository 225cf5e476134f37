"""`gatepost explain`: a gate's documentation, which is its docstring."""

import argparse
import inspect
import json
import sys
from typing import Any

import msgspec

from gates.errors import ExitCode, UsageError
from gates.policy import policy_schema
from gates.rules import GATES
from gates.rules.gate import Gate
from gates.typed import nearest


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print one gate's page, the list of gates, or the schema of the policy."""
    if arguments.schema:
        text = json.dumps(policy_schema(), indent=2)
    elif arguments.gate is None:
        text = "\n".join(f"{name:<20} {summary(gate)}" for name, gate in GATES.items())
    elif arguments.gate in GATES:
        text = explain(arguments.gate, GATES[arguments.gate])
    else:
        raise UsageError(
            f"gatepost explain {arguments.gate}: no such gate; "
            + nearest(arguments.gate, list(GATES))
        )
    sys.stdout.write(text + "\n")
    return ExitCode.MAY_MERGE


def summary(gate: type[Gate]) -> str:
    """The first sentence of a gate's documentation."""
    return inspect.getdoc(gate).splitlines()[0]  # type: ignore[union-attr]  # a test holds each gate to one


def explain(name: str, gate: type[Gate]) -> str:
    """A gate's documentation, and its keys with their defaults."""
    keys = "\n".join(f"  {field.name}: {_default(field)}" for field in msgspec.structs.fields(gate))
    return f"{name}\n\n{inspect.getdoc(gate)}\n\nKeys and their defaults:\n{keys}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "(required)"
    default: Any = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return json.dumps(msgspec.to_builtins(default))
