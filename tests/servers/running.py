"""Real search servers on loopback: started when the first test asks, stopped with the session."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# The first start downloads and compiles.
START_SECONDS = 600
# name → command beside this file, before the port; and the first port that its test node may use
SERVERS = {
    "elasticsearch8": (["start-elasticsearch", "8.19.21"], 9301),
    "elasticsearch9": (["start-elasticsearch", "9.5.3"], 9401),
    "opensearch3": (["start-opensearch"], 9201),
}


@dataclass(frozen=True, slots=True)
class SearchServer:
    name: str
    flavor: str
    url: str


def missing() -> str | None:
    """What this machine lacks to run them, or None."""
    for tool in ("mvn", "java", "unzip"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    return None


@contextmanager
def running(name: str, *, port: int | None = None, data: Path | None = None) -> Iterator[SearchServer]:
    """With the port and the data of one that ran before, it is that one again."""
    command, first_port = SERVERS[name]
    port = port or _free_port(first_port)
    with tempfile.TemporaryDirectory(prefix="alertd-server-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [HERE / command[0], *command[1:], str(port), data or f"{folder}/data"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, log)
            yield SearchServer(name, "opensearch" if name.startswith("opensearch") else "elasticsearch", url)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _free_port(first: int) -> int:
    for port in range(first, first + 90):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")
