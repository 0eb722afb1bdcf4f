"""`alertd init`: creates the ledger, once. Where a good one is there, that is what was wanted."""

from contextlib import closing
from pathlib import Path

import typer

from alertd import status
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.ledger.file import create
from alertd.ledger.owner import leave_to_owner
from alertd.ledger.sqlite import open_readonly
from alertd.message.words import counted


def create_ledger(config: Path | None, *, after_loss: bool) -> None:
    settings = load_settings(config, secrets=False)
    path = settings.ledger.path
    # who says that it was lost does not mean this one
    if path.exists() and not after_loss:
        with closing(open_readonly(path, whole=True)) as ledger:
            events = counted(status.event_count(ledger), "event")
        typer.echo(f"there is a ledger at {path} already, whole, with {events}: nothing was changed")
        return
    create(path, now=SystemClock().now(), after_loss=after_loss)
    leave_to_owner(path)
    typer.echo(f"created the ledger {path}")
    if after_loss:
        typer.echo("The first start will list past events in one message, and re-send none.")
    typer.echo("Next: alertd check")
