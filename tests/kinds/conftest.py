"""The tasks and the evidence of their reference models, made once for all tests of a worker."""

from pathlib import Path

import pytest

from gates.evidence.folder import Evidence
from tests.kinds.tasks import Kind, image_task, number_task, text_task


@pytest.fixture(scope="session")
def texts() -> Kind:
    return text_task()


@pytest.fixture(scope="session")
def images() -> Kind:
    return image_task()


@pytest.fixture(scope="session")
def numbers() -> Kind:
    return number_task()


@pytest.fixture(scope="session")
def text_base(texts: Kind, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return texts.evidence(_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def image_base(images: Kind, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return images.evidence(_folder(tmp_path_factory))


@pytest.fixture(scope="session")
def number_base(numbers: Kind, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return numbers.evidence(_folder(tmp_path_factory))


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("base") / "evidence"
