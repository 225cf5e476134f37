"""Spark in local mode gives the embedded engine's bytes; one session for all of these tests."""

import datetime as dt
import decimal
import gc
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gates.__main__ import main
from gates.collect.pack import pack
from gates.errors import EvidenceError, ExitCode
from gates.evidence.folder import Evidence
from gates.evidence.manifest import digest
from gates.reduction.coding import Cut
from gates.reduction.reduce import reduce_evidence
from gates.reduction.reduced import Request
from gates.reduction.scored_rows import Columns
from gates.reduction.survey import Survey
from gates.tables.embedded import EmbeddedEngine
from gates.tables.engine import Scan, Source
from gates.tables.hadoop import HadoopFolder
from gates.tables.spark import SparkEngine
from gates.tables.spark_session import spark_session
from gates.tables.spark_store import spark_store
from gates.tables.table import Table
from gates.testing import Entry, evidence

pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not here"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # PySpark leaves them
]

ROWS = 400
GAPS = {0: None, 3: float("nan")}
SURVEY = Survey(
    columns=Columns(
        label="test.label", baseline="old.score", candidate="new.score", decision_threshold=0.5
    ),
    cuts=(Cut(column="test.plan"), Cut(column="test.age", edges=(0, 30, 60))),
    ranked=True,
)
REQUEST = Request(
    columns=SURVEY.columns,
    cuts=(Cut(column="test.plan"), Cut(column="test.age", levels=("young", "old"), edges=(30,))),
    segmentations=((0,), (1,), (0, 1)),
    losses=("log_loss",),
    ranked=True,
    ranked_segments=((0,),),
)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkEngine]:
    quick = "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1"  # to start, not to run long
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_SUBMIT_ARGS", f"--conf {quick} pyspark-shell")
        with spark_session() as session:
            yield SparkEngine(session)
    gc.collect()  # of PySpark's sockets, before other tests are blamed for them


def write_parts(path: Path, table: pa.Table, rows: int) -> None:
    path.mkdir()
    for at in range(0, len(table), rows):
        pq.write_table(table[at : at + rows], path / f"part-{at // rows:05}.parquet")
    (path / "_SUCCESS").touch()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test table with gaps, NaN and text coded or not, and two models' scores."""
    folder = tmp_path_factory.mktemp("tables [1]")
    random = np.random.default_rng(5)
    plans = random.choice(["basic", "größer", "", "?"], ROWS)
    test = pa.table(
        {
            "row_id": [f"r{at:03}" for at in range(ROWS)],
            "label": pa.array(random.random(ROWS) < 0.4),
            "plan": pa.array(plans, mask=random.random(ROWS) < 0.1).dictionary_encode(),
            "age": [GAPS.get(at % 7, float(at % 90)) for at in range(ROWS)],
        }
    )
    pq.write_table(test, folder / "test.parquet", row_group_size=90)
    write_parts(folder / "parts.parquet", test, 70)
    for name in ("old", "new"):
        scores = pa.table({"row_id": test["row_id"], "score": random.random(ROWS).round(3)})
        pq.write_table(scores, folder / f"{name}.parquet")
        shuffled = scores.take(random.permutation(ROWS))
        write_parts(folder / f"{name}-shuffled.parquet", shuffled, 150)
    return folder


def scan(folder: Path, *, test: str = "test", old: str = "old", new: str = "new") -> Scan:
    return Scan(
        sources=(
            Source(
                name="test",
                location=folder / f"{test}.parquet",
                id="row_id",
                columns=("label", "plan", "age"),
            ),
            Source(name="old", location=folder / f"{old}.parquet", id="row_id", columns=("score",)),
            Source(name="new", location=folder / f"{new}.parquet", id="row_id", columns=("score",)),
        )
    )


@pytest.mark.parametrize("rows_a_partition", [1 << 20, 300])
@pytest.mark.parametrize(
    "names",
    [{}, {"test": "parts", "old": "old-shuffled", "new": "new-shuffled"}],
    ids=["files", "shuffled folders"],
)
def test_a_join_reduces_to_the_bytes_of_the_embedded_engine(
    spark: SparkEngine, tables: Path, names: dict[str, str], rows_a_partition: int
) -> None:
    expected = EmbeddedEngine().reduce(scan(tables), SURVEY)
    engine = SparkEngine(spark.session, rows_a_partition=rows_a_partition)
    found = engine.reduce(scan(tables, **names), SURVEY)
    assert found.digest() == expected.digest()
    assert (found.rows, found.cells.tolist()) == (ROWS, expected.cells.tolist())
    assert found.levels == expected.levels


def test_all_passes_leave_the_bytes_of_the_embedded_engine(
    spark: SparkEngine, tables: Path
) -> None:
    ours = reduce_evidence(spark, scan(tables, test="parts", new="new-shuffled"), REQUEST)
    theirs = reduce_evidence(EmbeddedEngine(), scan(tables), REQUEST)
    assert ours.surveyed.digest() == theirs.surveyed.digest()
    assert [each.tobytes() for each in ours.summed] == [each.tobytes() for each in theirs.summed]


def test_many_partitions_are_merged_by_the_workers_first(
    spark: SparkEngine, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gates.tables.spark._MERGED_AT_ONCE", 2)
    found = SparkEngine(spark.session, rows_a_partition=300).reduce(scan(tables), SURVEY)
    assert found.digest() == EmbeddedEngine().reduce(scan(tables), SURVEY).digest()


def test_a_table_without_rows_reduces_to_the_start(spark: SparkEngine, tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    pq.write_table(
        pa.table({"row_id": pa.array([], pa.string()), "score": pa.array([], "f8")}), path
    )
    one = Scan(sources=(Source(name="t", location=path, id="row_id", columns=("score",)),))
    assert spark.reduce(one, SURVEY).digest() == SURVEY.start().digest()
    assert spark.open(path).numbers("score").tolist() == []


def test_one_table_is_verified_once_and_read_in_place_after(
    spark: SparkEngine, tables: Path
) -> None:
    columns = Columns(label="t.label", baseline="t.age", candidate="t.age", decision_threshold=30)
    kernel = Survey(columns=columns, cuts=(Cut(column="t.plan"),))
    source = Source(
        name="t", location=tables / "parts.parquet", id="row_id", columns=("label", "plan", "age")
    )
    one = Scan(sources=(source,))
    expected = EmbeddedEngine().reduce(one, kernel).digest()
    assert [spark.reduce(one, kernel).digest() for _ in range(2)] == [expected, expected]
    assert spark.rows(one) == ROWS


def write_ids(path: Path, ids: list[str | None], **more: list[object]) -> Path:
    pq.write_table(pa.table({"row_id": ids, "score": [0.5] * len(ids), **more}), path)
    return path


@pytest.mark.parametrize(
    ("ids", "others", "complaint"),
    [
        ("abc", ["a", "b", None], "1 of 3 rows have no row_id. Give every row an identifier."),
        ("abb", [*"abb"], "1 or more values of row_id stand more than once, such as 'b'. Give "),
        ("bac", [*"abx"], "no row for 1 or more rows of "),
    ],
    ids=["missing", "repeated", "another"],
)
def test_identifiers_that_do_not_fit_are_refused(
    spark: SparkEngine, tmp_path: Path, ids: str, others: list[str | None], complaint: str
) -> None:
    first = write_ids(tmp_path / "first.parquet", [*ids])
    second = write_ids(tmp_path / "second.parquet", others)
    sources = tuple(
        Source(name=path.stem, location=path, id="row_id", columns=("score",))
        for path in (first, second)
    )
    columns = Columns(
        label="first.score", baseline="first.score", candidate="second.score", decision_threshold=1
    )
    said = []
    for engine in (spark, EmbeddedEngine()):
        with pytest.raises(EvidenceError) as caught:
            engine.reduce(Scan(sources=sources), Survey(columns=columns))
        said.append(str(caught.value))
    assert complaint in said[0]
    assert said[0] == said[1].replace(" from row 1 on", "")  # it reads in the files' order


def test_tables_that_do_not_fit_are_refused_as_by_the_embedded_engine(
    spark: SparkEngine, tmp_path: Path
) -> None:
    first = write_ids(tmp_path / "first.parquet", ["a", "b", "c"], nested=[[1], [2], [3]])
    second = write_ids(tmp_path / "second.parquet", ["a", "b"])
    for columns, paths in (
        (("score",), (first, second)),
        (("other",), (first,)),
        (("nested",), (first,)),
    ):
        sources = tuple(
            Source(name=path.stem, location=path, id="row_id", columns=columns) for path in paths
        )
        said = []
        for engine in (spark, EmbeddedEngine()):
            with pytest.raises(EvidenceError) as caught:
                engine.rows(Scan(sources=sources))
            said.append(str(caught.value))
        assert said[0] == said[1]


def test_whether_tables_have_a_row_in_common(spark: SparkEngine, tmp_path: Path) -> None:
    one = write_ids(tmp_path / "one.parquet", ["a", None, "b"])
    some = write_ids(tmp_path / "some.parquet", ["b", None])
    none = write_ids(tmp_path / "none.parquet", ["c", None])
    mine, shared, other = (
        Source(name="t", location=path, id="row_id", columns=()) for path in (one, some, none)
    )
    for engine in (spark, EmbeddedEngine()):
        assert engine.share_identifiers(mine, shared)
        assert not engine.share_identifiers(mine, other)


def all_types() -> pa.Table:
    gaps = [1, 2, None, 4, 5]
    times = [0, 1, None, -1, 10**9]
    columns = {
        "flag": pa.array([True, False, None, True, False]),
        **{f"i{bits}": pa.array(gaps, f"int{bits}") for bits in (8, 16, 32, 64)},
        **{f"u{bits}": pa.array([*gaps[:4], 2**bits - 1], f"uint{bits}") for bits in (8, 16, 32)},
        "u64": pa.array([*gaps[:4], 2**64 - 1], pa.uint64()),
        "f32": pa.array([1, 0.1, None, float("nan"), -0.0], pa.float32()),
        "f64": pa.array([1, 0.1, None, float("nan"), -0.0]),
        "text": pa.array(["a", "ß", None, "", "😀"]),
        "large text": pa.array(["a", "ß", None, "", "😀"], pa.large_string()),
        "coded `text`": pa.array(["a", "ß", None, "a", "😀"]).dictionary_encode(),
        "coded numbers": pa.array([3, 2, None, 2, 1]).dictionary_encode(),
        "Date": pa.array([0, 1, None, -800_000, 20_000], pa.date32()),
        "date": pa.array([dt.date(1582, 10, 4), None, None, None, None]),
        **{f"time {unit}": pa.array(times, pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
        "utc": pa.array(times, pa.timestamp("us", tz="UTC")),
        "there": pa.array(times, pa.timestamp("ns", tz="America/New_York")),
        "decimal": pa.array([decimal.Decimal("1.50"), None, None, decimal.Decimal("-3.25"), None]),
        "lasting": pa.array(times, pa.duration("ms")),
    }
    return pa.table(columns)


def assert_same(ours: Table, theirs: Table) -> None:
    assert (ours.names, ours.rows, ours.types) == (theirs.names, theirs.rows, theirs.types)
    for name in theirs.names:
        assert ours.texts(name).equals(theirs.texts(name)), name
        one, other = ours.categories(name), theirs.categories(name)
        assert (one.levels, one.codes.tolist()) == (other.levels, other.codes.tolist()), name
        if theirs.types[name] != "text" and not pa.types.is_duration(theirs.column(name).type):
            assert ours.numbers(name).tobytes() == theirs.numbers(name).tobytes(), name


def test_columns_come_with_the_values_and_types_of_the_files(
    spark: SparkEngine, tmp_path: Path
) -> None:
    table = all_types()
    pq.write_table(table, tmp_path / "all.parquet")
    write_parts(tmp_path / "parts.parquet", pa.concat_tables([table] * 3), 4)
    for name in ("all.parquet", "parts.parquet"):
        assert_same(spark.open(tmp_path / name), Table(tmp_path / name))


def test_what_spark_wrote_reads_alike(spark: SparkEngine, tmp_path: Path) -> None:
    """Its timestamps are of 96 bits."""
    path = tmp_path / "written.parquet"
    rows = spark.session.sql(
        "select id, cast(id % 3 as string) as word, timestamp_seconds(id * 1e9 - 7) as at, "
        "cast(id as decimal(9, 2)) as price from range(50)"
    )
    rows.repartition(3).write.parquet(str(path))
    assert_same(spark.open(path), Table(path))


def test_a_column_that_spark_does_not_read_hinders_only_who_asks_for_it(
    spark: SparkEngine, tmp_path: Path
) -> None:
    halves = pa.array([1, 2], pa.float16())
    pq.write_table(pa.table({"half": halves, "age": [30, 40]}), tmp_path / "t.parquet")
    table = spark.open(tmp_path / "t.parquet")
    assert table.numbers("age").tolist() == [30, 40]
    with pytest.raises(EvidenceError, match="column 'half' is halffloat, which Spark does not"):
        table.numbers("half")


AGE: dict[str, Entry] = {
    "age": "feature integer",
    "sex": {"role": "feature", "type": "category", "segment": True},
}
POLICY = """\
gates:
  segments: [sex]
  metric_regression: {metrics: {roc_auc: {margin: 0.05}, log_loss: {margin: 0.05}}}
  segment_regression: {metrics: {accuracy: {margin: 0.1}}}
  train_test_overlap: {}
  drift: {}
  schema: {}
"""


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A candidate and a baseline, each as files and as folders of part files."""
    folder = tmp_path_factory.mktemp("sides")
    random = np.random.default_rng(11)

    def rows(count: int) -> dict[str, list[object]]:
        return {
            "age": [None if at % 9 == 0 else at % 70 for at in range(count)],
            "sex": random.choice(["Female", "Male"], count).tolist(),
            "label": (random.random(count) < 0.5).tolist(),
        }

    test, train = rows(200), rows(150)
    for side in ("candidate", "baseline"):
        scores = random.random(200).tolist()
        made = evidence(folder / side, AGE, test=test, train=train, scores=scores, revision=side)
        parts = folder / f"{side}-parts"
        shutil.copytree(made.folder, parts)
        for name in ("test", "train", "predictions"):
            table = pq.read_table(parts / f"{name}.parquet")
            (parts / f"{name}.parquet").unlink()
            write_parts(parts / f"{name}.parquet", table, 64)
        pack(parts, side)
    (folder / "params.yaml").write_text(POLICY)
    return folder


def judged(sides: Path, engine: str, candidate: str, baseline: str) -> bytes:
    out = sides / f"{engine}.json"
    options = ("--policy", str(sides / "params.yaml"), "--out", str(out), "--engine", engine)
    code = main(("judge", "--candidate", candidate, "--baseline", baseline, *options))
    assert code in (ExitCode.MAY_MERGE, ExitCode.BLOCKED)
    return out.read_bytes()


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("kind", ["", "-parts"], ids=["files", "parts"])
@pytest.mark.parametrize("scheme", ["", "file://"], ids=["paths", "addresses"])
def test_a_verdict_is_the_same_byte_for_byte(sides: Path, scheme: str, kind: str) -> None:
    local = [str(sides / f"{side}{kind}") for side in ("candidate", "baseline")]
    expected = judged(sides, "embedded", *local)
    assert judged(sides, "spark", *(f"{scheme}{place}" for place in local)) == expected
    assert b"not judged" not in expected


LARGE = """\
gates:
  segments: [sex, age, [age, sex]]
  metric_regression: {metrics: {roc_auc: {margin: 0.05}, log_loss: {margin: 0.05}}}
  metric_floor: {metrics: {roc_auc: 0.5, f1: 0.4}}
  segment_regression: {metrics: {recall: {margin: 0.1}, roc_auc: {margin: 0.1}}}
  segment_floor: {metrics: {accuracy: 0.3}}
  group_disparity: {features: [sex]}
"""


@pytest.fixture(scope="module")
def large_sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gaps in segments; of the baseline's part files the rows stand in other orders."""
    folder = tmp_path_factory.mktemp("large")
    random = np.random.default_rng(12)
    entries = {**AGE, "age": {"role": "feature", "type": "number", "segment": [20, 40]}}
    test = {
        "age": [GAPS.get(at % 7, float(at % 60)) for at in range(ROWS)],
        "sex": [None if at % 11 == 0 else ("ß", "m")[at % 2] for at in range(ROWS)],
        "label": (random.random(ROWS) < 0.5).tolist(),
    }
    for side in ("candidate", "baseline"):
        scores = random.random(ROWS).tolist()
        evidence(folder / side, entries, test=test, train=test, scores=scores, revision=side)
    for name in ("test", "predictions"):
        path = folder / "baseline" / f"{name}.parquet"
        table = pq.read_table(path).take(random.permutation(ROWS))
        path.unlink()
        write_parts(path, table, 130)
    pack(folder / "baseline", "baseline")
    (folder / "params.yaml").write_text(LARGE)
    return folder


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("scheme", ["", "file://"], ids=["paths", "addresses"])
def test_a_verdict_in_passes_is_the_same_byte_for_byte(
    large_sides: Path,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    local = [str(large_sides / side) for side in ("candidate", "baseline")]
    by_rows = judged(large_sides, "embedded", *local)
    monkeypatch.setattr("gates.evidence.folder.LARGE_ROWS", 100)
    expected = judged(large_sides, "embedded", *local)
    assert judged(large_sides, "spark", *(f"{scheme}{place}" for place in local)) == expected
    assert expected != by_rows  # another digest of the test rows at least
    assert "are read into memory" not in capsys.readouterr().err


def tamper(folder: Path) -> None:
    part = folder / "test.parquet" / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)


def add(folder: Path) -> None:
    shutil.copy(folder / "test.parquet/part-00001.parquet", folder / "test.parquet/z.parquet")


def change_columns(folder: Path) -> None:
    path = folder / "columns.yaml"
    path.write_text(path.read_text().replace("feature", "ignored"))


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (tamper, "test.parquet/part-00001.parquet: its SHA-256 is"),
        (add, "test.parquet/z.parquet: not listed in the manifest"),
        (change_columns, "columns.yaml: its SHA-256 is"),
        (lambda folder: (folder / "columns.yaml").unlink(), "columns.yaml: listed in the manifest"),
        (lambda folder: (folder / "manifest.json").unlink(), "no manifest.json, so this is not"),
        (shutil.rmtree, "does not exist"),
    ],
    ids=["a part", "one more part", "the dictionary", "a file gone", "no manifest", "no folder"],
)
def test_evidence_at_an_address_is_verified(
    spark: SparkEngine,
    sides: Path,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    complaint: str,
) -> None:
    folder = tmp_path / "evidence"
    shutil.copytree(sides / "candidate-parts", folder)
    spoil(folder)
    with pytest.raises(EvidenceError) as caught:
        Evidence(spark_store(spark, f"file://{folder}"))
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("file:")


def test_no_such_file_system_is_said(spark: SparkEngine) -> None:
    with pytest.raises(EvidenceError, match=r'nowhere://x: .*No FileSystem for scheme "nowhere"'):
        spark_store(spark, "nowhere://x")


def test_a_large_file_is_digested_as_it_streams(
    spark: SparkEngine, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = HadoopFolder(spark.session, f"file://{tables}")
    sizes = {"test.parquet": 10, "parts.parquet/part-00000.parquet": 1000}
    expected = {name: digest(tables / name)[0] for name in sizes}
    monkeypatch.setattr("gates.tables.hadoop.MAX_IN_MEMORY_BYTES", 100)
    assert folder.digests(sizes) == expected


def test_a_file_elsewhere_is_read_at_any_place(spark: SparkEngine, tables: Path) -> None:
    content = (tables / "test.parquet").read_bytes()
    folder = HadoopFolder(spark.session, f"file://{tables}/")
    with folder.open("test.parquet", len(content)) as stream:
        assert stream.read() == content
        assert stream.seek(-8, 2) == len(content) - 8
        assert stream.read(100) == content[-8:]


def test_a_session_that_ran_before_keeps_its_settings_and_runs_on(spark: SparkEngine) -> None:
    spark.session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        with spark_session() as again:
            assert again.conf.get("spark.sql.session.timeZone") == "UTC"
        assert spark.session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
        assert spark.session.range(1).count() == 1
    finally:
        spark.session.conf.set("spark.sql.session.timeZone", "UTC")


def test_a_kernel_and_its_value_survive_the_way_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(SURVEY)) == SURVEY  # noqa: S301 - our own
