"""A Spark session for one command: what the environment configures, else this machine, quietly.

PySpark and its JVM are started only here, when somebody asks for them.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gates.errors import UsageError
from gates.tables.engine import MAX_BATCH_ROWS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_CONFIGURED = ("MASTER", "SPARK_HOME", "SPARK_CONF_DIR", "SPARK_REMOTE")
_LOGGING = "LOG4J_CONFIGURATION_FILE"
_SILENCE = """\
appender.none.type = Null
appender.none.name = none
rootLogger.level = off
rootLogger.appenderRef.none.ref = none
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = off
"""
_HERE = {
    "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[2]),  # the workers' `gates`
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
_OURS = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(MAX_BATCH_ROWS),
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.session.timeZone": "UTC",
}


@contextlib.contextmanager
def spark_session() -> Iterator["SparkSession"]:
    """A session with our SQL settings; a Spark that runs already keeps its own, and runs on.

    Raises:
        UsageError: PySpark or Java is not there, or Spark does not start.
    """
    try:
        from pyspark.errors import PySparkException  # noqa: PLC0415 - see above
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"--engine spark: {error.name} is not installed. Run `pip install 'gatepost[spark]'`."
        ) from error
    running = SparkSession.getActiveSession()
    try:
        session = running or _start(SparkSession.builder)
    except PySparkException as error:
        raise UsageError(
            f"--engine spark: Spark does not start ({' '.join(str(error).split())}). Install Java "
            "17, set JAVA_HOME, and look at what Spark is configured to."
        ) from error
    ours = session.newSession()
    for key, value in _OURS.items():
        ours.conf.set(key, value)
    try:
        yield ours
    finally:
        if running is None:
            session.stop()


def _start(builder: "SparkSession.Builder") -> "SparkSession":
    """Start what the environment configures; where it does not, all cores of this machine."""
    submitted = "--master" in os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    if submitted or any(name in os.environ for name in _CONFIGURED):
        return builder.appName("gatepost").getOrCreate()
    for key, value in _HERE.items():
        builder = builder.config(key, value)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with _without_log():
        return builder.appName("gatepost").getOrCreate()


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    """What goes wrong in Spark reaches us as an exception, and once is enough."""
    if _LOGGING in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="gatepost-") as folder:
        path = Path(folder) / "log4j2.properties"
        path.write_text(_SILENCE, "utf-8")
        os.environ[_LOGGING] = str(path)
        try:
            yield
        finally:
            del os.environ[_LOGGING]
