"""What a template may use up: steps and text are counted, so that no template and no event can hold a courier up.

Promises that every rendering ends, after the same step on every machine, and within a few megabytes.
Nothing here measures time.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import wraps
from inspect import unwrap
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, Template, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

# A headline takes some dozens; the slowest template that stays within it takes a second.
MOST_STEPS = 20_000
# Of any one value: characters and items in it, however deep. A fact of an event has at most 4,000 characters.
MOST_SIZE = 20_000
# Of all that is written: a header shows 150 characters of it.
MOST_WRITTEN = 10_000
# A width, a count, a limit of range(): larger ones ask for more text than anybody reads.
MOST_NUMBER = 10_000
MOST_BITS = 256
# What replacing or joining may make before it can be looked at.
MOST_PRODUCT = 1_000_000
# As much text, or as much of such a product, counts as one step more.
_TEXT_OF_A_STEP, _PRODUCT_OF_A_STEP = 50, 1_000

# Left out are those that draw lots, write HTML, reach behind values, or have no bound that could be checked.
_FILTERS = (
    *("abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "filesizeformat", "first", "float"),
    *("format", "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject"),
    *("rejectattr", "replace", "reverse", "round", "select", "selectattr", "slice", "sort", "string", "sum", "title"),
    *("tojson", "trim", "truncate", "unique", "upper", "wordcount"),
)
_OPERATORS = frozenset(ImmutableSandboxedEnvironment.default_binop_table)
# "%*d" and "{:{}}" take their width from a value, and whoever acts in an account writes that.
_WIDE = re.compile(r"\d{5,}|\*|\{[^{}]*:[^{}]*\{")
_FORMATTERS = {"format", "format_map"}
_TURNS, _WHOLE = "turns of a loop", "whole value"  # names that no template can write


class TooMuchError(SecurityError):
    """Says what there was too much of."""


@dataclass(slots=True)
class _Spent:
    a_step: int  # the longer the template, the more one turn of its loops can do
    steps: int = 0
    written: int = 0

    def step(self, more: int = 0) -> None:
        self.steps += self.a_step + more
        if self.steps > MOST_STEPS:
            raise TooMuchError(f"it takes more than {MOST_STEPS:,} steps: loop over less")


_spent: ContextVar[_Spent] = ContextVar("spent")


def compiled(tree: nodes.Template) -> Template:
    """TemplateError for what cannot be bounded, among the mistakes that Jinja finds itself."""
    return ENVIRONMENT.from_string(_counted(tree))


def render(template: Template, length: int, **names: object) -> str:
    """TooMuchError, or whatever an expression ends in. `length` is the template's own."""
    before = _spent.set(_Spent(1 + length // _TEXT_OF_A_STEP))
    written: list[str] = []
    left = MOST_WRITTEN
    try:
        for piece in template.generate(**names):
            left -= len(piece)
            if left < 0:
                raise TooMuchError(f"it writes more than {MOST_WRITTEN:,} characters")
            written.append(piece)
    finally:
        _spent.reset(before)
    return "".join(written)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = _OPERATORS

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 as Jinja's
        target = unwrap(__obj) if callable(__obj) else __obj
        receiver, name = getattr(target, "__self__", None), getattr(target, "__name__", "")
        given = (*args, *kwargs.values())
        if name in _FORMATTERS:
            _narrow(receiver)
        if name == "strftime":
            for each in given:
                _narrow(each)
        _afford((receiver, *given), numbers=given)
        return _whole(super().call(__context, __obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            _narrow(left)
        if operator == "**" and not _is_small_power(left, right):
            raise TooMuchError("a power in it is too large")
        repeated = operator == "*" and (_length(left) is None) != (_length(right) is None)
        _afford((left, right), numbers=(left, right) if repeated else ())
        return _whole(super().call_binop(context, operator, left, right))


def _afford(values: Iterable[object], *, numbers: Iterable[object]) -> None:
    """Whether a call with these can be afforded, before it is made. `numbers`: what may be a width or a count."""
    sizes = [length for value in values if (length := _length(value))]
    for number in numbers:
        if isinstance(number, int) and not isinstance(number, bool):
            if abs(number) > MOST_NUMBER:
                raise TooMuchError(f"a number in it is larger than {MOST_NUMBER:,}")
            sizes.append(abs(number))
    product = 1
    for size in sorted(sizes)[-2:]:
        product *= max(size, 1)
    if product > MOST_PRODUCT:
        raise TooMuchError("a value in it grows too long")
    _spent.get().step(sum(sizes) // _TEXT_OF_A_STEP + product // _PRODUCT_OF_A_STEP)


def _length(value: object) -> int | None:
    return len(value) if isinstance(value, (str, bytes, list, tuple, Mapping, range)) else None


def _is_small_power(base: object, exponent: object) -> bool:
    if isinstance(base, int) and isinstance(exponent, int):
        return base.bit_length() * abs(exponent) <= MOST_BITS
    return True  # a float has an end of its own


def _narrow(pattern: object) -> None:
    if isinstance(pattern, str) and _WIDE.search(pattern):
        raise TooMuchError("a format may have no width of five digits, and none that a value gives")


def _whole(value: Any) -> Any:
    """The value, if all of it together is small: lists of lists share their parts, so only a walk can tell."""
    if isinstance(value, Iterator):
        value = list(islice(value, MOST_SIZE + 1))
    left = MOST_SIZE
    parts: list[object] = [value]
    while parts:
        part = parts.pop()
        left -= 1
        if isinstance(part, (str, bytes)):
            left -= len(part)
        elif isinstance(part, int) and part.bit_length() > MOST_BITS:
            raise TooMuchError("a number in it is too large")
        elif isinstance(part, Mapping):
            parts += [each for pair in part.items() for each in pair]
        elif isinstance(part, (list, tuple)):
            parts += part
        if left < 0 or len(parts) > left:
            raise TooMuchError(f"a value in it is longer than {MOST_SIZE:,} characters")
    return value


def _turns(items: Iterable[object]) -> Iterator[object]:
    for item in items:
        _spent.get().step()
        yield item


def _bounded(plain: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose price is paid before it works, and whose result is looked at after."""
    skipped = 1 if getattr(plain, "jinja_pass_arg", None) else 0  # Jinja's own first argument

    @wraps(plain)  # with the mark that asks Jinja for that argument
    def filtered(*args: Any, **kwargs: Any) -> Any:
        value, *given = args[skipped:]
        given += kwargs.values()
        if plain.__name__ == "do_format":
            _narrow(value)
        _afford((value, *given), numbers=given)
        return _whole(plain(*args, **kwargs))

    return filtered


@pass_context  # so that Jinja works nothing out when it compiles: there is no allowance then
def _written(_context: Context, value: object) -> str:
    if isinstance(value, Undefined):
        return str(value)  # it fails, and says which name it was
    if value is not None and not isinstance(value, (str, int, float, bool, date, time, timedelta, list, tuple, dict)):
        raise TooMuchError(f"it writes a {type(value).__name__}, which is no text")
    text = "" if value is None else str(_whole(value))
    _spent.get().step(len(text) // _TEXT_OF_A_STEP)
    return text


def _counted(tree: nodes.Template) -> nodes.Template:
    """The same template, in which every loop counts its turns and every value that is put together is looked at."""
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            raise TooMuchError(f"line {loop.lineno}: a loop may not be recursive")
        loop.iter = _through(_TURNS, loop.iter)
    _looked_at(tree)
    return tree


def _looked_at(node: Any) -> Any:  # a node of the same kind, or the filter around it
    for name, child in node.iter_fields():
        if isinstance(child, nodes.Node):
            setattr(node, name, _looked_at(child))
        elif isinstance(child, list):
            setattr(node, name, [_looked_at(each) if isinstance(each, nodes.Node) else each for each in child])
    made = isinstance(node, (nodes.Concat, nodes.List, nodes.Dict)) or (
        isinstance(node, nodes.Tuple) and node.ctx == "load"
    )
    return _through(_WHOLE, node) if made else node


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


ENVIRONMENT = _Environment(
    undefined=StrictUndefined,
    autoescape=False,  # the text is no HTML
    optimized=False,
    finalize=_written,
)
ENVIRONMENT.globals = {"range": ENVIRONMENT.globals["range"]}
ENVIRONMENT.filters = {name: _bounded(ENVIRONMENT.filters[name]) for name in _FILTERS}
ENVIRONMENT.filters |= {_TURNS: _turns, _WHOLE: _whole}
