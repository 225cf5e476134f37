"""The digest of a test set: of its rows' identifiers, labels and weights, whatever their order."""

import hashlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gates.case.answers import Values
from gates.tables.arrow import values_of
from gates.tables.json_rows import encode_rows
from gates.tables.table import Floats

_ENCODED_ROWS = 1 << 14  # at a time, so that few objects are made


def digest_rows(
    ids: pa.Array,
    id_order: pa.Array,
    labels: Values,
    classes: tuple[str, ...],
    weights: Floats | None,
) -> str:
    """SHA-256 of the rows as one JSON list, in the order of their identifiers.

    Args:
        ids: the rows' identifiers, large strings, all valid.
        id_order: the rows' places in the order of their identifiers.
        labels: booleans, places in the classes, or numbers.
        classes: the label's, where the task has any.
        weights: how much each row counts, where that is not the same.
    """
    order, digest = values_of(id_order, np.uint64), hashlib.sha256(b"[")
    for start in range(0, len(order), _ENCODED_ROWS):
        slab = slice(start, start + _ENCODED_ROWS)
        at = order[slab]
        some = None if weights is None else weights[at]
        digest.update(b"," * (start > 0))
        digest.update(_encode(ids.take(id_order[slab]), labels[at], classes, some))
    digest.update(b"]")
    return digest.hexdigest()


def _encode(
    ids: pa.Array, labels: npt.NDArray[Any], classes: tuple[str, ...], weights: Floats | None
) -> bytes | memoryview:
    """Rows as JSON lists with commas between them."""
    if weights is None and (classes or labels.dtype == np.bool_):
        known = classes or (False, True)
        if (quick := encode_rows(ids, labels.astype(np.intp), known)) is not None:
            return quick
    plain = [classes[code] for code in labels.tolist()] if classes else labels.tolist()
    parts = [ids.to_pylist(), plain]
    if weights is not None:
        parts.append(weights.tolist())
    return msgspec.json.encode(list(zip(*parts, strict=True)))[1:-1]
