"""The house stays one that a newcomer can walk through."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ALERTD = Path(__file__).parents[2] / "alertd"
MOST_LINES = 300
LONGEST_FUNCTION = 60


def _modules() -> Iterator[tuple[str, str]]:
    for path in sorted(ALERTD.rglob("*.py")):
        yield path.relative_to(ALERTD.parent).as_posix(), path.read_text("utf-8")


def test_no_module_is_longer_than_300_lines() -> None:
    """What grows beyond holds two things: divide it by concept."""
    assert [] == [name for name, text in _modules() if len(text.splitlines()) > MOST_LINES]


def test_every_function_fits_a_screen() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, text in _modules()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert [] == long


def test_everything_is_caught_in_three_places_only() -> None:
    """At the boundaries of a job, a command and the log; elsewhere only what can be reacted to."""
    broad = [name for name, text in _modules() if "except Exception" in text]
    assert ["alertd/cli/main.py", "alertd/log.py", "alertd/run/daemon.py"] == broad


def test_what_is_asked_of_the_ledger_alone_loads_nothing_that_speaks_to_servers() -> None:
    """It would be most of the time that the answer takes."""
    program = "import sys; import alertd.cli.main, alertd.cli.explain, alertd.cli.status; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert set() == loaded & {"slack_sdk", "elasticsearch", "elastic_transport", "apscheduler", "jinja2", "urllib3"}
