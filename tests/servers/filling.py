"""Makes an index on any search server and puts documents in: what alertd itself never does."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.servers.running import SearchServer


def fill_index(
    server: SearchServer, name: str, mapping: Mapping[str, object], documents: Mapping[str, Mapping[str, object]]
) -> dict[str, str]:
    """Anew, found by searches when this returns. Why the server refused a document, by its id."""
    _send(server, "DELETE", f"/{name}?ignore_unavailable=true")
    settings = {"number_of_shards": 1, "number_of_replicas": 0}
    _send(server, "PUT", f"/{name}", {"mappings": mapping, "settings": settings})
    lines = [
        json.dumps(line) for name_, document in documents.items() for line in ({"index": {"_id": name_}}, document)
    ]
    answer = _send(server, "POST", f"/{name}/_bulk?refresh=true", "\n".join([*lines, ""]))
    items = [item["index"] for item in answer["items"]]
    return {item["_id"]: str(item["error"]["reason"]) for item in items if "error" in item}


def replace_document(server: SearchServer, index: str, name: str, document: Mapping[str, object]) -> None:
    """In its place, found by searches when this returns."""
    _send(server, "PUT", f"/{index}/_doc/{name}?refresh=true", document)


def drop_index(server: SearchServer, name: str) -> None:
    _send(server, "DELETE", f"/{name}")


def _send(server: SearchServer, method: str, path: str, body: object = None) -> dict[str, Any]:
    kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
    data = body if isinstance(body, str) else json.dumps(body) if body else ""
    request = urllib.request.Request(
        server.url + path, data=data.encode() or None, method=method, headers={"Content-Type": kind}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        if method == "DELETE":
            return {}  # there was none
        raise RuntimeError(f"{method} {path}: {error.read().decode()}") from error


def create_red(server: SearchServer, name: str) -> None:
    """An index whose shard may be on no node."""
    nowhere = {"index.routing.allocation.require._name": "nowhere", "number_of_replicas": 0}
    _send(server, "PUT", f"/{name}?wait_for_active_shards=0", {"settings": nowhere})


def transport_address(server: SearchServer) -> str:
    """Where other clusters reach it."""
    [node] = _send(server, "GET", "/_nodes/_local/transport")["nodes"].values()
    return str(node["transport"]["publish_address"])


def set_remote(server: SearchServer, name: str, address: str | None, *, skip: bool = True) -> None:
    """The cluster that this one calls so; `skip`: it may be left out of an answer. None: there is no such cluster."""
    here = f"cluster.remote.{name}"
    settings = {f"{here}.seeds": address and [address], f"{here}.skip_unavailable": skip if address else None}
    _send(server, "PUT", "/_cluster/settings", {"persistent": settings})
