"""`--engine`, where Spark is not to be had or not asked for."""

import sys
from pathlib import Path

import pytest

from gates.__main__ import main
from gates.errors import ExitCode
from gates.testing import evidence


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    (tmp_path / "params.yaml").write_text("gates: {schema: {}}\n")
    evidence(tmp_path / "e", {}, test={"label": [0, 1]})
    return ["judge", "--policy", str(tmp_path / "params.yaml"), "--candidate"]


def test_without_pyspark_it_says_what_to_install(
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    assert main([*options, str(tmp_path / "e"), "--engine", "spark"]) == ExitCode.USAGE
    assert "Run `pip install 'gatepost[spark]'`" in capsys.readouterr().err


def test_an_address_needs_spark(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*options, "s3a://bucket/candidate"]) == ExitCode.USAGE
    assert "s3a:// is read by Spark. Add --engine spark" in capsys.readouterr().err
