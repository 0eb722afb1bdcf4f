"""`alertd`: finds the command, and turns what it raises into words and an exit code."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alertd import __version__, log
from alertd.errors import AlertdError, ConfigError, LedgerHeldError, LedgerUnusableError

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="ALERTD_CONFIG",
        help="Configuration file. Default: ./alertd.toml, then /etc/alertd/alertd.toml.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Leave out what is well.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")]


class SchemaOf(StrEnum):
    RULES = "rules"
    CONFIG = "config"


app = typer.Typer(
    name="alertd",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes cut words on a narrow terminal, and call a flag <bool>
    help="Tells your security team in Slack, exactly once, whenever somebody uses an AWS root user.",
    epilog=(
        "Exit codes: 0 done, 1 tests or checks failed, 2 bad configuration or rules, 3 ledger unusable, 4 ledger held "
        "by another alertd, 5 stalled, or ledger locked or disk full at start (systemd starts it again), 70 unexpected."
    ),
)


@app.command()
def run(
    config: ConfigOption = None,
    once: Annotated[bool, typer.Option("--once", help="Poll and deliver once, then end.")] = False,
    init: Annotated[bool, typer.Option("--init", help="Create the ledger first if there is none.")] = False,
) -> None:
    """Watch and alert until stopped: the daemon."""
    from alertd.cli.run import run_daemon

    run_daemon(config, once=once, init=init)


@app.command()
def init(
    config: ConfigOption = None,
    after_loss: Annotated[
        bool, typer.Option("--after-loss", help="The former ledger is lost: list past events once, re-send none.")
    ] = False,
) -> None:
    """Create the ledger, once. Never overwrites."""
    from alertd.cli.init import create_ledger

    create_ledger(config, after_loss=after_loss)


@app.command()
def check(
    config: ConfigOption = None, strict: StrictOption = False, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Look for everything that could go wrong: configuration, rules, ledger, search server, Slack. Changes nothing."""
    from alertd.cli.check import check_all

    raise typer.Exit(check_all(config, as_json=as_json, strict=strict, quiet=quiet))


@app.command("test-rule")
def test_rule(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Rule files. Default: those of the configuration, else rules/*.toml.", show_default=False),
    ] = None,
    config: ConfigOption = None,
    mapping: Annotated[Path | None, typer.Option(help="Index mapping: what GET INDEX/_mapping answers.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Write the snapshots of messages anew.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Search the configured cluster instead; sends nothing.")] = False,
    since: Annotated[str, typer.Option(help="With --live: how far back.")] = "7d",
    slack_preview: Annotated[
        bool, typer.Option("--slack-preview", help="With --live: the newest message as Block Kit, with a link.")
    ] = False,
    post: Annotated[
        str | None, typer.Option(help="With --live: post the newest message to this channel, marked as a sample.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="With --live: write the events to this new file, for tests; secrets masked.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="A git ref or a folder: which events the rules add, lose or move since then.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="With --against: compare on these events. Default: those of the tests.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="text, json, github (annotations), junit or markdown.")
    ] = "text",
    strict: StrictOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run the tests in rule files on an embedded search server; with --live, see what they would have alerted on."""
    from alertd.cli.test_rule.asked import Asked
    from alertd.cli.test_rule.command import test_rules

    asked = Asked(
        files=tuple(files or ()),
        config=config,
        mapping=mapping,
        update=update,
        live=live,
        since=since,
        slack_preview=slack_preview,
        post=post,
        save=save,
        against=against,
        events=events,
        form="json" if as_json else form,
        strict=strict,
        quiet=quiet,
    )
    raise typer.Exit(test_rules(asked))


@app.command("new-rule")
def new_rule(
    *,
    file: Annotated[Path, typer.Argument(help="Rule file: a new one, or one to add the rule to.")],
    config: ConfigOption = None,
    source: Annotated[Path | None, typer.Option("--from", help="A JSON file that holds one event.")] = None,
    event: Annotated[str | None, typer.Option(help="The id of an event in the configured cluster.")] = None,
    rule_id: Annotated[str | None, typer.Option("--id", help="Of the rule. Default: made from the event.")] = None,
    severity: Annotated[str, typer.Option(help="info, low, medium, high or critical.")] = "medium",
) -> None:
    """Write a rule from one event: a query, a test with the event, and a near miss. Overwrites nothing."""
    from alertd.cli.new_rule import write_rule

    raise typer.Exit(write_rule(file, config, source=source, event_id=event, rule_id=rule_id, severity=severity))


@app.command()
def status(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    check_alive: Annotated[
        bool, typer.Option("--check", help="Exit with 5 unless all of alertd does its work: for HEALTHCHECK.")
    ] = False,
) -> None:
    """Show rule sets, last scans, coverage, backlog and destinations."""
    from alertd.cli.status import show_status

    raise typer.Exit(show_status(config, as_json=as_json, check_alive=check_alive))


@app.command()
def explain(
    event_id: Annotated[str, typer.Argument(help="The event's id (CloudTrail eventID), or its beginning.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what happened to one event: seen, rule, message, attempts, Slack link; or why not."""
    from alertd.cli.explain import explain_event

    raise typer.Exit(explain_event(event_id, config, as_json=as_json))


@app.command()
def route(
    file: Annotated[Path, typer.Argument(help="JSON with one event or a list, or NDJSON; - for stdin.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain where an event would go and why: rule, exception, routes, destinations. Exit code 1: nobody is told."""
    from alertd.cli.route import route_events

    raise typer.Exit(route_events(file, config, as_json=as_json))


@app.command("retry")
def retry_(
    delivery_id: Annotated[str | None, typer.Argument(help="A message held or given up.", show_default=False)] = None,
    gone: Annotated[str | None, typer.Option("--from", help="Destination or rules gone.", show_default=False)] = None,
    to: Annotated[str | None, typer.Option("--to", help="Where its alerts go instead.", show_default=False)] = None,
    give_up: Annotated[bool, typer.Option("--give-up", help="Send nothing more; audit names what it was.")] = False,
    config: ConfigOption = None,
) -> None:
    """Send a held message again, marked as a possible repeat; or decide on a removed destination's alerts."""
    from alertd.cli.retry import retry

    raise typer.Exit(retry(delivery_id, gone, to, config, give_up=give_up))


@app.command()
def schema(what: Annotated[SchemaOf, typer.Argument(help="Of rule files, or of alertd.toml.")]) -> None:
    """Print JSON Schema, with which editors explain each key and mark mistakes."""
    from alertd.cli.schema import print_schema

    print_schema(what)


@app.command()
def replay(
    *,
    since: Annotated[str, typer.Option(help="From when: a length of time back (2h, 7d), a day or a moment.")],
    until: Annotated[str | None, typer.Option(help="Until when. Default: now.", show_default=False)] = None,
    destination: Annotated[
        str | None, typer.Option(help="Only what was told there. Default: everywhere.", show_default=False)
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule's events, by its id.", show_default=False)] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what a replay told again before.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Tell again what was told in a period, marked as a replay: where the channel was deleted, or the wrong one."""
    from alertd.cli.replay import replay_messages

    raise typer.Exit(
        replay_messages(config, since=since, until=until, destination=destination, rule=rule, again=again, yes=yes)
    )


@app.command()
def audit(
    config: ConfigOption = None,
    since: Annotated[str, typer.Option(help="From when: a length of time back (2h, 7d), a day or a moment.")] = "7d",
    until: Annotated[str | None, typer.Option(help="Until when. Default: now.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """Prove it: compare search, ledger and channels. Exit 1 if anything is missing, repeated or in doubt."""
    from alertd.cli.audit import audit_period

    raise typer.Exit(audit_period(config, since=since, until=until, as_json=as_json))


@app.command()
def demo(
    seconds: Annotated[int, typer.Option(min=5, help="How long events arrive.")] = 40,
    kill: Annotated[bool, typer.Option("--kill", help="Kill alertd with SIGKILL every few seconds meanwhile.")] = False,
    port: Annotated[int, typer.Option(help="Port of the Slack page; 0 for any.")] = 8065,
) -> None:
    """Show the whole thing on this machine: embedded search server, sample events, a stand-in for Slack."""
    from alertd.cli.demo import run_demo

    raise typer.Exit(run_demo(seconds=seconds, kill=kill, port=port))


def _version(value: bool) -> None:
    if value:
        typer.echo(f"alertd {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    # until the configuration says otherwise; nothing that fails before may show a secret either
    log.configure(form="auto", level="info")
    try:
        app()
    except ConfigError as error:
        count = len(error.problems)
        _say(f"{error}\n{count} error{'s' if count > 1 else ''}; nothing was started.")
        sys.exit(error.exit_code)
    except AlertdError as error:
        code = f" (exit {error.exit_code})" if isinstance(error, (LedgerHeldError, LedgerUnusableError)) else ""
        _say(f"alertd: {error}{code}")
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 the last line of defence: a person gets a sentence, the log the traceback
        import structlog

        structlog.get_logger("alertd").exception("unexpected")
        _say(f"alertd: unexpected failure: {error!r}. Please report it with the log.")
        sys.exit(AlertdError.exit_code)


def _say(text: str) -> None:
    from alertd.cli.show import inert

    log.say("\n".join(map(inert, text.split("\n"))))
