"""What gates ask of two models, said before a row is read: for evidence judged in passes."""

import msgspec


class Ask(msgspec.Struct, frozen=True):
    """A metric of all rows, or of every segment by some columns."""

    metric: str
    columns: tuple[str, ...] = ()
