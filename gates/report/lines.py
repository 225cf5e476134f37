"""The lines of the comment around its tables, as Markdown: everything foreign is harmless."""

from collections.abc import Iterable

from gates.finding import Result, Verdict
from gates.report.changes import (
    MOST_POLICY_CHANGES,
    changes_of,
    difference,
    policy_lines,
    side,
    versions,
)
from gates.report.figures import counted
from gates.report.remedy import Item
from gates.report.summary import Shown, counts_text, loosened, tally, waived_in
from gates.report.waivers import idle_waivers
from gates.report.words import Markdown, Phrase, markdown

MOST_DIFFERENCES = 10
MOST_IDLE = 10
DIFFER = {True: "differs", False: "differ"}
DECIDED = {
    Shown.PASSED: "passed — ",
    Shown.UNCHANGED: "nothing to judge — ",
    Shown.NO_BASELINE: "passed, but ",
    Shown.BLOCKED: "blocked — ",
    Shown.NOT_JUDGED: "could not decide — ",
}
JUDGED_BY = {
    "base": "judged by the limits of the merge base; the new ones count from the next PR on",
    "candidate": "judged by the new limits",
    "file": "judged by the limits of the given file",
}


def decided(verdict: Verdict, state: Shown) -> Markdown:
    """What the heading says before its reason."""
    if state is Shown.WAIVED:
        waivers = len(waived_in(verdict)) or tally(verdict)[Result.WAIVED]
        return Markdown(f"passed with {counted(waivers, 'waiver')} — ")
    return Markdown(DECIDED[state])


def differing_versions(verdict: Verdict) -> Markdown:
    """What the heading says after its reason, where Python or a package is another one."""
    differ = len(versions(verdict))
    words = f"; {counted(differ, 'version')} {DIFFER[differ == 1]} from the baseline run"
    return Markdown(words if differ else "")


def counts_line(verdict: Verdict) -> Markdown:
    """The counts of gates, and which revisions were compared."""
    first, *rest = (*counts_text(verdict), "")
    counts = [f"**{first}**", *filter(None, rest)] if first else []
    against = f" against merge base {markdown(side(verdict.baseline))}" if verdict.baseline else ""
    return Markdown(" · ".join([*counts, f"{markdown(side(verdict.candidate))}{against}"]))


def changes_line(verdict: Verdict) -> Markdown:
    """Data, parameters and files."""
    return Markdown(
        " · ".join(
            f"{change.kind}: {_joined(change.named, ', ')}"
            + (f" and {change.more} more" if change.more else "")
            for change in changes_of(verdict)
        )
    )


def environment_line(verdict: Verdict) -> Markdown:
    """What differs between the two runs; empty where nothing does."""
    differ = len(verdict.environment)
    if not differ:
        return Markdown("")
    named = _joined(map(difference, verdict.environment[:MOST_DIFFERENCES]), " · ")
    more = f" and {differ - MOST_DIFFERENCES} more" if differ > MOST_DIFFERENCES else ""
    words = f"{counted(differ, 'thing')} {DIFFER[differ == 1]} from the baseline run"
    return Markdown(f"⚠️ **{words}** — {named}{more}")


def policy_section(verdict: Verdict) -> Markdown:
    """The limits that change, and by which of them the pull request was judged."""
    if not verdict.policy_changes:
        return Markdown("")
    weaker = len(loosened(verdict))
    words = f"⚠️ This PR loosens {counted(weaker, 'limit')}" if weaker else ""
    lines = [f"- {markdown(one)}" for one in policy_lines(verdict)]
    more = len(verdict.policy_changes) - MOST_POLICY_CHANGES
    lines += [f"- … {more} more in `report.html`"] if more > 0 else []
    end = ":" if lines else "."
    title = f"**{words or 'This PR changes the policy'}** — {JUDGED_BY[verdict.policy_from]}{end}"
    return Markdown("\n".join([title, *lines]))


def waivers_section(verdict: Verdict) -> Markdown:
    """The waivers of the base that did nothing, and why."""
    idle = idle_waivers(verdict)
    lines = [f"- {markdown(one)}" for one in idle[:MOST_IDLE]]
    lines += [f"- … {len(idle) - MOST_IDLE} more in `report.html`"] if idle[MOST_IDLE:] else []
    title = f"**{counted(len(idle), 'waiver')} of the base without effect**:"
    return Markdown("\n".join([title, *lines])) if idle else Markdown("")


def fix_list(items: Iterable[Item], *, mends: bool) -> Markdown:
    """What to do, numbered, in the order in which causes should be suspected."""
    return Markdown(
        "\n".join(f"{place}. {_item(one, mends=mends)}" for place, one in enumerate(items, 1))
    )


def _item(item: Item, *, mends: bool) -> str:
    more = f" (and {item.more:,} more)" if item.more else ""
    line = f"{markdown(Phrase((item.gate,)))} — {markdown(item.about or item.reason)}{more}"
    if not (mends and item.mends):
        return line
    colon = ":" if item.about else ""
    return f"{line}{colon} {_joined((Phrase((mend,)) for mend in item.mends), ' ')}"


def _joined(phrases: Iterable[Phrase], between: str) -> str:
    return between.join(markdown(one) for one in phrases)
