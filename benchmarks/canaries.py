"""Evidence that would run something if anybody executed, imported, unpickled or linked any of it.

Each artifact holds one trap in one place. The trap makes a file; none may be there at the end.
"""

import io
import pickle
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hostile import Files, Hostile, resealed, zipped
from gates.evidence.manifest import FILES
from tests.github.test_intake import linked, with_entry

_NAMES = (
    *("sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "evil.pth", "gates.py"),
    *(
        "gates/__init__.py",
        "numpy/__init__.py",
        "msgspec.py",
        "json.py",
        "model.pkl",
        "model.skops",
    ),
    *("model.joblib", ".git/hooks/post-checkout", ".git/config", ".dvc/config", "dvc.yaml"),
    *("Makefile", "pyproject.toml", "report.html.j2", "reports/comment.md.j2", "run.sh"),
)


class _Trap:
    def __init__(self, fired: Path) -> None:
        self.fired = fired

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.fired,)


def make_canaries(files: Files, fired: Path) -> Iterator[Hostile]:
    """Every trap in every place; one that goes off makes the file `fired`."""
    pickled = pickle.dumps(_Trap(fired))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("__main__.py", f"open({str(fired)!r}, 'w')")
    payloads = {
        "a pickle": pickled,
        "a packed pickle": zlib.compress(pickled),
        "a program": f"open({str(fired)!r}, 'w')\n".encode(),
        "a script": f"#!/bin/sh\ntouch {fired}\n".encode(),
        "a program in a zip": stream.getvalue(),
        "a template": f"{{{{ ''.__class__.__mro__[1] }}}}{{% include '{fired}' %}}".encode(),
        "a tag of YAML": f"!!python/object/apply:os.system ['touch {fired}']\n".encode(),
    }
    for what, payload in payloads.items():
        for name in sorted(FILES):
            yield Hostile(f"{what} as {name}", resealed(files, {name: payload}))
        for name in _NAMES:
            yield Hostile(f"{what} as {name}", zipped({**files, name: payload}))
    for name in (*sorted(FILES), "manifest.json"):
        without = {key: content for key, content in files.items() if key != name}
        link = linked(name, stat.S_IFLNK)
        yield Hostile(f"a link as {name}", with_entry(without, link, str(fired).encode()))
    yield from _in_tables(files, pickled)


def _in_tables(files: Files, pickled: bytes) -> Iterator[Hostile]:
    """Types of Python in Arrow, whose description was once a pickle (CVE-2023-47248)."""
    for name in ("predictions.parquet", "test.parquet", "train.parquet"):
        table = pq.read_table(pa.BufferReader(files[name]))
        marks = {"ARROW:extension:name": "arrow.py_extension_type"}
        extended = pa.field("row_id", pa.string(), metadata={
            **marks, "ARROW:extension:metadata": pickled,
        })  # fmt: skip
        fields = [extended if field.name == "row_id" else field for field in table.schema]
        schema = pa.schema(fields, metadata={"pandas": pickled, "huggingface": pickled})
        stream = io.BytesIO()
        pq.write_table(table.cast(schema), stream)
        yield Hostile(f"a type of Python in {name}", resealed(files, {name: stream.getvalue()}))
        objects = table.append_column("extra", pa.array([pickled] * table.num_rows))
        stream = io.BytesIO()
        pq.write_table(objects, stream)
        yield Hostile(f"objects in {name}", resealed(files, {name: stream.getvalue()}))
