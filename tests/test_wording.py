"""Sentences keep the digits that a number of its size needs."""

import pytest

from gates.finding import Limit, State, Subject, Support
from gates.rules.gate import Measurement
from gates.wording import apart, describe_measurement, form_of, number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.2500"), (1234.5, "1,234"), (2.5e-7, "2.5e-07"), (3e12, "3e+12"), (0.0, "0.0000")],
)
def test_a_number_is_written_by_its_size(value: float, text: str) -> None:
    assert number(value, form_of(value)) == text


@pytest.mark.parametrize(
    ("value", "limit", "texts"),
    [
        (0.9, 0.9, ("0.9000", "0.9000")),
        (0.90001, 0.9, ("0.900010", "0.900000")),
        (2e-7, 3e-7, ("2e-07", "3e-07")),
        (2.00001e-7, 2e-7, ("2.00001e-07", "2e-07")),
    ],
)
def test_what_differs_looks_different(value: float, limit: float, texts: tuple[str, str]) -> None:
    assert apart(value, limit) == texts


def test_an_error_in_a_tiny_unit_says_something() -> None:
    item = Measurement(
        subject=Subject(metric="mean_absolute_error"),
        limit=Limit(ceiling=3e-7),
        value=2e-7,
        interval=(1.5e-7, 2.5e-7),
        p_value=1.0,
        support=Support(rows=100),
    )
    assert describe_measurement(item, State.PASSED) == (
        "mean_absolute_error: 2e-07 (95 % interval 1.5e-07 to 2.5e-07); keeps the ceiling of 3e-07."
    )
