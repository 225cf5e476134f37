"""Test rows whose text or picture nearly equals a training row's."""

from collections.abc import Iterator

import msgspec
import pyarrow as pa

from gates.case.case import Case
from gates.evidence.columns import ColumnDictionary, Role, Type
from gates.finding import Finding, Limit, Mode, State, Subject, Support
from gates.judging.sides import TEST, TRAIN
from gates.quoting import quote
from gates.tables.near_hashes import BITS, DIGITS, find_near_hashes, parse_hashes
from gates.tables.near_texts import find_near_texts
from gates.tables.table import Table

_MEND = (
    "Drop the copies from one side, or draw the split by what they are copies of (a group), so "
    "that all copies stand on one side."
)


class Likeness(msgspec.Struct, frozen=True, kw_only=True):
    """From where on two texts or pictures are copies, and how many test rows may have one."""

    similarity: float
    bits: int
    share: float


def judge_copies(case: Case, train: Table, likeness: Likeness) -> Iterator[Finding]:
    """One finding per text of several words, and one per picture."""
    dictionary, test = case.candidate.dictionary, case.candidate.test
    for name in dictionary.features:
        if name not in test or name not in train:
            continue
        kind = dictionary.columns[name].type
        if kind is Type.TEXT and {test.types[name], train.types[name]} == {"text"}:
            yield from _judge_texts(name, case, train, likeness)
        elif kind is Type.IMAGE:
            yield _judge_images(name, case, train, likeness)


def _judge_texts(name: str, case: Case, train: Table, likeness: Likeness) -> Iterator[Finding]:
    test = case.candidate.test
    near = find_near_texts(name, test, train, similarity=likeness.similarity)
    if not near.compared:  # no prose
        return
    least = "" if near.complete else "at least "
    count = int(near.found.sum())
    pair = near.example
    example = f", such as {_name(case, test, train, pair)}" if pair is not None else ""
    yield _finding(
        name,
        count,
        near.compared,
        (
            f"{least}{count:,} of {near.compared:,} test rows ({count / near.compared:.2%}) have a "
            f"{quote(name)} that nearly equals a training row's: of all runs of three words in "
            f"both, {likeness.similarity:.0%} or more are shared{example}."
        ),
        likeness,
    )


def _judge_images(name: str, case: Case, train: Table, likeness: Likeness) -> Finding:
    test, key = case.candidate.test, _hash_column(name, case.candidate.dictionary)
    if key is None or key not in test or key not in train:
        return _undecided(
            name,
            f"{quote(name)} is a picture, and no column says `hash_of: {name}`"
            if key is None
            else f"{quote(key)}, the hash of {quote(name)}, is not in both {TEST} and {TRAIN}",
            likeness,
        )
    (mine, bad), (others, also_bad) = (parse_hashes(table.texts(key)) for table in (test, train))
    count_bad, compared = int(bad.sum() + also_bad.sum()), int((~bad).sum())
    if count_bad or not compared:
        why = f"{count_bad:,} values of {quote(key)} are no {DIGITS} hexadecimal digits"
        return _undecided(name, why, likeness)
    near = find_near_hashes(mine, others, bits=likeness.bits)
    least, count = "" if near.complete else "at least ", int(near.found.sum())
    message = (
        f"{least}{count:,} of {compared:,} test rows ({count / compared:.2%}) have a {quote(name)} "
        f"that nearly equals a training row's: at most {likeness.bits} of {BITS} bits of "
        f"{quote(key)} differ"
    )
    if count:
        first = int(near.found.argmax())
        message += f", such as {_name(case, test, train, (first, int(near.twins[first])))}"
    return _finding(name, count, compared, f"{message}.", likeness)


def _hash_column(name: str, dictionary: ColumnDictionary) -> str | None:
    found = (key for key, column in dictionary.columns.items() if column.hash_of == name)
    return next(found, None)


def _name(case: Case, test: Table, train: Table, pair: tuple[int, int]) -> str:
    """A test row and its copy, by their identifiers."""
    key = case.candidate.dictionary.with_role(Role.ID)[0]
    mine, other = (
        quote(str(_at(table.texts(key), place))) if key in table else f"row {place + 1:,}"
        for table, place in zip((test, train), pair, strict=True)
    )
    return f"{mine} of the test rows and {other} of the training rows"


def _at(texts: pa.Array, place: int) -> object:
    return texts[place].as_py()


def _finding(name: str, count: int, compared: int, message: str, likeness: Likeness) -> Finding:
    share = count / compared
    kept = share <= likeness.share
    return Finding(
        subject=Subject(column=name, key="near copies"),
        state=State.PASSED if kept else State.FAILED,
        limit=Limit(ceiling=likeness.share, mode=Mode.STRICT),
        message=message,
        mend="" if kept else _MEND,
        candidate=share,
        greater_is_better=False,
        support=Support(rows=compared),
    )


def _undecided(name: str, why: str, likeness: Likeness) -> Finding:
    return Finding(
        subject=Subject(column=name, key="near copies"),
        state=State.UNDECIDED,
        limit=Limit(ceiling=likeness.share, mode=Mode.GUARD),
        message=f"Copies of {quote(name)} cannot be looked for: {why}.",
        mend=(
            f"Let the pipeline write a perceptual hash of each picture, {DIGITS} hexadecimal "
            f"digits, and list its column with `hash_of: {name}`."
        ),
    )
