"""Index mappings for sample events, as the shippers make them: Elastic's integration (ecs), and none at all (raw)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_OPENSEARCH_TYPES = {"flattened": "flat_object"}


def shape_of(document: Mapping[str, object]) -> str:
    """Elastic's integration puts what it knows of any event below `event`; no raw record has that."""
    return "ecs" if any(name.split(".")[0] == "event" for name in document) else "raw"


def mapping_for(shape: str, *, flavor: str) -> Mapping[str, object]:
    """`flavor`: of the server, "elasticsearch" or "opensearch"."""
    mapping: dict[str, object] = _translated(_read(shape)) if flavor == "opensearch" else _read(shape)
    return mapping


@cache
def _read(shape: str) -> dict[str, object]:
    return dict(json.loads((files(__name__) / f"{shape}.json").read_text("utf-8")))


def _translated(node: dict[str, object]) -> dict[str, object]:
    return {
        name: _translated(value)
        if isinstance(value, dict)
        else _OPENSEARCH_TYPES.get(str(value), value)
        if name == "type"
        else value
        for name, value in node.items()
    }
