"""A warm process that runs pytest in forks of itself: what a hundred runs would each load anew is loaded once.

Jobs come as lines of JSON on stdin, one at a time; for each, its exit code goes to stdout. Nothing of alertd is loaded
before the fork: each copy brings its own.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import signal
import sys
import traceback
from pathlib import Path
from typing import TypedDict

# All of the libraries that the tests and alertd load, of those that are slow.
LIBRARIES = (
    "_pytest.assertion.rewrite",
    "apscheduler.schedulers.background",
    "elasticsearch",
    "hypothesis.stateful",
    "jinja2",
    "jsonschema",
    "lark",
    "opensearchpy",
    "osmem_server",
    "pydantic_settings",
    "pytest",
    "rich",
    "slack_sdk.webhook",
    "structlog",
    "trustme",
    "typer",
    "xdist",
)
# The module of the copy cannot be imported, or it is not the copy's that was.
NOT_IMPORTED = 100


class Job(TypedDict):
    copy: str  # the folder of the copy
    module: str  # is to be imported first, from the copy
    arguments: list[str]  # pytest's
    output: str  # the file that takes what is printed
    seconds: int  # at most
    environment: dict[str, str]


def serve() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _be_born(json.loads(line))
        _, status = os.waitpid(child, 0)
        # what it left running
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be_born(job: Job) -> None:
    """In the fork, which ends here."""
    code = 70
    try:
        os.setsid()
        signal.alarm(job["seconds"])
        os.chdir(job["copy"])
        os.environ.clear()
        os.environ.update(job["environment"], PYTHONPATH=job["copy"])
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, ours in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, ours)
        sys.path[0] = job["copy"]
        random.seed()
        code = _run(job)
    except BaseException:  # noqa: BLE001 whatever it is, this process must not go on as a second nursery
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(job: Job) -> int:
    try:
        module = importlib.import_module(job["module"])
    except Exception:  # noqa: BLE001 whatever a planted bug raises where it is loaded
        traceback.print_exc()
        return NOT_IMPORTED
    if not Path(str(module.__file__)).is_relative_to(job["copy"]):
        print(f"{module.__file__} was imported, which is not the copy's")
        return NOT_IMPORTED
    import pytest

    return int(pytest.main(job["arguments"]))


if __name__ == "__main__":
    serve()
