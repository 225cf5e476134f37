"""What is said of a case: which rows are judged, and what tells the two sides' labels apart."""

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from gates.finding import TestSet

if TYPE_CHECKING:
    from gates.case.case import Case


def describe_test_set(case: "Case") -> TestSet:
    """Which rows are judged, and how they differ from the baseline's."""
    rows, weights = case.candidate.test.rows, case.candidate.weights
    alone = TestSet(
        changed=False,
        digest=case.candidate.test_digest,
        rows=rows,
        sample_weight=case.settings.sample_weight or "",
        weightless=0 if weights is None else int(np.count_nonzero(weights == 0)),
    )
    if case.baseline is None or case.streamed is not None:
        return alone
    of_rows = case.tested_rows
    unpredicted, learnt = (0, 0) if case.reference else of_rows.unjudged
    alone = msgspec.structs.replace(
        alone,
        seen=int(np.count_nonzero(of_rows.seen(case.candidate))),
        unpredicted=unpredicted,
        learnt=learnt,
    )
    if not of_rows.changed:
        return alone
    kept = int(np.count_nonzero(of_rows.same))
    return msgspec.structs.replace(
        alone,
        changed=True,
        added=rows - kept,
        removed=case.baseline.test.rows - kept,
        relabelled=len(of_rows.same) - kept,
        edited=of_rows.edited,
    )


def describe_other_label(case: "Case") -> str:
    """What tells the two sides' labels apart; nothing where they are the same."""
    if case.baseline is None:
        return ""
    new, old = case.candidate.dictionary.label, case.baseline.dictionary.label
    whose = case.reference or "the baseline"
    if new != old:
        return (
            f"the label is {new!r}, {whose}'s is {old!r}; models of different labels cannot be "
            "compared"
        )
    if case.candidate.classes != case.baseline.classes:
        ours, theirs = map(", ".join, (case.candidate.classes, case.baseline.classes))
        return (
            f"the label's levels are {ours}, {whose}'s are {theirs}; models of different "
            "classes cannot be compared"
        )
    return ""
