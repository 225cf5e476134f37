"""The ten acceptance anchors of the threat model, each with its figure: `docs/security-anchors.md`.

    python -m benchmarks.anchors            # all that is measured here; some ten minutes
    python -m benchmarks.anchors 3 9 --python other/bin/python --quick

`--python` names a second interpreter that has what `requirements-report.lock` lists. `--quick`
takes every tenth artifact, and a tenth of the strings.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings

from benchmarks.canaries import make_canaries
from benchmarks.hostile import Hostile, flipped_under_seal, make_all, make_files
from gates.report import render_comment, render_html
from tests.cli.folders import LIMITS, make_good, make_rows
from tests.report import test_words
from tests.report.reading import read_html, read_markdown
from tests.report.samples import SAMPLES
from tests.workflows.model import ROOT, parse, read_texts
from tests.workflows.mutants import MUTANTS
from tests.workflows.rules import broken
from tests.workflows.tools import schema, zizmor

CHILD = Path(__file__).with_name("hostile_child.py")
STRINGS = 25_000
FLIPS = 200
MILLION = 1_000_000
_OF_STRINGS = (
    test_words.test_code_is_one_cell_with_one_literal_code,
    test_words.test_prose_reads_the_same_and_does_nothing,
    test_words.test_a_quoted_name_is_harmless,
)
_ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {},
    {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "de_DE.UTF-8", "TZ": "America/St_Johns", "PYTHONHASHSEED": "4242"},
    {"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0", "NO_COLOR": "1", "COLUMNS": "40"},
    {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {"OMP_NUM_THREADS": "4", "ARROW_NUM_THREADS": "4", "PYTHONHASHSEED": "7"},
    {"CI": "true", "GITHUB_ACTIONS": "true", "FORCE_COLOR": "1", "PYTHONOPTIMIZE": "1"},
)


class Ended(NamedTuple):
    """How one child ended."""

    code: int
    said: str
    cpu_s: float
    peak_mb: float


class Asked(NamedTuple):
    """What the command line asks for."""

    folder: Path
    quick: bool
    pythons: Sequence[str]


def workflows(_asked: Asked) -> Iterator[str]:
    """1: static checks, and mutants."""
    texts = read_texts()
    found = "No findings" not in _said(zizmor(ROOT))
    ignored = sum(text.count("zizmor: ignore") for text in texts.values())
    yield f"zizmor: {'some' if found else 'no'} findings, {ignored} ignored"
    yield f"schema: {'broken' if schema(ROOT).returncode else 'kept'}"
    killed = sum(_is_killed(mutant.apply(texts)) for mutant in MUTANTS)
    yield f"{killed} of {len(MUTANTS)} mutants killed"


def canaries(asked: Asked) -> Iterator[str]:
    """2: nothing of the evidence is executed."""
    files, fired = make_files(asked.folder / "good", 500), asked.folder / "fired"
    made = list(make_canaries(files, fired))[:: 10 if asked.quick else 1]
    ended = [_judge(asked, each, cwd=True) for each in made]
    yield f"{len(made)} canaries, {int(fired.exists())} fired"
    yield f"{sum(one.code == 4 for one in ended)} crashes"


def hostile(asked: Asked) -> Iterator[str]:
    """3: evidence that is wrong is refused, soon and with little memory."""
    files = make_files(asked.folder / "good")
    made = list(make_all(files))[:: 10 if asked.quick else 1]
    ended = [(each, _judge(asked, each)) for each in made]
    refused = [one for _, one in ended if one.code in (1, 3) and one.said]
    codes = Counter(one.code for _, one in ended)
    yield f"{len(refused)} of {len(made)} refused with a reason; by exit code {dict(codes)}"
    for each, one in ended:
        if one not in refused:
            yield f"not refused: {each.name}: {one.code} {one.said[:200]}"
    yield _costs([one for _, one in ended])
    flipped = list(flipped_under_seal(files, FLIPS // (10 if asked.quick else 1)))
    after = Counter(_judge(asked, each).code for each in flipped)
    yield f"{len(flipped)} single bits under a seal that agrees: by exit code {dict(after)}"


def strings(asked: Asked) -> Iterator[str]:
    """4: no text escapes its place in Markdown, and nothing leads to a foreign host."""
    most = STRINGS // (10 if asked.quick else 1)
    wide = settings(
        max_examples=most, deadline=None, database=None, suppress_health_check=[*HealthCheck]
    )
    for test in _OF_STRINGS:
        inner: Callable[[str], None] = test.hypothesis.inner_test  # type: ignore[attr-defined]
        wide(given(test_words.HOSTILE)(inner))()
        yield f"{most:,} strings through cmark, 0 escapes: {test.__name__.removeprefix('test_')}"
    hosts: Counter[str] = Counter()
    for make in SAMPLES.values():
        verdict = make()
        for read in (read_markdown(render_comment(verdict)), read_html(render_html(verdict))):
            targets = [value for name, value in read.attributes if name in ("href", "src")]
            hosts.update(urlsplit(target or "").netloc for target in targets)
    hosts.pop("", None)
    yield f"{len(SAMPLES)} reports as comment and page: {sum(hosts.values())} links to other hosts"


def environments(asked: Asked) -> Iterator[str]:
    """9: the same evidence gives the same bytes."""
    good = asked.folder / "nine"
    make_good(good / "a b" / "head", scores=[0.4] * 200)
    make_good(good / "base")
    (good / "params.yaml").write_text(LIMITS, "utf-8")
    seen: Counter[tuple[bytes, ...]] = Counter()
    for python in (sys.executable, *asked.pythons):
        for at, environment in enumerate(_ENVIRONMENTS):
            seen[_bytes_of(python, good, at, environment)] += 1
    versions = [
        subprocess.run((one, "-V"), capture_output=True, text=True, check=True).stdout.split()[1]
        for one in (sys.executable, *asked.pythons)
    ]
    yield (
        f"{len(seen)} distinct verdict, comment, page and JUnit in {seen.total()} runs: "
        f"{len(_ENVIRONMENTS)} environments, Python {' and '.join(versions)}"
    )


def costs(asked: Asked) -> Iterator[str]:
    """10: packages, and the time for a million rows; calls are counted by a test."""
    lock = (ROOT / "requirements-report.lock").read_text("utf-8")
    yield f"{len(re.findall('^[a-z0-9]', lock, re.MULTILINE))} packages"
    test = make_rows(MILLION)
    for name in ("million_a", "million_b"):
        make_good(asked.folder / name, test=test)
    (asked.folder / "params.yaml").write_text(LIMITS, "utf-8")
    started = time.monotonic()
    given = (ROOT, "", asked.folder / "million_a", asked.folder / "million_b")
    child = (sys.executable, "-I", str(CHILD), *map(str, given))
    ended = _run((*child, str(asked.folder / "params.yaml")), ROOT)
    wall_s = time.monotonic() - started
    yield (
        f"a million rows: exit {ended.code}, {ended.cpu_s:.1f} s of CPU, {wall_s:.1f} s, "
        f"{ended.peak_mb:.0f} MB"
    )


ANCHORS: dict[int, Callable[[Asked], Iterator[str]]] = {
    1: workflows,
    2: canaries,
    3: hostile,
    4: strings,
    9: environments,
    10: costs,
}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("anchors", metavar="N", nargs="*", type=int, default=[*ANCHORS])
    parser.add_argument("--python", action="append", default=[], help="a second interpreter")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    for number in arguments.anchors:
        with tempfile.TemporaryDirectory(prefix="anchors-") as name:
            asked = Asked(Path(name), arguments.quick, arguments.python)
            for line in ANCHORS[number](asked):
                print(f"{number:>2}  {line}", flush=True)


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    return done.stdout + done.stderr


def _is_killed(texts: dict[str, str]) -> bool:
    try:
        return bool(broken(parse(texts)))
    except ValueError:  # a key that no workflow of ours may have
        return True


def _judge(asked: Asked, each: Hostile, *, cwd: bool = False) -> Ended:
    """Take in and judge one artifact in a process of its own."""
    policy = asked.folder / "params.yaml"
    policy.write_text(LIMITS, "utf-8")
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        archive, folder = Path(name) / "evidence.zip", Path(name) / "candidate"
        archive.write_bytes(each.archive)
        given = (ROOT, archive, folder, asked.folder / "good", policy)
        command = (sys.executable, "-I", str(CHILD), *map(str, given))
        return _run(command, Path(name) if cwd else ROOT)


def _run(command: Sequence[str], cwd: Path) -> Ended:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text, _, peak = said.read().decode(errors="replace").rpartition("peak_kb ")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Ended(process.returncode, text.strip() or "blocked by a gate", cpu_s, int(peak) / 1024)


def _costs(ended: Sequence[Ended]) -> str:
    slow, large = max(one.cpu_s for one in ended), max(one.peak_mb for one in ended)
    return f"each at most {slow:.2f} s of CPU and {large:.0f} MB, with the start of Python"


def _bytes_of(python: str, good: Path, at: int, environment: dict[str, str]) -> tuple[bytes, ...]:
    """Verdict, comment, page and JUnit, made in a folder of its own."""
    here = good / f"{Path(python).parent.parent.name}{at}"
    here.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    sides = ("--candidate", str(good / "a b" / "head"), "--baseline", str(good / "base"))
    judge = ("judge", *sides, "--policy", str(good / "params.yaml"), "--date", "2026-11-23")
    for command in ((*judge, "--out", "verdict.json"), ("report", "verdict.json")):
        subprocess.run(
            (python, "-m", "gates", *command),
            cwd=here,
            env={**kept, "PYTHONPATH": str(ROOT), **environment},
            check=False,
            capture_output=True,
        )
    return tuple(path.read_bytes() for path in sorted(here.iterdir()))


if __name__ == "__main__":
    main()
