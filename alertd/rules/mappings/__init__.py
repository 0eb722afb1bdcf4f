"""Index mappings for sample events, as the shippers make them: Elastic's integration (ecs), and none at all (raw)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

# Elasticsearch's names of types that OpenSearch has under another name, or has one that finds the same.
_OPENSEARCH_TYPES = {
    "flattened": "flat_object",
    "constant_keyword": "keyword",
    "wildcard": "keyword",
    "match_only_text": "text",
    "version": "keyword",
}


def shape_of(document: Mapping[str, object]) -> str:
    """Elastic's integration puts what it knows of any event below `event`; no raw record has that."""
    return "ecs" if any(name.split(".")[0] == "event" for name in document) else "raw"


def mapping_for(shape: str, *, flavor: str) -> Mapping[str, object]:
    """`flavor`: of the server, "elasticsearch" or "opensearch"."""
    return for_flavor(_read(shape), flavor=flavor)


def for_flavor(mapping: Mapping[str, object], *, flavor: str) -> Mapping[str, object]:
    """A mapping of Elasticsearch as the server takes it."""
    return _translated(mapping) if flavor == "opensearch" else mapping


@cache
def _read(shape: str) -> dict[str, object]:
    return dict(json.loads((files(__name__) / f"{shape}.json").read_text("utf-8")))


def _translated(node: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _translated(value)
        if isinstance(value, dict)
        else _OPENSEARCH_TYPES.get(str(value), value)
        if name == "type"
        else value
        for name, value in node.items()
        if not (name == "value" and node.get("type") == "constant_keyword")
    }
