"""Planted bugs: each is one change to a copy of alertd that the named tests must notice.

A test notices by an assertion that fails. A copy that cannot be imported, or a test that only trips over the change,
proves nothing.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
# What the tests need of the project.
_COPIED = ("alertd", "rules", "tests", "config.example.toml", "pyproject.toml")
_TOGETHER = 2
# Seconds on an idle machine; a change that makes a test hang must not hold the run for ever.
_DEADLINE_SECONDS = 600
# How pytest's report begins where an assertion did not hold, what should have been raised was not, or alertd gave up
# where it should have gone on.
_NOTICED = re.compile(r"assert |AssertionError|Failed: DID NOT RAISE|alertd\.errors\.(Retry|Partial|Permanent)Error")


class PlantError(Exception):
    """The list no longer fits the code, or a run of the tests says nothing. Nothing is known about the mutant."""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str  # what alertd would do wrong
    breaks: str  # the promise
    file: str  # relative to the project
    old: str
    new: str
    tests: tuple[str, ...]  # pytest's node ids


@dataclass(frozen=True, slots=True)
class Verdict:
    mutant: Mutant
    killer: str | None  # the first test that noticed; None: the mutant survived
    seconds: float


def load(path: Path = LIST) -> tuple[Mutant, ...]:
    """PlantError with every snippet that is not in its file exactly once."""
    mutants = tuple(
        Mutant(**{**table, "tests": tuple(table["tests"])})
        for table in tomllib.loads(path.read_text("utf-8"))["mutants"]
    )
    wrong = [mistake for mutant in mutants for mistake in _mistakes(mutant)]
    names = [mutant.name for mutant in mutants]
    wrong += [f"{name}: listed twice" for name in dict.fromkeys(names) if names.count(name) > 1]
    if wrong:
        raise PlantError("\n".join(wrong))
    return mutants


def _mistakes(mutant: Mutant) -> Iterator[str]:
    path = ROOT / mutant.file
    count = path.read_text("utf-8").count(mutant.old) if path.is_file() else 0
    if count != 1:
        yield f"{mutant.name}: its old text is {count} times in {mutant.file}, not once"
    if mutant.old == mutant.new:
        yield f"{mutant.name}: it changes nothing"


@contextmanager
def planted(mutants: Sequence[Mutant], folder: Path) -> Iterator[tuple[Future[Verdict], ...]]:
    """A verdict to come for each mutant, in order. PlantError where the tests fail without any mutant."""
    sound = folder / "sound"
    _copy(ROOT, sound)
    killer = _run(sound, dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    if killer:
        raise PlantError(f"{killer} fails without any mutant")
    pool = ThreadPoolExecutor(_TOGETHER)
    try:
        yield tuple(
            pool.submit(_judge, mutant, sound=sound, copy=folder / str(number)) for number, mutant in enumerate(mutants)
        )
    finally:
        pool.shutdown(cancel_futures=True)


def _judge(mutant: Mutant, *, sound: Path, copy: Path) -> Verdict:
    began = time.monotonic()
    shutil.copytree(sound, copy)
    try:
        _plant(mutant, copy)
        _check_import(mutant, copy)
        return Verdict(mutant, _run(copy, mutant.tests), time.monotonic() - began)
    finally:
        shutil.rmtree(copy)


def _plant(mutant: Mutant, copy: Path) -> None:
    path = copy / mutant.file
    path.write_text(path.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")
    # compiled code is known by time and size alone
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def _check_import(mutant: Mutant, copy: Path) -> None:
    """The changed module, or alertd for a file of data, loads, and loads from the copy."""
    path = Path(mutant.file)
    parts = path.with_suffix("").parts if path.suffix == ".py" else path.parts[:1]
    script = "import importlib, sys; print(importlib.import_module(sys.argv[1]).__file__)"
    done = _python(copy, "-c", script, ".".join(parts))
    if done.returncode != 0:
        raise PlantError(f"{mutant.name}: the module cannot be imported:\n{done.stderr[-1000:]}")
    if not Path(done.stdout.strip()).is_relative_to(copy):
        raise PlantError(f"{mutant.name}: {done.stdout.strip()} was imported, which is not the copy's")


def _run(copy: Path, tests: Iterable[str]) -> str | None:
    """The test that fails by an assertion: the first to fail is the last to run. PlantError where none ran."""
    report = copy / "report.xml"
    report.unlink(missing_ok=True)
    options = ["-q", "-x", "-m", "not real_servers", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    done = _python(copy, "-m", "pytest", *options, *tests)
    if done.returncode not in {0, 1} or not report.exists():
        raise PlantError(f"pytest could not run the tests:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
    cases = list(ET.parse(report).iter("testcase"))
    if all(case.find("skipped") is not None for case in cases):
        raise PlantError(f"none of {' '.join(tests)} ran")
    for case in cases:
        failure = case.find("failure")
        if failure is not None and _NOTICED.match(failure.get("message", "")):
            return case.get("name")
    if done.returncode:
        raise PlantError(f"{' '.join(tests)} failed, and not by an assertion:\n{done.stdout[-2000:]}")
    return None


def _python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=copy,
            env={**_environment(os.environ), "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PlantError(f"no end after {_DEADLINE_SECONDS} s: {' '.join(arguments)}") from error


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Without what a test run around this one has set."""
    return {name: value for name, value in ours.items() if not name.startswith(("PYTEST", "SIMULATION_", "ALERTD_"))}


def _copy(root: Path, to: Path) -> None:
    to.mkdir()
    for name in _COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, to / name)
