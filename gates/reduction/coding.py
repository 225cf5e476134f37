"""Columns of a batch as numbers and as codes of segments; null and NaN are missing."""

from collections.abc import Sequence
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.arrow import valid_of, values_of

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
Indices = npt.NDArray[np.int32]


class Cut(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """How a column of a batch is cut into segments: by levels, or a number by edges of bands.

    Codes are 0 to `len(levels)`; the last one is missing, and so is a level that is not listed.
    """

    column: str
    levels: tuple[str, ...] = ()  # ascending, as text; with edges the names of the bands
    edges: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.levels) + 1

    @cached_property
    def _places(self) -> dict[str | None, int]:
        return {level: at for at, level in enumerate(self.levels)}

    def code(self, array: pa.Array) -> Codes:
        """The code of every row; shape (len(array),)."""
        if self.edges:
            return self._code_bands(array)
        indices, texts = encode_levels(array)
        missing = len(self.levels)
        table = np.array([*(self._places.get(text, missing) for text in texts), missing])
        return table.astype(np.intp).take(indices)

    def _code_bands(self, array: pa.Array) -> Codes:
        values = numbers_of(array)
        bands = np.zeros(len(values), dtype=np.intp)
        for edge in self.edges:
            bands += values >= edge
        bands[np.isnan(values)] = len(self.levels)
        return bands


def place_codes(
    cuts: Sequence[int], sizes: Sequence[int], codes: Sequence[Codes], rows: int
) -> Codes:
    """The place of every row among all combinations of some cuts' codes; may be written to."""
    if not cuts:
        return np.zeros(rows, dtype=np.intp)
    at = codes[cuts[0]].copy()
    for cut, size in zip(cuts[1:], sizes[1:], strict=True):
        at *= size
        at += codes[cut]
    return at


def encode_levels(array: pa.Array) -> tuple[Indices, list[str | None]]:
    """Indices into a list of texts, −1 where missing; the list may hold a text twice."""
    if not pa.types.is_dictionary(array.type):
        if pa.types.is_floating(array.type):
            array = pc.if_else(pc.is_nan(array), pa.nulls(len(array), array.type), array)
        array = array.dictionary_encode()
    if not array.indices.type.equals(pa.int32()):
        array = array.cast(pa.dictionary(pa.int32(), array.type.value_type))
    indices: Indices = values_of(array.indices, np.int32).view(np.int32)
    if array.indices.null_count:
        indices = np.where(valid_of(array.indices), indices, np.int32(-1))
    return indices, pc.cast(array.dictionary, pa.large_string()).to_pylist()


def numbers_of(array: pa.Array) -> Floats:
    """As float64, missing as NaN; times in microseconds, as in `Table.numbers`.

    Raises:
        ArrowException: text that is no number.
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_temporal(array.type):
        array = pc.cast(pc.cast(array, pa.timestamp("us")), pa.int64())
    elif pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.uint8())
    if not pa.types.is_float64(array.type):
        array = pc.cast(array, pa.float64(), safe=False)
    values: Floats = values_of(array, np.float64).view(np.float64)
    return np.where(valid_of(array), values, np.nan) if array.null_count else values
