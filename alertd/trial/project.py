"""What of an event the rules look at. Of a million events, few differ in it: each kind is asked about once."""

from collections.abc import Collection, Iterator, Mapping

# Names → what is below them; True: all of it counts.
Tree = dict[str, "Tree | bool"]


def tree_of(fields: Collection[str]) -> Tree:
    """`fields`: paths with dots."""
    tree: Tree = {}
    for path in sorted(fields):  # a.b comes after a, which holds it
        _add(tree, path.split("."))
    return tree


def project(document: Mapping[str, object], tree: Tree) -> dict[str, object]:
    """The document without what no query looks at, names with dots in them as they are."""
    return dict(_kept(document, tree))


def _add(tree: Tree, path: list[str]) -> None:
    *above, last = path
    node = tree
    for name in above:
        below = node.setdefault(name, {})
        if isinstance(below, bool):
            return
        node = below
    node[last] = True


def _kept(node: Mapping[str, object], tree: Tree) -> Iterator[tuple[str, object]]:
    for name, value in node.items():
        below = tree.get(name)
        if below is None and "." in name:
            below = _below(tree, name)
        if below is None:
            continue
        if below is True or below is False:
            yield name, value
        else:
            yield name, _part(value, below)


def _below(tree: Tree, dotted: str) -> Tree | bool | None:
    node: Tree | bool | None = tree
    for name in dotted.split("."):
        if not isinstance(node, dict):
            break
        node = node.get(name)
    return node


def _part(value: object, tree: Tree) -> object:
    if isinstance(value, Mapping):
        return dict(_kept(value, tree))
    if isinstance(value, list):
        return [_part(item, tree) for item in value]
    return value  # the field is another way to look at it: NAME.keyword
