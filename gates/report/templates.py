"""Jinja templates: the words of a report, which a repository may replace by its own.

A repository's `reports/<name>.j2` comes first; it may extend ours as `gatepost/<name>.j2`.
Templates run in a sandbox and see values only; whatever they print is escaped.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gates.errors import ExitCode, GatesError
from gates.report.words import (
    LONGEST_PROSE,
    Markdown,
    Name,
    Phrase,
    Prose,
    clean,
    code,
    html,
    markdown,
    say,
)

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = Path(__file__).parents[1]
_ADVICE = "Compare it with the template of this version."


class TemplateError(GatesError):
    """A template cannot be rendered; its author can mend it."""

    exit_code = ExitCode.USAGE


def render(name: str, overrides: Path | None, **values: object) -> str:
    """The text that the template `name` makes of the values.

    Raises:
        TemplateError: The template is broken, or asks for what there is not.
    """
    from jinja2 import TemplateError as JinjaError  # noqa: PLC0415 - the terminal needs no Jinja
    from jinja2.exceptions import SecurityError  # noqa: PLC0415

    make = _html_environment if name.endswith(".html.j2") else _markdown_environment
    try:
        return make(overrides).get_template(name).render(**values)
    except SecurityError as error:
        raise TemplateError(f"{name}: {error}; a template only reads what it is given.") from error
    except JinjaError as error:
        line = getattr(error, "lineno", None)
        place = f"{name}, line {line}" if line else name
        raise TemplateError(f"{place}: {error}. {_ADVICE}") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if overrides is None:
            raise  # in our own template it is our bug
        raise TemplateError(f"{name}: {type(error).__name__}: {error}. {_ADVICE}") from error


@cache
def _markdown_environment(overrides: Path | None) -> "Environment":
    environment = _environment(overrides, autoescape=False, finalize=as_markdown)
    environment.filters["cell"] = as_cell
    environment.filters["code"] = code
    return environment


@cache
def _html_environment(overrides: Path | None) -> "Environment":
    return _environment(overrides, autoescape=True, finalize=as_html)


def _environment(overrides: Path | None, **options: Any) -> "Environment":
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    ours = FileSystemLoader(_folder())
    theirs = [FileSystemLoader(overrides)] if overrides else []
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([*theirs, ours, PrefixLoader({"gatepost": ours})]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        **options,
    )
    environment.globals.clear()
    environment.filters["thousands"] = "{:,}".format
    return environment


def _folder() -> Path:
    """Where our templates are: beside the modules in a wheel, in `reports/` in the source tree."""
    packaged = PACKAGE / "_templates"
    return packaged if packaged.is_dir() else PACKAGE.parent / "reports"


def as_phrase(value: object) -> Phrase:
    """A value of a template as a phrase; what is not known to be ours counts as foreign."""
    if isinstance(value, Phrase):
        return value
    return say(value if isinstance(value, Name | Prose) else Prose(str(value)))


def as_markdown(value: object) -> object:
    """What a Markdown template prints: everything escaped but Markdown and numbers."""
    return value if isinstance(value, Markdown | int | float) else markdown(as_phrase(value))


def as_html(value: object) -> object:
    """What an HTML template prints: names in `<code>`, all text cleaned; Jinja escapes the rest."""
    from markupsafe import Markup  # noqa: PLC0415

    if isinstance(value, Markup | int | float):
        return value
    if isinstance(value, Phrase | Name | Prose):
        return Markup(html(as_phrase(value)))  # noqa: S704 - `html` escapes
    return clean(str(value), LONGEST_PROSE)


def as_cell(value: object) -> Markdown:
    """A phrase or text for a cell of a table, where a pipe would begin the next one."""
    return markdown(as_phrase(value), cell=True)
