"""Gate `test_set_reuse`."""

from collections.abc import Iterator
from typing import ClassVar

from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Mode, Observation, State, Subject, Wear, WearState
from gates.rules.gate import Gate, Item, NotApplicableError

_MEND = (
    "Draw a new test set in a pull request of its own, or ask rows that no pull request was "
    "judged on. Until then small gains on this test set prove nothing."
)
_SUBJECT = Subject(key="test set")


class Reuse(Gate, frozen=True, kw_only=True):
    """Warns, or with `mode: strict` blocks, once a test set has been judged too often.

    What it blocks: nothing by default. The finding is undecided where the best of so many equally
    good models would, on average, seem to gain more than the margin of the primary metric (the
    first of `metric_regression`): s·√(2 ln k) for k different predictions, s the standard error of
    the metric's change. With `mode: strict` such a test set blocks until it is refreshed.

    Why: every verdict tells something about the test rows, and who keeps what looked better keeps
    luck with it. The next model is then chosen by noise, and the numbers no longer say how good it
    is.

    What it does not see: looks that nobody recorded (`gatepost ledger record`), such as notebooks
    on the test rows; copies of the rows in other test sets; and how often luck was really chosen:
    practice is often milder than this bound.

    Example:
        test_set_reuse: {mode: strict}
    """

    family: ClassVar[Family] = Family.SPLIT
    mode: Mode = Mode.GUARD

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding; an observation where more than half of the margin is used up."""
        wear = case.test_set.wear
        if wear is None:
            raise NotApplicableError(
                "there is no ledger yet, so nobody knows how often the rows were used"
            )
        if wear.margin is None:
            raise NotApplicableError("no metric has moved yet whose margin could measure it")
        state = State.UNDECIDED if wear.state is WearState.WORN_OUT else State.PASSED
        yield Finding(
            subject=_SUBJECT,
            state=state,
            limit=Limit(rule=f"luck explains less than {wear.margin:g}", mode=self.mode),
            message=_sentence(wear),
            mend="" if state is State.PASSED else _MEND,
            candidate=wear.optimism,
        )
        if wear.state is WearState.WORN:
            yield Observation(subject=_SUBJECT, message=_sentence(wear), candidate=wear.optimism)


def _sentence(wear: Wear) -> str:
    gain = f"{wear.optimism or 0:.2g} better in {wear.metric}"
    return (
        f"The best of {wear.judged:,} equally good models would seem {gain} on this test set; the "
        f"margin is {wear.margin:g}."
    )
