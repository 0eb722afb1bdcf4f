"""alertd as its users run it, with a bot token and with incoming webhooks."""

import sqlite3
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.faults.product import POST_TIMEOUT_SECONDS, RUN_EVERY_SECONDS, Place, Product, run_once

RULES = Path(__file__).parents[2] / "rules" / "aws-root-user.toml"
CHANNEL = "C0SECURITY"
# The stand-in takes any with this beginning.
_TOKEN = "xoxb-stand-in"


def products() -> tuple[Product, ...]:
    return (
        _product("alertd-token", with_token=True),
        _product("alertd-webhook", with_token=False),
    )


def _product(name: str, *, with_token: bool) -> Product:
    return Product(
        name=name,
        method="chat.postMessage" if with_token else "webhook",
        is_ready=lambda place, output: '"event": "started"' in output and _has_searched(place),
        prepare=partial(_prepare, with_token=with_token),
        command=lambda place: _alertd(place, "run"),
        must_be_clean=with_token,
    )


def _prepare(place: Place, *, with_token: bool) -> dict[str, str]:
    places = [
        _with_token(number, url) if with_token else _with_webhook(place, number, url)
        for number, url in enumerate(place.web_apis if with_token else place.webhooks)
    ]
    (place.folder / "token").write_text(_TOKEN, "utf-8")
    (place.folder / "token").chmod(0o600)
    config = f"""[elasticsearch]
url = "{place.url}"
[sources.cloudtrail]
index = "{place.index}-*"
interval = "{RUN_EVERY_SECONDS}s"
sweep_interval = "5s"
{"".join(places)}[rules]
paths = ["{RULES}"]
[ledger]
path = "alertd.db"
[log]
format = "json"
"""
    (place.folder / "alertd.toml").write_text(config, "utf-8")
    run_once(_alertd(place, "init"), place.folder)
    return {"alertd.toml": config}


def _has_searched(place: Place) -> bool:
    with closing(sqlite3.connect(f"file:{place.folder}/alertd.db?mode=ro", uri=True)) as ledger:
        return bool(ledger.execute("SELECT 1 FROM scans WHERE kind = 'sweep' LIMIT 1").fetchone())


def _with_token(number: int, url: str) -> str:
    return f"""[destinations.security-{number}]
type = "slack"
channel = "{CHANNEL}"
token_file = "token"
base_url = "{url.removesuffix("/")}"
timeout = "{POST_TIMEOUT_SECONDS}s"
settle = "5s"
"""


def _with_webhook(place: Place, number: int, url: str) -> str:
    secret = place.folder / f"webhook-{number}"
    secret.write_text(url, "utf-8")
    secret.chmod(0o600)
    return f"""[destinations.security-{number}]
type = "slack-webhook"
url_file = "webhook-{number}"
timeout = "{POST_TIMEOUT_SECONDS}s"
settle = "5s"
"""


def _alertd(place: Place, command: str) -> list[str]:
    return [sys.executable, "-m", "alertd", command, "--config", str(place.folder / "alertd.toml")]
