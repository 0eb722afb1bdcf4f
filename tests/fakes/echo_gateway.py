"""A gateway that answers every request with an error that repeats it: headers, path and body, spelled in many ways."""

import base64
import html
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "percent": lambda said: quote(said, safe=""),
    "percent, small": lambda said: quote(said, safe="").lower(),
    "html": html.escape,
    "repr": repr,
    "base64": lambda said: base64.b64encode(said.encode()).decode(),
}


@contextmanager
def echo_gateway(spelled: Callable[[str], str], *, status: int, as_json: bool) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode(errors="replace")
            said = spelled(f"cannot {self.command} {self.path} as {self.headers['Authorization']}\n{self.headers}")
            said = f"{said} {spelled(body)}"
            content = (json.dumps({"ok": False, "error": said}) if as_json else said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = _answer  # noqa: N815 the library's name
        do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
