import json
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.errors import EvidenceError
from gates.verdict import SCHEMA_FILE, read_verdict, verdict_schema, write_verdict
from tests.report.samples import SAMPLES, label_noise

GOLDEN = sorted((Path(__file__).parent / "golden" / "report").glob("*/verdict.json"))
SCHEMA = json.loads(SCHEMA_FILE.read_bytes())


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_written_is_read_back(sample: str) -> None:
    verdict = SAMPLES[sample]()
    written = write_verdict(verdict)
    assert read_verdict(written) == verdict
    assert write_verdict(read_verdict(written)) == written
    assert written.endswith(b"}\n")


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.parent.name)
def test_golden_verdicts_keep_the_schema(file: Path) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(file.read_bytes()))


def test_there_are_golden_verdicts() -> None:
    assert len(GOLDEN) == len(SAMPLES)


def test_the_schema_is_a_schema_and_up_to_date() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA_FILE.read_bytes() == verdict_schema()


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    value = json.loads(write_verdict(label_noise())) | {"decision": "perhaps"}
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
    with pytest.raises(EvidenceError, match="decision"):
        read_verdict(json.dumps(value))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decison": "pass"}, "decison"),
        ({"schema": 2}, "schema"),
        ({"outcomes": None}, "outcomes"),
        ({"test_set": {"changed": "no", "digest": "a", "rows": 1}}, "test_set.changed"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], words: str) -> None:
    value = json.loads(write_verdict(label_noise())) | change
    with pytest.raises(EvidenceError, match=words):
        read_verdict(json.dumps(value))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        "\ufeff{}",
        '{"schema": 1e999}',
        "[" * 100_000,
        b"\xff",
        b'"\\ud800"',
    ],
)
def test_what_is_no_verdict_is_refused(text: str | bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^verdict\.json: "):
        read_verdict(text)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_anything_else_is_refused_in_the_same_way(text: str | bytes) -> None:
    with pytest.raises(EvidenceError):
        read_verdict(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_are_finite(number: str) -> None:
    text = write_verdict(label_noise()).decode().replace("0.086", number)
    assert number in text
    with pytest.raises(EvidenceError):
        read_verdict(text)


def test_a_missing_field_is_named() -> None:
    value = json.loads(write_verdict(label_noise()))
    del value["candidate"]
    with pytest.raises(EvidenceError, match="candidate"):
        read_verdict(msgspec.json.encode(value))


def test_a_verdict_that_does_not_say_its_schema_is_refused() -> None:
    with pytest.raises(EvidenceError, match="missing required field `schema`"):
        read_verdict('{"decision": "pass"}')


def test_a_verdict_cut_at_any_byte_is_refused() -> None:
    whole = write_verdict(SAMPLES["label_noise"]()).rstrip()
    for at in range(len(whole)):
        with pytest.raises(EvidenceError):
            read_verdict(whole[:at])
