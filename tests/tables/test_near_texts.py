"""Texts that share most of their runs of three words: found, and never believed unseen."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.tables.near_texts import NearTexts, find_near_texts
from gates.tables.shingles import shingle_texts
from gates.tables.table import Table

Texts = list[str | None]
FOX = "The quick brown fox jumps over the lazy dog and then it sleeps in the sun"


def words_of(text: str) -> list[str]:
    """Its words as the page of the kernel says: letters, digits, and all beyond ASCII."""
    kept = (one if one.isalnum() or ord(one) >= 128 else " " for one in text.lower())
    return "".join(kept).split(" ")


def runs(text: str | None) -> list[tuple[str, ...]]:
    words = [word for word in words_of(text or "") if word]
    return list(zip(words, words[1:], words[2:], strict=False))


def jaccard(one: str | None, other: str | None) -> float:
    mine, theirs = set(runs(one)), set(runs(other))
    return len(mine & theirs) / max(1, len(mine | theirs))


def search(folder: Path, asked: Texts, pool: Texts, similarity: float = 0.8) -> NearTexts:
    for name, texts in (("asked", asked), ("pool", pool)):
        table = pa.table({"t": pa.array(texts, pa.string())})
        pq.write_table(table, folder / name, row_group_size=4)
    tables = Table(folder / "asked"), Table(folder / "pool")
    return find_near_texts("t", *tables, similarity=similarity)


ANY = st.lists(st.text(alphabet="ab é.-\n", max_size=30) | st.none(), max_size=8)


@settings(max_examples=60)
@given(texts=ANY, cut=st.integers(0, 3))
def test_shingles_are_runs_of_three_words(texts: Texts, cut: int) -> None:
    array = pa.array(texts, pa.string()).slice(cut)
    shingles, counts = shingle_texts(array)
    expected = [run for text in texts[cut:] for run in runs(text)]
    assert counts.tolist() == [len(runs(text)) for text in texts[cut:]]
    alike = shingles[:, None] == shingles[None, :]
    truth = [[one == other for other in expected] for one in expected]
    assert (alike == np.array(truth, dtype=bool).reshape(alike.shape)).all()


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        (FOX, True),
        (FOX.upper().replace(" ", " - "), True),  # case and signs do not count
        (FOX + " today", True),
        (FOX.replace("sun", "shade"), True),
        (FOX.replace("lazy", "old"), False),  # 3 of 15 runs on either side are others: 12 of 18
        (" ".join(sorted(FOX.split())), False),  # the same words in another order
        ("quick brown fox", False),  # too short to say anything
        (None, False),
    ],
)
def test_which_texts_are_copies(tmp_path: Path, text: str | None, copy: bool) -> None:
    found = search(tmp_path, [text], ["something else of nine words is here as well", FOX])
    assert found.found.tolist() == [copy]
    assert (found.example, found.complete) == ((0, 1) if copy else None, True)


def test_how_many_texts_were_long_enough(tmp_path: Path) -> None:
    seven = "one two three four five six seven"
    assert search(tmp_path, [seven, seven + " eight", None, ""], [FOX]).compared == 1


def test_empty_tables_have_no_copies(tmp_path: Path) -> None:
    assert search(tmp_path, [], [FOX]).found.tolist() == []
    assert search(tmp_path, [FOX], []).found.tolist() == [False]


def draw_text(random: np.random.Generator, words: int, of: int) -> str:
    return " ".join(str(word) for word in random.integers(0, of, words))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), similarity=st.sampled_from([0.6, 0.8, 1.0]))
def test_none_is_invented_and_clear_copies_are_found(seed: int, similarity: float) -> None:
    random = np.random.default_rng(seed)
    pool: Texts = [draw_text(random, int(random.integers(6, 20)), 8) for _ in range(12)]
    asked: Texts = []
    for _ in range(12):
        words = (pool[random.integers(12)] or "").split()
        words[random.integers(len(words))] = "changed"
        asked.append(" ".join(words))
    asked += pool[:3]
    with TemporaryDirectory() as folder:
        found = search(Path(folder), asked, pool, similarity).found
    for text, hit in zip(asked, found.tolist(), strict=True):
        long = [other for other in pool if len(runs(other)) >= 6]
        best = max((jaccard(text, other) for other in long), default=0.0)
        if hit:
            assert best >= similarity
        elif len(runs(text)) >= 6:
            assert best < max(similarity, 0.95)


def test_copies_of_the_asked_similarity_are_hardly_ever_missed(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    pool: Texts = [draw_text(random, 40, 1000) for _ in range(300)]
    asked: Texts = []
    for text in pool:
        words = (text or "").split()
        words[10] = words[25] = "changed"  # 6 of 38 runs are others
        asked.append(" ".join(words))
    assert jaccard(asked[0], pool[0]) == pytest.approx(32 / 44)
    assert search(tmp_path, asked, pool, 0.7).found.mean() > 0.97


def test_many_copies_of_one_text_are_no_burden(tmp_path: Path) -> None:
    found = search(tmp_path, [FOX] * 500, [FOX] * 500)
    assert found.found.all()
    assert found.complete


def test_a_cap_is_said(tmp_path: Path) -> None:
    for name in ("asked", "pool"):
        texts = [f"{at} {FOX}" for at in range(20)]
        pq.write_table(pa.table({"t": texts}), tmp_path / name)
    tables = Table(tmp_path / "asked"), Table(tmp_path / "pool")
    assert not find_near_texts("t", *tables, most_pairs=5).complete
