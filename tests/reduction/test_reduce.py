import math
import pickle

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.reduction.correct import Comparison as Summed
from gates.reduction.correct import correct
from gates.reduction.joint import Contribution, joint_moments
from gates.reduction.reduce import TooManySegmentsError, reduce_evidence
from gates.reduction.reduced import Reduced, Request
from gates.reduction.sums import Sums
from gates.reduction.survey import Survey
from gates.stats import influence
from gates.stats.auc import auc_pseudo_values, delong
from gates.stats.multiplicity import Comparison, Doubt, harm_p_values
from gates.stats.paired import paired_mean, tango
from gates.stats.undefined import UndefinedError
from tests.reduction.tables import COLUMNS, CUTS, CutUp, Rows, draw_rows, members, scan_of

CONFIDENCE = 0.95
Places = npt.NDArray[np.intp]
ALL = Request(
    columns=COLUMNS,
    cuts=CUTS,
    segmentations=((0,), (1,), (2,), (0, 1)),
    losses=("log_loss", "brier_score_loss"),
    ranked=True,
    ranked_segments=((0,),),
)
CELLS = ("accuracy", "precision", "recall", "f1", "balanced_accuracy", "selection_rate")


def reduce_rows(rows: Rows, starts: tuple[int, ...] = (0,), request: Request = ALL) -> Reduced:
    return reduce_evidence(CutUp(rows, starts), scan_of(), request)


def losses(rows: Rows, at: npt.NDArray[np.intp] | slice, name: str) -> npt.NDArray[np.float64]:
    of = influence.log_losses if name == "log_loss" else influence.squared_errors
    return of(rows.labels[at], rows.new[at]) - of(rows.labels[at], rows.old[at])


def test_six_rows_by_hand() -> None:
    # Of x, the new model mends one row and breaks none; of y, it breaks one.
    rows = Rows(
        labels=np.array([True, True, False, False, True, False]),
        old=np.array([0.9, 0.2, 0.1, 0.6, 0.7, 0.3]),
        new=np.array([0.9, 0.8, 0.1, 0.6, 0.4, 0.3]),
        a=["x", "x", "x", "y", "y", None],
        b=["p"] * 6,
        age=[29.9, 30.0, None, float("nan"), 90.0, 30.0],
    )
    found = reduce_rows(rows)
    assert [(values, size) for _, values, size in found.segments((0,))] == [
        (("x",), 3),
        (("y",), 2),
        (("(missing)",), 1),
    ]
    assert [(values, size) for _, values, size in found.segments((2,))] == [
        (("low",), 1),
        (("high",), 3),
        (("(missing)",), 2),
    ]
    change = found.change("accuracy", (0,), (0,), confidence=CONFIDENCE)
    assert (change.baseline, change.candidate, change.counted) == (2 / 3, 1, 3)
    assert change.interval == tango(1, 0, 3, CONFIDENCE)
    assert found.change("accuracy", confidence=CONFIDENCE).baseline == 4 / 6
    recall = found.change("recall", (0,), (1,), confidence=CONFIDENCE)
    assert (recall.baseline, recall.candidate, recall.counted) == (1, 0, 1)


def test_cell_metrics_are_those_of_the_rows() -> None:
    rows = draw_rows(900)
    found = reduce_rows(rows)
    for codes, (value,), size in found.segments((0,)):
        at = members(rows.a, None if value == "(missing)" else value)
        assert size == len(at)
        labels, old, new = rows.labels[at], rows.old[at] >= 0.5, rows.new[at] >= 0.5
        for name in CELLS:
            metric = influence.METRICS[name]
            change = found.change(name, (0,), codes, confidence=CONFIDENCE)
            assert change.candidate == influence.value_of(
                metric, influence.count_cells(labels, new)
            )
            cells = 4 * labels + 2 * old + new
            assert np.array_equal(
                change.weights.by_cell[cells],
                influence.paired_contributions(metric, labels, old, new),
            )
            own = found.value(name, (0,), codes, confidence=CONFIDENCE)
            assert own.value == change.candidate
            values = influence.pseudo_values(metric, labels, new)
            if len(metric.ratios) > 1 or name == "f1":
                expected = paired_mean(values).interval(CONFIDENCE)
                assert own.interval.lower == pytest.approx(expected.lower, abs=1e-12)


@pytest.mark.parametrize("place", [0, 1])
def test_mean_losses_are_those_of_the_rows(place: int) -> None:
    rows, name = draw_rows(2_000), ALL.losses[place]
    found = reduce_rows(rows)
    for codes, values, _ in found.segments((0, 1)):
        a, b = (None if value == "(missing)" else value for value in values)
        at = np.intersect1d(members(rows.a, a), members(rows.b, b))
        moved = losses(rows, at, name)
        change = found.change(name, (0, 1), codes, confidence=CONFIDENCE)
        expected = paired_mean(moved)
        assert change.candidate - change.baseline == pytest.approx(expected.value, abs=1e-12)
        interval = expected.interval(CONFIDENCE)
        assert change.interval.lower == pytest.approx(interval.lower, abs=1e-9)
        assert change.interval.width >= interval.width * (1 - 1e-12)
        tally, lattices = found.tally((0, 1), codes), found.sums.lattices
        exact = math.fsum(moved)
        assert abs(tally.moved[place].sum() - exact) <= len(at) / 2 * lattices.moved[place].step
        over = tally.squares[place].sum() - math.fsum(moved**2)
        assert -1e-15 <= over <= len(at) * lattices.products[place][place].step + 1e-15


def test_the_auc_is_that_of_the_rows_within_its_bound() -> None:
    rows = draw_rows(5_000)
    found = reduce_rows(rows)
    for cuts, codes, at in [
        ((), (), np.arange(5_000)),
        *(
            ((0,), codes, members(rows.a, None if value == "(missing)" else value))
            for codes, (value,), _ in found.segments((0,))
        ),
    ]:
        labels = rows.labels[at]
        old, new = (auc_pseudo_values(labels, scores[at]) for scores in (rows.old, rows.new))
        expected = delong(labels, new - old).interval(CONFIDENCE)
        change = found.change("roc_auc", cuts, codes, confidence=CONFIDENCE)
        assert change.interval.lower <= expected.lower + 1e-12
        assert change.interval.upper >= expected.upper - 1e-12
        assert change.interval.width <= expected.width + (0.0005 if cuts else 2e-4)


def test_what_is_the_same_in_a_segment_is_known() -> None:
    rows = draw_rows(300)
    at = members(rows.a, "x")
    rows.new[at] = rows.old[at]
    found = reduce_rows(rows)
    same = {values: found.same_in((0,), codes) for codes, values, _ in found.segments((0,))}
    assert same == {("x",): True, ("y",): False, ("z",): False, ("(missing)",): False}
    assert not found.same


def test_gaps_are_those_of_the_rows() -> None:
    rows = draw_rows(3_000)
    found = reduce_rows(rows)
    at = np.isin(np.arange(3_000), members(rows.b, "p"))
    for name, counted in [
        ("selection_rate", np.ones(3_000, dtype=np.bool_)),
        ("recall", rows.labels),
        ("false_positive_rate", ~rows.labels),
    ]:
        gap = found.gap(name, (1,), (0,), confidence=CONFIDENCE)
        old, new = rows.old >= 0.5, rows.new >= 0.5
        inside, outside = at & counted, ~at & counted
        before = old[inside].mean() - old[outside].mean()
        after = new[inside].mean() - new[outside].mean()
        assert (gap.before, gap.after) == pytest.approx((before, after), abs=1e-12)
        was, now = math.copysign(1, before), math.copysign(1, after)
        variance = sum(
            np.var(now * new[side] - was * old[side], ddof=1) / side.sum()
            for side in (inside, outside)
        )
        assert gap.interval.width >= 2 * 1.9599 * math.sqrt(variance)
        cells = 4 * rows.labels + 2 * old + new
        added = np.where(at, gap.group[cells], gap.rest[cells])
        assert added.sum() == pytest.approx(gap.growth, abs=1e-12)
        assert gap.counted == counted.sum()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 60),
    st.sampled_from([None, 1]),
    st.lists(st.integers(0, 60), max_size=5),
    st.integers(0, 99),
)
def test_no_partition_and_no_order_changes_a_byte(
    count: int, digits: int | None, cuts: list[int], seed: int
) -> None:
    rows = draw_rows(count, seed, digits)
    starts = (0, *sorted(min(cut, count) for cut in cuts))
    whole, parts = reduce_rows(rows), reduce_evidence(CutUp(rows, starts, seed), scan_of(), ALL)
    assert whole.surveyed.digest() == parts.surveyed.digest()
    assert [each.tobytes() for each in whole.summed] == [each.tobytes() for each in parts.summed]
    order = np.random.default_rng(seed).permutation(count)
    a, b = ([each[at] for at in order] for each in (rows.a, rows.b))
    age = [rows.age[at] for at in order]
    moved = Rows(rows.labels[order], rows.old[order], rows.new[order], a, b, age)
    again = reduce_rows(moved)
    assert whole.surveyed.digest() == again.surveyed.digest()
    assert [each.tobytes() for each in whole.summed] == [each.tobytes() for each in again.summed]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_a_row(count: int) -> None:
    found = reduce_rows(draw_rows(count))
    assert found.rows == count
    with pytest.raises(UndefinedError):
        found.change("log_loss", confidence=CONFIDENCE)
    with pytest.raises(UndefinedError):
        found.change("roc_auc", confidence=CONFIDENCE)


def test_one_class_and_constant_scores() -> None:
    rows = draw_rows(200)
    half = np.full(200, 0.5)
    one_class = Rows(np.ones(200, np.bool_), half, half, rows.a, rows.b, rows.age)
    found = reduce_rows(one_class)
    assert found.same
    with pytest.raises(UndefinedError, match="200 positives and 0 negatives"):
        found.change("roc_auc", confidence=CONFIDENCE)
    constant = reduce_rows(Rows(rows.labels, half, half, rows.a, rows.b, rows.age))
    change = constant.change("roc_auc", confidence=CONFIDENCE)
    assert (change.baseline, change.candidate) == (0.5, 0.5)
    assert (change.interval.lower, change.interval.upper) == (0, 0)  # a tie is no mixed bin
    loss = constant.change("log_loss", confidence=CONFIDENCE)
    assert loss.candidate == pytest.approx(math.log(2), abs=1e-12)
    assert loss.interval.width == 0


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("new", np.nan, "t.new: the score is missing, NaN or infinite in 1 of 50 rows"),
        ("old", 1.5, r"t.old: the score lies outside \[0, 1\] in 1 of 50 rows"),
    ],
)
def test_a_faulty_score_is_refused(field: str, value: float, says: str) -> None:
    rows = draw_rows(50)
    getattr(rows, field)[7] = value
    with pytest.raises(EvidenceError, match=says):
        reduce_rows(rows)


def comparisons_of(found: Reduced) -> list[tuple[str, str, tuple[int, ...], tuple[int, ...]]]:
    asked: list[tuple[str, str, tuple[int, ...], tuple[int, ...]]] = []
    segmentations: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (0, 1))
    for cuts in segmentations:
        for codes, _, _ in found.segments(cuts):
            if min(found.tally(cuts, codes).classes) >= 30:
                names = ["accuracy", "recall", "log_loss"]
                names += ["roc_auc"] if cuts in ((), (0,)) else []
                asked += [("segments", name, cuts, codes) for name in names]
    return asked


def inside(found: Reduced, rows: Rows, cuts: tuple[int, ...], codes: tuple[int, ...]) -> Places:
    chosen = np.ones(len(rows.labels), dtype=np.bool_)
    for cut, code in zip(cuts, codes, strict=True):
        level = (*found.sums.cuts[cut].levels, None)[code]
        chosen &= np.array([value == level for value in (rows.a, rows.b)[cut]])
    return np.flatnonzero(chosen)


def contributions_of(rows: Rows, name: str, at: Places) -> npt.NDArray[np.float64]:
    """Of rows, as row-level evidence has them; positive is better."""
    labels, old, new = rows.labels[at], rows.old[at], rows.new[at]
    if name == "log_loss":
        return -losses(rows, at, name)
    if name == "roc_auc":
        return auc_pseudo_values(labels, new) - auc_pseudo_values(labels, old)
    return influence.paired_contributions(influence.METRICS[name], labels, old >= 0.5, new >= 0.5)


def better(name: str, terms: Contribution) -> Contribution:
    return tuple(-term for term in terms) if name == "log_loss" else terms


@pytest.mark.parametrize("count", [600, 12_000])
def test_the_joint_test_is_that_of_the_rows(count: int) -> None:
    """With few rows all signs are real; with many, only few rows of small segments."""
    rows = draw_rows(count, seed=3)
    rows.new[:] = np.clip(rows.new + 0.03 * (rows.labels - 0.5) * -1, 0, 1)
    engine, scan = CutUp(rows, (0, 100, 450)), scan_of()
    found = reduce_evidence(engine, scan, ALL)
    contributions, plain = [], []
    for family, name, cuts, codes in comparisons_of(found):
        change = found.change(name, cuts, codes, confidence=CONFIDENCE)
        contributions.append(
            Summed(family=family, contribution=better(name, found.term(change, cuts, codes)))
        )
        at = inside(found, rows, cuts, codes)
        values = contributions_of(rows, name, at)
        plain.append(Comparison(family, at[values != 0], values[values != 0]))
    gap = found.gap("recall", (1,), (0,), confidence=CONFIDENCE)
    contributions.append(Summed(family="fairness", contribution=found.gap_terms(gap, (1,), (0,))))
    in_group = np.isin(np.arange(count), inside(found, rows, (1,), (0,)))
    cells = 4 * rows.labels + 2 * (rows.old >= 0.5) + (rows.new >= 0.5)
    values = -np.where(in_group, gap.group[cells], gap.rest[cells])
    plain.append(Comparison("fairness", np.flatnonzero(values), values[values != 0]))
    p_values = correct(found, engine, scan, contributions, seed=b"s", draws=4_000)
    expected = harm_p_values(plain, seed=b"t", draws=4_000)
    for ours, theirs in zip(p_values, expected, strict=True):
        assert ours == pytest.approx(
            theirs, abs=5 * math.sqrt(theirs * (1 - theirs) / 4_000) + 2e-3
        )
    assert min(p_values) < 0.1 < max(p_values)


def test_moments_are_those_of_the_rows() -> None:
    """Every product of two comparisons, whole and segments, cells, losses, areas and gaps."""
    rows = draw_rows(4_000, seed=8)
    found = reduce_rows(rows)
    contributions, dense = [], []
    for _, name, cuts, codes in comparisons_of(found):
        change = found.change(name, cuts, codes, confidence=CONFIDENCE)
        contributions.append(better(name, found.term(change, cuts, codes)))
        row = np.zeros(4_000)
        at = inside(found, rows, cuts, codes)
        row[at] = contributions_of(rows, name, at)
        dense.append(row)
    moments = joint_moments(found.sums, found.summed, contributions)
    values = np.array(dense)
    lengths = np.linalg.norm(values, axis=1)
    assert np.allclose(moments.totals / lengths, values.sum(axis=1) / lengths, atol=1e-2)
    expected = values @ values.T / np.outer(lengths, lengths)
    assert np.allclose(moments.products / np.outer(lengths, lengths), expected, atol=2e-3)


def test_kernels_can_be_sent_elsewhere() -> None:
    rows = draw_rows(300)
    found = reduce_rows(rows)
    kernel = pickle.loads(pickle.dumps(found.sums))  # noqa: S301 - our own
    assert isinstance(kernel, Sums)
    again = kernel.take(kernel.start(), rows.batch())
    assert [a.tobytes() for a in again] == [b.tobytes() for b in found.summed]
    survey = pickle.loads(pickle.dumps(Survey(columns=COLUMNS, cuts=CUTS)))  # noqa: S301
    assert survey.take(survey.start(), rows.batch()).rows == 300


def test_batches_of_comparisons_are_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three comparisons at a time: each batch is corrected within, and then times the batches."""
    rows = draw_rows(900, seed=5)
    engine, scan = CutUp(rows), scan_of()
    found = reduce_evidence(engine, scan, ALL)
    asked = [(cuts, codes) for cuts in ((), (0,)) for codes, _, _ in found.segments(cuts)]
    contributions = [
        Summed(
            family="f",
            contribution=found.term(found.change("accuracy", *each, confidence=CONFIDENCE), *each),
        )
        for each in asked
    ]
    together = correct(found, engine, scan, contributions, seed=b"s", draws=2_000)
    monkeypatch.setattr("gates.reduction.correct.MOST_TOGETHER", 3)
    apart = correct(found, engine, scan, contributions, seed=b"s", draws=2_000)
    assert len(apart) == len(together) == 5
    for one, other in zip(apart, together, strict=True):
        assert other - 0.05 <= one <= 1


def test_segments_that_were_not_crossed_are_tested_apart() -> None:
    rows = draw_rows(900, seed=6)
    engine, scan = CutUp(rows), scan_of()
    request = Request(columns=COLUMNS, cuts=CUTS, segmentations=((0,), (1,)), joint=False)
    found = reduce_evidence(engine, scan, request)
    contributions = [
        Summed(
            family="f",
            contribution=found.term(
                found.change("recall", cuts, (0,), confidence=CONFIDENCE), cuts, (0,)
            ),
        )
        for cuts in ((0,), (1,))
    ]
    assert max(correct(found, engine, scan, contributions, seed=b"s", draws=500)) <= 1


def test_what_is_doubted_is_no_proof() -> None:
    rows = draw_rows(900, seed=3)
    rows.new[rows.labels] *= 0.5
    engine, scan = CutUp(rows), scan_of()
    found = reduce_evidence(engine, scan, ALL)
    change = found.change("recall", confidence=CONFIDENCE)
    terms = found.term(change, (), ())
    sure, doubted = (
        correct(
            found,
            engine,
            scan,
            [Summed(family="f", contribution=terms, doubt=doubt)],
            seed=b"s",
            draws=999,
        )[0]
        for doubt in (Doubt(), Doubt(own=0.0))
    )
    assert sure == 1 / 1_000
    assert doubted == pytest.approx(0.5, abs=0.05)


def test_an_area_is_that_of_the_rows_within_its_bound() -> None:
    rows = draw_rows(4_000, seed=2)
    found = reduce_rows(rows)
    for cuts, codes in (((), ()), ((0,), (1,))):
        at = inside(found, rows, cuts, codes)
        expected = delong(rows.labels[at], auc_pseudo_values(rows.labels[at], rows.new[at]))
        value = found.value("roc_auc", cuts, codes, confidence=CONFIDENCE)
        assert value.value == pytest.approx(expected.value, abs=2e-4)
        interval = expected.interval(CONFIDENCE)
        assert value.interval.lower <= interval.lower
        assert value.interval.upper >= interval.upper
        assert value.interval.width <= interval.width + 1e-3


def test_too_many_segments_are_named() -> None:
    levels = [f"l{at}" for at in range(400)]
    rows = draw_rows(400)
    crossed = Rows(rows.labels, rows.old, rows.new, [*levels], [*levels], rows.age)
    with pytest.raises(TooManySegmentsError, match="160,801 combinations"):
        reduce_rows(crossed)
