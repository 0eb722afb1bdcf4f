"""The headline template of a rule: Jinja2 in its sandbox. What it prints is escaped like any text from logs."""

from dataclasses import fields
from functools import cache

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alertd.event import Event
from alertd.message.style import Style

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
# What a template may say of an event beside its fields.
_EXTRA = ("account_name", "source_ip")
NAMES = tuple(field.name for field in fields(Event)) + _EXTRA


def check_template(text: str) -> str | None:
    """The mistake in a template, or None."""
    try:
        tree = _ENVIRONMENT.parse(text)
        unknown = meta.find_undeclared_variables(tree) - {"event"}
        if unknown:
            return f"the template names {', '.join(sorted(unknown))}: only event.NAME is known"
        _ENVIRONMENT.from_string(text).render(event=dict.fromkeys(NAMES, "x"))
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        return f"the template is wrong: {error}. Known: event.{', event.'.join(NAMES)}"
    return None


def render_template(text: str, event: Event, style: Style) -> str | None:
    """None where the template fails on this event: the default headline is used then."""
    values = {name: getattr(event, name) for name in NAMES if name not in _EXTRA}
    values |= {"account_name": style.account_name(event), "source_ip": event.source_address}
    try:
        return _compiled(text).render(event={name: "" if value is None else value for name, value in values.items()})
    except (TemplateError, TypeError, ValueError, ArithmeticError):
        return None


@cache
def _compiled(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)
