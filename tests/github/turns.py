"""Threads that take turns by a clock of their own, so that a seed says who comes between whom."""

import threading
from collections.abc import Callable, Sequence


class Turns:
    """A discrete clock: of all that wait, whoever is due first goes on, and nobody beside it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: dict[int, float] = {}
        self._running = 0
        self._moved = threading.Condition()

    def wait(self, seconds: float) -> None:
        """Let everybody go first who is due before so many seconds have passed."""
        me = threading.get_ident()
        with self._moved:
            self._due[me] = self.now + seconds
            self._moved.notify_all()
            if not self._moved.wait_for(lambda: self._is_next(me), timeout=60):
                raise TimeoutError("nobody else goes on")
            self.now = self._due.pop(me)

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of them at once, to their ends.

        Raises:
            ExceptionGroup: what some of them raised.
        """
        problems: list[Exception] = []

        def work_on(place: int, work: Callable[[], None]) -> None:
            try:
                self.wait(place / 1e6)  # nobody is due at the same time as another
                work()
            except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
                problems.append(error)
            finally:
                with self._moved:
                    self._running -= 1
                    self._moved.notify_all()

        self._running = len(works)
        threads = [threading.Thread(target=work_on, args=each) for each in enumerate(works)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise ExceptionGroup("at once", problems)

    def _is_next(self, me: int) -> bool:
        everybody_waits = len(self._due) == self._running
        return everybody_waits and me == min(self._due, key=self._due.__getitem__)
