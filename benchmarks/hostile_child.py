"""What the trusted side does with one artifact, in one process: `python -I hostile_child.py …`."""

import sys
from pathlib import Path


def main(root: str, archive: str, folder: str, baseline: str, policy: str) -> int:
    """Take in, if there is an archive, and judge; the exit code of whichever came last."""
    sys.path.insert(0, root)
    from gates.__main__ import main as gatepost  # noqa: PLC0415 - isolated: it has no path before
    from gates.errors import EvidenceError  # noqa: PLC0415
    from gates.github.intake import Budget, take_in  # noqa: PLC0415

    try:
        if archive:
            content = Path(archive).read_bytes()
            take_in(content, Path(folder), digest=None, revision="0000000", budget=Budget())
    except EvidenceError as error:
        sys.stderr.write(f"gatepost: {error}\n")
        return int(error.exit_code)
    sides = ("--candidate", folder, "--baseline", baseline)
    return gatepost(["judge", *sides, "--policy", policy, "--json"])


def peak_kb() -> int:
    """The most memory that this process had; `ru_maxrss` would have its parent's."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    sys.stderr.write(f"peak_kb {peak_kb()}\n")
    sys.exit(code)
