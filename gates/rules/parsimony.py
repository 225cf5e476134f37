"""Gate `parsimony`."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec

from gates.case.arena import NotComparableError
from gates.case.ask import Ask
from gates.case.case import Case
from gates.evidence.folder import Evidence
from gates.finding import Family, Finding, Limit, Mode, State, Subject, Support
from gates.judging.margin import cannot_tell, mend_in, on_each_test_set, subject_in
from gates.judging.model_sizes import SIZES, Size, Sizes, read_sizes
from gates.judging.rivals import QUICK, Gain, Rival, gain_over_base, measure_gain, simple_of
from gates.metrics import DirectedMetric
from gates.metrics.metric import Metric
from gates.rules.gate import NOT_EMPTY, Factor, Gate, Item, NotApplicableError
from gates.rules.quick_baseline import Demand
from gates.stats.undefined import UndefinedError

_MEND_SIMPLE = "Ship the simple model, or show on which rows the larger one is worth its cost."
_MEND_GROWTH = "Take back what makes it larger, or say what else it brings than this metric."

_Asked = tuple[str, Metric[Any], float]  # name, metric, gain


class _Weighed(msgspec.Struct, frozen=True):
    """What more complexity gains, and what is asked of it."""

    subject: Subject
    gain: Gain
    asked: float
    alpha: float
    support: Support


class Parsimony(Gate, frozen=True, kw_only=True):
    """Warns, or with `mode: strict` blocks, where a simpler model would do.

    What it blocks: a model that is shown to gain less than `gain` in a metric over the simple model
    of `quick_baseline`; and one that has grown to more than `growth` times the bytes of the base's
    model, or asks for more features, and is shown to gain less than `gain` by it. With
    `mode: guard` both are warnings; with `strict` they block, and so does a gain that the rows at
    hand cannot tell. Where the pull request changes the test set, the gain is judged on the
    baseline's rows too.

    Why: each feature has to be collected, checked and kept alive, and a large model is slower,
    dearer and harder to explain. What is added bit by bit, each bit harmless, nobody takes out.

    Sizes are what the pipeline says (`gates.evidence.sizes`: `sizes.json` with `bytes` and
    `features` of `candidate` and `simple`). Seconds of training are not among them: they differ
    from run to run, and the same training should leave the same files.

    What it does not see: sizes that are wrong, as nobody opens the model here; features that are
    asked for and not used; a simpler model that nobody trained; and a gain in one segment that
    is worth more than its share of the rows (name the gate's metric with care).

    Example:
        parsimony: {metrics: {log_loss: {gain: 0.002}}, growth: 3, mode: strict}
    """

    family: ClassVar[Family] = Family.METRICS
    metrics: Annotated[dict[DirectedMetric, Demand], NOT_EMPTY]
    growth: Factor = 2  # times the bytes; where training stops by itself, luck alone made it 1.6
    mode: Mode = Mode.GUARD

    def asks(self, _evidence: Evidence) -> Iterator[Ask]:
        """Each metric of all rows."""
        yield from map(Ask, self.metrics)

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding about the size, and one per metric, simpler model and test set."""
        new, old = read_sizes(case.candidate), read_sizes(case.baseline)
        if not case.candidate.has(QUICK) and (new is None or old is None):
            raise NotApplicableError(
                f"there is no simple model ({QUICK}), nor what sizes both sides have ({SIZES})"
            )
        test_sets = tuple(on_each_test_set(case))
        metrics = [
            (name, metric, demand.gain)
            for named, demand in self.metrics.items()
            for name, metric in case.metrics(named).items()
        ]
        # Bonferroni: of two simpler models each.
        alpha = case.settings.alpha.other / (2 * len(metrics) * len(test_sets))
        for of in test_sets:
            simple = simple_of(of)
            if simple is not None:
                yield from self._judge_simple(metrics, of, simple, new, alpha)
        if new is not None and old is not None:
            yield from self._judge_growth(metrics, case, new.candidate, old.candidate, alpha)

    def _judge_simple(
        self,
        metrics: list[_Asked],
        case: Case,
        simple: Rival,
        sizes: Sizes | None,
        alpha: float,
    ) -> Iterator[Item]:
        beside = ""
        if sizes is not None and sizes.simple is not None:
            if not sizes.simple.is_simpler_than(sizes.candidate):
                if case.test_set_of is None:
                    yield self._is_simple(sizes.candidate, sizes.simple)
                return
            beside = f" ({sizes.candidate.text()} against {sizes.simple.text()})"
        for name, metric, asked in metrics:
            subject = subject_in(case, key=f"{name} beside the simple model")
            try:
                gain = measure_gain(metric, simple)
            except UndefinedError as error:
                limit = Limit(floor=asked, mode=self.mode)
                yield cannot_tell(subject, limit, str(error), simple.own.rows)
                continue
            found = _Weighed(subject, gain, asked, alpha, simple.own.support)
            yield self._weigh(found, beside, mend_in(case, _MEND_SIMPLE))

    def _is_simple(self, candidate: Size, simple: Size) -> Finding:
        return Finding(
            subject=Subject(key="size beside the simple model"),
            state=State.PASSED,
            limit=Limit(rule="no simpler model would do", mode=self.mode),
            message=(
                f"The simple model is no simpler: {simple.text()}; the model has "
                f"{candidate.text()}."
            ),
        )

    def _judge_growth(
        self,
        metrics: list[_Asked],
        case: Case,
        new: Size,
        old: Size,
        alpha: float,
    ) -> Iterator[Item]:
        grown = new.bytes > self.growth * old.bytes or new.features > old.features
        sizes = f"{new.text()}; the base's model has {old.text()}"
        if not grown:
            yield Finding(
                subject=Subject(key="size"),
                state=State.PASSED,
                limit=Limit(
                    rule=f"at most {self.growth:g} times the bytes and no more features",
                    mode=self.mode,
                ),
                message=f"The model has {sizes}.",
            )
            return
        for of in on_each_test_set(case):
            if of is not case and not case.on_both:  # then the case is about these rows already
                continue
            for name, metric, asked in metrics:
                subject = subject_in(of, key=f"{name} of a larger model")
                try:
                    gain, support = gain_over_base(metric, of)
                except (UndefinedError, NotComparableError) as error:
                    limit = Limit(floor=asked, mode=self.mode)
                    yield cannot_tell(subject, limit, str(error), of.tested.test.rows)
                    continue
                found = _Weighed(subject, gain, asked, alpha, support)
                yield self._weigh(found, f" ({sizes})", mend_in(of, _MEND_GROWTH))

    def _weigh(self, found: _Weighed, beside: str, mend: str) -> Finding:
        """Worth it, shown not to be, or not to be told; shown blocks where the mode is strict."""
        gain, asked, low = found.gain, found.asked, found.gain.interval.lower
        p_value = gain.p_at_least(asked)
        worth = low >= asked and (asked > 0 or low > 0)
        shown = p_value <= found.alpha and not worth
        if worth:
            state, said = State.PASSED, f"worth the {asked:g} that is asked for"
        elif shown:
            state = State.FAILED if self.mode is Mode.STRICT else State.UNDECIDED
            said = f"less than the {asked:g} that is asked for: a simpler model would do"
        else:
            state, said = State.UNDECIDED, f"these rows cannot tell whether it is {asked:g}"
        rows = found.support.rows
        return Finding(
            subject=found.subject,
            state=state,
            limit=Limit(floor=asked, mode=self.mode),
            message=f"{found.subject.text()}: {gain.text()}; {said}{beside}.",
            mend="" if worth else mend,
            candidate=gain.value,
            greater_is_better=True,
            interval=(low, gain.interval.upper),
            interval_of="candidate",
            p_value=p_value,
            support=found.support,
            rows_needed=None if worth or shown else gain.rows_needed(asked, rows),
        )
