"""Texts, images and a regression as evidence: a model is trained, and leaves what gates read."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from gates.case.answers import Task
from gates.evidence.folder import Evidence
from gates.policy.settings import Settings
from gates.testing import Entry, evidence
from tests.kinds.images import DIGITS, Image, images
from tests.kinds.numbers import FEATURES, Patient, patients
from tests.kinds.texts import PACKAGES, Docstring, docstrings

Rows = Sequence[Any]
Change = Callable[[Rows], Rows]
Model = Callable[[Rows], npt.NDArray[np.float64]]

TEXT_COLUMNS: Mapping[str, Entry] = {
    "family": "group text",
    "text": "feature text",
    "words": {
        "role": "feature",
        "type": "integer",
        "unit": "words",
        "range": [1, 80],
        "description": "length of the text",
        "segment": [0, 30, 60, 81],
    },
    "example": "feature boolean",
    "label": {
        "role": "label",
        "type": "category",
        "levels": list(PACKAGES),
        "description": "the package that the text is from",
    },
}
IMAGE_COLUMNS: Mapping[str, Entry] = {
    "image": "feature image",
    "looks": {
        "role": "ignored",
        "type": "text",
        "hash_of": "image",
        "description": "perceptual hash of the image",
    },
    "ink": {
        "role": "feature",
        "type": "number",
        "unit": "share of black",
        "range": [0, 1],
        "description": "mean darkness",
    },
    "wide": "feature boolean",
    "label": {
        "role": "label",
        "type": "category",
        "levels": list(DIGITS),
        "description": "the digit that was meant",
    },
}
NUMBER_COLUMNS: Mapping[str, Entry] = {
    **dict.fromkeys(FEATURES, "feature number"),
    "sex": {
        "role": "feature",
        "type": "category",
        "levels": ["a", "b"],
        "sensitive": True,
        "segment": True,
        "description": "sex",
    },
    "label": "label number",
}


class Kind(NamedTuple):
    """A task beyond one table of two classes."""

    task: Task
    rows: Rows
    dictionary: Mapping[str, Entry]
    columns: Callable[[Rows], dict[str, Any]]
    group: Callable[[Any], str]  # rows of one group stand on one side
    fit: Callable[[Rows, int], Model]
    outputs: tuple[str, ...]  # columns of the prediction table

    def split(self) -> tuple[Rows, Rows]:
        """Train and test rows, by a hash of what must not be torn apart."""
        tested = [zlib.crc32(self.group(row).encode()) % 5 < 2 for row in self.rows]
        train = [row for row, out in zip(self.rows, tested, strict=True) if not out]
        return train, [row for row, out in zip(self.rows, tested, strict=True) if out]

    def evidence(
        self,
        folder: Path,
        *,
        seed: int = 0,
        train: Change = list,
        learnt: Change = list,
        asked: Change = list,
    ) -> Evidence:
        """Train and leave evidence.

        Args:
            folder: where; it must not exist.
            seed: of the training.
            train: what becomes of the training rows.
            learnt: what only the model sees of them.
            asked: what the model sees of the test rows.
        """
        sides = self.split()
        training, testing = train(sides[0]), sides[1]
        with threadpool_limits(1):  # of a few rows, more threads only wait for each other
            model = self.fit(learnt(training), seed)
            answers = model(asked(testing)).reshape(len(testing), -1)
        return evidence(
            folder,
            self.dictionary,
            test=self.columns(testing),
            train=self.columns(training),
            scores={name: answers[:, at].tolist() for at, name in enumerate(self.outputs)},
            settings=Settings(task=self.task),
        )


def text_task() -> Kind:
    """Docstrings: a bag of words, and a linear model."""
    return Kind(
        task="multiclass",
        rows=docstrings(),
        dictionary=TEXT_COLUMNS,
        columns=_text_columns,
        group=lambda row: str(row.family),
        fit=_fit_texts,
        outputs=tuple(f"score_{name}" for name in PACKAGES),
    )


def image_task() -> Kind:
    """Digits: pixels, and a linear model."""
    return Kind(
        task="multiclass",
        rows=images(),
        dictionary=IMAGE_COLUMNS,
        columns=_image_columns,
        group=lambda row: str(row.row_id),
        fit=_fit_images,
        outputs=tuple(f"score_{name}" for name in DIGITS),
    )


def number_task() -> Kind:
    """Patients: ten measurements, and a linear model."""
    return Kind(
        task="regression",
        rows=patients(),
        dictionary=NUMBER_COLUMNS,
        columns=_number_columns,
        group=lambda row: str(row.row_id),
        fit=_fit_numbers,
        outputs=("prediction",),
    )


def _text_columns(rows: Sequence[Docstring]) -> dict[str, Any]:
    return {
        "row_id": [row.row_id for row in rows],
        "family": [row.family for row in rows],
        "text": [row.text for row in rows],
        "words": [row.words for row in rows],
        "example": [row.example for row in rows],
        "label": [row.package for row in rows],
    }


def _image_columns(rows: Sequence[Image]) -> dict[str, Any]:
    return {
        "row_id": [row.row_id for row in rows],
        "image": [row.path for row in rows],
        "looks": [row.looks for row in rows],
        "ink": [row.ink for row in rows],
        "wide": [row.wide for row in rows],
        "label": [row.digit for row in rows],
    }


def _number_columns(rows: Sequence[Patient]) -> dict[str, Any]:
    return {
        "row_id": [row.row_id for row in rows],
        **{name: [float(row.values[at]) for row in rows] for at, name in enumerate(FEATURES)},
        "sex": [row.sex for row in rows],
        "label": [row.progression for row in rows],
    }


def _fit_texts(rows: Sequence[Docstring], seed: int) -> Model:
    model = make_pipeline(
        TfidfVectorizer(max_features=2_000, sublinear_tf=True),
        LogisticRegression(C=10.0, random_state=seed),
    )
    model.fit([row.text for row in rows], [row.package for row in rows])
    return lambda those: np.asarray(model.predict_proba([row.text for row in those]))


def _fit_images(rows: Sequence[Image], seed: int) -> Model:
    model = LogisticRegression(max_iter=300, random_state=seed)
    model.fit(np.array([row.pixels for row in rows]), [row.digit for row in rows])
    return lambda those: np.asarray(model.predict_proba(np.array([row.pixels for row in those])))


def _fit_numbers(rows: Sequence[Patient], seed: int) -> Model:
    model = make_pipeline(StandardScaler(), Ridge(alpha=1.0, random_state=seed))
    model.fit(_measured(rows), [row.progression for row in rows])
    return lambda those: np.asarray(model.predict(_measured(those)))


def _measured(rows: Sequence[Patient]) -> npt.NDArray[np.float64]:
    return np.array([[*row.values, row.sex == "b"] for row in rows])
