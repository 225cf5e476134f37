"""What a changed or a worn test set means for the comparison, in plain sentences."""

from gates.finding import Finding, TestSet, Verdict, WearState
from gates.report.figures import counted
from gates.report.words import Name, Phrase, Prose, say


def test_set_words(verdict: Verdict) -> str:
    """How many rows came, went and were left out, on which both models were scored, by weight."""
    found = verdict.test_set
    if found is None:
        return ""
    lines = (_changed(verdict, found), _left_out(found), _weighted(found))
    return " ".join(line for line in lines if line)


def wear_phrase(verdict: Verdict) -> Phrase:
    """How often the test set was judged, and what that may have cost; nothing without a ledger."""
    found = verdict.test_set
    if found is None or found.wear is None:
        return say()
    return say(Name(found.digest[:7]), " ", Prose(f"{found.wear.text()}."))


def is_worn(verdict: Verdict) -> bool:
    """Whether a reader should think of a new test set."""
    found = verdict.test_set
    return bool(found and found.wear and found.wear.state is not WearState.FRESH)


def _changed(verdict: Verdict, found: TestSet) -> str:
    if not found.changed:
        return ""
    others = found.relabelled  # counted as added and as removed, too
    relabelled = f"{others:,} with another label or weight, " if others else ""
    relabelled += f"{found.edited:,} with other values, " if found.edited else ""
    moved = (
        f"{counted(found.added - others, 'row')} added, {found.removed - others:,} removed, "
        f"{relabelled}{found.rows:,} now"
    )
    if not (found.added or found.removed or found.edited):
        moved = f"the same {found.rows:,} rows, cut into other segments"
    compared = _compared(verdict)
    if not compared:
        return f"{moved}; nothing was compared."
    if any(finding.subject.test_set for finding in compared):
        return (
            f"{moved}; both models were scored on both test sets, and on the baseline's alone, by "
            "its labels."
        )
    rows = max(finding.support.rows for finding in compared if finding.support)
    return f"{moved}; the models were compared on {rows:,} rows of {_whose(found)}."


def _whose(found: TestSet) -> str:
    rows = found.rows - found.added + found.removed
    if found.unpredicted + found.learnt >= rows:
        return "the new one alone"
    return "the baseline's test set, by its labels"


def _left_out(found: TestSet) -> str:
    if not found.seen:
        return ""
    were = "was" if found.seen == 1 else "were"
    return (
        f"{found.seen:,} of {counted(found.rows, 'row')} {were} left out of the comparison, "
        "because a model was trained on them."
    )


def _weighted(found: TestSet) -> str:
    if not found.sample_weight:
        return ""
    without = (
        f"; {counted(found.weightless, 'row')} of weight 0 left out" if found.weightless else ""
    )
    return f"Rows count by their sample weight{without}."


def _compared(verdict: Verdict) -> list[Finding]:
    """What was found by comparing both models with the merge base in between."""
    return [
        finding
        for outcome in verdict.outcomes
        for finding in outcome.findings
        if finding.support and finding.limit.margin is not None
        if finding.subject.reference is None
    ]
