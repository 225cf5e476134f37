"""The joint null law of many sums whose terms change sign at random.

A unit (a row or a group) that carries more than 1/200 of any comparison's sum of squares, and
every unit of a comparison of fewer than 200, gets a real random sign, shared by all comparisons.
What is left of each comparison is a sum of many small terms: its law is normal, so it is drawn
from its exact covariance. The two parts are added, which keeps the joint law of small and large
comparisons right.

Contributions are rounded to a lattice on which every sum and product is exact in doubles: no order
of summation, and so neither BLAS nor thread count, can change a result.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

FEW = 200  # units below which a sum of signs is not taken for normal
MOST_NORMAL = 2_000  # comparisons whose covariance (32 MB) is held; beyond it all signs are real
STEPS = 2.0**26  # of the lattice, per unit length of a contribution vector
CHUNK_UNITS = 2_048  # units whose signs are doubles at the same time
MOST_DRAWS = 1_024  # of a block; with the line above 16 MB
BLOCK_SIGNS = 2**24  # signs in memory as bytes
BLOCK_STATISTICS = 2**20  # statistics in memory as doubles
SPARSE_SHARE = (
    32  # a comparison on less than 1/32 of the units is quicker to gather than to multiply
)
JITTER = 1e-10  # variance that keeps the root of a singular covariance real

Units = NDArray[np.intp]
Values = NDArray[np.float64]


class Terms(msgspec.Struct, frozen=True, eq=False):
    """The terms of one comparison with a real sign: ascending positions among the real units."""

    positions: Units
    values: Values


class FlipPlan(msgspec.Struct, frozen=True, eq=False):
    """All that the draws need; comparisons in the caller's order, scaled to unit length."""

    observed: Values
    real: tuple[Terms, ...]
    real_units: int
    normal: Units  # the comparisons with a normal part
    root: Values  # lower triangular root of the covariance of the normal parts


def plan_flips(sums: Sequence[tuple[Units, Values]]) -> FlipPlan:
    """Splits every comparison, given as (ascending units, non-zero values), into its two parts."""
    scaled = [Terms(units, _scale(values)) for units, values in sums]
    real = np.zeros(max(int(units[-1]) for units, _ in sums) + 1, dtype=np.bool_)
    for terms in scaled:
        few = len(terms.values) < FEW
        real[terms.positions if few else terms.positions[terms.values**2 > 1 / FEW]] = True
    normal = [i for i, terms in enumerate(scaled) if not real[terms.positions].all()]
    if len(normal) > MOST_NORMAL:
        real[:], normal = True, []
    return FlipPlan(
        observed=np.array([terms.values.sum() for terms in scaled]),
        real=tuple(_select(scaled, real)),
        real_units=int(np.count_nonzero(real)),
        normal=np.array(normal, dtype=np.intp),
        root=_find_root([scaled[i] for i in normal], real),
    )


def draw_statistics(plan: FlipPlan, *, seed: bytes, draws: int) -> Iterator[Values]:
    """Yields blocks (comparisons × some draws) of the statistics under random signs."""
    streams = np.random.SeedSequence(int.from_bytes(seed, "big")).spawn(2)
    signs, normals = (np.random.Generator(np.random.PCG64(stream)) for stream in streams)
    by_signs = BLOCK_SIGNS // max(1, plan.real_units)
    most = min(MOST_DRAWS, by_signs, BLOCK_STATISTICS // len(plan.observed))
    size = max(8, min(most, draws + 7) // 8 * 8)  # signs come in bytes
    for start in range(0, draws, size):
        statistics = _sum_real(plan, signs, size)
        if len(plan.normal):
            drawn = plan.root @ normals.standard_normal((len(plan.normal), size))
            statistics[plan.normal] += np.rint(drawn * STEPS) / STEPS
        yield statistics[:, : draws - start]


def _scale(values: Values) -> Values:
    """The vector at unit length, on the lattice."""
    values = values / np.abs(values).max()
    steps = np.rint(values * (STEPS / np.sqrt(np.sum(values**2))))
    return np.asarray(steps / STEPS)


def _select(parts: Sequence[Terms], chosen: NDArray[np.bool_]) -> Iterator[Terms]:
    """The terms on chosen units, with positions counted among the chosen."""
    rank = np.cumsum(chosen) - 1
    for terms in parts:
        here = chosen[terms.positions]
        yield Terms(rank[terms.positions[here]], terms.values[here])


def _find_root(parts: Sequence[Terms], real: NDArray[np.bool_]) -> Values:
    """Of the covariance of what is left of the parts without the real units."""
    covariance = np.zeros((len(parts), len(parts)))
    step = max(1, BLOCK_STATISTICS // max(1, len(parts)))
    for start in range(0, len(real) if parts else 0, step):
        here = real[start : start + step]
        dense = _spread(parts, start, len(here))
        dense[:, here] = 0
        covariance += dense @ dense.T
    covariance[np.diag_indices_from(covariance)] += JITTER
    return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)


def _sum_real(plan: FlipPlan, signs: np.random.Generator, size: int) -> Values:
    """Sums of the really signed terms: total − 2 × what the set bits take away."""
    packed = np.frombuffer(signs.bytes(plan.real_units * size // 8), dtype=np.uint8)
    bits = np.unpackbits(packed).reshape(plan.real_units, size)
    sums = np.zeros((len(plan.real), size))
    dense = []
    for index, terms in enumerate(plan.real):
        if len(terms.values) * SPARSE_SHARE > plan.real_units:
            dense.append(index)
        elif len(terms.values):
            sums[index] = terms.values @ bits[terms.positions].astype(np.float64)
    for start in range(0, plan.real_units if dense else 0, CHUNK_UNITS):
        chunk = bits[start : start + CHUNK_UNITS].astype(np.float64)
        sums[dense] += _spread([plan.real[i] for i in dense], start, len(chunk)) @ chunk
    totals = np.array([terms.values.sum() for terms in plan.real])
    return totals[:, None] - 2 * sums


def _spread(parts: Sequence[Terms], start: int, units: int) -> Values:
    """A dense matrix (comparisons × units) of the terms from unit `start` on."""
    dense = np.zeros((len(parts), units))
    for row, terms in zip(dense, parts, strict=True):
        first, last = np.searchsorted(terms.positions, (start, start + units))
        row[terms.positions[first:last] - start] = terms.values[first:last]
    return dense
