"""A small image task: which digit did somebody write? The images are scikit-learn's own, 8 by 8.

Evidence holds no pixels: an image is a path, and beside it stand what the pipeline knows of it: how
much ink it has, and a hash that is the same for images that look the same.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits

DIGITS = tuple(str(digit) for digit in range(10))
Pixels = npt.NDArray[np.float64]
_DIRECTIONS = np.random.default_rng(0).standard_normal((64, 64))


class Image(NamedTuple):
    """One image, and what is known of it."""

    row_id: str
    path: str
    digit: str
    ink: float  # mean darkness, from 0 to 1
    wide: bool
    looks: str  # on which side of 64 planes it lies, whatever its contrast
    pixels: Pixels  # (64,)


def images() -> list[Image]:
    """All of them."""
    given = load_digits()
    return [
        describe(f"digit{at:04}", str(target), pixels / 16)
        for at, (pixels, target) in enumerate(zip(given.images, given.target, strict=True))
    ]


def describe(row_id: str, digit: str, pixels: npt.NDArray[np.float64]) -> Image:
    """What a pipeline would write of an image of shape (8, 8)."""
    flat = pixels.reshape(-1)
    looks = np.packbits((flat - flat.mean()) @ _DIRECTIONS > 0).tobytes().hex()
    columns = np.flatnonzero(pixels.max(axis=0) > 0.25)
    return Image(
        row_id=row_id,
        path=f"digits/{row_id}.png",
        digit=digit,
        ink=float(pixels.mean()),
        wide=bool(np.ptp(columns) >= 5),
        looks=looks,
        pixels=flat,
    )
