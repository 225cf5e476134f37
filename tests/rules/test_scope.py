"""Gate `scope` and the documents that it reads."""

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.evidence.folder import Evidence
from gates.evidence.scope_documents import Agreement, read_agreements, read_parts, read_periods
from gates.finding import Mode, Outcome, Result, State
from gates.rules.scope import Scope
from gates.testing import case, evidence, outcome

DOCS = Path(__file__).parents[2] / "docs" / "scope"
ROADMAP = """\
# Roadmap

## Problem
Too many people leave.

## Timeline
| process | from | until |
|---|:-:|---|
| train | 2026-01-01 | 2026-02-01 |

## Agreed by
- Dana Scully, owner, 2026-01-02
"""
APPROACH = "\n".join(
    f"## {title}\nsome words\n" for title in ("Problem", "Processes", "Time", "Remarks")
)
APPROACH += "\n## Agreed by\n* Fox (2026-03-01)\n"


def judged(tmp_path: Path, gate: Scope, *sides: tuple[str | None, str | None]) -> Outcome:
    """The outcome for a candidate, and a baseline where there is a second pair of documents."""
    made: list[Evidence] = []
    for at, (roadmap, approach) in enumerate(sides):
        texts = {"roadmap.md": roadmap, "approach.md": approach}
        there = {name: text for name, text in texts.items() if text is not None}
        made.append(evidence(tmp_path / str(at), {}, test={"label": [0, 1]}, texts=there))
    candidate, baseline = (*made, None)[:2]
    assert candidate is not None
    return outcome("scope", gate, case(candidate, baseline))


def messages(tmp_path: Path, roadmap: str) -> list[str]:
    found = judged(tmp_path, Scope(), (roadmap, APPROACH)).findings
    return [each.message for each in found if each.state is State.FAILED]


def test_what_is_written_and_agreed_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, Scope(), (ROADMAP, APPROACH))
    assert found.outcome is Result.PASSED
    assert len(found.findings) == 3 + 5
    assert found.findings[0].message == "The part “problem” of the roadmap is written."


def test_without_documents_it_is_skipped(tmp_path: Path) -> None:
    found = judged(tmp_path, Scope(), (None, None))
    assert found.outcome is Result.SKIPPED
    assert "gates.evidence.roadmap" in found.reason


def test_one_document_wants_the_other(tmp_path: Path) -> None:
    found = judged(tmp_path, Scope(), (ROADMAP, None))
    assert found.outcome is Result.FAILED
    assert found.findings[-1].message == "There is no approach document."


def test_a_document_may_not_vanish(tmp_path: Path) -> None:
    found = judged(tmp_path, Scope(), (None, None), (ROADMAP, APPROACH))
    assert found.outcome is Result.FAILED


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("## Problem\n", "## Trouble\n", "The roadmap has no part “problem”."),
        (
            "Too many people leave.",
            "<!-- what goes wrong -->",
            "The part “problem” of the roadmap says nothing yet (line 3).",
        ),
        (
            "| train | 2026-01-01 | 2026-02-01 |\n",
            "",
            "The part “timeline” of the roadmap: has no table of process, from and until.",
        ),
        (
            "2026-01-01",
            "soon",
            "The part “timeline” of the roadmap: 'train' has no two days as YYYY-MM-DD.",
        ),
        (
            "2026-01-01",
            "2026-02-02",
            "The part “timeline” of the roadmap: 'train' ends on 2026-02-01, before it begins on "
            "2026-02-02.",
        ),
        (
            ", 2026-01-02",
            "",
            "The part “agreed by” of the roadmap: 0 of 1 people have agreed, each with a name and "
            "a day, such as `- Dana Scully, 2026-11-23`.",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert messages(tmp_path, ROADMAP.replace(old, new)) == [message]


def test_one_person_is_counted_once(tmp_path: Path) -> None:
    twice = ROADMAP + "- Dana Scully, owner, 2026-01-03\n"
    assert judged(tmp_path / "a", Scope(approvers=2), (twice, APPROACH)).outcome is Result.FAILED
    others = {"approvers": 2, "approach": ("problem",)}
    second = ROADMAP + "- Fox Mulder, 2026-01-03\n"
    found = judged(tmp_path / "b", Scope(**others), (second, APPROACH))  # type: ignore[arg-type]
    assert found.outcome is Result.PASSED


@pytest.mark.parametrize(
    ("new", "state"),
    [
        (ROADMAP, State.PASSED),
        (ROADMAP.replace("leave", "stay"), State.UNDECIDED),
        (ROADMAP.replace("leave", "stay").replace("01-02\n", "01-09\n"), State.PASSED),
    ],
)
def test_what_changed_must_be_agreed_anew(tmp_path: Path, new: str, state: State) -> None:
    gate = Scope(mode=Mode.STRICT)
    found = judged(tmp_path, gate, (new, APPROACH), (ROADMAP, APPROACH))
    (agreement,) = [one for one in found.findings if one.subject.key == "roadmap: agreement"]
    assert agreement.state is state
    blocked = state is State.UNDECIDED
    assert (found.outcome is Result.PASSED) is not blocked
    if blocked:
        assert agreement.message == "The roadmap changed since it was agreed: 'problem'."


def test_the_templates_have_all_parts_and_say_nothing(tmp_path: Path) -> None:
    names = ("roadmap", "approach")
    roadmap, approach = ((DOCS / f"templates/{name}.md").read_text("utf-8") for name in names)
    found = judged(tmp_path, Scope(), (roadmap, approach))
    assert {each.state for each in found.findings} == {State.FAILED}
    assert not any("has no part" in each.message for each in found.findings)


def test_this_projects_own_documents_are_whole(tmp_path: Path) -> None:
    roadmap, approach = (
        (DOCS / f"{name}.md").read_text("utf-8") for name in ("roadmap", "approach")
    )
    assert judged(tmp_path, Scope(), (roadmap, approach)).outcome is Result.PASSED


def test_headings_in_code_and_comments_are_none() -> None:
    text = b"\xef\xbb\xbf# A #\n```\n# B\n```\n<!-- \n# C\n-->x\n  ##   D   e\nf\n# a\ntwice\n"
    parts = read_parts(text, "x.md")
    assert {name: part.lines for name, part in parts.items()} == {
        "a": ("```", "# B", "```", "x", "twice"),
        "d e": ("f",),
    }
    assert parts["d e"].line == 8


def test_a_timeline_and_an_agreement_are_read() -> None:
    part = read_parts(b"# t\n|a|b|c|\n|-|-|-|\n|x|2026-02-30|2026-03-01|\n||1|2|\n", "x")["t"]
    (period,) = read_periods(part)
    assert (period.process, period.start, period.end) == ("x", None, dt.date(2026, 3, 1))
    agreed = read_agreements(
        read_parts(b"# t\n- Ann, 2026-01-01, by mail\n- 2026\nBob\n", "x")["t"]
    )
    assert agreed == [Agreement(who="Ann", day=dt.date(2026, 1, 1))]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"x.md: not UTF-8 at byte 2. Save it as UTF-8."):
        read_parts(b"# \xff", "x.md")


@given(st.text(alphabet=st.sampled_from("# \n|-a<!>`1`:*"), max_size=60))
def test_any_text_is_read_or_says_nothing(text: str) -> None:
    for name, part in read_parts(text.encode(), "x.md").items():
        assert name == " ".join(name.lower().split())
        assert re.search(r"#", text.splitlines()[part.line - 1])
        assert all(line.strip() for line in part.lines)
        assert all(period.process for period in read_periods(part))
        read_agreements(part)
