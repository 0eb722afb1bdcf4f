"""The headline that a rule writes itself: Jinja2 in its sandbox.

A mistake is found when the rules are loaded. What it prints is treated like any text from logs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache

from jinja2 import Template, TemplateError, TemplateSyntaxError, meta, nodes

from alertd.event.event import Event
from alertd.message.allowance import ENVIRONMENT, compiled, render
from alertd.message.apart import joined
from alertd.message.named import DOCUMENT, NamedError, settle
from alertd.message.style import Style
from alertd.toml.file import suggest

# What a template may say of an event beside its fields.
_EXTRA = ("account_name", "source_ip")
NAMES = [*(field.name for field in fields(Event)), *_EXTRA]
_MOMENTS = {"time", "ingested"}
# Neither yes nor no is not "": a template must be able to ask for `event.mfa is false`.
_FLAGS = {"mfa", "read_only", "assumed_root"}
# Whatever an expression of a template can end in.
TEMPLATE_FAILURES = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
# Far more than rules have templates; those of rules that are gone need not be kept.
_MOST_COMPILED = 1_000


def check_template(text: str) -> str | None:
    """The mistake in a template, or None."""
    try:
        tree = ENVIRONMENT.parse(text)
        if unknown := _unknown(tree):
            return unknown
        named = settle(tree)
        template = compiled(tree)
    except NamedError as error:
        return str(error)
    except TemplateSyntaxError as error:
        return f"the template is wrong: {error.message}"  # its str() names a file, which is Jinja's own
    except TEMPLATE_FAILURES as error:
        return f"the template is wrong: {error}"
    for event, value, which in ((_example(), "x", "every event"), (_bare(), "", "an event that lacks most facts")):
        try:
            render(template, len(text), event=event, document=dict.fromkeys(named, value))
        except TEMPLATE_FAILURES as error:
            return f"the template fails for {which}: {error}"
    return None


def _unknown(tree: nodes.Template) -> str | None:
    names = sorted(meta.find_undeclared_variables(tree) - {"event", DOCUMENT})
    if names:
        return (
            f"the template names {', '.join(names)}: it knows {{{{ event.NAME }}}} and {{{{ {DOCUMENT}.PATH }}}} only"
        )
    for name in _facts(tree):
        if name not in NAMES:
            return f"the template names event.{name}. {suggest(name, NAMES)}"
    return None


def named_fields(text: str) -> tuple[str, ...]:
    """The fields of a document that a template names; none where it has a mistake."""
    try:
        return settle(ENVIRONMENT.parse(text))
    except TEMPLATE_FAILURES:
        return ()


def render_template(text: str, event: Event, document: Iterable[tuple[str, str]] = (), *, style: Style) -> str:
    """One of TEMPLATE_FAILURES where it cannot be written for this event. `document`: what is kept of what it names."""
    template, named = _compiled(text)
    # its place in an index too, which no other message shows
    found = {field.name: getattr(event, field.name) for field in fields(Event)}
    facts = {name: joined(value) if isinstance(value, str) else value for name, value in found.items()}
    extra = {"account_name": style.account_name(event), "source_ip": event.source_address}
    # what a match of before says nothing of is absent
    values = {**dict.fromkeys(named, ""), **{path: joined(value) for path, value in document}}
    return render(template, len(text), event=_shown({**facts, **extra}), document=values)


@lru_cache(_MOST_COMPILED)
def _compiled(text: str) -> tuple[Template, tuple[str, ...]]:
    tree = ENVIRONMENT.parse(text)
    named = settle(tree)
    return compiled(tree), named


def _facts(tree: nodes.Template) -> Iterator[str]:
    """Every X of event.X and event["X"], also in branches that an example would not take."""
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == "event":
            yield node.attr
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.node, nodes.Name) and item.node.name == "event" and isinstance(item.arg, nodes.Const):
            yield str(item.arg.value)


def _shown(facts: Mapping[str, object]) -> dict[str, object]:
    """A fact that is absent is no text, so that filters need not expect it."""
    return {name: "" if value is None and name not in _FLAGS else value for name, value in facts.items()}


def _example() -> dict[str, object]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    text = dict.fromkeys(NAMES, "x")
    return {**text, **dict.fromkeys(_MOMENTS, moment), **dict.fromkeys(_FLAGS, True), "problems": ()}


def _bare() -> dict[str, object]:
    always = {"key", "id", "index", "document_id", "profile", "account_name", "time", "problems"}
    return _shown({name: value if name in always else None for name, value in _example().items()})
