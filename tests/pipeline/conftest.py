import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.dictionary import Dictionary, read_dictionary
from pipeline.ingest import IngestParams, ingest
from pipeline.split import split
from tests.pipeline.samples import BATCHES, ROOT, SPLIT, YEARS


@pytest.fixture(scope="session")
def dictionary() -> Dictionary:
    return read_dictionary(ROOT / "data" / "columns.yaml")


@pytest.fixture(scope="session")
def batches() -> dict[int, pa.Table]:
    return {year: pq.read_table(BATCHES / f"census_{year}.parquet") for year in YEARS}


@pytest.fixture(scope="session")
def workers(batches: dict[int, pa.Table], dictionary: Dictionary) -> pa.Table:
    params = IngestParams(batches=YEARS, population="workers")
    return ingest([batches[year] for year in YEARS], params, dictionary)


@pytest.fixture(scope="session")
def sides(workers: pa.Table) -> dict[str, pa.Table]:
    return split(workers, SPLIT)
