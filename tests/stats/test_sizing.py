import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.stats.paired import mcnemar_exact, tango
from gates.stats.sizing import (
    Calibration,
    Chances,
    Distance,
    Kind,
    Level,
    PairedMean,
    PairedShare,
)

ONE_SIDED = Chances(keep_confidence=0.9, alpha=0.05, power=0.8)  # 5 % both ways
USUAL = Chances(keep_confidence=0.95, alpha=0.01, power=0.8)


@pytest.mark.parametrize(
    ("discordance", "needed"),
    [
        (0.005, [600, 232, 73]),
        (0.02, [1_397, 425, 107]),
        (0.06, [3_768, 982, 188]),
        (0.12, [7_445, 1_880, 319]),
        (0.20, [12_378, 3_104, 507]),
    ],
)
def test_the_table_of_the_specification(discordance: float, needed: list[int]) -> None:
    kind = PairedShare(discordance)
    sizes = [kind.size(margin, 100, ONE_SIDED) for margin in (0.01, 0.02, 0.05)]
    assert [size.rows_to_pass for size in sizes] == needed


def test_a_share_by_hand() -> None:
    # z = 1.6449 + 0.8416 = 2.4865
    size = PairedShare(0.06).size(0.05, 400, ONE_SIDED)
    assert size.visible == pytest.approx(2.4865 * math.sqrt(0.06 / 400), rel=1e-4)  # 0.0305
    assert size.rows_to_block == math.ceil(2.48648**2 * 0.06 / 0.05**2)  # 149
    # The true loss must also be seen as the margin or more: 0.05 + 0.8416 · sqrt(0.06 / 400).
    assert size.blocks_from == pytest.approx(0.05 + 0.8416 * math.sqrt(0.06 / 400), rel=1e-4)


def test_a_loss_changes_at_least_as_many_rows_as_it_costs() -> None:
    size = PairedShare(0.0).size(0.1, 100, ONE_SIDED)
    assert size.visible == pytest.approx(2.4865**2 / 100, rel=1e-4)
    assert size.rows_to_block == math.ceil(2.48648**2 / 0.1)  # 62
    assert size.passes == 1


def test_a_mean_by_hand() -> None:
    # (1.9600 + 0.8416)² · 0.5² / 0.1² = 196.2; (2.3263 + 0.8416)² · 0.5² / 0.1² = 250.9
    size = PairedMean(0.5).size(0.1, 100, USUAL)
    assert (size.rows_to_pass, size.rows_to_block) == (197, 251)
    assert size.visible == pytest.approx(3.1680 * 0.05, rel=1e-4)
    assert size.passes == pytest.approx(0.516, abs=1e-3)  # the normal law at 0.1 / 0.05 − 1.96


@pytest.mark.parametrize(
    ("value", "to_pass", "to_block", "passes"),
    [(0.95, 101, None, 0.798), (0.85, None, 129, 0.0), (0.90, None, None, 0.025)],
)
def test_a_floor_by_hand(
    value: float, to_pass: int | None, to_block: int | None, passes: float
) -> None:
    # 0.05 above: (2.8016 · 0.179 / 0.05)² = 100.6; below: (3.1680 · 0.179 / 0.05)² = 128.6
    size = Level(value=value, spread=0.179, is_floor=True).size(0.9, 100, USUAL)
    assert (size.rows_to_pass, size.rows_to_block) == (to_pass, to_block)
    assert size.passes == pytest.approx(passes, abs=1e-3)
    assert size.blocks_from == pytest.approx(0.9 - 3.1680 * 0.0179, rel=1e-4)


def test_a_ceiling_is_a_floor_from_the_other_side() -> None:
    floor = Level(value=0.95, spread=0.179, is_floor=True).size(0.9, 100, USUAL)
    ceiling = Level(value=0.85, spread=0.179, is_floor=False).size(0.9, 100, USUAL)
    assert floor.rows_to_pass == ceiling.rows_to_pass
    assert 0.9 - floor.blocks_from == pytest.approx(ceiling.blocks_from - 0.9)


def test_a_calibration_error_by_hand() -> None:
    # A calibrated model: 2 · 15 · 0.09² = 0.243; 2.8016 · sqrt(0.243) / 0.02² = 3452.6
    kind = Calibration(0.0, (0.09,) * 15)
    size = kind.size(0.02, 3_453, USUAL)
    assert size.rows_to_pass == 3_453
    assert size.passes == pytest.approx(0.8, abs=1e-3)
    assert size.rows_to_block is None
    # At that error the square is 3.168 of its own errors above the square of the ceiling.
    error = size.blocks_from
    spread = math.sqrt(0.243 / 3_453**2 + 4 * error**2 * 0.09 / 3_453)
    assert error**2 - 0.02**2 == pytest.approx(3.1680 * spread, rel=1e-4)


def test_a_distance_by_hand() -> None:
    # (1.3581 + 1.0730)² · (1/1000 + 1/1000) · 1000 / 0.1² = 1182.0
    size = Distance(1_000).size(0.1, 1_000, USUAL)
    assert size.rows_to_pass == 1_183
    assert size.visible == pytest.approx((1.5174 + 0.4208) * math.sqrt(0.002), rel=1e-3)


@pytest.mark.parametrize(("rows", "discordance"), [(400, 0.06), (1_500, 0.02)])
def test_simulated_shares_pass_and_fail_as_often_as_promised(rows: int, discordance: float) -> None:
    """The interval rules the margin out, and the exact test proves harm of at least the margin."""
    margin, rng = 0.03, np.random.default_rng(5)
    size = PairedShare(discordance).size(margin, rows, USUAL)

    def draw(loss: float) -> list[tuple[int, int]]:
        changed = max(discordance, loss)
        gains, losses = (changed - loss) / 2, (changed + loss) / 2
        cells = rng.multinomial(rows, [gains, losses, 1 - changed], size=1_000)
        return [(int(gained), int(lost)) for gained, lost, _ in cells]

    passed = [tango(*each, rows, 0.95).lower > -margin for each in draw(0.0)]
    assert np.mean(passed) == pytest.approx(size.passes, abs=0.06)
    failed = [
        mcnemar_exact(gained, lost) <= USUAL.alpha and lost - gained >= margin * rows
        for gained, lost in draw(size.blocks_from)
    ]
    assert 0.72 <= np.mean(failed) <= 0.92


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_margin_of_nothing_is_never_ruled_out_and_one_of_all_always(margin: float) -> None:
    size = PairedShare(0.1).size(margin, 100, USUAL)
    assert (size.rows_to_pass is None) == (margin == 0)
    assert math.isfinite(size.visible)


KINDS: list[Kind] = [
    PairedShare(0.05),
    PairedMean(0.3),
    Level(value=0.01, spread=0.2, is_floor=False),
    Calibration(0.01, (0.1,) * 5),
    Distance(500),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@given(rows=st.integers(0, 10**6), bound=st.floats(0.02, 0.5), alpha=st.floats(1e-6, 0.05))
def test_more_rows_see_no_less(kind: Kind, rows: int, bound: float, alpha: float) -> None:
    chances = Chances(keep_confidence=0.95, alpha=alpha, power=0.8)
    few, many = (kind.size(bound, count, chances) for count in (rows, rows + 100))
    assert many.visible <= few.visible * (1 + 1e-9)
    assert many.passes >= few.passes - 1e-9
    if not isinstance(kind, Distance):  # whose other table does not grow along
        assert few.rows_to_pass == many.rows_to_pass
