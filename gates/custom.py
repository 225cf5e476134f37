"""A team's own gates: a module of the repository that `gates.custom` names → a gate like ours.

Whose code is run is the caller's decision, never the policy's: the policy of a pull request is
compared with the base's, and its gates are known by name only.
"""

import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType, ModuleType
from typing import Any, Final

from gates.case.case import Case
from gates.errors import PolicyError
from gates.finding import Family
from gates.rules.gate import Gate, Item

PARTS: Final = ("What it blocks:", "Why:", "What it does not see:", "Example:")
Read = Callable[[str], bytes | None]  # a file of the repository, by its path from the root
Load = Callable[[str, str], type[Gate]]  # a gate by its name and its module's path

_BYTES_MAX: Final = 1 << 20
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{2,48}")


class Unloaded(Gate, frozen=True, kw_only=True):
    """A gate that is known by its name alone, because its code must not be run here."""

    family = Family.SCOPE
    demands: Any = None  # as they are written

    def judge(self, _case: Case) -> Iterator[Item]:
        """Nothing that was not run may pass."""
        raise PolicyError("this gate was not loaded, so it cannot judge")


def leave_unloaded(_name: str, _path: str) -> type[Gate]:
    """Run nothing: where a policy is read only to be looked at."""
    return Unloaded


def loading(read: Read) -> Load:
    """Run the modules that a reader finds; whose they are is up to the reader."""

    def load(name: str, path: str) -> type[Gate]:
        content = read(_checked(name, path))
        if content is None:
            raise PolicyError(
                f"gates.custom.{name}: no file {path}. Commit the gate's module, or mend the path."
            )
        return load_gate(name, path, content)

    return load


def reading_below(root: Path) -> Read:
    """A reader of the files below a folder that follows no link out of it."""

    def read(path: str) -> bytes | None:
        place = (root / path).resolve()
        if not place.is_relative_to(root.resolve()) or not place.is_file():
            return None
        return place.read_bytes()

    return read


def load_gate(name: str, path: str, content: bytes) -> type[Gate]:
    """Run a module and take the one gate that it defines.

    Args:
        name: the gate's, and its key in the policy.
        path: what messages and tracebacks call the module.
        content: its source, in UTF-8.

    Raises:
        PolicyError: it is too long, does not run, or defines no gate, two, or one without its
            documentation.
    """
    where = f"gates.custom.{name}: {path}"
    if len(content) > _BYTES_MAX:
        raise PolicyError(f"{where}: {len(content):,} bytes; at most {_BYTES_MAX:,} are read.")
    module = ModuleType(f"gatepost_custom_{name}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # where msgspec looks up the fields' types
    try:
        exec(compile(content, path, "exec"), module.__dict__)  # noqa: S102 - the base's own code
    except (Exception, SystemExit) as error:
        raise PolicyError(f"{where}{_line_of(error, path)}: {_said(error)}") from error
    found = [each for each in vars(module).values() if _is_defined_in(module, each)]
    if len(found) != 1:
        names = ", ".join(each.__name__ for each in found) or "none"
        raise PolicyError(
            f"{where}: defines {names} of the classes that extend gates.rules.gate.Gate. "
            "Define exactly one."
        )
    gate: type[Gate] = found[0]
    _require_documentation(gate, where)
    return gate


def load_all(custom: Mapping[str, str], load: Load) -> Mapping[str, type[Gate]]:
    """All of a policy's own gates, by name.

    Raises:
        PolicyError: one of them cannot be loaded.
    """
    return MappingProxyType({name: load(name, path) for name, path in custom.items()})


def _checked(name: str, path: str) -> str:
    if not _NAME.fullmatch(name):
        raise PolicyError(
            f"gates.custom.{name!r}: not a gate's name. Write small letters, digits and _, "
            "3 to 49 of them, a letter first."
        )
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or pure.suffix != ".py" or "\\" in path:
        raise PolicyError(
            f"gates.custom.{name}: {path!r} is not the path of a Python file below the "
            "repository's root. Write one like team_gates/no_night_shift.py."
        )
    return path


def _is_defined_in(module: ModuleType, value: object) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Gate)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    )


def _require_documentation(gate: type[Gate], where: str) -> None:
    text = inspect.getdoc(gate) or ""
    places = [text.find(part) for part in PARTS]
    if min(places) < 0 or places != sorted(places):
        raise PolicyError(
            f"{where}: the docstring of {gate.__name__} is its documentation and needs the parts "
            f"{', '.join(repr(part) for part in PARTS)} in this order."
        )
    if not isinstance(getattr(gate, "family", None), Family):
        known = ", ".join(family.name for family in Family)
        raise PolicyError(f"{where}: {gate.__name__} has no family. Write one of Family: {known}.")
    if gate.judge is Gate.judge:
        raise PolicyError(f"{where}: {gate.__name__} has no method judge, so it judges nothing.")


def _line_of(error: BaseException, path: str) -> str:
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == path]
    return f":{lines[-1]}" if lines else ""


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"does not run: {type(error).__name__}: {text}. Mend the module."
