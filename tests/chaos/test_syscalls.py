"""The real process dies, or its disk fails, at system calls of one poll-and-send cycle. Nothing is lost or repeated.

CI takes an evenly spread sample; ALERTD_CHAOS_FULL=1, as in `make chaos-syscalls`, takes every call.
"""

import os
import random
import shutil
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from alertd.demo.slack import SlackStandIn
from tests.acceptance.installation import CHANNEL, Installation, event_id, root_event
from tests.chaos.ledger_file import count_open, damage
from tests.chaos.tracing import (
    DISK_FAULTS,
    FATAL_CALLS,
    Injection,
    calls_of_a_cycle,
    calls_on_the_ledger,
    cannot_trace,
    disturb,
    spread,
)
from tests.servers.running import SearchServer

FULL = os.environ.get("ALERTD_CHAOS_FULL") == "1"
# Cycles that fit some 90 s on two cores.
KILLS, FAULTS = 20, 10

pytestmark = pytest.mark.timeout(4 * 3600 if FULL else 900)


@dataclass(frozen=True, slots=True)
class Bench:
    """Installations that start alike: past their baseline, with two events to tell."""

    folder: Path
    server: SearchServer
    ledger: bytes
    calls: Mapping[str, range]
    ledger_calls: Mapping[str, range]


def _install(folder: Path, server: SearchServer, slack: SlackStandIn) -> Installation:
    folder.mkdir()
    slack.workspace.add_channel(id=CHANNEL, name="aws-root")
    alertd = Installation(folder, server, slack, f"c{uuid.uuid4().hex[:10]}")
    alertd.configure()
    alertd.create_indices()
    return alertd


def _add_two(alertd: Installation) -> set[str]:
    events = [root_event(), root_event(ecs=True)]
    alertd.add(*events)
    return {event_id(event) for event in events}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, embedded: SearchServer) -> Bench:
    why_not = cannot_trace()
    if why_not and os.environ.get("CI") == "true":
        pytest.fail(f"faults must be injected in CI: {why_not}")
    if why_not:
        pytest.skip(f"NOT TESTED, death at each system call: {why_not}")
    folder = tmp_path_factory.mktemp("chaos")
    with SlackStandIn() as slack:
        alertd = _install(folder / "plain", embedded, slack)
        done = alertd.run("run", "--init", "--once")
        assert done.returncode == 0, done.stderr
        ledger = (alertd.folder / "alertd.db").read_bytes()
        _add_two(alertd)
        calls = calls_of_a_cycle(alertd, every=FULL)
        assert 2 == len(slack.messages(CHANNEL))
        (alertd.folder / "alertd.db").write_bytes(ledger)  # the same cycle again
        ledger_calls = calls_on_the_ledger(alertd)
        assert 4 == len(slack.messages(CHANNEL))
    return Bench(folder, embedded, ledger, calls, ledger_calls)


def _suffer(bench: Bench, injection: Injection) -> tuple[bool, list[str]]:
    """Whether it struck, and what was wrong in the end."""
    with SlackStandIn() as slack:
        alertd = _install(bench.folder / uuid.uuid4().hex, bench.server, slack)
        (alertd.folder / "alertd.db").write_bytes(bench.ledger)
        events = _add_two(alertd)
        done = disturb(alertd, injection)
        if injection.what == "signal=KILL":
            struck, expected = done.returncode == -9, {-9, 0}
        else:
            struck, expected = "INJECTED" in (alertd.folder / "trace").read_text(errors="replace"), {0, 3}
        wrong = [] if done.returncode in expected else [f"exit {done.returncode}: {done.stderr[-1500:]}"]
        wrong += _settle(alertd)
        told = alertd.told()
        wrong += [f"lost {lost}" for lost in events - told.keys()]
        wrong += [f"told {times} times: {name}" for name, times in told.items() if times != 1]
        wrong += ["a copy was posted and deleted"] if "chat.delete" in slack.requests else []
        shutil.rmtree(alertd.folder)
    return struck, wrong


def _settle(alertd: Installation) -> list[str]:
    """Start it again, and let it run until nothing is open: a post that never left is looked for twice, 20 s apart."""
    done = alertd.run("run", "--once")
    if done.returncode != 0:
        return [f"the restart ended with {done.returncode}: {done.stderr[-1500:]}"]
    if count_open(alertd.folder / "alertd.db"):
        try:
            with alertd.daemon():
                alertd.wait_for(lambda: not count_open(alertd.folder / "alertd.db"), "everything settled")
        except AssertionError as error:
            return [str(error)]
    return damage(alertd.folder / "alertd.db")


def _suffer_all(bench: Bench, points: Mapping[str, Sequence[Injection]], sample: int) -> None:
    seed = random.randrange(2**32)
    chosen = [each for one in points.values() for each in one] if FULL else spread(points, sample, random.Random(seed))
    print(f"seed {seed}: {len(chosen)} of {sum(map(len, points.values()))} calls")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda point: _suffer(bench, point), chosen))
    wrong = {str(point): found for point, (_, found) in zip(chosen, results, strict=True) if found}
    assert {} == wrong
    struck = sum(hit for hit, _ in results)
    # The last call of a name may not be made in every run; nearly all must have met their fault.
    assert struck >= 0.8 * len(chosen), f"only {struck} of {len(chosen)} were struck"
    missed = (set(points) & set(FATAL_CALLS)) - {
        point.call for point, (hit, _) in zip(chosen, results, strict=True) if hit
    }
    assert set() == missed


def test_killed_at_any_system_call_nothing_is_lost_or_repeated(bench: Bench) -> None:
    """SIGKILL as the call is entered, on disk and on the wire."""
    for needed in ("pwrite64", "fdatasync", "openat", "unlink", "connect", "sendto", "recvfrom", "close"):
        assert bench.calls[needed], f"the cycle makes no {needed}: what is tested here?"
    points = {
        name: [Injection(name, nth, "signal=KILL") for nth in numbers]
        for name, numbers in bench.calls.items()
        if numbers
    }
    _suffer_all(bench, points, KILLS)


def test_a_disk_that_fails_at_any_call_of_the_ledger_loses_and_repeats_nothing(bench: Bench) -> None:
    """ENOSPC, EIO: the cycle goes on or stops with exit 3, and the next start settles it."""
    for needed in ("pwrite64", "fdatasync", "openat", "unlink"):
        assert bench.ledger_calls[needed], f"the ledger makes no {needed}: what is tested here?"
    points = {
        name: [
            Injection(name, nth, f"error={error}", only_ledger=True) for nth in numbers for error in DISK_FAULTS[name]
        ]
        for name, numbers in bench.ledger_calls.items()
    }
    _suffer_all(bench, points, FAULTS)


def test_while_the_disk_is_full_nothing_is_posted_and_later_everything_is(bench: Bench) -> None:
    """No post without its durable record."""
    with SlackStandIn() as slack:
        alertd = _install(bench.folder / uuid.uuid4().hex, bench.server, slack)
        (alertd.folder / "alertd.db").write_bytes(bench.ledger)
        events = _add_two(alertd)
        done = disturb(alertd, Injection("pwrite64", 1, "error=ENOSPC", only_ledger=True, lasting=True))
        assert (5, 0) == (done.returncode, len(slack.messages(CHANNEL))), done.stderr[-1500:]
        assert "is full" in done.stderr
        assert [] == _settle(alertd)
        assert dict.fromkeys(events, 1) == dict(alertd.told())


def test_where_the_filesystem_has_no_locks_alertd_stops_and_says_so(bench: Bench) -> None:
    with SlackStandIn() as slack:
        alertd = _install(bench.folder / uuid.uuid4().hex, bench.server, slack)
        (alertd.folder / "alertd.db").write_bytes(bench.ledger)
        done = disturb(alertd, Injection("flock", 1, "error=ENOLCK"))
    assert 3 == done.returncode, done.stderr[-1500:]
    assert "cannot be taken: No locks available" in done.stderr
    assert bench.ledger == (alertd.folder / "alertd.db").read_bytes()
