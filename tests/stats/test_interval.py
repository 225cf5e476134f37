import subprocess
import sys
from pathlib import Path

import pytest

import gates.stats
from gates.stats.interval import Interval, confidence_of


def test_an_interval_is_closed() -> None:
    interval = Interval(-0.25, 0.5)
    assert -0.25 in interval
    assert 0.5 in interval
    assert 0.51 not in interval
    assert interval.width == 0.75


def test_the_negative_of_an_interval_swaps_its_limits() -> None:
    assert -Interval(-0.1, 0.3) == Interval(-0.3, 0.1)


def test_a_one_sided_level_of_1_percent_is_98_percent_two_sided() -> None:
    assert confidence_of(0.01) == pytest.approx(0.98, abs=1e-15)


@pytest.mark.parametrize("alpha", [0.0, 0.5, -1.0, float("nan")])
def test_what_is_no_level_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        confidence_of(alpha)


def test_the_module_imports_no_numbers_library() -> None:
    code = "import gates.stats.interval, sys; print('numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_no_module_imports_scipy() -> None:
    package = Path(gates.stats.__file__).parent
    modules = ", ".join(sorted(path.stem for path in package.glob("[a-z]*.py")))
    code = f"from gates.stats import {modules}; import sys; print('scipy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
