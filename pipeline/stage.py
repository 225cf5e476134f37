"""What every stage shares: typed parameters and one error boundary."""

import sys
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

PARAMS = Path("params.yaml")
OUT = Path("build/pipeline")

T = TypeVar("T", bound=msgspec.Struct)


class StageError(Exception):
    """A stage cannot do its work, and the message says what to mend."""


def read_params(section: str, kind: type[T], path: Path = PARAMS) -> T:
    """Reads one section of the parameter file; a key that `kind` doesn't know is an error."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StageError(f"{path}: no such file; run the stage in the repository's root") from error
    except yaml.YAMLError as error:
        raise StageError(f"{path}: not YAML: {error}") from error
    values = document.get(section) if isinstance(document, Mapping) else None
    if not isinstance(values, Mapping):
        raise StageError(f"{path}: {section}: not a mapping; the stage needs its parameters there")
    refuse_unknown(values, kind, f"{path}: {section}")
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        raise StageError(f"{path}: {section}: {error}") from error


def refuse_unknown(values: Mapping[str, object], kind: type[msgspec.Struct], where: str) -> None:
    """Names the first key that is not a field of `kind`, and the field it resembles."""
    known = kind.__struct_fields__
    for key in values:
        if key not in known:
            raise StageError(f"{where}.{key}: unknown key; {suggest(str(key), known)}")


def suggest(word: str, known: Collection[str]) -> str:
    """Says which known word was probably meant, or which there are."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def run(main: Callable[[], None]) -> None:
    """Runs a stage; what somebody can mend becomes one line and exit code 2."""
    try:
        main()
    except StageError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
