"""What a search server's answer means. An answer that is not whole is no answer. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.search import Hit
from alertd.search.shape import MOST_LEVELS, OddError, count, flag, items, name, table
from alertd.secret import Secrets

# Of the servers that are named for a failure.
MOST_NAMED = 10
# What passes by itself: the server, or a proxy before it, is busy, starting or gone for a moment. So does every 5xx.
_PASSING = frozenset({408, 425, 429})
_TOO_MANY = 429
_BAD_REQUEST = 400
_FORBIDDEN = 403
_NOT_FOUND = 404
_SERVER_ERROR = 500
_REDIRECTS = range(300, 400)
_REPAIR = {
    401: "check elasticsearch.api_key, or username and password",
    403: "the user or API key needs the privileges read and view_index_metadata on the index",
    404: "no index of this name: check the key index of the source",
}
# Wrappers around the mistake; the shards' own reasons are inside.
_WRAPPER = "search_phase_execution_exception"
_WRAPPERS = frozenset({_WRAPPER, "uncategorized_execution_exception"})
# Lucene goes on with all that its grammar would have allowed there.
_GRAMMAR = "Was expecting one of:"
# It would hide what is missing.
_ADVICE = " Consider using `allow_partial"
_EXPIRED = "search_context_missing_exception"
# What Elasticsearch says of a remote cluster: mostly by its address, not by its name.
_NO_CLUSTER = "no_such_remote_cluster_exception"
_UNREACHABLE = frozenset(
    {
        "connect_transport_exception",
        "no_seed_node_left_exception",
        "node_disconnected_exception",
        "node_not_connected_exception",
    }
)


class QueryRefusedError(PermanentError):
    """The server refuses this very request: its query, its fields or its sort."""


class ForbiddenError(PermanentError):
    """The user or key lacks a privilege for this request. It may have it for others."""


class UnwieldyError(PartialError):
    """An answer too long, or nested too deep, to be read at once. Fewer documents may be."""


_REFUSED: dict[int, type[AlertdError]] = {_BAD_REQUEST: QueryRefusedError, _FORBIDDEN: ForbiddenError}


def of_failure(status: int, body: object, where: str, secrets: Secrets) -> AlertdError:
    """The error for an answer whose status is not 2xx."""
    kinds = {str(cause.get("type")) for cause in _causes(body) if isinstance(cause.get("type"), str)}
    if _EXPIRED in kinds:
        return RetryError(f"the point in time expired ({where}): the scan starts again.")
    text = f"{status} {reason(body, secrets)} ({where})"
    if clusters := _remote_clusters(where) if kinds & {_NO_CLUSTER, *_UNREACHABLE} else []:
        return _of_cluster(text, kinds, secrets.quote(", ".join(clusters[:MOST_NAMED])), where)
    if status in _PASSING or status >= _SERVER_ERROR:
        # Some shards did not answer, or all failed: either the server or the query is to blame.
        if status == _TOO_MANY:
            text = f"{text}: too much is asked of it just now, which passes by itself."
        return PartialError(text) if _WRAPPER in kinds and status != _TOO_MANY else RetryError(text)
    if status in _REDIRECTS:
        return PermanentError(f"{text}: it sends elsewhere, and no key is taken there. Check elasticsearch.url.")
    if status == _NOT_FOUND and not kinds:
        return PermanentError(f"{text}: this is no search server's answer. Check elasticsearch.url, with its path.")
    refused = _REFUSED.get(status, PermanentError)
    return refused(f"{text}: {_REPAIR[status]}." if status in _REPAIR else text)


def _remote_clusters(where: str) -> list[str]:
    """Those that the index expression names: eu in logs-*,eu:logs-*."""
    index = where.removeprefix("index ")
    return [] if "<" in index else [part.partition(":")[0] for part in index.split(",") if ":" in part]


def _of_cluster(text: str, kinds: set[str], clusters: str, where: str) -> AlertdError:
    if _NO_CLUSTER in kinds:
        return PermanentError(f"{text}: the search server has no such remote cluster: check {index_key(where)}.")
    return RetryError(
        f"{text}: a remote cluster does not answer ({clusters}), and nothing is searched without it. Bring it back. Or "
        "set cluster.remote.NAME.skip_unavailable to true: then what the others hold is told meanwhile."
    )


def check_whole(answer: object, where: str, secrets: Secrets) -> None:
    """Raise PartialError unless every shard of every cluster answered, in time; PermanentError if there is none."""
    try:
        found = table(answer)
        # first: a cluster that does not answer has no shards, and no index is to blame for that
        _check_clusters(table(found.get("_clusters", {})), where, secrets)
        _check_shards(table(found.get("_shards")), where, secrets)
        if flag(found.get("timed_out")) or flag(found.get("terminated_early", False)):
            raise PartialError(f"the search was cut off by its time limit ({where})")
        _check_distinct(items(table(found.get("hits", {})).get("hits", [])), where, secrets)
    except OddError as error:
        raise not_an_answer(answer, where, secrets) from error


def _check_shards(shards: Mapping[str, object], where: str, secrets: Secrets) -> None:
    total, successful, failed = (count(shards.get(key)) for key in ("total", "successful", "failed"))
    failures = items(shards.get("failures", []))
    if failed or failures:
        said = reason(failures[0], secrets) if failures else "it does not say why"
        raise PartialError(f"{failed or len(failures)} of {total} shards failed ({where}): {said}")
    # those that were skipped, because nothing in them could match, count as successful
    if successful < total:
        raise PartialError(f"only {successful} of {total} shards answered ({where})")
    if successful > total:
        raise OddError
    if not total:
        raise PermanentError(f"no index was searched ({where}): check {index_key(where)}.")


def _check_clusters(clusters: Mapping[str, object], where: str, secrets: Secrets) -> None:
    total = count(clusters.get("total", 0))
    whole = count(clusters.get("successful", total))
    details = table(clusters.get("details", {}))
    lacking = [alias for alias, one in details.items() if table(one).get("status") != "successful"]
    missing = max(total - whole, len(lacking), count(clusters.get("skipped", 0)))
    if missing:
        named = secrets.quote(", ".join(map(str, lacking[:MOST_NAMED])))
        raise PartialError(f"{missing} of {total} clusters did not answer ({where}): {named}")
    if whole > total:
        raise OddError


def _check_distinct(found: list[object], where: str, secrets: Secrets) -> None:
    """One that stands there twice has taken the place of another: the number is right, and one is missing."""
    places = Counter(
        # with a routing of its own, each shard may have a document of this id
        (name(hit.get("_index")), name(hit.get("_id")), repr(hit.get("_routing")))
        for hit in map(table, found)
        if "_id" in hit
    )
    twice = [place for place, times in places.items() if times > 1]
    if twice:
        one = secrets.quote(twice[0][1])
        raise PartialError(f"{len(twice)} documents stand twice in one answer, {one} for one ({where})")


def check_pit(opened: object, searched: object, where: str, secrets: Secrets) -> None:
    """Elasticsearch 8 opens a point in time without a remote cluster that does not answer, and does not say so: a
    search of the same indices, just after, tells how many shards there are."""
    try:
        before, after = table(opened), table(searched)
        _check_clusters(table(before.get("_clusters", {})), where, secrets)
        if "_clusters" not in after or "_shards" not in before:
            return
        lacking = count(table(after.get("_shards")).get("total")) - count(table(before["_shards"]).get("total"))
    except OddError as error:
        raise not_an_answer(opened, where, secrets) from error
    if lacking > 0:
        raise RetryError(f"the point in time lacks {lacking} shards ({where}): the scan starts again.")


def hits(answer: object, where: str, secrets: Secrets, *, most: int) -> tuple[Hit, ...]:
    """At most as many as were asked for."""
    try:
        found = tuple(_hit(table(hit)) for hit in items(table(table(answer).get("hits")).get("hits")))
    except OddError as error:
        raise not_an_answer(answer, where, secrets) from error
    if len(found) > most:
        raise RetryError(f"{most} documents were asked for, and the answer holds {len(found)} ({where})")
    return found


def total_of(answer: object, where: str, secrets: Secrets) -> int:
    """How many documents match, or as many as were to be counted."""
    try:
        total = table(table(answer).get("hits")).get("total")
        return count(table(total).get("value") if isinstance(total, dict) else total)
    except OddError as error:
        raise not_an_answer(answer, where, secrets) from error


def _hit(hit: Mapping[str, object]) -> Hit:
    matched = hit.get("matched_queries", [])
    version = hit.get("_version")
    return Hit(
        index=name(hit.get("_index")),
        id=name(hit.get("_id")),
        source=table(hit.get("_source", {})),
        fields={path: tuple(items(values)) for path, values in table(hit.get("fields", {})).items()},
        # a table where the server tells scores as well
        matched=tuple(name(one) for one in (matched if isinstance(matched, dict) else items(matched))),
        version=None if version is None else count(version),
    )


def not_an_answer(answer: object, where: str, secrets: Secrets) -> RetryError:
    text = f"an answer that is not a search server's ({where}): {secrets.quote(_text(answer))}"
    # a page, or JSON that says nothing: of something else, as Kibana or a proxy
    if not isinstance(answer, dict) or not answer:
        text = f"{text}: check elasticsearch.url, with its path."
    return RetryError(text)


def index_key(where: str) -> str:
    """The key to check, for people: which source asks is not known here, but its index is."""
    return f"the key index of the source that names {where.removeprefix('index ')}"


def reason(body: object, secrets: Secrets) -> str:
    """What the server says is wrong, as near to the mistake as it goes: type, reason, and the innermost reason."""
    causes = list(_causes(body))
    if not causes:
        return secrets.quote(_text(body))
    cause = next(
        (cause for cause in causes if _text(cause.get("type")) not in _WRAPPERS and cause.get("reason")), causes[0]
    )
    said = ": ".join(_text(cause[part]) for part in ("type", "reason") if cause.get(part) is not None) or _text(body)
    deeper = _text([cause, *_chain(cause)][-1].get("reason") or "")
    if deeper not in said:
        said = f"{said}: {deeper}"
    index = _text(cause.get("index") or "")
    said = said.partition(_GRAMMAR)[0].partition(_ADVICE)[0]
    # on one line: some servers draw arrows under the place
    return secrets.quote(said if index in said else f"{said} [{index}]")


def _causes(body: object) -> Iterator[Mapping[str, Any]]:
    """The errors of a body, the most telling first: of the shards, the roots, the outermost; each with its causes."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return
    for shard in _dicts(error.get("failed_shards")):
        for cause in _dicts([shard.get("reason")]):
            yield {"index": shard.get("index"), **cause}
            yield from _chain(cause)
    yield from _dicts(error.get("root_cause"))
    # a shard's failure, in an answer that is otherwise fine, has its reason one level down
    for cause in _dicts([error.get("reason")]):
        yield {"index": error.get("index"), **cause}
        yield from _chain(cause)
    yield from _chain(error)


def _chain(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for _ in range(MOST_LEVELS):
        if not isinstance(error, dict) or not ("type" in error or "reason" in error):
            return
        yield error
        error = error.get("caused_by") or {}


def _dicts(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _text(said: object) -> str:
    """What is nested deeper than Python writes is not written."""
    try:
        return said if isinstance(said, str) else str(said)
    except (RecursionError, ValueError):  # a number of thousands of digits
        return "too odd to be shown"
