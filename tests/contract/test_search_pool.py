"""The fast scan and the sweep of a source run beside each other, through one client."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from alertd.search.exchange import Exchange
from alertd.search.tls import Tls

SHORT = timedelta(seconds=10)


def test_two_exchanges_at_a_time_keep_their_connections(caplog: pytest.LogCaptureFixture) -> None:
    """No third one is opened, and no library warns of a full pool, at each poll."""
    both = threading.Barrier(2, timeout=10)
    connections: set[object] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connections.add(self.client_address)
            both.wait()
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    exchange = Exchange(Tls(None, None, None), proxy=None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, ThreadPoolExecutor(2) as pool:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        for _ in range(4):
            sent = [pool.submit(exchange.send, "GET", url, headers={}, body=None, deadline=SHORT) for _ in range(2)]
            assert [200, 200] == [each.result().status for each in sent]
        exchange.close()
        server.shutdown()
    assert 2 == len(connections)
    assert [] == [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
