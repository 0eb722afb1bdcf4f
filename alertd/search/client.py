"""SearchClient over a wire: the questions and the paging, the same for Elasticsearch and OpenSearch."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.rules.compile import probe
from alertd.search import Hit, Search, Server
from alertd.search.answer import (
    ForbiddenError,
    QueryRefusedError,
    UnwieldyError,
    check_pit,
    check_whole,
    hits,
    index_key,
    not_an_answer,
    total_of,
)
from alertd.search.feed import (
    aggregatable,
    distinct_body,
    distinct_of,
    newest_body,
    newest_of,
    now_body,
    now_of,
    portions,
)
from alertd.search.page import BY_ID, BY_NUMBER, KEEP_ALIVE, first_body, last_sort, pit_body, server_timeout
from alertd.search.shape import OddError, count, is_deep, items, name, table
from alertd.search.wire import Wire

# Closing a point in time is a courtesy: it expires by itself.
CLOSE_TIMEOUT = timedelta(seconds=5)
# A page that is too long to hold is asked again with so many times fewer documents.
SHRINK = 4

# By default a missing index counts as one without hits.
_EVERY_INDEX = {"ignore_unavailable": "false", "allow_no_indices": "false"}
_SOME_SHARDS = {"allow_partial_search_results": "true"}
_EVERY_SHARD = {"allow_partial_search_results": "false"}


class Client:
    """Implements SearchClient."""

    def __init__(self, wire: Wire, *, timeout: timedelta) -> None:
        self._wire = wire
        self._secrets = wire.secrets
        self._timeout = timeout  # of all but searches, which bring their own

    def server(self) -> Server:
        try:
            root = self._ask("GET", "/", where="GET /")
        except ForbiddenError:
            return Server(self._wire.flavor, None, "")
        try:
            found = table(root)
            version = name(table(found.get("version")).get("number"))
            cluster = name(found["cluster_name"]) if "cluster_name" in found else ""
        except OddError as error:
            raise not_an_answer(root, "GET /", self._secrets) from error
        return Server(self._wire.flavor, self._secrets.quote(version), self._secrets.quote(cluster))

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        try:
            found = self.first_page(search)
        except UnwieldyError:
            yield from self.paged(search)
            return
        if len(found) < search.page_size:
            yield found
        else:
            found = found if search.part else ()  # with what it was read from, a page takes megabytes
            try:
                yield from self.paged(search)
            except QueryRefusedError:
                # Elasticsearch before 8.16 opens no point in time over a part: a page is better than nothing
                if not search.part:
                    raise
                yield found

    def first_page(self, search: Search) -> tuple[Hit, ...]:
        answer = self._page(f"/{_quoted(search.index)}/_search", first_body(search), search, params=_EVERY_INDEX)
        where = _where(search.index)
        found = hits(answer, where, self._secrets, most=search.page_size)
        _check_seen(len(found), min(total_of(answer, where, self._secrets), search.page_size), where)
        return found

    def paged(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        """From the start again: what changed between the first page and the point in time must not be missed."""
        pit, after, sort = self._open_pit(search), None, BY_NUMBER
        size, bare = search.page_size, False
        where, seen, total = _where(search.index), 0, 0
        try:
            while True:
                body = pit_body(search, pit, after, sort=sort, size=size, bare=bare)
                try:
                    answer = self._page("/_search", body, search)
                except UnwieldyError:
                    if bare:
                        raise
                    # a document that cannot be read even alone is given without its content, rather than never
                    size, bare = max(1, size // SHRINK), size == 1
                    continue
                except QueryRefusedError as error:
                    if "_shard_doc" not in str(error) or sort == BY_ID:
                        raise
                    sort = BY_ID
                    continue
                pit = self._pit_after(answer, pit, where)
                page = hits(answer, where, self._secrets, most=size)
                if after is None:
                    total = total_of(answer, where, self._secrets)
                if not page:
                    _check_seen(seen, total, where)
                    return
                after, seen = last_sort(answer, after, where, self._secrets), seen + len(page)
                yield page
                del answer, page  # before the next ones come
                size, bare = min(search.page_size, size * 2), False
        finally:
            path, close = self._wire.close_request(pit)
            with suppress(AlertdError):
                self._ask("DELETE", path, where=where, body=close, deadline=CLOSE_TIMEOUT)

    def _open_pit(self, search: Search) -> str:
        path, params = self._wire.pit_request(_quoted(search.index), part=search.part)
        where = _where(search.index)
        answer = self._ask("POST", path, where=where, params={**params, **_EVERY_INDEX, "keep_alive": KEEP_ALIVE})
        if ":" in search.index and not search.part:
            body = {"query": {"match_none": {}}, "size": 0, "_source": False}
            every = self._whole(f"/{_quoted(search.index)}/_search", body, search, _EVERY_INDEX)
            check_pit(answer, every, where, self._secrets)
        try:
            return name(self._wire.pit_id(table(answer)))
        except (OddError, KeyError) as error:
            raise not_an_answer(answer, where, self._secrets) from error

    def _pit_after(self, answer: Mapping[str, object], before: str, where: str) -> str:
        try:
            return name(answer.get("pit_id", before))
        except OddError as error:
            raise not_an_answer(answer, where, self._secrets) from error

    def _page(
        self, path: str, body: dict[str, Any], search: Search, *, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            return self._whole(path, body, search, params or {})
        except QueryRefusedError:
            if not search.fields:
                raise
        # A field that is computed by a script can fail on a document: then what _source has must do. (Without _source
        # this is refused too.)
        return self._whole(path, {**body, "fields": []}, search, params or {})

    def _whole(self, path: str, body: object, search: Search, params: Mapping[str, str]) -> dict[str, Any]:
        where = _where(search.index)
        shards = _SOME_SHARDS if search.part else _EVERY_SHARD
        answer: dict[str, Any] = self._ask(
            "POST", path, where=where, params={**params, **shards}, body=body, deadline=search.timeout
        )
        if not search.part:
            check_whole(answer, where, self._secrets)
        return answer

    def server_time(self, index: str | None = None, field: str = "@timestamp") -> datetime | None:
        if index:
            with suppress(PermanentError, PartialError, KeyError, TypeError, IndexError, ValueError, OverflowError):
                return now_of(self._totals(index, now_body(field)))
        # The servers themselves send no Date header; what stands before them often does.
        try:
            health = self._ask("GET", "/_cat/health", where="GET /_cat/health", params={"format": "json", "h": "epoch"})
            epoch = int(name(table(items(health)[0]).get("epoch")))
            return self._wire.server_date() or datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=epoch)
        except PermanentError:  # no privilege to ask
            return self._wire.server_date()
        except (IndexError, ValueError, OverflowError):
            return None

    def field_types(self, index: str, fields: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        types: dict[str, frozenset[str]] = {}
        for some in portions(fields):
            types |= self._field_caps(index, some)[1]
        # the servers add the objects around a field
        return types if "*" in fields else {field: types[field] for field in fields if field in types}

    def more_than(self, index: str, query: Mapping[str, object], number: int) -> bool:
        body = {"query": query, "size": 0, "track_total_hits": number + 1}
        search = Search(index, query, (), 0, self._timeout)
        answer = self._whole(f"/{_quoted(index)}/_search", body, search, _EVERY_INDEX)
        return total_of(answer, _where(index), self._secrets) > number

    def indices(self, index: str) -> tuple[str, ...]:
        # _id stands for any field: asked this way, the pattern is resolved as a search resolves it
        return tuple(sorted(self._field_caps(index, "_id")[0]))

    def _field_caps(self, index: str, fields: str) -> tuple[tuple[str, ...], dict[str, frozenset[str]]]:
        """The indices, and the types that each field has in them."""
        where = _where(index)
        params = {**_EVERY_INDEX, "fields": fields}
        answer = self._ask("GET", f"/{_quoted(index)}/_field_caps", where=where, params=params)
        try:
            found = table(answer)
            lacking = count(found.get("failed_indices", 0))
            names = tuple(name(one) for one in items(found.get("indices")))
            types = {
                name(field): frozenset(name(kind) for kind in table(kinds))
                for field, kinds in table(found.get("fields")).items()
            }
        except OddError as error:
            raise not_an_answer(answer, where, self._secrets) from error
        if lacking:
            raise PartialError(f"{lacking} indices did not answer ({where})")
        if not names:
            raise PermanentError(f"no such index ({where}): check {index_key(where)}.")
        return names, types

    def newest(self, index: str, field: str) -> datetime | None:
        answer = self._totals(index, newest_body(field))
        try:
            return newest_of(answer)
        except OddError as error:
            raise not_an_answer(answer, _where(index), self._secrets) from error

    def distinct(self, index: str, query: Mapping[str, object], fields: tuple[str, ...]) -> frozenset[str]:
        types = self.field_types(index, (*fields, *(f"{name}.keyword" for name in fields)))
        answer = self._totals(index, distinct_body(query, aggregatable(fields, types)))
        try:
            return distinct_of(answer)
        except OddError as error:
            raise not_an_answer(answer, _where(index), self._secrets) from error

    def _totals(self, index: str, body: dict[str, Any]) -> dict[str, Any]:
        where = _where(index)
        limit = {"timeout": server_timeout(self._timeout)}
        params = {**_EVERY_INDEX, **_EVERY_SHARD}
        answer = self._ask("POST", f"/{_quoted(index)}/_search", where=where, params=params, body={**body, **limit})
        # OpenSearch says so of values that it counted in its dictionary instead of in each document
        whole = {**answer, "terminated_early": False} if isinstance(answer, dict) else {}
        check_whole(whole, where, self._secrets)
        return whole

    def validate(self, index: str, query: Mapping[str, object]) -> str | None:
        """Asked as a search that no document can match: every shard parses it against its mapping."""
        if not self._refusal(index, query):
            return None
        # Not the query's fault if any other fails too: then this raises. Nor if it works by now: while the shards of a
        # new index start, one search fails and the next does not.
        if other := self._refusal(index, {"match_all": {}}):  # match_none would ask no shard, and pass without one
            raise other
        refusal = self._refusal(index, query)
        return str(refusal) if refusal else None

    def _refusal(self, index: str, query: Mapping[str, object]) -> PermanentError | PartialError | None:
        search = Search(index, probe(query), (), 0, self._timeout)
        try:
            self._page(f"/{_quoted(index)}/_search", first_body(search), search, params=_EVERY_INDEX)
        except (PermanentError, PartialError) as error:
            return error
        return None

    def _ask(
        self,
        method: str,
        path: str,
        *,
        where: str,
        params: Mapping[str, str] | None = None,
        body: object = None,
        deadline: timedelta | None = None,
    ) -> Any:
        answer = self._wire.request(
            method, path, where=where, deadline=deadline or self._timeout, params=params, body=body
        )
        if is_deep(answer):
            raise UnwieldyError(f"an answer nested too deep to be read ({where})")
        return answer

    def close(self) -> None:
        self._wire.close()


def _check_seen(seen: int, total: int, where: str) -> None:
    if seen < total:
        raise RetryError(f"{total} documents match, and the answer holds {seen} of them ({where})")


def _quoted(index: str) -> str:
    """As part of a path: names may hold date math, <logs-{now/d}>."""
    return quote(index, safe="*,:")


def _where(index: str) -> str:
    return f"index {index}"
