"""Planted bugs: each is one change to a copy of alertd that the named tests must notice.

A test notices by an assertion that fails. A copy that cannot be imported, or a test that only trips over the change,
proves nothing.
"""

import json
import os
import queue
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

from tests.mutants.nursery import NOT_IMPORTED, Job

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
# What the tests need of the project.
_COPIED = ("alertd", "rules", "tests", "config.example.toml", "pyproject.toml")
_TOGETHER = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2  # other workers have the other core
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
def planted(mutants: Sequence[Mutant], folder: Path, *, tried: bool = False) -> Iterator[tuple[Future[Verdict], ...]]:
    """A verdict to come for each mutant, in order. PlantError where the tests fail without any mutant.

    `tried`: the named tests are part of the same run, which tells by itself whether they fail without any.
    """
    sound = folder / "sound"
    _copy(ROOT, sound)
    with _nurseries() as nurseries:
        if not tried:
            killer = _run(sound, dict.fromkeys(test for mutant in mutants for test in mutant.tests), nurseries)
            if killer:
                raise PlantError(f"{killer} fails without any mutant")
        pool = ThreadPoolExecutor(_TOGETHER)
        try:
            yield tuple(
                pool.submit(_judge, mutant, sound=sound, copy=folder / str(number), nurseries=nurseries)
                for number, mutant in enumerate(mutants)
            )
        finally:
            pool.shutdown(cancel_futures=True)


def _judge(mutant: Mutant, *, sound: Path, copy: Path, nurseries: "Nurseries") -> Verdict:
    began = time.monotonic()
    shutil.copytree(sound, copy)
    try:
        _plant(mutant, copy)
        killer = _run(copy, mutant.tests, nurseries, module=_module(mutant))
        return Verdict(mutant, killer, time.monotonic() - began)
    finally:
        shutil.rmtree(copy)


def _plant(mutant: Mutant, copy: Path) -> None:
    path = copy / mutant.file
    path.write_text(path.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")
    # compiled code is known by time and size alone
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def _module(mutant: Mutant) -> str:
    """The changed module, or alertd for a file of data."""
    path = Path(mutant.file)
    parts = path.with_suffix("").parts if path.suffix == ".py" else path.parts[:1]
    return ".".join(parts).removesuffix(".__init__")


def _run(copy: Path, tests: Iterable[str], nurseries: "Nurseries", module: str = "alertd") -> str | None:
    """The test that fails by an assertion: the first to fail is the last to run. PlantError where none ran."""
    report, output = copy / "report.xml", copy / "output"
    report.unlink(missing_ok=True)
    options = ["-q", "-x", "-m", "not real_servers", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # pytest's plugins are loaded already
    code = _in_a_nursery(nurseries, copy, module, [*options, *tests], output)
    printed = output.read_text("utf-8", "replace")[-2000:] if output.exists() else ""
    if code == NOT_IMPORTED:
        raise PlantError(f"{module} cannot be imported:\n{printed}")
    if code == -14:  # SIGALRM
        raise PlantError(f"no end after {_DEADLINE_SECONDS} s: {' '.join(tests)}")
    if code not in {0, 1} or not report.exists():
        raise PlantError(f"pytest could not run the tests:\n{printed}")
    cases = list(ET.parse(report).iter("testcase"))
    if all(case.find("skipped") is not None for case in cases):
        raise PlantError(f"none of {' '.join(tests)} ran")
    for case in cases:
        failure = case.find("failure")
        if failure is not None and _NOTICED.match(failure.get("message", "")):
            return case.get("name")
    if code:
        raise PlantError(f"{' '.join(tests)} failed, and not by an assertion:\n{printed}")
    return None


Nurseries = queue.SimpleQueue[subprocess.Popen[str]]


@contextmanager
def _nurseries() -> Iterator[Nurseries]:
    """As many warm processes as runs go on together."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(os.environ),
        )
        for _ in range(_TOGETHER)
    ]
    idle = Nurseries()
    for process in processes:
        idle.put(process)
    try:
        yield idle
    finally:
        for process in processes:
            with process:
                process.kill()


def _in_a_nursery(nurseries: Nurseries, copy: Path, module: str, arguments: list[str], output: Path) -> int:
    """pytest's exit code; negative: the signal that ended it."""
    job = Job(
        copy=str(copy),
        module=module,
        arguments=arguments,
        output=str(output),
        seconds=_DEADLINE_SECONDS,
        environment=_environment(os.environ),
    )
    process = nurseries.get()
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    finally:
        nurseries.put(process)
    if not answer:
        raise PlantError("the warm process ended")
    return int(answer)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Without what a test run around this one has set."""
    return {name: value for name, value in ours.items() if not name.startswith(("PYTEST", "SIMULATION_", "ALERTD_"))}


def _copy(root: Path, to: Path) -> None:
    """With what is compiled: nothing needs to be compiled again but what is planted."""
    to.mkdir()
    for name in _COPIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, to / name)
        else:
            shutil.copy2(source, to / name)
