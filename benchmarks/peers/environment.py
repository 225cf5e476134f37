"""An environment for each peer, made on demand from its hash-pinned lock and kept in `build/`."""

import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent.parent / "build" / "benchmarks" / "peers"
INSTALL_LIMIT_S = 900


class NotInstalledError(Exception):
    """A peer cannot be had on this machine."""


def peer_python(peer: str) -> Path:
    """The interpreter of an environment that holds what the peer's lock says.

    Raises:
        NotInstalledError: the lock cannot be installed here.
    """
    lock, folder = HERE / f"{peer}.lock", ENVIRONMENTS / peer
    python, mark = folder / "bin" / "python", folder / "lock.sha256"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text("utf-8") != digest:
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _install(python, lock)
        mark.write_text(digest, "utf-8")
    return python


def _install(python: Path, lock: Path) -> None:
    # A lock is complete; without `--no-deps` older pips stumble over extras that have no hash.
    pip = (str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")
    try:
        done = subprocess.run(
            (*pip, "--requirement", str(lock)),
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=INSTALL_LIMIT_S,
        )
    except subprocess.TimeoutExpired as slow:
        raise NotInstalledError(f"not installed in {INSTALL_LIMIT_S} s") from slow
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        reason = errors[0].removeprefix("ERROR: ") if errors else f"pip exit {done.returncode}"
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise NotInstalledError(f"cannot be installed with Python {version}: {reason[:200]}")
