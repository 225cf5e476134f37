"""Find the baseline of a clone: `python -m benchmarks.find CLONE WHERE [STORES]`.

Fails unless it is found there (`local store` or `dvc cache`) without importing DVC or NumPy.
With a folder of stores, a new one is used, so that every call has to assemble the evidence.
"""

import os
import sys
from pathlib import Path

from gates.baseline.base import Baseline
from gates.baseline.find import find_baseline
from gates.evidence.sources import Sources
from gates.git.history import merge_base


def main() -> None:
    """Merge base, then its evidence."""
    root, where, *stores = sys.argv[1:]
    store = Path(stores[0]) / str(os.getpid()) if stores else None
    base = merge_base(Path(root), "main")
    found = find_baseline(Path(root), base, Sources(), lambda _line: None, store=store)
    assert isinstance(found, Baseline)
    assert found.found == where, f"found in: {found.found}"
    assert not {"dvc", "numpy", "pyarrow"} & sys.modules.keys()


if __name__ == "__main__":
    main()
