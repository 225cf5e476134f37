"""Which tool notices which mutant of our workflows: the table of `docs/github.md`.

    python -m benchmarks.workflows

zizmor and check-jsonschema run as in the tests, on a copy with one change; the contract is ours.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tests.workflows.model import ACTION, FOLDER, parse, read_texts
from tests.workflows.mutants import MODEL, MUTANTS
from tests.workflows.rules import PROMISES, broken
from tests.workflows.tools import schema, zizmor


def main() -> None:
    """Print the table."""
    texts = read_texts()
    rows = []
    for mutant in MUTANTS:
        changed = mutant.apply(texts)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _write(changed, folder)
            others = (bool(zizmor(folder).returncode), bool(schema(folder).returncode))
        rows.append((mutant, _contract(changed), *others))
        sys.stderr.write(".")
        sys.stderr.flush()
    print("| mutant | contract | zizmor | schema | rows |\n|---|---|---|---|---|")
    for mutant, rule, found, invalid in rows:
        threats = ", ".join(map(str, PROMISES[rule].rows)) if rule in PROMISES else ""
        print(f"| {mutant.name} | {rule} | {_mark(found)} | {_mark(invalid)} | {threats} |")
    killed = [sum(bool(row[column]) for row in rows) for column in (1, 2, 3)]
    print(f"| **killed of {len(rows)}** | " + " | ".join(f"**{one}**" for one in killed) + " | |")


def _contract(texts: Mapping[str, str]) -> str:
    try:
        return next(iter(broken(parse(texts))), "")
    except msgspec.ValidationError:
        return MODEL


def _write(texts: Mapping[str, str], folder: Path) -> None:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    subprocess.run(("git", "init", "--quiet", str(folder)), check=True)
    assert (folder / ACTION).is_file()
    assert (folder / FOLDER).is_dir()


def _mark(found: bool) -> str:
    return "yes" if found else ""


if __name__ == "__main__":
    main()
