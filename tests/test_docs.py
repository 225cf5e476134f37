"""Every link of the pages leads somewhere, and every command that they name is one."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
import yaml

from gates.commands.arguments.parser import build_parser
from gates.commands.show import REPORTS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "data" / "README.md")
)
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[\s/(])gatepost +([a-z][^\n#|&>)]*)")
RUN = re.compile(r"([$-] +)?(uvx |exec )?[\w./-]*gatepost ")
MARKS_OF_PROSE = re.compile(r"[.,;:)]+$")
OURS = re.compile(r"(gates|tests|pipeline|benchmarks|demo|docs|reports)/[\w./*-]+")


def text_of(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).lower() for one in headings]
    return {re.sub(r"[^\w\- ]", "", one).strip().replace(" ", "-") for one in plain}


def broken_links(page: str) -> list[str]:
    """Links of a page to what is not there; addresses on the web are not asked for."""
    broken = []
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        missing = not target.exists()
        if missing or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    assert broken_links(page) == []


def commands() -> dict[str, argparse.ArgumentParser]:
    """Each command's own parser."""
    actions = build_parser()._actions
    chosen = next(one for one in actions if isinstance(one, argparse._SubParsersAction))
    return dict(chosen.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """All options of a command and of the commands in it."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {name for inner in action.choices.values() for name in options(inner)}
    return found


def unknown(page: str) -> list[str]:
    """Commands and options that a page names and gatepost has not."""
    known, found = commands(), []
    text = text_of(page).replace("\\\n", " ")
    lines = [line.strip() for fence in FENCE.findall(text) for line in fence.splitlines()]
    said_in = [*(line for line in lines if RUN.match(line)), *CODE.findall(FENCE.sub("", text))]
    for said in (one for line in said_in for one in COMMAND.findall(line)):
        try:
            name, *words = shlex.split(said, comments=True)
        except ValueError:
            name, *words = said.split()
        name = MARKS_OF_PROSE.sub("", name)
        if name not in known:
            found.append(f"gatepost {said}")
            continue
        flags = {MARKS_OF_PROSE.sub("", word.partition("=")[0]) for word in words}
        wrong = {flag for flag in flags if flag.startswith("--")} - options(known[name])
        found += [f"gatepost {name} {flag}" for flag in sorted(wrong)]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_is_one(page: str) -> None:
    assert unknown(page) == []


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`(gatepost )?{command}\b", text_of("README.md")) or (
        f"gatepost {command}" in text_of("README.md")
    )


@pytest.mark.parametrize("page", [one for one in PAGES if one != "CHANGELOG.md"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = {one for one in CODE.findall(FENCE.sub("", text_of(page))) if OURS.fullmatch(one)}
    assert sorted(one for one in named if not [*ROOT.glob(one.rstrip("/"))]) == []


def test_gitlab_keeps_what_a_blocked_merge_request_left() -> None:
    """The token is only in the job that runs nothing of the merge request."""
    (fence,) = [one for one in FENCE.findall(text_of("docs/gitlab.md")) if "stages:" in one]
    jobs = yaml.safe_load(fence.strip().removeprefix("```yaml").removesuffix("```"))
    gate, comment = jobs["gatepost"], jobs["comment"]
    assert gate["variables"] == {"GIT_DEPTH": "0"}
    assert gate["artifacts"]["when"] == "always"
    assert {*gate["artifacts"]["paths"], *gate["artifacts"]["reports"].values()} == {
        f"build/gatepost/{name}" for name in ("verdict.json", *REPORTS)
    }
    assert "allow_failure" not in gate
    assert not any("gatepost " in line for line in comment["script"])
