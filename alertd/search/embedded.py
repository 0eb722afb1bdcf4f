"""The embedded search server: OpenSearch's interface, in memory, up in some 40 ms."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alertd.errors import ConfigError, Problem


class RefusedIndexError(Exception):
    """The server does not take the mapping; its reason."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    url: str

    def fill_index(
        self, name: str, mapping: Mapping[str, object], documents: Mapping[str, Mapping[str, object]]
    ) -> dict[str, str]:
        """An index with these documents, by id. Why the server refuses a document, by its id."""
        self.create_index(name, mapping)
        lines = [
            json.dumps(line)
            for document_id, document in documents.items()
            for line in ({"index": {"_index": name, "_id": document_id}}, document)
        ]
        answer = self._send("POST", "/_bulk?refresh=true", "\n".join([*lines, ""]), "application/x-ndjson")
        items = [item["index"] for item in answer["items"]]
        return {item["_id"]: str(item["error"]["reason"]) for item in items if "error" in item}

    def create_index(self, name: str, mapping: Mapping[str, object]) -> None:
        """RefusedIndexError."""
        try:
            self._send("PUT", f"/{name}", json.dumps({"mappings": mapping}), "application/json")
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedIndexError(_reason(error.read())) from error

    def drop_index(self, name: str) -> None:
        """With all its documents."""
        self._send("DELETE", f"/{name}", "", "application/json")

    def add(self, documents: Iterable[tuple[str, str, Mapping[str, object]]]) -> None:
        """(index, id, document): searchable when this returns."""
        lines = []
        for index, document_id, document in documents:
            lines += [json.dumps({"index": {"_index": index, "_id": document_id}}), json.dumps(document)]
        answer = self._send("POST", "/_bulk?refresh=true", "\n".join(lines) + "\n", "application/x-ndjson")
        if answer["errors"]:
            failed = next(item["index"]["error"] for item in answer["items"] if "error" in item["index"])
            raise ValueError(f"the search server refuses a document: {failed}")

    def _send(self, method: str, path: str, body: str, kind: str) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 our own server
            self.url + path, data=body.encode(), method=method, headers={"Content-Type": kind}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 our own server
            return dict(json.load(answer))


def _reason(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error"]["reason"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace")


@contextmanager
def embedded_server() -> Iterator[EmbeddedServer]:
    """ConfigError where the extra is not installed."""
    try:
        from osmem_server import OsmemServer
    except ImportError as error:
        how = "in alertd's source, pip install --require-hashes -r requirements-offline.txt"
        what = f"the embedded search server is not installed: {how}"
        raise ConfigError([Problem("alertd", what)]) from error
    with OsmemServer.start() as server:
        try:
            yield EmbeddedServer(server.url)
        finally:
            # its own close leaves a pipe open, and lets the server write to the terminal
            with server.process as process:
                process.kill()
