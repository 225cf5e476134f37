"""Work of which most is done without Python's lock, such as hashing, on two processors."""

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_in_two(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The function's results, in the order of the items; what it raises ends the work of both."""
    given = list(items)
    waiting = list(enumerate(given))[::-1]
    made: dict[int, R] = {}
    problems: list[Exception] = []

    def work() -> None:
        with contextlib.suppress(IndexError):
            while not problems:
                place, item = waiting.pop()
                try:
                    made[place] = function(item)
                except Exception as error:  # noqa: BLE001 - raised where both have ended
                    problems.append(error)

    helper = threading.Thread(target=work)
    helper.start()
    work()
    helper.join()
    if problems:
        raise problems[0]
    return [made[place] for place in range(len(given))]
