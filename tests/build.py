"""Where the tests of this project find what `gates.testing` gives to everybody."""

from gates.testing import IMPLIED, Columns, Entry, Outputs, case, evidence, items, outcome, seal

__all__ = ["IMPLIED", "Columns", "Entry", "Outputs", "case", "evidence", "items", "outcome", "seal"]
