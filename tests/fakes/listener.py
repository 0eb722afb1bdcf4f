"""A listening socket that does one thing with each connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def listening(treat: Callable[[socket.socket], object]) -> Iterator[int]:
    """The port. Each connection is treated in the order of its arrival, then closed."""

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                if over.is_set():
                    return
                treat(connection)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            over.set()
            with socket.create_connection(("127.0.0.1", port)):
                thread.join()
