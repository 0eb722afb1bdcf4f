"""What `alertd audit` prints: what was compared, each finding, what could not be verified, and the sum of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import typer

from alertd.cli import show
from alertd.config import Settings
from alertd.config.destination import type_and_place
from alertd.history.audit import Finding, Judged, Kind, Unverified
from alertd.message.words import counted

# Of one finding: the rest is in the JSON.
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Report:
    since: datetime
    until: datetime
    at: datetime
    searched: Mapping[str, int]  # rule set → events that it matches
    recorded: Mapping[str, int]  # kind of match → events in the ledger
    judged: tuple[Judged, Judged]  # by the search, by the channels
    failed: tuple[tuple[str, str], ...]
    unread: frozenset[str]  # destinations whose channel was not read

    @property
    def findings(self) -> tuple[Finding, ...]:
        order = list(Kind)
        return tuple(sorted((f for judged in self.judged for f in judged.findings), key=lambda f: order.index(f.kind)))

    @property
    def breaches(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.counts(self.at))

    @property
    def unverified(self) -> tuple[Unverified, ...]:
        return tuple(each for judged in self.judged for each in judged.unverified)


def show_report(report: Report, settings: Settings, *, as_json: bool) -> None:
    if as_json:
        show.as_json(_as_json(report))
        return
    typer.echo(f"audit of {show.moment(report.since)} to {show.moment(report.until)} UTC, by when events happened")
    show.text("\n".join(_compared(report, settings)))
    for lines in (_failures(report), _findings(report), _not_verified(report)):
        text = "\n".join(lines)
        if text:
            show.text(f"\n{text}")
    typer.echo(f"\n{_sum(report)}")


def _as_json(report: Report) -> dict[str, object]:
    search, channels = report.judged
    return {
        "since": report.since,
        "until": report.until,
        "proven": not (report.breaches or report.failed),
        "searched": report.searched,
        "known_to_the_ledger": search.proven_events,
        "recorded": report.recorded,
        "proven_messages": channels.proven_messages,
        "proven_events": channels.proven_events,
        "findings": [{**_plain(finding), "counts": finding.counts(report.at)} for finding in report.findings],
        "unverified": report.unverified,
        "failed": [{"what": what, "why": why} for what, why in report.failed],
    }


def _plain(finding: Finding) -> dict[str, object]:
    plain = show.plain(finding)
    return plain if isinstance(plain, dict) else {}


def _compared(report: Report, settings: Settings) -> Iterator[str]:
    search, channels = report.judged
    for name, count in report.searched.items():
        known = search.proven_events.get(name, 0)
        yield _row("search", name, f"{counted(count, 'event')}, {known:,} of them known to the ledger")
    kinds = ", ".join(f"{count:,} {_KINDS[kind]}" for kind, count in report.recorded.items())
    yield _row("ledger", str(settings.ledger.path), kinds or "no event")
    for name, table in settings.destinations.items():
        where = f"{name}  {type_and_place(table)}"
        if name in report.unread:
            taken = [_taken(each) for each in channels.unverified if each.where == name]
            yield _row("channel", where, "; ".join(taken) or "not read, and nothing was sent there")
            continue
        messages, events = channels.proven_messages.get(name, 0), channels.proven_events.get(name, 0)
        yield _row("channel", where, f"{counted(messages, 'message')} there, once each: {counted(events, 'event')}")


_KINDS = {
    "alert": "to be told",
    "baseline": "from before their rule, to be listed",
    "excepted": "kept silent by an exception",
}


def _row(part: str, subject: str, text: str) -> str:
    return f"{part:<8} {subject:<40}  {text}"


def _failures(report: Report) -> Iterator[str]:
    for what, why in report.failed:
        yield f"FAILED   {what} {why}"


def _findings(report: Report) -> Iterator[str]:
    for finding in report.findings:
        where = f"{finding.destination}: " if finding.destination else ""
        age = f", for {show.span(report.at - finding.since)}" if finding.since else ""
        note = "" if finding.counts(report.at) else " (on its way: no finding yet)"
        yield f"{finding.kind.value:<10} {where}{finding.what}{age}{note}"
        if len(finding.events) > 1:
            more = len(finding.events) - MOST_NAMED
            yield f"{'':<10} {', '.join(finding.events[:MOST_NAMED])}" + (f" and {more} more" if more > 0 else "")
        for link in finding.links:
            yield f"{'':<10} {link}"


def _not_verified(report: Report) -> Iterator[str]:
    for each in report.unverified:
        yield f"not verified  {each.where} {_taken(each)}"


def _taken(each: Unverified) -> str:
    """cannot be read back: 14 messages (210 events) taken on Slack's word"""
    count = counted(each.messages, "message") if each.messages else counted(each.events, "event")
    of = f" ({counted(each.events, 'event')})" if each.messages and each.events else ""
    return f"{each.why}: {count}{of} {each.instead}"


def _sum(report: Report) -> str:
    if report.failed:
        failed = f"{len(report.failed)} of the accounts could not be read: nothing is proven of them"
        return f"FAILED: {failed}. {_count(report)}"
    if report.breaches:
        return _count(report)
    told = sum(report.judged[1].proven_events.values())
    rest = sum(each.messages or each.events for each in report.unverified)
    left = f" {rest:,} could not be verified, see above." if rest else ""
    way = f" {len(report.findings)} on their way." if report.findings else ""
    what = f"{counted(told, 'event')} told once and there to be read"
    # what was not looked for may be missing
    looked = "Of what was looked for, nothing is missing" if report.judged[0].unverified else "Nothing missing"
    return f"Proven: {what}. {looked}, nothing repeated.{way}{left}"


def _count(report: Report) -> str:
    kinds = Counter(finding.kind for finding in report.breaches)
    named = ", ".join(f"{kinds[kind]} {kind.value}" for kind in Kind if kinds[kind])
    return f"{counted(len(report.breaches), 'finding')}" + (f": {named}." if named else ".")
