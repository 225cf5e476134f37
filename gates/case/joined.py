"""How both models' answers are joined: on the rows of one test set, or of both sides'."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gates.case.answers import Answers
from gates.case.arena import Arena, NotComparableError
from gates.case.tested_rows import TestedRows
from gates.evidence.folder import AGAIN, Evidence
from gates.tables.table import Mask

if TYPE_CHECKING:
    from gates.case.case import Case


def join_answers(case: "Case") -> tuple[Arena, ...]:
    """The test sets on which both models are scored: one, or both sides' where they differ.

    Rows that either model was trained on are left out: a model is not compared on what it
    has learnt by heart.

    Raises:
        NotComparableError: no baseline, or no rows that both models have scored.
    """
    if case.baseline is None:
        raise NotComparableError("there is no baseline")
    if differ := case.labels_differ:
        raise NotComparableError(differ)
    arenas: tuple[Arena, ...]
    if not case.test_set.changed:
        arenas = (_same_rows(case, case.baseline),)
    elif case.reference is None:
        arenas = (*_own_rows(case), _base_rows(case, case.baseline))
    else:
        arenas = (_kept_rows(case, case.baseline),)
    arenas = tuple(arena for arena in arenas if len(arena.rows))
    if not arenas:
        share = "the test sets share no row that neither model was trained on"
        run = (
            ", and no model was run on the other's; let `gates.evidence.predict` say how to "
            "run a model"
        )
        raise NotComparableError(share if case.reference else share + run)
    return arenas


def retrained_on(case: "Case", arena: Arena) -> Iterator[tuple[Answers, ...]]:
    """The baseline's model and those of other seeds, where they answered this arena's rows."""
    model = case.baseline
    if model is None or model.test_digest != arena.side.test_digest:
        return
    repeats = model.repeats_for(arena.side.ids)
    seeds = [scores for run, scores in repeats.items() if run != AGAIN]
    if seeds:
        others = (case.answer(arena.side, arena.rows, each[arena.rows]) for each in seeds)
        yield (arena.baseline, *others)


def _same_rows(case: "Case", baseline: Evidence) -> Arena:
    new, rows = case.candidate, case.tested_rows.judged(case.candidate)
    old_scores = baseline.scores_for("predictions.parquet", new.ids)
    return Arena(
        side=new,
        rows=rows,
        baseline=case.answer(new, rows, old_scores[rows]),
        candidate=case.answer(new, rows, new.scores[rows]),
        union=rows,
    )


def _own_rows(case: "Case") -> Iterator[Arena]:
    """The candidate's test set, where the baseline's model was run on it."""
    new, old_scores = case.candidate, case.tested_rows.baseline_answers
    if old_scores is None:
        return
    rows = case.tested_rows.judged(new)
    yield Arena(
        side=new,
        rows=rows,
        baseline=case.answer(new, rows, old_scores[rows]),
        candidate=case.answer(new, rows, new.scores[rows]),
        union=rows,
    )


def _base_rows(case: "Case", baseline: Evidence) -> Arena:
    """The baseline's test set, by its labels, as far as the candidate's model was run on it."""
    rows = case.tested_rows.judged(baseline)
    rows = rows[case.tested_rows.answered[rows]]
    scores = case.tested_rows.answers
    return Arena(
        side=baseline,
        rows=rows,
        baseline=case.answer(baseline, rows, baseline.scores[rows]),
        candidate=case.answer(baseline, rows, scores[rows]),
        union=case.tested_rows.union[rows],
    )


def _kept_rows(case: "Case", anchor: Evidence) -> Arena:
    """Rows of a release, but those that the merge base has corrected since."""
    new, of_rows = case.candidate, case.tested_rows
    at_new, at_old = of_rows.shared
    fair = _as_at_the_merge_base(case, anchor)
    fair = fair & np.isin(at_new, of_rows.judged(new)) & np.isin(at_old, of_rows.judged(anchor))
    at_new, at_old = at_new[fair], at_old[fair]
    return Arena(
        side=new,
        rows=at_new,
        baseline=case.answer(anchor, at_old, anchor.scores[at_old]),
        candidate=case.answer(anchor, at_old, new.scores[at_new]),
        union=at_new,
    )


def _as_at_the_merge_base(case: "Case", anchor: Evidence) -> Mask:
    """Which rows shared with the anchor the merge base labels alike; its word counts first."""
    _, at_old = case.tested_rows.shared
    fair, beside = case.tested_rows.same, case.beside
    if beside is None or beside.baseline is None or not beside.test_set.changed:
        return fair
    of_base = TestedRows(beside.baseline, anchor)
    by_base = np.full(anchor.test.rows, -1, dtype=np.intp)
    by_base[of_base.shared[1]] = of_base.same
    said = by_base[at_old]
    return np.where(said < 0, fair, said > 0)
