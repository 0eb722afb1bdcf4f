"""One event, one message: what happened first, then what a responder asks next."""

from collections.abc import Iterator

from alertd.event.event import Event
from alertd.event.profile import FAILURE
from alertd.ledger.model import Notification
from alertd.message import words
from alertd.message.agent import readable
from alertd.message.apart import apart
from alertd.message.blocks import MOST_HEADER, MOST_ID, MOST_NAMED_ID, Fact, Span, buttons, facts, header, mark
from alertd.message.escape import clean, size
from alertd.message.links import links
from alertd.message.moment import happened, stamp
from alertd.message.payload import payload
from alertd.message.style import Style
from alertd.rules.model import RuleFacts

# A header says both what and where: neither may push the other out.
MOST_NAME = 50
# Enough for a ticket, a name and a time; what happened must still follow.
MOST_ANNOUNCEMENT = 60
# Parameters say what was changed; a policy in them can be long.
MOST_PARAMETERS = 800
# Of the notification: a lock screen shows less, and the event id must still follow.
MOST_SENTENCE = 600
_CENTRAL = "opened by the organisation's management account (sts:AssumeRoot)"


def render_event(notification: Notification, *, style: Style, delivery_id: str) -> str:
    event, rule = apart(notification.event), notification.rule
    title, mistakes = _title(event, rule, style=style)
    announced = style.expects(event, rule)
    opening = f"Expected ({clean(announced, MOST_ANNOUNCEMENT)}): " if announced else ""
    sign = words.EXPECTED if announced else words.SIGNS[rule.severity]
    when = Fact("When", _spans(*happened(event, style.timezone, notification.seen_at)))
    odd = tuple(Span(text, bold=True) for text in (*event.problems, *mistakes))
    blocks = [
        header(_header(f"{sign} {opening}{title}", style.account_name(event))),
        facts(
            [*_account(event, style), *_rule(event, rule), when, *_facts(event), *([Fact("Odd", odd)] if odd else [])]
        ),
        *buttons(links(event, style, runbook=rule.runbook)),
        mark(delivery_id, rule.id, rule.severity.value, f"event {event.id}"),
    ]
    return payload(_text(event, rule, title=title, opening=opening, style=style), blocks)


def _title(event: Event, rule: RuleFacts, *, style: Style) -> tuple[str, tuple[str, ...]]:
    """The rule's own words or ours, and what was wrong with the rule's."""
    if rule.summary is None:
        return words.headline(event), ()
    # Jinja2 costs memory: only where a rule has a template
    from alertd.message.template import TEMPLATE_FAILURES, render_template  # noqa: PLC0415

    try:
        summary = clean(render_template(rule.summary, event, rule.document, style=style), MOST_HEADER)
    except TEMPLATE_FAILURES as error:
        return words.headline(event), (f"the rule's summary fails for this event: {error}",)
    return summary or words.headline(event), ()


def _header(title: str, account: str) -> str:
    name = clean(account, MOST_NAME)
    return f"{clean(title, MOST_HEADER - size(name) - len(' · '))} · {name}"


def _rule(event: Event, rule: RuleFacts) -> Iterator[Fact]:
    """What it is about, where the headline can only name the action."""
    if rule.summary is None and words.phrase_of(event) is None:
        yield Fact("Rule", _spans(rule.title))


def _account(event: Event, style: Style) -> Iterator[Fact]:
    known = style.known(event)
    owner = f"owner {known.owner}" if known and known.owner else None
    acting = f"acted from {style.named(event.actor_account)}" if event.actor_account else None
    spans = _spans(style.account(event), owner, known.environment if known else None, acting)
    if spans:
        yield Fact("Account", spans)


def _facts(event: Event) -> Iterator[Fact]:
    """In the order in which they are asked for; what is absent is left out."""
    agent = readable(event.user_agent) if event.user_agent else None
    second = words.factor(event)
    asked = (Span(second, bold=second == words.NO_FACTOR),) if second else ()
    result = Span(words.outcome(event), bold=event.outcome == FAILURE)
    told = (
        Fact("From", _spans(*words.origin(event))),
        Fact("Who", () if event.identity_type == "Root" else _spans(event.actor, event.identity_type, _behind(event))),
        Fact("Touched", _spans(event.touched)),
        Fact("Session", _spans(_CENTRAL if words.is_central(event) else None)),
        Fact("Key", _spans(*_keys(event))),
        Fact("With", (*_spans(agent or event.user_agent), *asked)),
        Fact("Result", (result, *_spans(event.error_code, event.error_message, event.region, _call(event)))),
        Fact("Request", (Span(event.parameters, most=MOST_PARAMETERS),) if event.parameters else ()),
        Fact("Invoked by", _spans(event.invoked_by)),
        Fact("Update of", (Span(event.update_of, most=MOST_ID),) if event.update_of else ()),
        Fact("Agent", _spans(event.user_agent if agent else None)),
        Fact("Around it", _spans(event.around)),
    )
    yield from (fact for fact in told if fact.spans)


def _keys(event: Event) -> Iterator[str]:
    if event.access_key:
        yield f"used {event.access_key}"
    if event.created_key:
        yield f"created {event.created_key}"


def _behind(event: Event) -> str | None:
    return f"for {event.behind}" if event.behind else None


def _call(event: Event) -> str | None:
    return " ".join(part for part in (event.provider, event.action) if part) or None


def _spans(*texts: str | None) -> tuple[Span, ...]:
    return tuple(Span(text) for text in texts if text)


def _text(event: Event, rule: RuleFacts, *, title: str, opening: str, style: Style) -> str:
    """The whole fact: a screen reader says this and nothing else."""
    whence = " ".join(part for part in (event.source_address, event.country) if part)
    # on a lock screen too: words alone could be a name in the log
    mark_first = f"{words.EXPECTED} " if opening else ""
    what = f"{mark_first}{opening}{title}: {style.account(event) or 'unknown account'}"
    parts = (
        clean(what + (f" from {whence}" if whence else ""), MOST_SENTENCE),
        stamp(event),
        rule.severity.value,
        clean(f"event {event.id}", MOST_NAMED_ID),
    )
    return " · ".join(parts)
