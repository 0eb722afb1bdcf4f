"""ElastAlert 2 as its package index has it, in an environment of its own, configured by its documentation."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.faults.product import POST_TIMEOUT_SECONDS, RUN_EVERY_SECONDS, Place, Product, run_once

VERSION = "2.31.0"
HOME = Path(__file__).parents[2] / ".venv-elastalert"
# What its README asks for, the recommended ones first.
_PYTHONS = ("3.14", "3.13", "3.12")
# Longer than the events of "late" rows that a delay is meant for are late. Every message waits for so long.
QUERY_DELAY_SECONDS = 20

Options = dict[str, object]

# As in examples/config.yaml.example, but for run_every (1 minute there), and the addresses and names.
DEFAULTS: Options = {
    "run_every": {"seconds": RUN_EVERY_SECONDS},
    "buffer_time": {"minutes": 15},
    "alert_time_limit": {"days": 2},
}
# Its FAQ answers late events with buffer_time and query_delay: here they are found for a day. And a rule that failed
# unexpectedly is not switched off.
TUNED: Options = {**DEFAULTS, "buffer_time": {"days": 1}, "disable_rules_on_error": False}
# Its FAQ on "only one alert when I expected several": no realert.
EVERY_MATCH: Options = {"realert": {"minutes": 0}, "query_delay": {"seconds": QUERY_DELAY_SECONDS}}
# Its FAQ on duplicate alerts: a query_key, and realert as long as there.
NO_DUPLICATES: Options = {**EVERY_MATCH, "realert": {"days": 1}, "query_key": "eventID"}


def products() -> tuple[Product, ...]:
    return (
        _product("elastalert-defaults", {}, is_tuned=False),
        _product("elastalert-every-match", EVERY_MATCH, is_tuned=True),
        _product("elastalert-no-duplicates", NO_DUPLICATES, is_tuned=True),
    )


def install() -> None:
    """Into HOME, unless it is there. RuntimeError says what is missing."""
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if _installed() == VERSION:
        return
    python = next(_pythons(), None)
    if python is None:
        raise RuntimeError("ElastAlert 2 wants Python 3.12 or later: put one on PATH, or name it in ELASTALERT_PYTHON")
    subprocess.run([python, "-m", "venv", "--clear", str(HOME)], check=True)
    subprocess.run([*pip, f"elastalert2=={VERSION}"], check=True)


def versions() -> dict[str, str]:
    return {"elastalert2": _installed() or "none", "elastalert2's Python": _python_version(str(HOME / "bin/python"))}


def _installed() -> str | None:
    script = "from importlib.metadata import version; print(version('elastalert2'))"
    python = HOME / "bin" / "python"
    if not python.exists():
        return None
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _pythons() -> Iterator[str]:
    given = os.environ.get("ELASTALERT_PYTHON")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [shutil.which(f"python{version}") for version in _PYTHONS]
    kept = [str(path) for version in _PYTHONS for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in (given, *found, *kept):
        # pyenv's commands are there even where the version is not chosen
        if candidate and _python_version(candidate).startswith(_PYTHONS):
            yield candidate


def _python_version(python: str) -> str:
    script = "import platform; print(platform.python_version())"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _product(name: str, rule: Options, *, is_tuned: bool) -> Product:
    patience = ["--patience", "minutes=5"] if is_tuned else []
    return Product(
        name=name,
        method="webhook",
        is_ready=lambda _, output: "Ran aws-root" in output,
        prepare=partial(_prepare, rule=rule, is_tuned=is_tuned),
        command=lambda place: [
            str(HOME / "bin" / "elastalert"),
            *("--config", str(place.folder / "config.yaml"), "--verbose"),
            *patience,
        ],
    )


def _prepare(place: Place, *, rule: Options, is_tuned: bool) -> dict[str, str]:
    """YAML reads JSON. The files that were written, by their names."""
    address = urlsplit(place.url)
    config: Options = {
        **(TUNED if is_tuned else DEFAULTS),
        "rules_folder": str(place.folder / "rules"),
        "es_host": address.hostname,
        "es_port": address.port,
        "writeback_index": f"{place.index}_status",
    }
    written = {"config.yaml": config}
    if is_tuned:  # a rule for each destination: a list of them is sent to again whenever one of them fails
        for number, url in enumerate(place.webhooks):
            written[f"rules/root-{number}.yaml"] = {**_rule(f"aws-root-{number}", place, url), **rule}
    else:
        written["rules/root.yaml"] = {**_rule("aws-root", place, list(place.webhooks)), **rule}
    (place.folder / "rules").mkdir()
    for name, content in written.items():
        (place.folder / name).write_text(json.dumps(content, indent=2), "utf-8")
    create = [str(HOME / "bin" / "elastalert-create-index"), "--config", str(place.folder / "config.yaml")]
    run_once(create, place.folder)
    return {name: json.dumps(content, indent=2) for name, content in written.items()}


def _rule(name: str, place: Place, webhook: object) -> Options:
    return {
        "name": name,
        "type": "any",
        "index": f"{place.index}-*",
        "filter": [{"term": {"userIdentity.type.keyword": "Root"}}],
        "alert": ["slack"],
        "slack_webhook_url": webhook,
        "slack_timeout": POST_TIMEOUT_SECONDS,
        "alert_text_type": "alert_text_only",
        "alert_text": "event {0} {1} {2}",
        "alert_text_args": ["eventID", "recipientAccountId", "eventName"],
    }
