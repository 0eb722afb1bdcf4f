"""What `alertd test-rule --live` prints, saves, and on demand posts."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import IO
from urllib.parse import quote

import typer

from alertd import compose
from alertd.cli import lint, show
from alertd.cli.test_rule.asked import Asked
from alertd.cli.test_rule.drawing import NO_DELIVERY, draw
from alertd.cli.test_rule.formats import Format
from alertd.cli.test_rule.given import given
from alertd.cli.test_rule.live import Look, Taken, look, totals, warnings
from alertd.cli.test_rule.sample import post_sample
from alertd.config import Settings
from alertd.errors import ConfigError, Problem
from alertd.message.terminal import to_terminal
from alertd.message.words import counted
from alertd.rules.lint import RuleWarning
from alertd.search import Hit
from alertd.toml.duration import parse_duration
from alertd.trial.mask import mask
from alertd.trial.volume import DayVolume

FAILED = 1
NEWEST = 10
BAR = 40  # characters of the longest day in the histogram
BUILDER = "https://app.slack.com/block-kit-builder/#"


def search_live(asked: Asked, form: Format) -> int:
    """Exit code. Nothing is sent but a sample that was asked for; nothing is recorded."""
    reach = parse_reach(asked.since)
    mine = given(asked.files, asked.config, secrets=True)
    if mine.settings is None:
        raise ConfigError([Problem("--live", "needs a configuration: --config FILE, or alertd.toml here")])
    settings, sets = mine.settings, mine.rule_sets()
    client = compose.searching.search_client(settings.elasticsearch)
    try:
        if asked.save:
            with _new_file(asked.save) as file:
                looks = [look(each, settings, client, reach, keep=lambda hit: _save(hit, file)) for each in sets]
        else:
            looks = [look(each, settings, client, reach) for each in sets]
        warned = warnings(sets, looks, settings, client)
    finally:
        client.close()
    own = [[warning for warning in warned if warning.rule_set == each.rule_set] for each in looks]
    if form is Format.JSON:
        show.as_json([_plain(each, some) for each, some in zip(looks, own, strict=True)])
    else:
        for each, some in zip(looks, own, strict=True):
            _show(each, some, asked.since, settings)
    newest = max((each.events[-1] for each in looks if each.events), key=lambda pair: pair[1].time, default=None)
    if asked.slack_preview:
        _preview(newest, settings)
    if asked.save and form is not Format.JSON:
        typer.echo(f"wrote {sum(len(each.events) for each in looks):,} events to {asked.save}; secrets are masked")
    refused = any(each.refused for each in looks)
    too_much = FAILED if refused or (asked.strict and lint.count(warned)) else 0
    if asked.post:
        return _post(newest, settings, asked.post) or too_much
    if form is not Format.JSON:
        typer.echo("nothing was sent; nothing was recorded")
    return too_much


def parse_reach(since: str) -> timedelta:
    try:
        return parse_duration(since)
    except ValueError as error:
        raise ConfigError([Problem("--since", str(error))]) from error


def _new_file(path: Path) -> IO[str]:
    try:
        return path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError as error:
        raise ConfigError([Problem("--save", f"{path} is there already, and is not overwritten")]) from error
    except OSError as error:
        raise ConfigError([Problem("--save", f"{path} cannot be written: {error.strerror}")]) from error


def _save(hit: Hit, file: IO[str]) -> None:
    file.write(json.dumps(mask(hit.source), ensure_ascii=False) + "\n")


def _plain(found: Look, warned: Sequence[RuleWarning]) -> dict[str, object]:
    return {
        "rule_set": found.rule_set,
        "events": found.events,
        "silent": found.silent,
        "days": {name: [_day(day) for day in days] for name, days in found.days.items()},
        "warnings": [lint.as_data(warning) for warning in warned],
        "refused": list(found.refused),
    }


def _day(day: DayVolume) -> dict[str, object]:
    return {"day": str(day.day), "events": day.events, "messages": day.messages, "digests": day.digests}


def _show(found: Look, warned: Sequence[RuleWarning], since: str, settings: Settings) -> None:
    typer.echo(f"{counted(len(found.events), 'event')} in {since} on {found.index} for {found.rule_set}")
    for line in found.refused:
        show.text(f"FAILED  {line}")
    if found.silent:
        typer.echo(f"{found.silent:,} more are kept silent by exceptions")
    for line in _histogram([event.time.date() for _, event in found.events]):
        typer.echo(line)
    for name, days in found.days.items():
        sums = totals(days)
        most = max(days, key=lambda day: day.messages + day.digests)
        digests = f" and {sums['digests']:,} digests or lists" if sums["digests"] else ", no digest"
        typer.echo(
            f"{name}: {sums['messages']:,} messages{digests}; "
            f"most on {most.day:%b %d}: {most.messages:,} messages, {most.digests:,} digests or lists"
        )
    for warning in warned:
        show.text(lint.as_line(warning))
    _show_newest(found, settings)


def _show_newest(found: Look, settings: Settings) -> None:
    style = compose.telling.style(settings)
    newest = found.events[::-1][:NEWEST]
    if not newest:
        return
    show.table(
        ["time (UTC)", "rule", "account", "from", "result"],
        [
            [
                f"{event.time:%m-%d %H:%M:%S}",
                rule.id,
                style.account_name(event),
                event.source_address or "",
                event.outcome or "",
            ]
            for rule, event in newest
        ],
    )
    typer.echo("\nthe newest as Slack would show it:")
    typer.echo("\n".join(to_terminal(_payload(newest[0], settings))) + "\n")


def _histogram(days: Sequence[date]) -> Iterator[str]:
    if not days:
        return
    counts = Counter(days)
    most = max(counts.values())
    for offset in range((max(days) - min(days)).days + 1):
        day = min(days) + timedelta(days=offset)
        count = counts[day]
        yield f"{day:%b %d} ▏{'█' * round(BAR * count / most):<{BAR}} {count or ''}".rstrip()


def _payload(taken: Taken, settings: Settings, *, delivery_id: str = NO_DELIVERY) -> str:
    rule, event = taken
    return draw(rule, event, compose.telling.style(settings), delivery_id=delivery_id)


def _preview(newest: Taken | None, settings: Settings) -> None:
    if newest is None:
        typer.echo("no event, so no message to preview", err=True)
        return
    blocks = {"blocks": json.loads(_payload(newest, settings))["blocks"]}
    show.as_json(blocks)
    typer.echo(f"{BUILDER}{quote(json.dumps(blocks, ensure_ascii=False, separators=(',', ':')), safe='')}")


def _post(newest: Taken | None, settings: Settings, channel: str) -> int:
    if newest is None:
        typer.echo("no event, so no sample to post", err=True)
        return FAILED
    delivery_id = compose.telling.new_delivery_id()
    problem = post_sample(_payload(newest, settings, delivery_id=delivery_id), settings, channel, delivery_id)
    typer.echo(problem or f"one sample was posted to {channel}; nothing was recorded", err=bool(problem))
    return FAILED if problem else 0
