"""The verdict as JUnit XML: one test case a gate, for the tools that read test results."""

from gates.finding import Finding, Outcome, Result, State, Verdict
from gates.report.headline import headline
from gates.report.rows import waiver_phrase
from gates.report.sentences import reason
from gates.report.summary import blocks, tally
from gates.report.words import LONGEST_PROSE, Prose, clean, escape, plain, say

MOST_FINDINGS = 50  # of one gate; the rest is counted


def junit(verdict: Verdict) -> str:
    """A `<testsuites>` document in the dialect that GitLab, Jenkins and Azure DevOps read."""
    failures = sum(_fails(outcome) for outcome in verdict.outcomes)
    counts = tally(verdict)
    errors = counts[Result.ERRORED]
    numbers = {
        "tests": len(verdict.outcomes) + (not verdict.outcomes),
        "failures": failures,
        "errors": errors + (not verdict.outcomes),
        "skipped": sum(_sets_aside(outcome) for outcome in verdict.outcomes),
    }
    attributes = "".join(f' {name}="{count}"' for name, count in numbers.items())
    cases = [line for outcome in verdict.outcomes for line in _case(outcome)]
    if not verdict.outcomes:
        cases = _element("error", headline(verdict), "", _opening("verdict", "decision"))
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="gatepost"{attributes}>',
            f'  <testsuite name="gatepost"{attributes}>',
            *cases,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _fails(outcome: Outcome) -> bool:
    return blocks(outcome) and outcome.outcome is not Result.ERRORED


def _sets_aside(outcome: Outcome) -> bool:
    return outcome.outcome in {Result.SKIPPED, Result.WAIVED} and not blocks(outcome)


def _case(outcome: Outcome) -> list[str]:
    opening = _opening(outcome.family.value, outcome.gate)
    why = plain(say(Prose(outcome.reason)))
    if outcome.outcome is Result.ERRORED:
        return _element("error", why, "", opening)
    if _sets_aside(outcome):
        waived = [_sentence(one, outcome) for one in outcome.findings if one.waiver is not None]
        text = "\n".join(waived[:MOST_FINDINGS])
        return _element("skipped", f"{outcome.outcome.value}: {why}", text, opening)
    if outcome.outcome is Result.SKIPPED:
        return _element("failure", f"required, but skipped: {why}", "", opening)
    found = [one for one in outcome.findings if one.state is not State.PASSED]
    found.sort(key=lambda one: one.waiver is not None)
    told = [_sentence(one, outcome) for one in found[:MOST_FINDINGS]]
    if len(found) > MOST_FINDINGS:
        told.append(f"{len(found) - MOST_FINDINGS:,} more")
    if _fails(outcome):
        first = told[0] if told else why
        return _element("failure", first, "\n".join(told), opening)
    return _element("system-out", None, "\n".join(told), opening) if told else [f"{opening}/>"]


def _sentence(finding: Finding, outcome: Outcome) -> str:
    words = plain(reason(finding, outcome.family))
    if finding.waiver is not None:
        return f"{plain(waiver_phrase(finding))}: {words}"
    mend = clean(" ".join(finding.mend.split()), LONGEST_PROSE)
    return f"{finding.state.value}: {words} {mend}".rstrip()


def _opening(family: str, gate: str) -> str:
    return (
        f'    <testcase classname="gatepost.{escape(clean(family))}" name="{escape(clean(gate))}"'
    )


def _element(kind: str, message: str | None, text: str, opening: str) -> list[str]:
    attribute = "" if message is None else f' message="{escape(message)}"'
    inside = f"<{kind}{attribute}>{escape(text)}</{kind}>" if text else f"<{kind}{attribute}/>"
    return [f"{opening}>", f"      {inside}", "    </testcase>"]
