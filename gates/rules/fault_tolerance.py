"""Gate `fault_tolerance`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar, get_args

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.served import measured_service, never_started
from gates.rules.gate import Gate, Item
from gates.serving.measured import Fault, Kind, Outcome

_FINE: tuple[Outcome, ...] = ("answered", "refused")
_SAID = {
    "unclear": "refused without naming the feature",
    "error": "answered with a server error",
    "invalid": "answered without a finite number",
    "dropped": "left without an answer",
    "crashed": "the service ended",
    "hung": "no answer in time",
}
_SHOWN_FEATURES = 4
_SUBJECTS: dict[Kind, str] = {
    "missing": "a feature is left out",
    "null": "a value is null",
    "unknown level": "an unknown level",
    "out of range": "a number out of range",
    "wrong type": "a value of the wrong type",
}
_MEND = (
    "Check each row by the column dictionary before the model sees it: answer it, or refuse it "
    "with status 422 and the feature's name."
)


class FaultTolerance(Gate, frozen=True, kw_only=True):
    """Blocks a service that one wrong value can bring down, or into nonsense.

    What it blocks: a row with one feature left out, null, of a level that nobody has seen, out of
    its range or of the wrong type, that makes the service end, hang, close the connection, fail
    with a server error, answer without a finite number, or refuse without naming the feature. Each
    feature is tried in each way that its type allows. Both to answer and to refuse clearly (4xx and
    the feature's name) are right.

    Why: training sees clean tables, a service sees everything. A new product code or an empty field
    must cost one answer at most, and whoever sent it must learn what to mend.

    What it does not see: whether an answer to a wrong row is a good one, two faults at once,
    hostile requests, and faults that no column dictionary describes. The file is the pull request's
    own claim, as of `latency`.

    Example:
        fault_tolerance: {}
    """

    family: ClassVar[Family] = Family.SERVING
    mode: Mode = Mode.GUARD  # of faults that there was no time to try

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding for each kind of fault."""
        measured = measured_service(case)
        yield from never_started(measured)
        if measured.candidate.failure:
            return
        if measured.faults_left_out or not measured.faults:
            yield self._some_left_out(len(measured.faults), measured.faults_left_out)
        for kind in get_args(Kind):
            tried = [fault for fault in measured.faults if fault.kind == kind]
            if tried:
                yield self._judge_kind(_SUBJECTS[kind], tried)

    def _judge_kind(self, key: str, tried: Sequence[Fault]) -> Finding:
        bad = [fault for fault in tried if fault.outcome not in _FINE]
        answered = sum(fault.outcome == "answered" for fault in tried)
        message = (
            f"{key}: {_list(bad)}."
            if bad
            else f"{key}: {answered:,} answered and {len(tried) - answered:,} refused clearly, of "
            f"{len(tried):,} rows."
        )
        return Finding(
            subject=Subject(key=key),
            state=State.FAILED if bad else State.PASSED,
            limit=Limit(rule="answered, or refused with the feature's name"),
            message=message[0].upper() + message[1:],
            mend=_MEND if bad else "",
            candidate=float(len(bad)),
            greater_is_better=False,
            support=Support(rows=len(tried)),
        )

    def _some_left_out(self, tried: int, left_out: int) -> Finding:
        return Finding(
            subject=Subject(key="wrong rows"),
            state=State.UNDECIDED,
            limit=Limit(rule="every feature in every way", mode=self.mode),
            message=f"{left_out:,} of {tried + left_out:,} wrong rows were not tried: there was no "
            "time, or the service ended too often.",
            mend="Measure longer (`gates.evidence.serving_seconds`).",
            support=Support(rows=tried),
        )


def _list(bad: Sequence[Fault]) -> str:
    """Each way to fail with its features, the most frequent first, and what was said once."""
    parts = []
    for outcome, count in Counter(fault.outcome for fault in bad).most_common():
        names = [fault.feature for fault in bad if fault.outcome == outcome]
        shown = ", ".join(names[:_SHOWN_FEATURES])
        more = f" and {count - _SHOWN_FEATURES:,} more" if count > _SHOWN_FEATURES else ""
        parts.append(f"{_SAID[outcome]} for {shown}{more}")
    first = next((fault for fault in bad if fault.said), None)
    said = "" if first is None else f" ({first.feature}: {first.said})"
    return "; ".join(parts) + said
