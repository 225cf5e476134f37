"""Perceptual hashes a few bits apart: none missed, none invented, and a cap is said."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.tables.near_hashes import MOST_BITS, find_near_hashes, parse_hashes

WORD = st.integers(0, 2**64 - 1)
FEW = st.integers(0, 255).map(lambda byte: byte * 0x0101010101010101)
SOME = st.lists(WORD | FEW, max_size=12)


def words(values: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    return np.array(values, dtype=np.uint64)


@given(asked=SOME, pool=SOME, bits=st.integers(0, MOST_BITS), flips=st.integers(0, 2**64 - 1))
def test_none_is_missed_and_none_invented(
    asked: list[int], pool: list[int], bits: int, flips: int
) -> None:
    asked = [*asked, *(each ^ (flips & 0x8000_0400_0020_0101) for each in pool)]
    found = find_near_hashes(words(asked), words(pool), bits=bits)
    assert found.complete
    for mine, twin in zip(asked, found.twins.tolist(), strict=True):
        nearest = min(((mine ^ other).bit_count() for other in pool), default=65)
        assert (twin >= 0) is (nearest <= bits)
        if twin >= 0:
            assert (mine ^ pool[twin]).bit_count() <= bits
    assert found.found.tolist() == [twin >= 0 for twin in found.twins.tolist()]


@pytest.mark.parametrize(("changed", "near"), [(0b1111, True), (0b11111, False), (1 << 63, True)])
def test_four_bits_may_differ(changed: int, near: bool) -> None:
    assert find_near_hashes(words([12345 ^ changed]), words([12345])).found.tolist() == [near]


def test_many_equal_hashes_are_one() -> None:
    found = find_near_hashes(words([7] * 1000), words([7] * 1000), most_pairs=50)
    assert found.found.all()
    assert found.complete


def test_too_many_candidates_are_not_called_none() -> None:
    near = words([at << 60 for at in range(16)])  # alike in all other blocks
    assert not find_near_hashes(near, near ^ np.uint64(3), bits=1, most_pairs=3).complete


def test_what_is_no_hash_is_marked() -> None:
    texts = pa.array(["00000000000000ff", None, "12", "FFFFFFFFFFFFFFFF", "photos/7.png...."])
    values, bad = parse_hashes(texts)
    assert bad.tolist() == [False, True, True, False, True]
    assert values[[0, 3]].tolist() == [255, 2**64 - 1]


def test_no_hash_at_all() -> None:
    values, bad = parse_hashes(pa.array([], pa.string()))
    assert len(values) == len(bad) == 0
