"""What others would complain about in our workflows: nothing."""

import pytest

from tests.workflows.model import ROOT, read_texts
from tests.workflows.tools import BIN, action_schema, schema, zizmor

pytestmark = pytest.mark.skipif(
    not ((BIN / "zizmor").is_file() and (BIN / "check-jsonschema").is_file()),
    reason="needs the packages zizmor and check-jsonschema",
)


def test_zizmor_finds_nothing() -> None:
    done = zizmor(ROOT)
    assert (done.returncode, "No findings" in done.stdout + done.stderr) == (0, True), done.stdout


def test_one_finding_is_ignored_and_says_why() -> None:
    ignored = [
        line for text in read_texts().values() for line in text.splitlines() if "zizmor:" in line
    ]
    (line,) = ignored
    reason = line.partition("ignore[dangerous-triggers] ")[2]
    assert reason.endswith("docs/github.md")


def test_the_files_are_as_the_schemas_want_them() -> None:
    for done in (schema(ROOT), action_schema(ROOT)):
        assert done.returncode == 0, done.stdout
