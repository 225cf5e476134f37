"""Times as words: instants, times of day and durations, equal whatever their unit."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.tables.arrow import valid_of, values_of

_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_A_DAY = 86_400
_WIDE = 64

Part = tuple[npt.NDArray[np.unsignedinteger], ...]


def are_times(kinds: Sequence[pa.DataType]) -> bool:
    """Whether all are instants, or all times of day, or all durations."""
    families = (_is_instant, pa.types.is_time, pa.types.is_duration)
    return any(all(map(is_one, kinds)) for is_one in families)


def time_words(arrays: Sequence[pa.Array], kinds: Sequence[pa.DataType]) -> Iterator[Part]:
    """Ticks, where all have one unit; else seconds and billionths of them, which never overflow.

    A time with a zone is its instant; without one it is taken for UTC.
    """
    if len({_unit(kind) for kind in kinds}) == 1:
        yield tuple(_ticks(array).view(np.uint64) for array in arrays)
    else:
        whole, rest = zip(*(_split(array) for array in arrays), strict=True)
        yield tuple(seconds.view(np.uint64) for seconds in whole)
        yield tuple(part.view(np.uint64) for part in rest)
    if any(array.null_count for array in arrays):
        yield tuple(valid_of(array).view(np.uint8) for array in arrays)


def _is_instant(kind: pa.DataType) -> bool:
    instant: bool = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    return instant


def _unit(kind: pa.DataType) -> str:
    if pa.types.is_date32(kind):
        return "day"
    return "ms" if pa.types.is_date64(kind) else str(kind.unit)


def _split(array: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    ticks, unit = _ticks(array), _unit(array.type)
    if unit == "day":
        return ticks * _SECONDS_A_DAY, np.zeros_like(ticks)
    seconds, rest = np.divmod(ticks, _A_SECOND[unit])
    return seconds, rest * (_A_SECOND["ns"] // _A_SECOND[unit])


def _ticks(array: pa.Array) -> npt.NDArray[np.int64]:
    """As the file holds them; null as 0."""
    width = np.int64 if array.type.bit_width == _WIDE else np.int32
    ticks = values_of(array, width).astype(np.int64)
    if array.null_count:
        ticks[~valid_of(array)] = 0
    return ticks
