"""Whatever `alertd run` refuses, `alertd check` finds, and names: over a list of broken set-ups."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installation import Installation, root_event
from tests.fakes.gateway import Judge, gateway
from tests.fakes.search_server import error_body

_FORBIDDEN = "security_exception"


def _edit(installed: Installation, old: str, new: str) -> None:
    text = installed.config.read_text()
    assert old in text
    installed.config.write_text(text.replace(old, new))


def _profile(text: str) -> Callable[[Installation], None]:
    def broken(installed: Installation) -> None:
        (installed.folder / "mine.toml").write_text(text)
        _edit(installed, "[destinations.security]", 'profile = "mine.toml"\n[destinations.security]')

    return broken


def _rules(text: str) -> Callable[[Installation], None]:
    def broken(installed: Installation) -> None:
        (installed.folder / "mine.toml").write_text(text)
        _edit(installed, "[rules]\npaths = [", '[rules]\npaths = ["mine.toml", ')

    return broken


def _ledger(change: Callable[[Path], object]) -> Callable[[Installation], None]:
    return lambda installed: (change(installed.folder / "alertd.db"), None)[1]


def _elsewhere(installed: Installation) -> None:
    _edit(installed, f"{installed.index}-*", f"{installed.index}-*,nosuch-1")


def _revoked(installed: Installation) -> None:
    installed.slack.workspace.refuses = "token_revoked"


def _no_channel(installed: Installation) -> None:
    _edit(installed, "#aws-root", "#nosuch")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _is_search(path: str) -> bool:
    return "/_search" in path


def _window(_: str, path: str, body: Any) -> tuple[int, object] | None:
    """index.max_result_window = 1. It is looked at before anything is searched."""
    if _is_search(path) and isinstance(body, dict) and body.get("size", 10) > 1:
        text = (
            "Result window is too large, from + size must be less than or equal to: [1] but was "
            f"[{body['size']}]. See the scroll api for a more efficient way to request large data sets."
        )
        return 400, error_body("illegal_argument_exception", text)
    return None


def _no_point_in_time(_: str, path: str, body: Any) -> tuple[int, object] | None:
    opens = "/_pit" in path or "point_in_time" in path
    return (403, error_body(_FORBIDDEN, "open_point_in_time is unauthorized")) if opens else None


def _no_second_page(_: str, path: str, body: Any) -> tuple[int, object] | None:
    after = isinstance(body, dict) and "search_after" in body
    return (403, error_body(_FORBIDDEN, "action [after] is unauthorized")) if after else None


def _no_content(_: str, path: str, body: Any) -> tuple[int, object] | None:
    asks = isinstance(body, dict) and "userAgent" in (body.get("_source") or [])
    return (403, error_body(_FORBIDDEN, "userAgent is not granted")) if asks else None


def _no_search(_: str, path: str, body: Any) -> tuple[int, object] | None:
    return (403, error_body(_FORBIDDEN, "lacks read")) if _is_search(path) else None


def _short_requests(_: str, path: str, body: Any) -> tuple[int, object] | None:
    """nginx takes 1 MB by default; here less, to be quick."""
    is_long = _is_search(path) and len(json.dumps(body)) > 4_000
    return (413, {"error": "Request Entity Too Large"}) if is_long else None


def _red(_: str, path: str, body: Any) -> tuple[int, object] | None:
    if _is_search(path) and isinstance(body, dict) and "pit" not in body:
        failed = {"total": 2, "successful": 1, "skipped": 0, "failed": 1, "failures": []}
        return 200, {"took": 1, "timed_out": False, "_shards": failed, "hits": {"hits": []}}
    return None


@dataclass(frozen=True)
class Broken:
    names: str  # words that say what is wrong
    change: Callable[[Installation], None] | None = None
    judge: Judge | None = None


BROKEN = {
    "a profile that is no TOML": Broken("mine.toml", _profile("id = ")),
    "a profile with an unknown fact": Broken(
        "actoin", _profile('id = "mine"\nkey = ["id"]\n[record.fields]\nid = "eventID"\nactoin = "eventName"\n')
    ),
    "a profile that is not there": Broken(
        "nosuch.toml",
        lambda each: _edit(each, "[destinations.security]", 'profile = "nosuch.toml"\n[destinations.security]'),
    ),
    "a rule file that is no TOML": Broken("mine.toml:1", _rules("id = ")),
    "an id that two rules have": Broken(
        "aws-root-console-login",
        _rules('[[rules]]\nid = "aws-root-console-login"\ntitle = "t"\nseverity = "low"\nquery.lucene = "a:b"\n'),
    ),
    "no ledger": Broken("there is no ledger", _ledger(Path.unlink)),
    "an empty ledger": Broken("is empty", _ledger(lambda path: path.write_bytes(b""))),
    "something else in the ledger's place": Broken(
        "not an alertd ledger", _ledger(lambda path: path.write_text("x" * 200))
    ),
    "a ledger cut short": Broken("damaged", _ledger(_truncate)),
    "one index of two is not there": Broken("nosuch-1", _elsewhere),
    "a window smaller than a page": Broken("page_size to 1 or less", judge=_window),
    "no privilege for a point in time": Broken("open_point_in_time", judge=_no_point_in_time),
    "no privilege for a second page": Broken("[after]", judge=_no_second_page),
    "no privilege for what an event holds": Broken("userAgent", judge=_no_content),
    "no privilege to search": Broken("lacks read", judge=_no_search),
    "a gateway that refuses long requests": Broken("413", judge=_short_requests),
    "a shard that fails": Broken("shard", judge=_red),
    "a revoked token": Broken("token_revoked", _revoked),
    "no such channel": Broken("nosuch", _no_channel),
}
# What is told to Slack is kept until Slack takes it: the command itself has done its part.
_KEPT = {"a revoked token", "no such channel"}


@pytest.fixture
def guarded() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("name", BROKEN)
def test_check_finds_what_run_refuses(installed: Installation, guarded: ExitStack, name: str) -> None:
    """And says it in words that lead to it."""
    broken = BROKEN[name]
    assert 0 == installed.run("init").returncode
    # a page is full, so that another is asked for
    _edit(installed, 'interval = "1s"', 'interval = "1s"\npage_size = 2')
    installed.add(*(root_event() for _ in range(3)))
    if broken.change:
        broken.change(installed)
    if broken.judge:
        address = guarded.enter_context(gateway(installed.server.url, broken.judge))
        _edit(installed, installed.server.url, address)
    checked = installed.run("check")
    shown = checked.stdout + checked.stderr
    assert checked.returncode in {1, 2}, shown
    assert broken.names in shown
    if name not in _KEPT:
        assert 0 != installed.run("run", "--once").returncode
