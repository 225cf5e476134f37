"""What a number of rows can decide: for each kind of limit the rows it needs, and what it sees.

A limit is kept when the two-sided interval of `keep_confidence` rules a breach out; it is broken
when the breach is proven at the one-sided level `alpha`, already corrected for all comparisons.
"""

import math

import msgspec

from gates.stats.law import normal_cdf, normal_quantile
from gates.stats.power import paired_deviations

FEW_ROWS = 30  # below it the normal law of a mean is not trusted: statistics.md §2


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """How sure each of the two answers must be, and how often it must be given when it is true."""

    keep_confidence: float
    alpha: float
    power: float

    @property
    def z_keep(self) -> float:
        """Standard errors by which the interval's limit lies from its middle."""
        return -normal_quantile((1 - self.keep_confidence) / 2)

    @property
    def z_harm(self) -> float:
        """Standard errors that prove a breach."""
        return -normal_quantile(self.alpha)

    @property
    def z_power(self) -> float:
        """Standard errors that turn one half into the power."""
        return normal_quantile(self.power)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows at hand can do, and how many would do; `None` where no number of rows does."""

    rows_to_pass: int | None  # where the limit is truly kept
    rows_to_block: int | None  # where it is truly broken, for a margin: by just the margin
    visible: float  # the smallest breach that is told from none, in the limit's unit
    blocks_from: float  # where blocking begins: a loss for a margin, else a value
    passes: float  # chance to pass for what keeps the limit


class PairedShare(msgspec.Struct, frozen=True):
    """A share of the same rows under two models, of which `discordance` count under one only."""

    discordance: float

    def size(self, margin: float, rows: int, chances: Chances) -> Size:
        """Source: `required_rows` for passing; statistics.md §3.4 for what is visible.

        A true loss of x changes at least a share x of the rows, so that the harm test faces a
        discordance of the larger of the two.
        """
        reach = chances.z_harm + chances.z_power
        root = math.sqrt(max(1, rows))
        visible = reach / root * max(reach / root, math.sqrt(self.discordance))
        block = _rows(reach * math.sqrt(max(self.discordance, margin)), margin)
        if not 0 < margin < 1:  # ruled out by no number of rows, or by one
            mean = PairedMean(math.sqrt(self.discordance)).size(margin, rows, chances)
            return msgspec.structs.replace(mean, rows_to_block=block, visible=min(1.0, visible))
        null, true = paired_deviations(self.discordance, margin)
        return Size(
            rows_to_pass=_rows(chances.z_keep * null + chances.z_power * true, margin),
            rows_to_block=block,
            visible=min(1.0, visible),
            blocks_from=min(1.0, max(visible, margin + chances.z_power * true / root)),
            passes=_chance(margin * root - chances.z_keep * null, true),
        )


class PairedMean(msgspec.Struct, frozen=True):
    """A mean over the same rows under two models; `spread` is that of a row's difference."""

    spread: float

    def size(self, margin: float, rows: int, chances: Chances) -> Size:
        """Source: the normal approximation, Julious, Statistics in Medicine 23 (2004) §4."""
        reach = (chances.z_harm + chances.z_power) * self.spread
        error = self.spread / math.sqrt(max(1, rows))
        visible = (chances.z_harm + chances.z_power) * error
        return Size(
            rows_to_pass=_rows((chances.z_keep + chances.z_power) * self.spread, margin, FEW_ROWS),
            rows_to_block=_rows(reach, margin, FEW_ROWS),
            visible=visible,
            blocks_from=max(visible, margin + chances.z_power * error),
            passes=_chance(margin - chances.z_keep * error, error),
        )


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One model's value against a floor or a ceiling; `spread` / sqrt(rows) is its error."""

    value: float
    spread: float
    is_floor: bool

    def size(self, limit: float, rows: int, chances: Chances) -> Size:
        """The rows that tell the value at hand from the limit, on whichever side it lies.

        Source: the normal approximation of a one-sample test, as in `PairedMean`.
        """
        sign = -1.0 if self.is_floor else 1.0
        error = self.spread / math.sqrt(max(1, rows))
        room = sign * (limit - self.value)
        visible = (chances.z_harm + chances.z_power) * error
        return Size(
            rows_to_pass=_rows((chances.z_keep + chances.z_power) * self.spread, room, FEW_ROWS),
            rows_to_block=_rows((chances.z_harm + chances.z_power) * self.spread, -room, FEW_ROWS),
            visible=visible,
            blocks_from=limit + sign * visible,
            passes=_chance(room - chances.z_keep * error, error),
        )


class Calibration(msgspec.Struct, frozen=True):
    """A calibration error against a ceiling; `variances` are p (1 − p) of its bins of equal size.

    Its square has the variance `quadratic` / rows² + 4 error² `linear` / rows.
    Source: `stats.calibration`, 2 v² + 4 d² v per bin with v = p (1 − p) bins / rows.
    """

    error: float
    variances: tuple[float, ...]

    @property
    def quadratic(self) -> float:
        """Of a calibrated model."""
        return 2 * sum(one * one for one in self.variances)

    @property
    def linear(self) -> float:
        """What a true error adds."""
        return sum(self.variances) / max(1, len(self.variances))

    def size(self, ceiling: float, rows: int, chances: Chances) -> Size:
        """The rows that tell the error at hand from the ceiling, on whichever side it lies."""
        rows = max(1, rows)
        room = ceiling**2 - self.error**2
        passing, harm = chances.z_keep + chances.z_power, chances.z_harm + chances.z_power
        # (x − ceiling²)² = harm² (quadratic / rows² + 4 x linear / rows) for x = error².
        half = ceiling**2 + 2 * harm**2 * self.linear / rows
        rest = ceiling**4 - harm**2 * self.quadratic / rows**2
        blocks_from = math.sqrt(half + math.sqrt(max(0.0, half**2 - rest)))
        error = math.sqrt(self.quadratic / rows**2 + 4 * self.error**2 * self.linear / rows)
        return Size(
            rows_to_pass=self._rows(passing, room),
            rows_to_block=self._rows(harm, -room),
            visible=blocks_from - ceiling,
            blocks_from=blocks_from,
            passes=_chance(room - chances.z_keep * error, error),
        )

    def _rows(self, reach: float, room: float) -> int | None:
        """Rows at which `reach` standard errors of the square make up the room."""
        if room <= 0:
            return None
        linear = 4 * self.error**2 * self.linear
        square = (room / reach) ** 2
        # 2 square / (linear + root) is 1 / rows, in the form without cancellation.
        root = math.sqrt(linear**2 + 4 * self.quadratic * square)
        return max(FEW_ROWS, math.ceil((linear + root) / (2 * square)))


class Distance(msgspec.Struct, frozen=True):
    """Kolmogorov's distance of two tables against a tolerance, the other having `others` rows."""

    others: int

    def size(self, tolerance: float, rows: int, chances: Chances) -> Size:
        """The rows, if both tables grow alike, that show an unmoved column to be tolerable.

        Source: `stats.shift.kolmogorov_shift` for both limits; the law of an unmoved column by
        the first term of Kolmogorov's series, that of a moved one by the variance of a share.
        """
        scale = math.sqrt(1 / max(1, rows) + 1 / max(1, self.others))
        keep, unmoved = (
            math.sqrt(-math.log(tail / 2) / 2)
            for tail in (1 - chances.keep_confidence, 1 - chances.power)
        )
        proof = math.sqrt(-math.log(chances.alpha) / 2)
        visible = (proof + chances.z_power / 2) * scale
        left = max(0.0, tolerance / scale - keep)
        return Size(
            rows_to_pass=_rows((keep + unmoved) * scale * math.sqrt(rows), tolerance),
            rows_to_block=None,
            visible=visible,
            blocks_from=min(1.0, tolerance + visible),
            passes=max(0.0, 1 - 2 * math.exp(-2 * left * left)),
        )


Kind = PairedShare | PairedMean | Level | Calibration | Distance


def _rows(reach: float, distance: float, least: int = 1) -> int | None:
    return None if distance <= 0 else max(least, math.ceil((reach / distance) ** 2))


def _chance(room: float, deviation: float) -> float:
    """That a normal deviate stays within the room."""
    if deviation == 0:
        return 1.0 if room > 0 else 0.0
    return normal_cdf(room / deviation)
