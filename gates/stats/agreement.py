"""How well several labelers agree, corrected for what chance alone would give.

Labels come in a long list: one entry per label that somebody gave an item. All coefficients are
1 − D: D is the disagreement within items over that between labels drawn at random. D is positive
and skewed, so its interval is made on the log scale, from what each item adds to it.
"""

import math
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gates.stats.estimate import Estimate
from gates.stats.interval import Interval
from gates.stats.proportion import wilson
from gates.stats.undefined import UndefinedError
from gates.stats.weighted import weighted_ratio

Values = NDArray[np.float64]
Codes = NDArray[np.intp]
Scale = Literal["nominal", "ordinal", "interval"]


class Labels(msgspec.Struct, frozen=True, eq=False):
    """One entry per label given: the item's code, the labeler's, and the label; shape (labels,).

    A nominal label is a code from 0, any other a finite number. Codes of items and labelers count
    from 0; each labeler labels an item at most once.
    """

    items: Codes
    labelers: Codes
    labels: Values

    def take(self, chosen: NDArray[np.bool_]) -> "Labels":
        """Some of the entries, with the items numbered anew."""
        items = self.items[chosen]
        occurs = np.bincount(items) > 0 if len(items) else np.zeros(0, dtype=np.bool_)
        numbers = np.cumsum(occurs) - 1
        return Labels(numbers[items], self.labelers[chosen], self.labels[chosen])

    def pairable(self) -> "Labels":
        """Without the items that have one label only, which say nothing about agreement."""
        return self.take(np.bincount(self.items)[self.items] > 1) if len(self.items) else self


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """A coefficient; `log_disagreement` is log(1 − value), `nan`-free only where D is positive."""

    value: float
    items: int
    log_disagreement: Estimate | None  # None where nobody ever disagreed

    def interval(self, confidence: float) -> Interval:
        """Two-sided; without any disagreement from Wilson's limit of the items that have one."""
        if self.log_disagreement is None:
            return Interval(1 - wilson(0, self.items, confidence).upper, 1.0)
        log = self.log_disagreement.interval(confidence)
        return Interval(1 - math.exp(log.upper), 1 - math.exp(log.lower))

    def p_at_least(self, floor: float) -> float:
        """One-sided p-value of the hypothesis that the true coefficient is at least `floor`."""
        if self.log_disagreement is None or floor >= 1:
            return 1.0 if self.log_disagreement is None else 0.0
        return self.log_disagreement.p_at_most(math.log(1 - floor))


def krippendorff_alpha(labels: Labels, scale: Scale) -> Agreement:
    """Krippendorff's alpha: any number of labelers, any labels missing.

    Source: Krippendorff, Content Analysis (2004), chapter 11; the ordinal distance is that of
    mid-ranks, squared, which are taken as given for the interval. The interval's linearisation
    is that of a ratio of U-statistics; over items, with Student's law.

    Raises:
        UndefinedError: fewer than two items have two labels, or all labels are the same.
    """
    found = labels.pairable()
    sizes = _sizes(found)
    total = len(found.items)
    if scale == "nominal":
        same, level = _same(found)
        observed = _sum(found.items, (sizes[found.items] - same) / (sizes[found.items] - 1))
        square = float(np.sum(level.astype(np.float64)))  # of each class's size, over labels
        expected = float(total) ** 2 - square
        moves = 2.0 * total * sizes - 2.0 * _sum(found.items, level)
    else:
        values = _scaled(found.labels if scale == "interval" else _mid_ranks(found.labels))
        first, second = _sum(found.items, values), _sum(found.items, values**2)
        observed = 2 * (sizes * second - first**2) / np.maximum(sizes - 1, 1)
        observed = np.maximum(observed, 0.0)
        # The values are centred, so their sum is 0.
        expected = 2 * total * float(second.sum())
        moves = 2.0 * (sizes * float(second.sum()) + total * second)
    return _agreement(observed, sizes, expected, moves, (total - 1) / max(1, total))


def cohen_kappa(first: Codes, second: Codes) -> Agreement:
    """Cohen's kappa of two labelers, one label each per item; shape (items,).

    Source: Cohen, Educational and Psychological Measurement 20 (1960) 37.

    Raises:
        UndefinedError: fewer than two items, or both give one and the same label throughout.
    """
    total, classes = len(first), 1 + int(max(first.max(initial=0), second.max(initial=0)))
    one, two = (np.bincount(each, minlength=classes).astype(float) for each in (first, second))
    observed = (first != second).astype(np.float64)
    expected = float(total) ** 2 - float(one @ two)
    moves = 2.0 * total - two[first] - one[second]
    return _agreement(observed, np.ones(total), expected, moves, 1.0)


def fleiss_kappa(labels: Labels) -> Agreement:
    """Fleiss' kappa: every item with the same number of labels, whoever gave them.

    Source: Fleiss, Psychological Bulletin 76 (1971) 378.

    Raises:
        UndefinedError: items have different numbers of labels, or all labels are the same.
    """
    sizes = np.bincount(labels.items)
    if len(set(sizes.tolist())) != 1 or sizes[0] < 2:  # noqa: PLR2004
        raise UndefinedError("Fleiss' kappa needs the same number of labels for every item")
    alpha = krippendorff_alpha(labels, "nominal")
    total = len(labels.items)
    factor = total / (total - 1)  # alpha draws pairs without putting back
    log = alpha.log_disagreement
    if log is not None:
        log = msgspec.structs.replace(log, value=log.value + math.log(factor))
    value = 1 - (1 - alpha.value) * factor
    return Agreement(value=value, items=alpha.items, log_disagreement=log)


def specific_agreement(labels: Labels) -> dict[int, tuple[Estimate, int]]:
    """Per class: of the other labels of items that somebody gave it, the share that give it too.

    The positive specific agreement, with its standard error over items, and how many items have
    the class. Source: Fleiss, Statistical Methods for Rates and Proportions (1981), 13.1; for many
    labelers Uebersax, Statistical methods for the analysis of agreement (2009).
    """
    found = labels.pairable()
    sizes = _sizes(found)
    agreeing: dict[int, tuple[Estimate, int]] = {}
    codes = found.labels.astype(np.intp)
    pairs, counts = np.unique(codes * max(1, len(sizes)) + found.items, return_counts=True)
    ofs, items = np.divmod(pairs, max(1, len(sizes)))
    for code in np.unique(codes).tolist():
        here = ofs == code
        count = counts[here].astype(np.float64)
        others = sizes[items[here]] - 1
        if len(count) > 1:  # of one item there is no spread
            agreeing[code] = (weighted_ratio(count * (count - 1), count * others), len(count))
    return agreeing


def agreement_by_labeler(labels: Labels, scale: Scale) -> dict[int, tuple[float, int]]:
    """Per labeler, how far the others agree with it on the items they share, and how many.

    Of classes the mean share of the others' labels that are the same; of numbers 1 − the mean
    squared distance to the others' over that between labels drawn at random.
    """
    found = labels.pairable()
    sizes = _sizes(found)[found.items]
    if scale == "nominal":
        agreed = (_same(found)[0] - 1) / (sizes - 1)
    else:
        values = _scaled(found.labels if scale == "interval" else _mid_ranks(found.labels))
        first, second = (_sum(found.items, each)[found.items] for each in (values, values**2))
        total = len(values)
        apart = (sizes * values**2 - 2 * values * first + second) / (sizes - 1)
        chance = 2 * float(values @ values) / max(1, total - 1)
        agreed = 1 - apart / chance if chance else np.ones(total)
    counts = np.bincount(found.labelers)
    sums = np.bincount(found.labelers, weights=agreed)
    return {
        int(code): (float(sums[code] / counts[code]), int(counts[code]))
        for code in np.flatnonzero(counts)
    }


def _agreement(
    observed: Values, sizes: Values, expected: float, moves: Values, factor: float
) -> Agreement:
    """1 − D with D = factor · (Σ observed · Σ sizes) / expected; `moves` are expected's parts."""
    items, total, disagreement = len(observed), float(sizes.sum()), float(observed.sum())
    if items < 2:  # noqa: PLR2004
        raise UndefinedError(f"agreement needs 2 items with several labels, found {items}")
    if expected <= 0:
        raise UndefinedError("all labels are the same, so that chance alone agrees")
    if disagreement <= 0:
        return Agreement(value=1.0, items=items, log_disagreement=None)
    ratio = factor * disagreement * total / expected
    parts = observed / disagreement + sizes / total - moves / expected
    square = float(np.sum((parts - parts.mean()) ** 2)) * items / (items - 1)
    log = Estimate(value=math.log(ratio), standard_error=math.sqrt(square), degrees=items - 1.0)
    return Agreement(value=1 - ratio, items=items, log_disagreement=log)


def _sizes(labels: Labels) -> Values:
    return np.bincount(labels.items).astype(np.float64)


def _sum(codes: Codes, values: Values) -> Values:
    return np.bincount(codes, weights=values).astype(np.float64)


def _same(labels: Labels) -> tuple[Values, Values]:
    """Per label, how many of its item are equal to it, and how many of all."""
    codes = labels.labels.astype(np.intp)
    pairs = labels.items * (1 + int(codes.max(initial=0))) + codes
    at, counts = np.unique(pairs, return_inverse=True, return_counts=True)[1:]
    return counts[at].astype(np.float64), np.bincount(codes)[codes].astype(np.float64)


def _scaled(values: Values) -> Values:
    """Centred, and of size 1 at most, so that squares neither overflow nor cancel."""
    if not len(values):
        return values
    largest = float(np.abs(values).max())
    scaled = values / largest if largest else values
    return np.asarray(scaled - scaled.mean())


def _mid_ranks(values: Values) -> Values:
    at, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[at], dtype=np.float64)
