"""Whether two tables have a row in common, by their identifiers, in bounded memory.

Hashes of both go to temporary files, parted so that a part of each fits into memory. What shares a
hash is compared as it stands, so that no collision is taken for a row.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gates.tables.identifiers import MOST_SUSPECTS, Hashes, hash_identifiers, part_hashes
from gates.tables.stream import Stream


def share_identifiers(one: Stream, other: Stream) -> bool:
    """Whether any identifier of one table stands in the other, as text.

    Raises:
        EvidenceError: a table cannot be read.
    """
    with TemporaryDirectory(prefix="gatepost-") as mine, TemporaryDirectory() as theirs:
        parts = zip(_part(one, Path(mine)), _part(other, Path(theirs)), strict=True)
        suspects = np.concatenate([np.intersect1d(*pair) for pair in parts])
    if len(suspects) > MOST_SUSPECTS:  # more than chance gives any two tables
        return True
    return bool(len(suspects)) and not _pick(one, suspects).isdisjoint(_pick(other, suspects))


def _part(stream: Stream, folder: Path) -> Iterator[Hashes]:
    return part_hashes(map(hash_identifiers, _texts(stream)), folder)


def _pick(stream: Stream, suspects: Hashes) -> set[str]:
    picked: set[str] = set()
    for texts in _texts(stream):
        at = np.flatnonzero(np.isin(hash_identifiers(texts), suspects)).tolist()
        picked.update(texts[place].as_py() for place in at)
    return picked


def _texts(stream: Stream) -> Iterator[pa.Array]:
    for batch in stream.batches((stream.source.id,)):
        array = batch.column(0)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        yield pc.cast(array, pa.large_string()).drop_null()
