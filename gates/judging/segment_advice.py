"""What to do about the data of a segment where a model fails: rows, labels or features."""

from collections.abc import Iterator, Sequence

import numpy as np

from gates.case.answers import Answers, Classified, Predicted
from gates.evidence.folder import Evidence
from gates.judging.predicates import Searched, rows_of
from gates.stats.influence import log_losses
from gates.stats.slices import Slice
from gates.tables.table import Floats
from gates.wording import form_of

_SURE = 0.9  # a score that a label must not contradict often
_OFTEN = 0.02  # of the segment's rows
_FEWER = 0.8  # of its share in test, from which on train has too few rows of it
_UNEXPECTED = 1.25  # times the loss that the scores themselves foretell
_OFF = 0.02  # of a probability


def advise(
    side: Evidence, columns: Sequence[Searched], found: Slice, answers: Answers, share: float
) -> str:
    """Sentences on a segment's training rows, labels and features.

    Args:
        side: whose model it is.
        columns: that were searched.
        found: the segment.
        answers: of its test rows.
        share: of the test rows that are in it.
    """
    return " ".join((*_about_rows(side, columns, found, share), _about_answers(answers)))


def _about_rows(
    side: Evidence, columns: Sequence[Searched], found: Slice, share: float
) -> Iterator[str]:
    train = side.train
    used = [columns[at] for at, _ in found.predicates]
    if train is None or not train.rows or any(column.name not in train for column in used):
        return
    codes = [column.codes(train) for column in used]
    narrow = [(at, code) for at, (_, code) in enumerate(found.predicates)]
    inside = Slice(predicates=tuple(narrow), rows=0, mean=0.0, p_value=1.0)
    rows = int(np.count_nonzero(rows_of(inside, codes)))
    held = f"Train holds {rows:,} rows of it ({rows / train.rows:.1%}, test {share:.1%})"
    if rows / train.rows < _FEWER * share < 1:
        lacking = int(np.ceil((share * train.rows - rows) / (1 - share)))
        yield f"{held}: collect about {lacking:,} more, its share in test."
    else:
        yield f"{held}."


def _about_answers(answers: Answers) -> str:
    if isinstance(answers, Predicted):
        off = float(np.mean(answers.scores - answers.labels))
        side = "high" if off > 0 else "low"
        return (
            f"Predictions are on average {abs(off):{form_of(off)}} too {side} here: add a feature "
            "that tells these rows apart, or mend how their labels are measured."
        )
    given = _given_to_truth(answers)
    wrong = int(np.count_nonzero(given < 1 - _SURE))
    if wrong >= _OFTEN * len(given) and -np.log(given).mean() > _UNEXPECTED * _foretold(answers):
        return (
            f"{wrong:,} of {len(given):,} labels contradict a score above {_SURE:.0%}: look at "
            "these labels first, and at what made their features."
        )
    if not isinstance(answers, Classified):
        off = float(np.mean(answers.scores) - np.mean(answers.labels))
        if abs(off) > _OFF:
            side = "high" if off > 0 else "low"
            return (
                f"Its scores are on average {abs(off):.3f} too {side}: compare its labels in train "
                "and test."
            )
    return (
        "Its scores foretell most of this loss: a feature that tells these rows apart would help "
        "more than more rows."
    )


def _given_to_truth(answers: Answers) -> Floats:
    """The probability that each row's label was given; never quite 0."""
    if isinstance(answers, Classified):
        given = answers.scores[np.arange(answers.rows), answers.labels]
        return np.asarray(np.maximum(given, np.finfo(np.float64).eps))
    return np.asarray(np.exp(-log_losses(answers.labels, answers.scores)))


def _foretold(answers: Answers) -> float:
    """The mean log loss that the scores expect of themselves: their entropy in nats."""
    scores = answers.scores
    parts = scores if isinstance(answers, Classified) else np.stack([scores, 1 - scores], axis=1)
    tiny = np.finfo(np.float64).tiny
    return float(-(parts * np.log(np.maximum(parts, tiny))).sum(axis=1).mean())
