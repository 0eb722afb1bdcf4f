"""`alertd init`: creates the ledger, once."""

from pathlib import Path

import typer

from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.ledger.file import create


def create_ledger(config: Path | None, *, after_loss: bool) -> None:
    settings = load_settings(config, secrets=False)
    create(settings.ledger.path, now=SystemClock().now(), after_loss=after_loss)
    typer.echo(f"created the ledger {settings.ledger.path}")
    if after_loss:
        typer.echo("The first start will list past events in one message, and re-send none.")
    typer.echo("Next: alertd check")
