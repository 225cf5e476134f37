"""Evidence of many classes and of numbers, made of plain Python columns.

multiclass(tmp_path / "new", truth=["cat", "dog"], decided=["cat", "cat"])
regression(tmp_path / "new", truth=[1.0, 2.0], predicted=[1.5, 2.0])
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gates.evidence.folder import Evidence
from gates.policy.settings import Settings
from gates.testing import Columns, Entry, evidence

CLASSES = ("cat", "dog", "eel")
SURE = 0.8  # of the decided class; the others share the rest
MULTICLASS = Settings(task="multiclass")
REGRESSION = Settings(task="regression")
WEIGHT = {"w": "weight number"}


def label_of(classes: Sequence[str]) -> Mapping[str, Any]:
    """The dictionary's entry of a label of classes."""
    return {
        "role": "label",
        "type": "category",
        "levels": list(classes),
        "description": "which it is",
    }


def scores_of(decided: Sequence[str], classes: Sequence[str] = CLASSES) -> dict[str, list[float]]:
    """Columns of a model that is fairly sure of one class a row."""
    rest = (1 - SURE) / (len(classes) - 1)
    return {f"score_{name}": [SURE if one == name else rest for one in decided] for name in classes}


def multiclass(
    folder: Path,
    *,
    truth: Sequence[str],
    decided: Sequence[str],
    settings: Settings = MULTICLASS,
    classes: Sequence[str] = CLASSES,
    dictionary: Mapping[str, Entry] | None = None,
    columns: Columns | None = None,
    **more: Any,
) -> Evidence:
    """A folder of a model that decides for the given class in each row."""
    return evidence(
        folder,
        {**(dictionary or {}), "label": label_of(classes)},
        test={**(columns or {}), "label": truth},
        scores=scores_of(decided, classes),
        settings=settings,
        **more,
    )


def regression(
    folder: Path,
    *,
    truth: Sequence[float],
    predicted: Sequence[float],
    settings: Settings = REGRESSION,
    dictionary: Mapping[str, Entry] | None = None,
    columns: Columns | None = None,
    **more: Any,
) -> Evidence:
    """A folder of a model that predicts the given number in each row."""
    return evidence(
        folder,
        {**(dictionary or {}), "label": "label number"},
        test={**(columns or {}), "label": truth},
        scores={"prediction": predicted},
        settings=settings,
        **more,
    )
