"""`--engine`: which engine opens the evidence of a command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gates.errors import UsageError
from gates.evidence.store import LocalStore, Store

OpenStore = Callable[[str], Store]


@contextmanager
def chosen_engine(name: str) -> Iterator[OpenStore]:
    """What opens evidence folders for one command, by the engine's name.

    Raises:
        UsageError: the engine cannot be had.
    """
    if name == "embedded":
        yield _open_folder
        return
    from gates.tables.spark import spark_engine  # noqa: PLC0415 - nobody else pays for Spark
    from gates.tables.spark_store import spark_store  # noqa: PLC0415

    with spark_engine() as engine:
        yield lambda place: spark_store(engine, place)


def _open_folder(place: str) -> Store:
    scheme, address, _ = place.partition("://")
    if address and not Path(place).exists():
        raise UsageError(
            f"{place}: {scheme}:// is read by Spark. Add --engine spark, or name a local folder."
        )
    return LocalStore(Path(place))
