"""Find the baseline of a clone: `python -m benchmarks.find CLONE WHERE STORE`.

Fails unless it is found there (`local store` or `dvc cache`) without importing DVC or NumPy.
With `dvc cache`, the store is emptied first, so that every call has to assemble the evidence.
"""

import shutil
import sys
from pathlib import Path

from gates.base import Baseline
from gates.baseline import find_baseline
from gates.git import merge_base
from gates.sources import Sources


def main() -> None:
    """Merge base, then its evidence."""
    root, where, store = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    if where == "dvc cache":
        shutil.rmtree(store, ignore_errors=True)
    base = merge_base(root, "main")
    found = find_baseline(root, base, Sources(), lambda _line: None, store=store)
    assert isinstance(found, Baseline)
    assert found.found == where, f"found in: {found.found}"
    assert not {"dvc", "numpy", "pyarrow"} & sys.modules.keys()


if __name__ == "__main__":
    main()
