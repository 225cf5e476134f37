"""What a user gets for a policy or evidence that is wrong: one message, the right exit code.

The message says where and what, and what to do; nothing is half-written, and no traceback shown.
"""

import json
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.verdict import read_verdict
from tests.cli.command import call_main, gatepost
from tests.cli.folders import (
    LIMITS,
    LISTED,
    ROWS,
    make_good,
    make_rows,
    rewrite,
    set_column,
    spoil,
)
from tests.report.reading import COMMENT_TAGS, PAGE_TAGS, read_html, read_markdown

Spoil = Callable[[Path], object]
IDS = [f"r{at}" for at in range(ROWS)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good evidence and limits."""
    folder = tmp_path_factory.mktemp("here")
    make_good(folder / "good")
    (folder / "params.yaml").write_text(LIMITS)
    return folder


def judge(
    here: Path, candidate: Path, baseline: Path | None = None, *more: str
) -> tuple[int, str, str]:
    done = gatepost("judge", *sides_of(here, candidate, baseline), *more)
    return done.returncode, done.stdout, done.stderr


def sides_of(here: Path, candidate: Path, baseline: Path | None = None) -> tuple[str | Path, ...]:
    sides = ("--candidate", candidate, "--baseline", baseline or here / "good")
    return (*sides, "--policy", here / "params.yaml")


def refusal(here: Path, candidate: Path, tmp_path: Path) -> str:
    """The one message on standard error; no verdict was written anywhere."""
    out = tmp_path / "out"
    out.mkdir()
    verdict = ("--out", out / "verdict.json")
    done = call_main("judge", *sides_of(here, candidate), *verdict)
    said = done.stderr
    assert (done.returncode, done.stdout) == (3, "")
    assert said.startswith("gatepost: ")
    assert "Traceback" not in said
    assert list(out.iterdir()) == []
    return said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gates: [", r"p\.yaml:2: not YAML: .*\. Mend the line\."),
        ("", r"p\.yaml: no `gates:`, so nothing is demanded .* Add the limits"),
        ("gates: {}", r"p\.yaml:1: gates: names no gate, so nothing can pass\. Add one\."),
        ("gates: {drfit: {}}", r"p\.yaml:1: gates\.drfit: unknown key; did you mean drift\?"),
        (
            "gates: {drift: {tolerence: 1}}",
            r"gates\.drift\.tolerence: unknown key; did you mean tolerance\?",
        ),
        ("gates: {drift: {tolerance: .nan}}", r"p\.yaml:1: \.nan, which is no finite number"),
        ("gates: {drift: {tolerance: 2}}", r"tolerance: 2: expected a number < 1\.0"),
        ("gates: {task: ranking, schema: {}}", r"gates\.task: 'ranking': known: binary, multicla"),
        ("gates: {drift: {mode: lax}}", r"gates\.drift\.mode: 'lax': known: guard, strict\."),
        ("gates: &a {schema: {}}", r"p\.yaml:1: an anchor or alias, which is not read here"),
        ("gates: {schema: {}, schema: {}}", r"p\.yaml:1: the key 'schema' a second time"),
        ("gates: !!python/object:os.system {}", r"p\.yaml:1: the tag .* which is not read here"),
        (b"\xff\xfe", r"p\.yaml: not UTF-8 at byte 0\. Save it as UTF-8\."),
        (None, r"p\.yaml: cannot be read: No such file or directory\. Name a params\.yaml\."),
    ],
)
def test_a_policy_that_cannot_be_read(
    here: Path, tmp_path: Path, text: str | bytes | None, message: str
) -> None:
    policy = tmp_path / "p.yaml"
    if text is not None:
        policy.write_bytes(text.encode() if isinstance(text, str) else text)
    done = call_main("judge", "--candidate", here / "good", "--policy", policy)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.stderr


def without_schema(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text("utf-8").replace('"schema": 1,', ""), "utf-8")


def of_the_future(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text("utf-8").replace('"schema": 1', '"schema": 2'), "utf-8")


def truncate(name: str) -> Spoil:
    def apply(folder: Path) -> None:
        (folder / name).write_bytes((folder / name).read_bytes()[:-9])

    return apply


def tamper(folder: Path) -> None:
    path = folder / "predictions.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def unlink(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (unlink("manifest.json"), r"no manifest\.json, so this is not complete evidence"),
        (truncate("manifest.json"), r"manifest\.json: not a manifest: .* Collect it again"),
        (without_schema, r"not a manifest: Object missing required field `schema`"),
        (of_the_future, r"not a manifest: Invalid enum value 2 - at `\$\.schema`"),
        (unlink("test.parquet"), r"test\.parquet: listed in the manifest, but not a file here"),
        (truncate("test.parquet"), r"bytes where the manifest says .* cut short or changed"),
        (tamper, r"predictions\.parquet: its SHA-256 is .* changed after it was collected"),
    ],
    ids=["missing", "cut", "no schema", "schema 2", "a file less", "a file cut", "tampered"],
)
def test_evidence_that_is_not_what_its_manifest_says(
    here: Path, tmp_path: Path, change: Spoil, message: str
) -> None:
    candidate = make_good(tmp_path / "candidate")
    change(candidate)
    assert re.search(message, refusal(here, candidate, tmp_path))


def scores(ids: Any, values: Any) -> Spoil:
    return rewrite("predictions.parquet", lambda _: pa.table({"row_id": ids, "score": values}))


def dictionary(text: str) -> Spoil:
    return lambda folder: (folder / "columns.yaml").write_text(text)


def test_table(change: Callable[[pa.Table], pa.Table]) -> Spoil:
    return rewrite("test.parquet", change)


test_table.__test__ = False  # type: ignore[attr-defined]  # a maker of cases, named as the table

HALF = [0.5] * ROWS
NO_SCORE = [float("nan"), None, *HALF[2:]]
LABEL = "columns: {row_id: {role: id, type: text}, label: {role: label, type: category%s}}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            test_table(lambda table: table.slice(0, 0)),
            r"test\.parquet: no rows, so nothing can be judged\. Check the split",
        ),
        (
            test_table(set_column("row_id", ["r0", *IDS[:-1]])),
            r"test\.parquet: 1 of 200 values of row_id stand more than once, such as 'r0'",
        ),
        (
            test_table(set_column("row_id", [None, *IDS[1:]])),
            r"test\.parquet: 1 of 200 rows have no row_id\. Give every row an identifier",
        ),
        (
            test_table(lambda table: table.drop_columns(["label"])),
            r"test\.parquet: no column 'label'; it has row_id, town, age\. Write the column",
        ),
        (
            test_table(set_column("label", [None, *[True] * (ROWS - 1)])),
            r"the label 'label' is missing in 1 of 200 rows; every judged row needs one",
        ),
        (
            test_table(set_column("label", list(range(ROWS)))),
            r"the label 'label' holds 2; a binary task has 0 and 1",
        ),
        (
            test_table(lambda table: table.append_column("age", table["age"])),
            r"two columns are called 'age'\. Rename one",
        ),
        (
            scores(IDS, NO_SCORE),
            r"predictions\.parquet: 2 of 200 scores are missing, NaN or infinite\. Mend",
        ),
        (scores(IDS, [7.0, *HALF[1:]]), r"1 of 200 scores lie outside \[0, 1\], such as 7"),
        (scores(IDS, ["x"] * ROWS), r"column 'score' holds string, where numbers are needed"),
        (scores(IDS, [[0.5]] * ROWS), r"column 'score' is list<.*>; columns hold one value a row"),
        (
            scores(IDS[:-3], HALF[:-3]),
            r"3 of 200 test rows have no prediction, and 0 predictions are of rows that are not",
        ),
        (scores(["x", *IDS[1:]], HALF), r"1 of 200 test rows have no prediction, and 1 pred"),
        (scores(["r1", *IDS[1:]], HALF), r"1 of 200 values of row_id stand more than once"),
        (
            lambda folder: pq.write_table(pa.table({"a": [1]}), folder / "predictions.parquet"),
            r"predictions\.parquet: no column 'row_id'; it has a\.",
        ),
        (dictionary(""), r"columns\.yaml: columns is missing\. Add it"),
        (dictionary("columns: {a: {role: idd, type: text}}"), r"role: 'idd': did you mean id\?"),
        (dictionary("columns: {a: {role: id, type: text}}"), r"columns with role label: none"),
        (
            dictionary(LABEL % ""),
            r"label: the label is text.* Add `levels: \[<negative>, <positive>\]`",
        ),
        (
            dictionary(LABEL % ", levels: [no, yes]"),
            r"the label 'label' holds 'maybe'; its levels are no, yes",
        ),
        (
            dictionary(
                "columns: {row_id: {role: id, type: text}, town: {role: label, type: text}}"
            ),
            r"the label is 'town', the baseline's is 'label'; models of different labels cannot",
        ),
    ],
)
def test_evidence_that_cannot_be_judged(
    here: Path, tmp_path: Path, change: Spoil, message: str
) -> None:
    def apply(folder: Path) -> None:
        change(folder)
        if "label, type: category" in (folder / "columns.yaml").read_text("utf-8"):
            test_table(set_column("label", ["maybe"] * ROWS))(folder)

    candidate = spoil(here / "good", tmp_path / "candidate", apply)
    assert re.search(message, refusal(here, candidate, tmp_path))


def test_a_table_with_damaged_pages_is_refused_though_its_manifest_agrees(
    here: Path, tmp_path: Path
) -> None:
    def damage(folder: Path) -> None:
        path = folder / "test.parquet"
        content = bytearray(path.read_bytes())
        content[40:80] = bytes(40)
        path.write_bytes(content)

    candidate = spoil(here / "good", tmp_path / "candidate", damage)
    assert re.search(r"test\.parquet: .* cannot be read", refusal(here, candidate, tmp_path))


def gates_that(verdict: str, result: str) -> dict[str, str]:
    outcomes = read_verdict(verdict).outcomes
    return {each.gate: each.reason for each in outcomes if each.outcome == result}


def test_a_missing_segment_column_is_named_by_the_gates_that_need_it(
    here: Path, tmp_path: Path
) -> None:
    listed = {"age": LISTED["age"]}
    rows = {name: values for name, values in make_rows().items() if name != "town"}
    candidate = make_good(tmp_path / "candidate", listed=listed, test=rows, train=rows)
    code, printed, _ = judge(here, candidate, candidate, "--json")
    errored = gates_that(printed, "errored")
    assert code == 3
    assert set(errored) == {"segment_regression", "segment_floor", "group_disparity"}
    for reason in errored.values():
        assert reason.startswith(
            f"{candidate / 'test.parquet'}: no column 'town', which the policy"
        )


@pytest.mark.parametrize("metrics", ['{"accuracy": NaN}', "[1]", '{"accuracy": "high"}', "{"])
def test_a_metrics_file_that_says_nothing_is_no_pass(
    here: Path, tmp_path: Path, metrics: str
) -> None:
    def write(folder: Path) -> None:
        (folder / "metrics.json").write_text(metrics)

    candidate = spoil(here / "good", tmp_path / "candidate", write)
    code, printed, _ = judge(here, candidate, None, "--json")
    assert code in (1, 3)
    gates = gates_that(printed, "errored") | gates_that(printed, "failed")
    assert set(gates) == {"reported_metrics"}


@pytest.mark.parametrize(
    ("rows", "labels"), [(1, [True]), (ROWS, [True] * ROWS), (ROWS, [False] * ROWS)]
)
def test_too_little_to_tell_is_never_a_pass(
    here: Path, tmp_path: Path, rows: int, labels: list[bool]
) -> None:
    """One row, or one class: an AUC has no value, and an unjudged metric blocks."""
    test = {**make_rows(rows), "label": labels}
    candidate = make_good(tmp_path / "candidate", test=test, metrics=None)
    code, printed, said = judge(here, candidate, candidate, "--json")
    assert (code, said) == (1, "")
    assert gates_that(printed, "errored") == {}
    assert "metric_regression" in gates_that(printed, "undecided")


def test_text_labels_with_levels_are_judged_as_booleans_are(here: Path, tmp_path: Path) -> None:
    entry = {"role": "label", "type": "category", "levels": ["no", "yes"], "description": "paid"}
    test, train = make_rows(), make_rows()
    right = [0.9 if label else 0.1 for label in test["label"]]
    for rows in (test, train):
        rows["label"] = ["yes" if label else "no" for label in rows["label"]]
    listed = {**LISTED, "label": entry}
    candidate = make_good(
        tmp_path / "candidate", listed=listed, test=test, train=train, scores=right
    )
    code, printed, said = judge(here, candidate, candidate, "--json")
    assert (code, said) == (0, ""), printed


def processor_seconds() -> float:
    """Of our children so far: what a neighbour's work on this machine does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_hundred_thousand_segments_take_seconds_and_a_short_comment(
    here: Path, tmp_path: Path
) -> None:
    rows = 100_000
    test = {**make_rows(rows), "town": [f"town {at}" for at in range(rows)]}
    candidate = make_good(tmp_path / "candidate", test=test, metrics=None)
    before = processor_seconds()
    code, _, said = judge(here, candidate, candidate, "--out", str(tmp_path / "verdict.json"))
    assert (code, said) == (1, "")
    assert processor_seconds() - before < 10
    comment = gatepost("report", tmp_path / "verdict.json", "--format", "comment").stdout
    assert len(comment.encode()) < 60_000
    assert "100,000" in (tmp_path / "verdict.json").read_text("utf-8")


HOSTILE = (
    "| a | b |",
    "`code` ```",
    "line\nbreak\r\n# heading",
    "<script>alert(1)</script></td>",
    "</details><img src=x onerror=alert(1)>",
    "@octocat #1 [x](https://example.org)",
    "\u202egnp.exe \u200f\u2066",
    "\x1b[31mred\x07",
    "{{ 7 * 7 }} ${x} %s",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_and_values_are_text_wherever_they_go(tmp_path: Path, text: str) -> None:
    """As a column, a level and a segment; the verdict keeps it whole, no reader acts on it."""
    rows = make_rows()
    test = {**rows, text: [(text, "plain")[at % 2] for at in range(ROWS)]}
    listed = {**LISTED, text: {**entry("category"), "levels": ["plain"]}}
    candidate = make_good(tmp_path / "candidate", test=test, train=test, listed=listed)
    segments = json.dumps([text, ["town", text]])
    (tmp_path / "params.yaml").write_text(LIMITS.replace("[town]", segments, 1), "utf-8")
    out = tmp_path / "verdict.json"
    code, printed, said = judge(tmp_path, candidate, candidate, "--out", str(out))
    assert (code, said) == (1, "")
    failed = gates_that(out.read_text("utf-8"), "failed")
    assert set(failed) == {"schema"}
    for mark in ("\x1b", "\u202e", "\u2066", "\x07"):
        assert mark not in printed
    found = [f for o in read_verdict(out.read_bytes()).outcomes for f in o.findings]
    assert any(finding.subject.segment.get(text) == text for finding in found)
    assert gatepost("report", out).returncode == 0
    files = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.*")}
    for name in ("comment.md", "report.html", "junit.xml"):
        assert not {"\x1b", "\u202e", "\u2066", "\x07"} & set(files[name])
    ET.fromstring(files["junit.xml"])  # noqa: S314 - written by us a moment ago
    comment, page = read_markdown(files["comment.md"]), read_html(files["report.html"])
    assert set(comment.tags) <= COMMENT_TAGS
    assert set(page.tags) <= PAGE_TAGS
    assert (comment.tags.count("h3"), page.tags.count("h1")) == (1, 1)
    for name, value in comment.attributes + page.attributes:
        assert not name.startswith("on")
        assert name != "href" or "example.org" not in (value or "")


def entry(kind: str) -> dict[str, Any]:
    return {"role": "feature", "type": kind, "description": "text from somewhere"}


def test_what_is_not_there_is_said_and_a_place_that_cannot_be_written(
    here: Path, tmp_path: Path
) -> None:
    assert "no manifest.json" in refusal(here, tmp_path / "none", tmp_path)
    for out in (tmp_path, tmp_path / "no" / "where.json"):
        code, printed, said = judge(here, here / "good", None, "--out", str(out))
        assert (code, printed) == (2, "")
        assert f"{out}: cannot be written" in said


def test_a_folder_that_is_no_evidence_is_not_packed(tmp_path: Path) -> None:
    folder = make_good(tmp_path / "good")
    (folder / "manifest.json").unlink()
    (folder / "model.pkl").write_bytes(b"")
    done = gatepost("pack", folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "model.pkl: not a file of evidence" in done.stderr
    assert not (folder / "manifest.json").exists()
