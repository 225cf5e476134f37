"""`gatepost explain`: a gate's documentation, which is its docstring."""

import argparse
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from gates.custom import loading, reading_below
from gates.errors import ExitCode, UsageError
from gates.evidence.manifest import write_atomically
from gates.gate_pages import NOTE, defaults, pages, summary
from gates.policy.policy import has_policy, own_gates, policy_schema
from gates.reading.typed import nearest
from gates.rules import GATES
from gates.rules.gate import Gate

PARAMS = "params.yaml"


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print one gate's page, the list of gates, or the schema of the policy; or write all pages."""
    gates = _known(Path.cwd())
    if arguments.pages:
        sys.stdout.write(_write_pages(Path(arguments.pages), gates))
        return ExitCode.MAY_MERGE
    if arguments.schema:
        text = json.dumps(policy_schema(gates), indent=2)
    elif arguments.gate is None:
        text = "\n".join(f"{name:<22} {summary(gate)}" for name, gate in gates.items())
    elif arguments.gate in gates:
        text = _explain(arguments.gate, gates[arguments.gate])
    else:
        raise UsageError(
            f"gatepost explain {arguments.gate}: no such gate; "
            + nearest(arguments.gate, list(gates))
        )
    sys.stdout.write(text + "\n")
    return ExitCode.MAY_MERGE


def _known(root: Path) -> Mapping[str, type[Gate]]:
    """Our gates, and the team's own where the folder's policy names some."""
    path = root / PARAMS
    content = path.read_bytes() if path.is_file() else b""
    if not has_policy(content, PARAMS):
        return GATES
    own = own_gates(content, PARAMS, loading(reading_below(root)))
    return {**GATES, **own} if own else GATES


def _explain(name: str, gate: type[Gate]) -> str:
    """A gate's documentation, and its keys with their defaults."""
    keys = "\n".join(f"  {key}: {value}" for key, value in defaults(gate).items())
    return f"{name}\n\n{inspect.getdoc(gate)}\n\nKeys and their defaults:\n{keys}"


def _write_pages(folder: Path, gates: Mapping[str, type[Gate]]) -> str:
    """A page a gate; a page that we wrote of a gate that is gone goes too."""
    made = pages(gates)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder. Name another --pages.")
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in made and NOTE in path.read_text("utf-8", "replace"):
            path.unlink()
    for name, text in made.items():
        write_atomically(folder / name, text.encode())
    return f"{len(made)} pages in {folder}\n"
