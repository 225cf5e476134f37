"""Gate `reported_metrics`."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from gates.case.answers import Scored
from gates.case.case import Case
from gates.finding import Family, Finding, Limit, Observation, State, Subject
from gates.judging.gap import rate_of
from gates.metrics import metrics_called
from gates.metrics.group import GroupMean, GroupMetric
from gates.metrics.plain import plain_value
from gates.quoting import quote
from gates.rules.gate import Change, Gate, Item, NotApplicableError
from gates.stats.undefined import UndefinedError

_MEND = "Restore the file with `dvc repro --force`, or mend the stage that writes it."
_ALSO_CALLED = {"brier_score": "brier_score_loss", "auc": "roc_auc"}
_DIFFERENCES: Mapping[str, tuple[GroupMetric, ...]] = {
    "demographic_parity_difference": ("selection_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity_difference": ("true_positive_rate",),
}


class ReportedMetrics(Gate, frozen=True, kw_only=True):
    """Blocks a pull request whose metrics file says something else than its predictions.

    What it blocks: any number in the metrics file that differs by more than `tolerance` from what
    the prediction table gives, and a number that the base reported and the candidate no longer
    does. scikit-learn's and fairlearn's names are understood (`roc_auc`,
    `demographic_parity_difference.sex`).

    Why: reviewers read the file, `dvc metrics diff` compares it, and nothing keeps it true: it can
    be edited by hand and committed with a lock that agrees.

    What it does not see: names that it cannot recompute, which are shown as such; and predictions
    that are themselves not the model's.

    Example:
        reported_metrics: {tolerance: 1.0e-6}
    """

    family: ClassVar[Family] = Family.REPRODUCIBILITY
    tolerance: Change = 1e-6

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per reported number that can be recomputed."""
        before = (case.baseline.reported or {}) if case.baseline else {}
        if case.candidate.reported is None and not before:
            raise NotApplicableError("the pipeline reports no metrics file")
        reported = case.candidate.reported or {}
        items = [*self._judge_reported(case, reported), *_judge_missing(before, reported)]
        if not any(isinstance(item, Finding) for item in items):
            names = quote(*reported) or "nothing"
            raise NotApplicableError(f"no reported name can be recomputed; reported: {names}")
        yield from items

    def _judge_reported(self, case: Case, reported: Mapping[str, float]) -> Iterator[Item]:
        for name, value in reported.items():
            try:
                recomputed = recompute(name, case)
            except UndefinedError as error:
                yield self._compare(name, value, None, str(error))
                continue
            if recomputed is None:
                message = f"{name}: reported as {value:g}; not a name that can be recomputed."
                yield Observation(subject=Subject(metric=name), message=message, candidate=value)
            else:
                yield self._compare(name, value, recomputed, "")

    def _compare(self, name: str, value: float, recomputed: float | None, why: str) -> Finding:
        limit = Limit(rule=f"within {self.tolerance:g} of what the predictions give")
        if recomputed is None:
            message = f"{name}: reported as {value:g}, and has no value here: {why}."
            agrees = value == 0  # what scikit-learn's `zero_division=0` writes
        else:
            agrees = abs(value - recomputed) <= self.tolerance
            message = f"{name}: reported {value:.10g}, the predictions give {recomputed:.10g}."
        return Finding(
            subject=Subject(metric=name),
            state=State.PASSED if agrees else State.FAILED,
            limit=limit,
            message=message,
            mend="" if agrees else _MEND,
            candidate=value,
        )


def _judge_missing(before: Mapping[str, float], reported: Mapping[str, float]) -> Iterator[Finding]:
    for name in before:
        if name not in reported:
            yield Finding(
                subject=Subject(metric=name),
                state=State.FAILED,
                limit=Limit(rule="what the base reports is still reported"),
                message=f"{name}: reported at the base, and no longer.",
                mend="Report it again, or take it out in a pull request of its own.",
            )


def recompute(name: str, case: Case) -> float | None:
    """A reported number from the predictions; `None` where the name means nothing to us.

    Raises:
        UndefinedError: the metric has no value on these rows.
    """
    known = _ALSO_CALLED.get(name, name)
    named = metrics_called(known.partition(".")[0], case.settings.task, case.candidate.classes)
    if known in named:
        return plain_value(known, named[known], case.scored)
    difference, _, feature = name.rpartition(".")
    is_binary = isinstance(case.scored, Scored)  # fairlearn knows these of two classes only
    if is_binary and difference in _DIFFERENCES and feature in case.candidate.test:
        return max(_difference(rate, feature, case) for rate in _DIFFERENCES[difference])
    return None


def _difference(rate: GroupMetric, feature: str, case: Case) -> float:
    """The largest difference between groups as fairlearn takes it: an empty denominator is 0."""
    codes = case.candidate.test.categories(feature).codes[case.counted]
    rates = [
        rate_of(GroupMean(rate), case.scored, np.flatnonzero(codes == code))
        for code in np.unique(codes)
    ]
    values = [one.value if one.rows else 0.0 for one in rates]
    return max(values) - min(values)
