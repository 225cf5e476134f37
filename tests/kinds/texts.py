"""A small text task: which package is a docstring from? The texts are those that are installed.

Nothing here is a number or a level but what the metadata says of a text: how long it is, whether
it shows an example. Texts that are much the same are one family, as they would be copied from each
other: `numpy.array2string` and `numpy.array_repr`, `scipy.linalg.inv` and `numpy.linalg.inv`.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

MODULES = (
    *("numpy", "numpy.linalg", "numpy.fft", "numpy.ma", "numpy.random", "numpy.polynomial"),
    *("scipy.linalg", "scipy.stats", "scipy.signal", "scipy.special", "scipy.optimize"),
    *("scipy.sparse", "scipy.spatial", "scipy.ndimage", "scipy.integrate", "scipy.interpolate"),
    *("sklearn.metrics", "sklearn.datasets", "sklearn.preprocessing", "sklearn.model_selection"),
    *("sklearn.linear_model", "sklearn.ensemble", "sklearn.cluster", "sklearn.decomposition"),
    *("sklearn.feature_selection", "sklearn.svm", "sklearn.tree", "sklearn.pipeline"),
)
PACKAGES = ("numpy", "scipy", "sklearn")
_LEAST_WORDS = 12
_MOST_WORDS = 80
_RELATED = 0.5  # of all runs of three words in both


class Docstring(NamedTuple):
    """A text, and what is known of it."""

    row_id: str
    text: str
    package: str
    words: int
    example: bool
    family: str  # of texts that are much the same


@cache
def docstrings() -> tuple[Docstring, ...]:
    """All of them, in the order of their identifiers; each text of a package once."""
    found = sorted({(one.package, one.text): one for one in _walk()}.values())
    families = _relate([one.text for one in found])
    return tuple(one._replace(family=name) for one, name in zip(found, families, strict=True))


def _relate(texts: list[str]) -> list[str]:
    runs = CountVectorizer(ngram_range=(3, 3), binary=True).fit_transform(texts).astype(np.int32)
    sizes = np.asarray(runs.sum(axis=1)).ravel()
    both = (runs @ runs.T).tocoo()
    alike = both.data / (sizes[both.row] + sizes[both.col] - both.data) >= _RELATED
    edges = coo_matrix((alike[alike], (both.row[alike], both.col[alike])), shape=both.shape)
    return [f"family{number}" for number in connected_components(edges)[1]]


def _walk() -> Iterator[Docstring]:
    for module in MODULES:
        members = vars(importlib.import_module(module))
        for name, value in sorted(members.items()):
            if name.startswith("_") or not callable(value):
                continue
            whole = inspect.getdoc(value) or ""
            text = _say_no_names(whole)
            words = len(text.split())
            if words >= _LEAST_WORDS:
                package = module.partition(".")[0]
                row = (f"{module}.{name}", text, package, min(words, _MOST_WORDS))
                yield Docstring(*row, example=">>>" in whole, family="")


def _say_no_names(text: str) -> str:
    """The first words, without the packages' own names, which would give the label away."""
    prose = text.partition(">>>")[0]
    words = re.sub(r"\b(numpy|np|scipy|sklearn|scikit-learn)\b", "", prose).split()
    return " ".join(words[:_MOST_WORDS])
