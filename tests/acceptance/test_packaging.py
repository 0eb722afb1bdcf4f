"""What ships beside the program: the image's recipe and the systemd unit."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.running import SearchServer

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "alertd.service"
MOST_EXPOSURE = 1.3

# The packages that the image leaves out, by what is imported of them.
_IMPORTED = {"grpcio": "grpc", "opensearch-protobufs": "opensearch", "protobuf": "google"}
_ASK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[2:]:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from alertd.search.connect import connect
from alertd.search.connection import Connection

client = connect(Connection(urls=(sys.argv[1],)), flavor="opensearch")
print(client.server().flavor)
"""


def test_alertd_searches_without_what_the_image_leaves_out(embedded: SearchServer) -> None:
    """A client library asks for it, and never uses it."""
    [left_out] = re.findall(r"uninstall --yes ((?:[a-z-]+ ?)+)\n\nFROM", (ROOT / "Dockerfile").read_text())
    names = [_IMPORTED[package] for package in left_out.split()]
    done = subprocess.run(
        [sys.executable, "-c", _ASK, embedded.url, *names], capture_output=True, text=True, timeout=60, check=False
    )
    assert "opensearch\n" == done.stdout, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_may_do_little(tmp_path: Path) -> None:
    """As systemd judges it: 0 is nothing at all, 10 is everything."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    [exposure] = re.findall(r"Overall exposure level for alertd\.service: ([0-9.]+)", done.stdout)
    assert float(exposure) <= MOST_EXPOSURE, done.stdout


def test_the_unit_leaves_no_core_dump_with_secrets() -> None:
    """A core holds the token and the key."""
    assert "\nLimitCORE=0\n" in UNIT.read_text()
