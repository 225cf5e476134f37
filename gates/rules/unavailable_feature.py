"""Gate `unavailable_feature`."""

from collections.abc import Iterator
from typing import ClassVar

from gates.case.case import Case
from gates.evidence.columns import ColumnDictionary, Role
from gates.finding import Family, Finding, Limit, Mode, State, Subject
from gates.quoting import quote
from gates.rules.gate import Gate, Item, NotApplicableError

_MEND = "Give it the role ignored and train without it: where the model is used, it is not there."
_MEND_FLIPPED = (
    "Give it the role ignored here; say in a pull request apart that it is known, and why."
)


class UnavailableFeature(Gate, frozen=True, kw_only=True):
    """Blocks a feature whose value is not known yet when the model predicts.

    What it blocks: a column with the role feature of which the dictionary says
    `known_at_prediction: false`; and one of which the base's dictionary says so, though the pull
    request's own says otherwise.

    Why: a field that is filled in after the outcome, or by it, makes any model look right until it
    is used: then the field is empty. No statistic knows when a value was written; who made the
    column does. The pull request edits its own dictionary, so the base's word counts.

    What it does not see: what nobody wrote down, because a column counts as known unless the
    dictionary says otherwise (`target_leakage` looks at the values); a feature that is made of an
    unavailable column; whether the model uses a feature, which `columns.yaml` decides, not it.

    Example:
        unavailable_feature: {}
    """

    family: ClassVar[Family] = Family.LEAKAGE
    mode: Mode = Mode.STRICT

    def judge(self, case: Case) -> Iterator[Item]:
        """One finding per feature."""
        dictionary = case.candidate.dictionary
        if not dictionary.features:
            raise NotApplicableError("the dictionary has no feature")
        base = None if case.baseline is None else case.baseline.dictionary
        for name in dictionary.features:
            yield self._judge_feature(name, dictionary, base)

    def _judge_feature(
        self, name: str, dictionary: ColumnDictionary, base: ColumnDictionary | None
    ) -> Finding:
        text, mend = "is known when the model predicts, as the dictionary says", ""
        before = None if base is None else base.columns.get(name)
        if not dictionary.columns[name].known_at_prediction:
            inherited = before is not None and before.role is Role.FEATURE
            text = "is a feature, but the dictionary says known_at_prediction: false"
            text += " (it was a feature at the base already)" if inherited else ""
            mend = _MEND
        elif before is not None and not before.known_at_prediction:
            text = (
                "is a feature that this pull request calls known at prediction; the base says "
                "known_at_prediction: false"
            )
            mend = _MEND_FLIPPED
        return Finding(
            subject=Subject(column=name),
            state=State.FAILED if mend else State.PASSED,
            limit=Limit(rule="known when the model predicts", mode=self.mode),
            message=f"{quote(name)} {text}.",
            mend=mend,
        )
