"""Agreement of labelers: published tables, then what holds of any labels."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from gates.stats.agreement import (
    Codes,
    Labels,
    Scale,
    agreement_by_labeler,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    specific_agreement,
)
from gates.stats.undefined import UndefinedError
from tests.stats.conftest import Reference

Row = Sequence[float | None]
# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C and D.
FOUR_OBSERVERS: Sequence[Row] = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
# Fleiss' kappa as worked through in Wikipedia: ten subjects, fourteen raters, five categories.
FLEISS = (
    (0, 0, 0, 0, 14),
    (0, 2, 6, 4, 2),
    (0, 0, 3, 5, 6),
    (0, 3, 9, 2, 0),
    (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0),
    (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2),
    (6, 5, 2, 1, 0),
    (0, 2, 2, 3, 7),
)


def labels_of(rows: Sequence[Row]) -> Labels:
    """One row a labeler, one place an item."""
    given = [
        (item, labeler, label)
        for labeler, row in enumerate(rows)
        for item, label in enumerate(row)
        if label is not None
    ]
    items, labelers, labels = (np.array(part) for part in zip(*given, strict=True))
    return Labels(items.astype(np.intp), labelers.astype(np.intp), labels.astype(np.float64))


def counted(table: Sequence[Sequence[int]]) -> Labels:
    """From counts by item and class; who gave them is made up."""
    rows = [[code for code, count in enumerate(row) for _ in range(count)] for row in table]
    return labels_of(list(zip(*rows, strict=True)))


@pytest.mark.parametrize(
    ("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_krippendorffs_own_example(scale: Scale, alpha: float) -> None:
    found = krippendorff_alpha(labels_of(FOUR_OBSERVERS), scale)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.items == 11  # the last unit has one label only


def test_the_reference_numbers(reference: Reference) -> None:
    three = reference("krippendorff.wiki")
    given = labels_of(three["input"])
    found = [krippendorff_alpha(given, scale).value for scale in ("nominal", "interval")]
    assert found == pytest.approx(three["expected"], abs=three["tolerance"])
    table = reference("cohen.wiki")
    assert cohen_kappa(*listed(table["input"])).value == pytest.approx(table["expected"])


def test_fleiss_table() -> None:
    found = fleiss_kappa(counted(FLEISS))
    assert found.value == pytest.approx(0.210, abs=5e-4)
    with pytest.raises(UndefinedError, match="same number of labels"):
        fleiss_kappa(labels_of([(1, 2), (1, None)]))


def listed(table: Sequence[Sequence[int]]) -> tuple[Codes, Codes]:
    """The two labelers' labels from a table of how often they met."""
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    first, second = np.array(pairs).T
    return first, second


def test_cohen_is_scikit_learns() -> None:
    generator = np.random.default_rng(3)
    first = generator.integers(0, 4, 300)
    second = np.where(generator.random(300) < 0.6, first, generator.integers(0, 4, 300))
    assert cohen_kappa(first, second).value == pytest.approx(cohen_kappa_score(first, second))


def test_cohens_standard_error_is_the_published_one() -> None:
    """Fleiss, Cohen & Everitt (1969), table 1, by their formula (13) for unequal marginals."""
    table = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    found = cohen_kappa(*listed(table.tolist()))
    p = table / table.sum()
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    chance, kappa = float(rows @ columns), found.value
    weights = np.add.outer(columns, rows)
    diagonal = np.diag((1 - weights.diagonal() * (1 - kappa)) ** 2 * p.diagonal()).sum()
    others = (1 - kappa) ** 2 * float((p * weights**2 * (1 - np.eye(3))).sum())
    square = diagonal + others - (kappa - chance * (1 - kappa)) ** 2
    error = math.sqrt(square / table.sum()) / (1 - chance)
    assert found.log_disagreement is not None
    assert (1 - kappa) * found.log_disagreement.standard_error == pytest.approx(error, rel=0.01)


def test_each_class_by_hand() -> None:
    """Two labelers, ten items: yes together 4 times, no together 3 times, apart 3 times."""
    found = specific_agreement(labels_of([[1] * 7 + [0] * 3, [1] * 4 + [0] * 6]))
    assert found[1][0].value == pytest.approx(2 * 4 / (2 * 4 + 3))
    assert found[0][0].value == pytest.approx(2 * 3 / (2 * 3 + 3))
    assert (found[1][1], found[0][1]) == (7, 6)


@pytest.mark.parametrize("scale", ["nominal", "interval"])
def test_who_disagrees_most(scale: Scale) -> None:
    found = agreement_by_labeler(labels_of([[0, 1] * 20, [0, 1] * 20, [0, 0] * 20]), scale)
    assert found[0][0] == found[1][0] > found[2][0]
    if scale == "nominal":
        assert [value for value, _ in found.values()] == [0.75, 0.75, 0.5]


def test_nobody_disagrees() -> None:
    found = krippendorff_alpha(labels_of([[0, 1] * 25, [0, 1] * 25]), "nominal")
    assert found.value == 1
    assert found.p_at_least(0.667) == 1
    assert found.interval(0.95).upper == 1
    assert found.interval(0.95).lower == pytest.approx(1 - 3.84 / (50 + 3.84), abs=1e-3)


@pytest.mark.parametrize("rows", [[[1], [1]], [[1, None], [None, 1]], [[1, 1], [1, 1]], [[2], [1]]])
@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval"])
def test_too_little_has_no_value(rows: Sequence[Row], scale: Scale) -> None:
    with pytest.raises(UndefinedError):
        krippendorff_alpha(labels_of(rows), scale)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Two hundred draws of sixty items by three labelers who are right in 85 of 100."""
    generator = np.random.default_rng(11)
    zeros = 0.7 * 0.85 + 0.3 * 0.15
    truth = 1 - 0.85 * 0.15 / (zeros * (1 - zeros))
    inside = 0
    for _ in range(200):
        right = generator.random(60) < 0.3
        given = right[None, :] ^ (generator.random((3, 60)) < 0.15)
        labels = labels_of(given.astype(int).tolist())
        inside += truth in krippendorff_alpha(labels, "nominal").interval(0.95)
    assert 180 <= inside <= 198


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=4, max_size=4),
        min_size=2,
        max_size=4,
    ),
    st.floats(0.5, 1e6),
)
def test_names_units_and_order_do_not_matter(rows: list[list[int | None]], unit: float) -> None:
    if all(label is None for row in rows for label in row):
        return
    given = labels_of(rows)
    order = np.random.default_rng(1).permutation(len(given.items))
    mixed = Labels(given.items[order], given.labelers[order], given.labels[order] * unit - 5)
    try:
        alpha = krippendorff_alpha(given, "interval")
    except UndefinedError:
        return
    again = krippendorff_alpha(mixed, "interval")
    assert again.value == pytest.approx(alpha.value, abs=1e-9)
    assert alpha.value <= 1
    assert alpha.interval(0.95).upper <= 1
