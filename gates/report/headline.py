"""The one reason that a reader must know first."""

import re

from gates.finding import Result, State, Verdict
from gates.report.figures import counted
from gates.report.sentences import movement, reason, subject_phrase
from gates.report.summary import Shown, findings_in, problems, shown, stopped, tally, waived_in
from gates.report.trade_off import Moved, trade_off
from gates.report.words import Name, Phrase, Prose, first_sentence, plain, say, short

_EXAMPLES = re.compile(r": '[^']*'(?:, '[^']*')*(?: …|,? and [\d,]+ more)?$")


def headline(verdict: Verdict) -> str:
    """The one reason that a reader must know first, as a plain line."""
    return plain(headline_phrase(verdict))


def headline_phrase(verdict: Verdict) -> Phrase:
    """The one reason that a reader must know first, without the state."""
    state = shown(verdict)
    if state is Shown.NOT_JUDGED:
        return say(Prose(first_sentence(verdict.reason or "no reason was given")))
    if state is Shown.BLOCKED:
        return _worst(verdict)
    if state is Shown.NO_BASELINE:
        return say("there was no baseline to compare with")
    if state is Shown.WAIVED:
        return _waived(verdict)
    if state is Shown.UNCHANGED:
        return _same_as(verdict)
    return _how_it_passed(verdict)


def _worst(verdict: Verdict) -> Phrase:
    found = problems(verdict)
    failed = [one for one in found if one.finding.state is State.FAILED]
    if failed:
        return _in_brief(reason(failed[0].finding, failed[0].outcome.family))
    for outcome in stopped(verdict):
        what = "crashed" if outcome.outcome is Result.ERRORED else "is required, but was skipped"
        return say(
            "the gate ", Name(outcome.gate), f" {what}: ", Prose(first_sentence(outcome.reason))
        )
    if found:
        return _in_brief(reason(found[0].finding, found[0].outcome.family))
    return say(Prose(verdict.reason or "see the gates below"))


def _in_brief(words: Phrase) -> Phrase:
    return say(*(Prose(_short(one.text)) if isinstance(one, Prose) else one for one in words))


def _short(text: str) -> str:
    """The first sentence, without the examples that it may end with."""
    return _EXAMPLES.sub("", first_sentence(text))


def _waived(verdict: Verdict) -> Phrase:
    """The gate of the waiver that ends first, and when."""
    found = [(one.finding.waiver, one) for one in waived_in(verdict)]
    ends = [(waiver.until, one.outcome.gate) for waiver, one in found if waiver is not None]
    if ends:
        until, gate = min(ends, key=lambda end: end[0])
        more = f" and {len(ends) - 1} more" if len(ends) > 1 else ""
        return say(Name(gate), " until ", Prose(until), more)
    gates = [one.gate for one in verdict.outcomes if one.outcome is Result.WAIVED]
    more = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
    return say(Name(gates[0]), more)


def _same_as(verdict: Verdict) -> Phrase:
    if verdict.baseline is None:
        return say("every compared number is the same")
    return say("every compared number is the same as at ", Name(short(verdict.baseline.revision)))


def _how_it_passed(verdict: Verdict) -> Phrase:
    trade = trade_off(verdict)
    doubts = len(findings_in(verdict, State.UNDECIDED))
    if trade.better and trade.worse:
        return say("a trade-off: ", *_moved(trade.better[0]), ", but ", *_moved(trade.worse[0]))
    if doubts:
        of = counted(sum(len(one.findings) for one in verdict.outcomes), "comparison")
        return say(f"no limit is proven broken; {doubts:,} of {of} could not be decided")
    if trade.better:
        return say(*_moved(trade.better[0]), " (better)")
    if trade.worse:
        return say(*_moved(trade.worse[0]), ", within its limit")
    if any(one.finding.change is not None for one in findings_in(verdict, State.PASSED)):
        return say("no metric moved beyond noise")
    return say(f"{counted(tally(verdict)[Result.PASSED], 'gate')} found nothing to object to")


def _moved(one: Moved) -> Phrase:
    return say(*subject_phrase(one.one.subject), " ", movement(one.one))
