"""What a template names of the document itself: {{ document.requestParameters.bucketName }}.

Found in its tree when the rule is loaded: only these fields are asked for and kept, and a template reaches no others.
"""

from typing import Any

from jinja2 import TemplateError, nodes

from alertd.event.document import MOST_NESTING

DOCUMENT = "document"
# Of one template. A headline shows 150 characters; each is kept with every event that the rule takes.
MOST_FIELDS = 10
MOST_PATH = 200
# A search server has these of its own: it refuses to be asked for some, and none is in the document.
_SERVERS_OWN = {"_id", "_index", "_source", "_routing", "_ignored", "_field_names", "_meta", "_tier", "_doc_count"}
_HOW = 'name a field by its path, as in document.requestParameters.bucketName or document["@timestamp"]'


class NamedError(TemplateError):
    """Says which mistake, and the way out."""


def settle(tree: nodes.Template) -> tuple[str, ...]:
    """The paths that a template names, with dots. In its tree each becomes a single look-up by the whole path:
    attributes one by one would take a field called "items" for a method. NamedError.
    """
    found: dict[str, None] = {}
    _children(tree, found)
    if len(found) > MOST_FIELDS:
        raise NamedError(f"the template names {len(found)} fields of the document: at most {MOST_FIELDS} are kept")
    return tuple(found)


def _children(node: Any, found: dict[str, None]) -> None:
    for name, child in node.iter_fields():
        called = isinstance(node, nodes.Call) and name == "node"
        if isinstance(child, nodes.Node):
            setattr(node, name, _settled(child, found, called=called))
        elif isinstance(child, list):
            parts = [_settled(each, found, called=False) if isinstance(each, nodes.Node) else each for each in child]
            setattr(node, name, parts)


def _settled(node: Any, found: dict[str, None], *, called: bool) -> Any:  # the same kind of node, or the look-up
    # of what is called the last name is a method of the text: document.name.upper()
    steps = None if called else _steps(node)
    if steps:
        path = _checked(".".join(steps))
        found[path] = None
        root = nodes.Name(DOCUMENT, "load", lineno=node.lineno)
        return nodes.Getitem(root, nodes.Const(path, lineno=node.lineno), "load", lineno=node.lineno)
    if isinstance(node, nodes.Name) and node.name == DOCUMENT:
        raise NamedError(f"the template uses the whole document, or its name for something else: {_HOW}")
    if isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice) and _steps(node.node) is not None:
        raise NamedError(f"the template picks a field of the document by a value or a number: {_HOW}")
    _children(node, found)
    return node


def _steps(node: Any) -> list[str] | None:
    """Of document.a["b"].c: a, b, c; of document alone: none of them; None: something else."""
    steps: list[str] = []
    while not (isinstance(node, nodes.Name) and node.name == DOCUMENT and node.ctx == "load"):
        if isinstance(node, nodes.Getattr):
            steps.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            steps.append(node.arg.value)
        else:
            return None
        node = node.node
    return steps[::-1]


def _checked(path: str) -> str:
    parts = path.split(".")
    if parts[0] in _SERVERS_OWN:
        raise NamedError(f'"{path}" is not in the document. Where it was found: event.index, event.document_id')
    if not all(parts) or "*" in path or not path.isprintable() or len(path) > MOST_PATH or len(parts) > MOST_NESTING:
        what = f"names with a dot between them, no wildcard, at most {MOST_PATH} characters and {MOST_NESTING} names"
        raise NamedError(f'"{path[:MOST_PATH]}" is no field of a document: {what}')
    return path
