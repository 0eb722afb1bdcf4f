"""SearchClient over a wire: the questions and the paging, the same for Elasticsearch and OpenSearch."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from alertd.errors import PartialError, PermanentError
from alertd.search import Hit, Search, Server
from alertd.search.answer import check_whole, hits

# Each page renews it. Long enough for a page to be recorded, short enough not to burden the server when alertd dies.
KEEP_ALIVE = "2m"
# A total order. Elasticsearch and OpenSearch number documents over all shards; the embedded server within an index.
_PIT_SORT = [{"_index": "asc"}, {"_shard_doc": "asc"}]


class Wire(Protocol):
    """How one flavor carries requests. Every failure comes out as RetryError, PermanentError or PartialError."""

    flavor: str

    def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, Any]: ...

    def open_pit(self, index: str, keep_alive: str) -> str: ...

    def close_pit(self, pit: str) -> None: ...

    def server_time(self) -> datetime | None: ...

    def close(self) -> None: ...


class Client:
    """Implements SearchClient."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def server(self) -> Server:
        root = self._wire.request("GET", "/")
        return Server(self._wire.flavor, str(root["version"]["number"]), str(root.get("cluster_name", "")))

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        first = self._ask(
            f"/{search.index}/_search",
            _body(search),
            {"ignore_unavailable": "false", "allow_no_indices": "false"},
            search,
        )
        if len(first) < search.page_size:
            yield first
            return
        yield from self._paged(search)

    def _paged(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        """From the start again: what changed between the first page and the point in time must not be missed."""
        pit = self._wire.open_pit(search.index, KEEP_ALIVE)
        after: object = None
        try:
            while True:
                body = {**_body(search), "pit": {"id": pit, "keep_alive": KEEP_ALIVE}, "sort": _PIT_SORT}
                if after is not None:
                    body["search_after"] = after
                answer = self._answer("/_search", body, {}, search)
                pit = answer.get("pit_id", pit)
                page = hits(answer)
                if not page:
                    return
                yield page
                after = answer["hits"]["hits"][-1]["sort"]
        finally:
            self._wire.close_pit(pit)

    def _ask(self, path: str, body: object, params: Mapping[str, str], search: Search) -> tuple[Hit, ...]:
        return hits(self._answer(path, body, params, search))

    def _answer(self, path: str, body: object, params: Mapping[str, str], search: Search) -> dict[str, Any]:
        answer = self._wire.request("POST", path, params={"allow_partial_search_results": "false", **params}, body=body)
        check_whole(answer, search.index)
        return answer

    def server_time(self) -> datetime | None:
        return self._wire.server_time()

    def field_types(self, index: str, fields: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        params = {"ignore_unavailable": "false", "allow_no_indices": "false", "fields": ",".join(fields)}
        found = self._wire.request("GET", f"/{index}/_field_caps", params=params)["fields"]
        return {name: frozenset(types) for name, types in found.items()}

    def indices(self, index: str) -> tuple[str, ...]:
        params = {"ignore_unavailable": "false", "allow_no_indices": "false", "filter_path": "*.aliases"}
        found = self._wire.request("GET", f"/{index}/_alias", params=params)
        if not found:
            raise PermanentError(f"no index matches {index}: check sources.NAME.index.")
        return tuple(sorted(found))

    def validate(self, index: str, query: Mapping[str, object]) -> str | None:
        """Asked as a search that no document can match: every shard parses it against its mapping."""
        nothing = {"bool": {"filter": [query, {"ids": {"values": []}}]}}
        params = {"ignore_unavailable": "false", "allow_no_indices": "false", "allow_partial_search_results": "false"}
        try:
            answer = self._wire.request("POST", f"/{index}/_search", params=params, body={"query": nothing, "size": 0})
            check_whole(answer, index)
        except (PermanentError, PartialError) as error:
            return str(error)
        return None

    def close(self) -> None:
        self._wire.close()


def _body(search: Search) -> dict[str, Any]:
    return {
        "query": search.query,
        "size": search.page_size,
        "_source": list(search.fields) or False,
        "fields": list(search.fields),
        "timeout": f"{int(search.timeout.total_seconds() * 1000)}ms",
        "track_total_hits": False,
        "sort": ["_doc"],
    }
