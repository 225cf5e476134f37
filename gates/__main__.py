"""The process: one command, the error boundary, exit codes.

`--help` must answer at once, so nothing but argparse is loaded before a command is known; each says
what it takes in `gates.commands.arguments`, and does it in `gates.commands`.
"""

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from gates import __version__
from gates.commands.arguments.parser import build_parser
from gates.errors import ExitCode, GatesError

_BLAS = "OPENBLAS_NUM_THREADS"
_REFUSED_BY_THE_MACHINE = (
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
)


def run() -> None:
    """Run the process to its end; it is short, so garbage is hardly looked for, and not at last."""
    gc.set_threshold(100_000, 20, 20)
    code = main(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


def main(arguments: Sequence[str]) -> int:
    """One command; anything that somebody can mend becomes one message and an exit code."""
    chosen = build_parser().parse_args(arguments)
    try:
        code: int = _load(chosen.command).run(chosen)
        sys.stdout.flush()
    except GatesError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted; nothing was judged.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; say nothing more, least of all at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CANNOT_JUDGE
    except OSError as error:
        return _report_refusal(error)
    except Exception:  # noqa: BLE001 - the one place where a bug of ours becomes an exit code
        return _report_bug()
    return code


def _load(name: str) -> ModuleType:
    """Import a command, and NumPy with one BLAS thread.

    Our matrices are small: on a busy machine a second thread waits longer than it works. The
    library reads the variable when it is loaded; it is gone again before any child starts.
    """
    ours = _BLAS not in os.environ
    os.environ.setdefault(_BLAS, "1")
    try:
        return importlib.import_module(f"gates.commands.{name}")
    finally:
        if ours:
            del os.environ[_BLAS]


def _report_refusal(error: OSError) -> int:
    if error.errno not in _REFUSED_BY_THE_MACHINE:
        return _report_bug()
    where = error.filename or "writing the output"
    _say(f"{where}: {error.strerror}. Make room or give access, and run again.")
    return ExitCode.CANNOT_JUDGE


def _report_bug() -> int:
    import platform  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    traceback.print_exc()
    _say(
        f"a bug of ours, so nothing was judged (gatepost {__version__}, Python "
        f"{platform.python_version()}, {platform.system()}). Please report it with the lines above."
    )
    return ExitCode.BUG


def _say(message: str) -> None:
    sys.stderr.write(f"gatepost: {message}\n")


if __name__ == "__main__":
    run()
