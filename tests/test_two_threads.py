"""Two threads do one list of things."""

import threading

import pytest

from gates.two_threads import map_in_two


def test_results_stand_in_the_order_of_the_items() -> None:
    assert map_in_two(lambda number: number * number, range(100)) == [n * n for n in range(100)]
    assert map_in_two(str, []) == []


def test_two_items_are_worked_on_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=10)  # which one thread alone would never pass
    assert len(map_in_two(lambda _: both.wait(), range(2))) == 2


def test_what_the_work_raises_is_raised() -> None:
    def refuse(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        map_in_two(refuse, range(10))
