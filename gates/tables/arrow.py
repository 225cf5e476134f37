"""Arrow arrays as NumPy arrays, without pandas, which Arrow's own conversion would import."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def values_of(array: pa.Array, dtype: type[np.generic]) -> npt.NDArray[np.generic]:
    """The buffer of a fixed-width array, without copying; undefined where it is not valid."""
    if len(array) == 0:
        return np.empty(0, dtype=dtype)
    return np.frombuffer(array.buffers()[1], dtype=dtype)[array.offset : array.offset + len(array)]


def valid_of(array: pa.Array) -> npt.NDArray[np.bool_]:
    """Where an array has a value; shape (len(array),)."""
    if array.null_count == 0:
        return np.ones(len(array), dtype=np.bool_)
    return booleans_of(array.is_valid())


def booleans_of(array: pa.Array) -> npt.NDArray[np.bool_]:
    """A boolean array, unpacked; undefined where it is not valid. Quicker than Arrow's cast."""
    if len(array) == 0:
        return np.empty(0, dtype=np.bool_)
    start, skipped = divmod(array.offset, 8)
    packed = np.frombuffer(array.buffers()[1], dtype=np.uint8)[start:]
    bits = np.unpackbits(packed, count=skipped + len(array), bitorder="little")
    return bits[skipped:].view(np.bool_)


def places_in(array: pa.Array, found: pa.Array) -> npt.NDArray[np.intp]:
    """Where each value stands in `found`, -1 where it does not; shape (len(array),)."""
    at = pc.index_in(array, value_set=found)
    places = values_of(at, np.int32).astype(np.intp)
    places[~valid_of(at)] = -1
    return places


def indices_of(rows: npt.NDArray[np.intp]) -> pa.Array:
    """Places as an Arrow array, to take by."""
    places = np.ascontiguousarray(rows, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)])
