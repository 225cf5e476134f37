"""Numbers as text: enough digits that an observed value and its limit visibly differ."""

from math import floor, isfinite, log10

DECIMALS = 3
MOST_DECIMALS = 12
WHOLE_FROM = 1e15  # above it a float does not hold single units anyway


def digits_for(
    values: tuple[float, ...], apart: tuple[tuple[float, float], ...] = (), step: float = 0.0
) -> int:
    """Decimals for a row of numbers: three significant ones, more where a pair would look equal.

    Args:
        values: All numbers of the row; whole numbers need no decimals.
        apart: Pairs, such as an observed value and its limit, that must not look equal.
        step: A size, such as the margin, that must show two significant digits.
    """
    numbers = [
        one for one in (*values, *(side for pair in apart for side in pair)) if isfinite(one)
    ]
    if all(value == int(value) for value in numbers if abs(value) < WHOLE_FROM):
        return 0
    largest = max((abs(value) for value in numbers), default=0.0)
    magnitude = floor(log10(largest)) if largest > 0 else 0
    decimals = DECIMALS - 1 - magnitude if magnitude < -DECIMALS else DECIMALS - max(0, magnitude)
    if step > 0:
        decimals = max(decimals, 1 - floor(log10(step)))
    decimals = min(max(0, decimals), MOST_DECIMALS)
    while decimals < MOST_DECIMALS and any(_look_equal(pair, decimals) for pair in apart):
        decimals += 1
    return decimals


def _look_equal(pair: tuple[float, float], decimals: int) -> bool:
    one, other = pair
    return one != other and number(one, decimals) == number(other, decimals)


def number(value: float, decimals: int) -> str:
    """`1,842` or `−0.051`; a typographic minus, never a negative zero."""
    if not isfinite(value):
        return "not a number"
    text = f"{abs(value):,.{decimals}f}" if abs(value) < WHOLE_FROM else f"{abs(value):.4g}"
    negative = value < 0 and any(digit in "123456789" for digit in text)
    return f"−{text}" if negative else text


def signed(value: float, decimals: int) -> str:
    """`+0.004`, `−0.051` or `±0.000`."""
    text = number(value, decimals)
    if text.startswith("−"):
        return text
    return f"+{text}" if any(digit in "123456789" for digit in text) else f"±{text}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 gate`, `2 gates`, `1,204 gates`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
