"""What all tests share: search servers, and the guards that keep tests on this machine."""

import os
import shutil
import socket
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from alertd.search.embedded import embedded_server
from tests.planted import PLANTED, leaks
from tests.servers.running import SERVERS, SearchServer, missing, running

REAL = list(SERVERS)
# Thousands of small ledgers commit, and a commit waits for the disk; no test could tell what a power cut leaves.
MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 * 2**30
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def embedded() -> Iterator[SearchServer]:
    with embedded_server() as server:
        yield SearchServer("embedded", "opensearch", server.url)


def _real(name: str) -> Iterator[SearchServer]:
    lacking = missing()
    if lacking and os.environ.get("CI") == "true":
        pytest.fail(f"real search servers must run in CI: {lacking}")
    if lacking:
        pytest.skip(f"NOT TESTED on {name}: {lacking}")
    with running(name) as server:
        yield server


@pytest.fixture(scope="session")
def elasticsearch8() -> Iterator[SearchServer]:
    yield from _real("elasticsearch8")


@pytest.fixture(scope="session")
def elasticsearch9() -> Iterator[SearchServer]:
    yield from _real("elasticsearch9")


@pytest.fixture(scope="session")
def opensearch3() -> Iterator[SearchServer]:
    yield from _real("opensearch3")


@pytest.fixture(params=["embedded", *(pytest.param(name, marks=pytest.mark.real_servers) for name in REAL)])
def search_server(request: pytest.FixtureRequest) -> SearchServer:
    """Every kind of server in turn."""
    server: SearchServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(autouse=True)
def _stay_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test may reach another machine, or write to the home directory."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = str(address[0])
            if not (host.startswith("127.") or host in {"::1", "localhost"}):
                raise AssertionError(f"a test reached for {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALERTD_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    # Maven and the servers' cache live in the real home; Python code sees another.
    monkeypatch.setattr(Path, "home", lambda: tmp_path_factory.getbasetemp() / "home")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever a test or alertd printed meanwhile: a secret in it fails the test."""
    report = yield
    if report.passed and any(PLANTED in text for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = "a secret was printed: see the captured output"
    return report


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logs, ledgers and all other files of the whole run."""
    yield
    found = [str(path) for path in leaks(tmp_path_factory.getbasetemp())]
    assert not found, f"a secret was written: {found}"
