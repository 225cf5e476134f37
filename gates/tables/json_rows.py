"""Rows of an identifier and a word as JSON, made by whole columns."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.arrow import indices_of, values_of

_ESCAPED = np.isin(np.arange(256), [*range(32), ord('"'), ord("\\")])  # by msgspec, in a text


def encode_rows(
    ids: pa.Array, codes: npt.NDArray[np.intp], words: Sequence[str | bool]
) -> memoryview | None:
    """`["a",true],["b",false]`, byte by byte as msgspec writes it; at least one row.

    Args:
        ids: large strings, all valid.
        codes: of each row's word.
        words: what the codes stand for.

    Returns:
        The bytes, or nothing where an identifier needs escapes.
    """
    start, end = values_of(ids, np.int64)[0], _ends(ids)[-1]
    if _ESCAPED[np.frombuffer(ids.buffers()[2], dtype=np.uint8)[start:end]].any():
        return None
    closing = [msgspec.json.encode(word) + b'],["' for word in words] + [b'",']
    offsets = np.cumsum([0, *map(len, closing)], dtype=np.int64)
    known = pa.LargeStringArray.from_buffers(
        len(closing), pa.py_buffer(offsets), pa.py_buffer(b"".join(closing))
    )
    comma = np.full(len(ids), len(words))  # as a column: a scalar would import pandas
    ends, between = (known.take(indices_of(at)) for at in (codes, comma))
    joined = pc.binary_join_element_wise(ids, ends, between)
    first, last = values_of(joined, np.int64)[0], _ends(joined)[-1]
    opened = b'["' + memoryview(joined.buffers()[2])[first:last]
    return memoryview(opened)[: -len(',["')]


def _ends(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Where each text ends in the buffer of all."""
    return np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset + 1 :][: len(texts)]
