"""A search server that a row may stop and start again, for all products at the same moment."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.running import running

ELASTICSEARCH = "elasticsearch8"
# The slowest product starts, and shows what it has to, within this time.
_TOGETHER_SECONDS = 180


@dataclass(slots=True)
class Node:
    """`products` of them stand before each stop and start until the last one is there."""

    folder: Path
    port: int
    products: int
    _running: ExitStack = field(default_factory=ExitStack)
    _barrier: threading.Barrier = field(init=False)
    _act: Callable[[], None] = field(init=False)

    def __post_init__(self) -> None:
        self._act = self.start_alone
        self._barrier = threading.Barrier(self.products, action=self._perform, timeout=_TOGETHER_SECONDS)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """With SIGKILL. The data stay."""
        self._together(self.stop_alone)

    def start(self) -> None:
        self._together(self.start_alone)

    def start_alone(self) -> None:
        self._running.enter_context(running(ELASTICSEARCH, port=self.port, data=self.folder / "data"))

    def stop_alone(self) -> None:
        self._running.close()

    def give_up(self) -> None:
        """One product's scene failed: nobody waits for it."""
        self._barrier.abort()

    def _perform(self) -> None:
        self._act()

    def _together(self, act: Callable[[], None]) -> None:
        self._act = act
        self._barrier.wait()


@contextmanager
def node(folder: Path, products: int) -> Iterator[Node]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    folder.mkdir()
    made = Node(folder, port, products)
    try:
        made.start_alone()
        yield made
    finally:
        made.stop_alone()
