import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertd.demo.slack import SlackStandIn
from tests.acceptance.installation import CHANNEL, SECRET, Installation
from tests.servers.running import SearchServer


def _install(folder: Path, server: SearchServer) -> Iterator[Installation]:
    with SlackStandIn() as slack:
        slack.workspace.add_channel(id=CHANNEL, name="aws-root")
        installation = Installation(folder, server, slack, f"t{uuid.uuid4().hex[:8]}")
        installation.configure()
        installation.create_indices()
        yield installation
        for output in (*installation.outputs, installation.log):
            assert SECRET not in output, "a secret came out"


@pytest.fixture
def installed(tmp_path: Path, embedded: SearchServer) -> Iterator[Installation]:
    """On the embedded server."""
    yield from _install(tmp_path, embedded)


@pytest.fixture
def installed_anywhere(tmp_path: Path, search_server: SearchServer) -> Iterator[Installation]:
    """On every kind of server in turn."""
    yield from _install(tmp_path, search_server)
