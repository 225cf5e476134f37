"""Gate `update_downtime`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import msgspec

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.served import measured_service, never_started
from gates.rules.gate import Amount, Gate, Item
from gates.serving.measured import Update

_FINE = range(200, 300)
_REFUSED = range(400, 600)
_MEND_UPDATE = (
    "Load the new model beside the old one, try it on a row, and only then let it answer "
    "(docs/serving.md)."
)


class UpdateDowntime(Gate, frozen=True, kw_only=True):
    """Blocks a service that fails requests while its model is updated, or believes a broken one.

    What it blocks: more than `max_failed` failed requests while a new model is loaded under load
    (`POST /update`), an answer that took longer than `max_seconds` meanwhile, an update that is not
    offered or not done; and a service that accepts a broken model file, or no longer answers as
    before once it was offered one. Where requests failed, or waited half as long, before any
    update, the machine is too slow to tell, and the finding is undecided.

    Why: models change more often than code. A service that has to be stopped for it is down every
    time, and one that puts a half-written file in place is down until somebody notices.

    What it does not see: updates of the service's code or packages, several processes that disagree
    for a while, and a broken model that loads. The new model is a copy of the old one, so that only
    the change is measured. The file is the pull request's own claim, as of `latency`.

    Example:
        update_downtime: {max_failed: 0, max_seconds: 1.0}
    """

    family: ClassVar[Family] = Family.SERVING
    max_failed: Annotated[int, msgspec.Meta(ge=0)] = 0
    max_seconds: Amount = 1.0  # that one answer takes
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding each of the update, of the requests meanwhile, and of a broken model."""
        measured = measured_service(case)
        yield from never_started(measured)
        update = measured.update
        if update is None:
            return
        yield self._say("update", "a new model is put in place", *_of_update(update))
        if update.status in _FINE:
            yield self._judge_failed(update)
            yield self._judge_pause(update)
            yield self._say("broken model", "it is refused, the old one stays", *_of_broken(update))

    def _judge_failed(self, update: Update) -> Finding:
        kept = update.requests > 0 and update.failed <= self.max_failed
        before = update.failed_before
        message = f"{update.failed:,} of {update.requests:,} requests failed during the updates"
        return self._say(
            "failed requests",
            f"at most {self.max_failed:,}",
            _state(kept=kept, sure=not before),
            f"{message}, and {before:,} before them." if before else f"{message}.",
            value=float(update.failed),
            rows=update.requests,
        )

    def _judge_pause(self, update: Update) -> Finding:
        seconds, usual = update.pause_ms / 1e3, update.usual_ms / 1e3
        return self._say(
            "longest wait",
            f"at most {self.max_seconds:g} s",
            _state(kept=seconds <= self.max_seconds, sure=usual <= self.max_seconds / 2),
            f"The longest wait for an answer during the updates was {seconds:.3g} s, before them "
            f"{usual:.3g} s; {self.max_seconds:g} s is accepted.",
            value=seconds,
            rows=update.requests,
        )

    def _say(
        self,
        key: str,
        rule: str,
        state: State,
        message: str,
        *,
        value: float | None = None,
        rows: int | None = None,
    ) -> Finding:
        return Finding(
            subject=Subject(key=key),
            state=state,
            limit=Limit(rule=rule, mode=self.mode),
            message=message,
            mend="" if state is State.PASSED else _MEND_UPDATE,
            candidate=value,
            greater_is_better=None if value is None else False,
            support=None if rows is None else Support(rows=rows),
        )


def _state(*, kept: bool, sure: bool) -> State:
    """Failed only where it was fine before: a machine that is too slow proves nothing."""
    unkept = State.FAILED if sure else State.UNDECIDED
    return State.PASSED if kept else unkept


def _of_update(update: Update) -> tuple[State, str]:
    if update.status in _FINE:
        return State.PASSED, f"A new model took {update.seconds:.3g} s to be put in place."
    if update.status is None:
        return State.FAILED, f"POST /update got no answer in {update.seconds:.3g} s."
    return State.FAILED, f"POST /update was answered with status {update.status}, not with 200."


def _of_broken(update: Update) -> tuple[State, str]:
    if update.broken_status in _FINE:
        said = f"A broken model file was accepted with status {update.broken_status}"
        return (
            State.FAILED,
            f"{said}{'.' if update.serves_after_broken else ', and no row answered.'}",
        )
    if not update.serves_after_broken:
        return State.FAILED, "After a broken model was offered, rows are not answered as before."
    if update.broken_status not in _REFUSED:
        return State.FAILED, "A broken model was neither refused nor accepted: no answer came."
    return State.PASSED, f"A broken model was refused with status {update.broken_status}."
